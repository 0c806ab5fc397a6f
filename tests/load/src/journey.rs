//! What is sent, and what must come back.

use countersign_tests::otp;

use crate::{
    Phase, Result,
    child::Child,
    client::{Sent, get, post},
    meter::{Figures, Meter, Plan, all, basic, contains, text, tokens, unmeasured},
};

/// A server with enrolled users.
pub struct Journey {
    child: Child,
    secrets: Vec<String>,
    newcomers: usize,
}

/// More than the window of the guess budget.
const BUDGET_IS_BACK: i64 = 301;

impl Journey {
    /// Enrols the users through the API.
    pub async fn begin(child: Child, plan: &Plan) -> Result<Self> {
        let mut journey = Self { child, secrets: Vec::new(), newcomers: 0 };
        let names: Vec<_> = (0..plan.users).map(user).collect();
        let tokens = tokens(&journey.unmeasured(journey.tracks(&names)).await?)?;
        let offers = journey.unmeasured(tokens.iter().map(|token| enrol(token)).collect()).await?;
        let secrets: Result<Vec<_>> = offers.bodies.iter().map(|body| text(body, "secret")).collect();
        journey.secrets = secrets?;
        let verified = journey.unmeasured(journey.right_codes(&tokens)).await?;
        all(&verified, r#""isVerified":true"#)?;
        Ok(journey)
    }

    /// Measures every phase at this concurrency.
    pub async fn run(&mut self, plan: &Plan, concurrency: usize, done: &mut impl FnMut(Figures)) -> Result<()> {
        let names: Vec<_> = (0..plan.users).map(user).collect();
        let server = (self.child.address, self.child.pid());
        if plan.measures(Phase::Track) {
            let mut meter = Meter::new(Phase::Track, concurrency, plan)?;
            for _ in 0..plan.rounds {
                let sent = meter.measure(server, self.tracks(&names)).await?;
                all(&sent, r#""state":"CHALLENGE_REQUIRED""#)?;
            }
            done(meter.figures);
        }
        if plan.measures(Phase::Enrol) {
            let mut meter = Meter::new(Phase::Enrol, concurrency, plan)?;
            for _ in 0..plan.rounds {
                let new: Vec<_> = (0..plan.users).map(|n| format!("new-{}", self.newcomers + n)).collect();
                self.newcomers += plan.users;
                let tokens = tokens(&self.unmeasured(self.tracks(&new)).await?)?;
                let sent = meter.measure(server, tokens.iter().map(|token| enrol(token)).collect()).await?;
                all(&sent, r#""userAuthenticatorId":""#)?;
            }
            done(meter.figures);
        }
        if plan.measures(Phase::Right) || plan.measures(Phase::Validate) {
            let mut right = Meter::new(Phase::Right, concurrency, plan)?;
            let mut validate = Meter::new(Phase::Validate, concurrency, plan)?;
            for _ in 0..plan.rounds {
                // Two steps on: the one that was used last is outside the window, and the code new.
                self.child.advance(60)?;
                let tokens = tokens(&self.unmeasured(self.tracks(&names)).await?)?;
                let sent = right.measure(server, self.right_codes(&tokens)).await?;
                all(&sent, r#""isVerified":true"#)?;
                let verified = tokens.iter().take(sent.bodies.len());
                let key = self.key();
                let requests = verified.map(|token| post("/v1/validate", &key, &format!(r#"{{"token":"{token}"}}"#)));
                if plan.measures(Phase::Validate) {
                    let sent = validate.measure(server, requests.collect()).await?;
                    all(&sent, r#""isValid":true"#)?;
                    all(&sent, r#""state":"CHALLENGE_SUCCEEDED""#)?;
                }
            }
            [right, validate].into_iter().filter(|m| plan.measures(m.figures.phase)).for_each(|m| done(m.figures));
        }
        if plan.measures(Phase::Page) {
            let mut meter = Meter::new(Phase::Page, concurrency, plan)?;
            for _ in 0..plan.rounds {
                let tokens = tokens(&self.unmeasured(self.tracks(&names)).await?)?;
                let pages = tokens.iter().map(|token| get(&format!("/challenge?token={token}"), "none"));
                let sent = meter.measure(server, pages.collect()).await?;
                all(&sent, r#"autocomplete="one-time-code""#)?;
            }
            done(meter.figures);
        }
        if plan.measures(Phase::Wrong) {
            let mut meter = Meter::new(Phase::Wrong, concurrency, plan)?;
            for _ in 0..plan.rounds {
                self.child.advance(BUDGET_IS_BACK)?;
                let tokens = tokens(&self.unmeasured(self.tracks(&names)).await?)?;
                let sent = meter.measure(server, self.codes(&tokens, otp::wrong)).await?;
                all(&sent, r#""isVerified":false"#)?;
                meter.figures.exhausted +=
                    sent.bodies.iter().filter(|body| contains(body, "MAX_ATTEMPTS_EXCEEDED")).count();
            }
            done(meter.figures);
            // So that no number of runs adds up to what closes the method for good.
            self.child.advance(60)?;
            let tokens = tokens(&self.unmeasured(self.tracks(&names)).await?)?;
            all(&self.unmeasured(self.right_codes(&tokens)).await?, r#""isVerified":true"#)?;
        }
        Ok(())
    }

    async fn unmeasured(&self, requests: Vec<Vec<u8>>) -> Result<Sent> {
        unmeasured(self.child.address, requests).await
    }

    fn key(&self) -> String {
        basic(&self.child.secret_key)
    }

    fn tracks(&self, users: &[String]) -> Vec<Vec<u8>> {
        let key = self.key();
        users.iter().map(|user| post(&format!("/v1/users/{user}/actions/signIn"), &key, "{}")).collect()
    }

    fn right_codes(&self, tokens: &[String]) -> Vec<Vec<u8>> {
        self.codes(tokens, otp::totp)
    }

    /// One code of each user, made of its secret and the server's time.
    fn codes(&self, tokens: &[String], code: fn(&str, i64) -> String) -> Vec<Vec<u8>> {
        let both = tokens.iter().zip(&self.secrets);
        both.map(|(token, secret)| {
            let body = format!(r#"{{"verificationCode":"{}"}}"#, code(secret, self.child.now));
            post("/v1/client/verify/totp", &format!("Bearer {token}"), &body)
        })
        .collect()
    }
}

fn user(number: usize) -> String {
    format!("user-{number}")
}

fn enrol(token: &str) -> Vec<u8> {
    post("/v1/client/user-authenticators/totp", &format!("Bearer {token}"), "{}")
}
