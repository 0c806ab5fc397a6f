//! What is sent, and what must come back.

use std::time::Duration;

use countersign_tests::otp;
use data_encoding::BASE64;
use serde_json::Value;

use crate::{
    Phase, Result,
    child::{self, Child},
    client::{Sent, post, send},
};

/// How much is sent.
pub struct Plan {
    pub users: usize,
    pub rounds: usize,
    pub limit: Duration,
    pub only: Vec<Phase>,
}

impl Plan {
    pub fn measures(&self, phase: Phase) -> bool {
        self.only.is_empty() || self.only.contains(&phase)
    }
}

/// One line of the table.
pub struct Figures {
    pub phase: Phase,
    pub wall: Duration,
    /// Sorted.
    pub latencies: Vec<Duration>,
    pub server_cpu: Duration,
    pub generator_cpu: Duration,
    pub peak_memory: u64,
    /// Wrong codes that were not looked at, because the guess budget was spent.
    pub exhausted: usize,
}

/// A server with enrolled users.
pub struct Journey {
    child: Child,
    secrets: Vec<String>,
    newcomers: usize,
}

/// Outside of what is measured.
const UNHURRIED: Duration = Duration::from_secs(600);
const BUSY: usize = 16;
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
        if plan.measures(Phase::Track) {
            let mut meter = Meter::new(Phase::Track, concurrency, plan)?;
            for _ in 0..plan.rounds {
                let sent = meter.measure(&self.child, self.tracks(&names)).await?;
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
                let sent = meter.measure(&self.child, tokens.iter().map(|token| enrol(token)).collect()).await?;
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
                let sent = right.measure(&self.child, self.right_codes(&tokens)).await?;
                all(&sent, r#""isVerified":true"#)?;
                let verified = tokens.iter().take(sent.bodies.len());
                let key = self.key();
                let requests = verified.map(|token| post("/v1/validate", &key, &format!(r#"{{"token":"{token}"}}"#)));
                if plan.measures(Phase::Validate) {
                    let sent = validate.measure(&self.child, requests.collect()).await?;
                    all(&sent, r#""isValid":true"#)?;
                    all(&sent, r#""state":"CHALLENGE_SUCCEEDED""#)?;
                }
            }
            [right, validate].into_iter().filter(|m| plan.measures(m.figures.phase)).for_each(|m| done(m.figures));
        }
        if plan.measures(Phase::Wrong) {
            let mut meter = Meter::new(Phase::Wrong, concurrency, plan)?;
            for _ in 0..plan.rounds {
                self.child.advance(BUDGET_IS_BACK)?;
                let tokens = tokens(&self.unmeasured(self.tracks(&names)).await?)?;
                let sent = meter.measure(&self.child, self.codes(&tokens, otp::wrong)).await?;
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
        send(self.child.address, BUSY, UNHURRIED, requests).await
    }

    fn key(&self) -> String {
        format!("Basic {}", BASE64.encode(format!("{}:", self.child.secret_key).as_bytes()))
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

/// Adds up the rounds of a phase.
struct Meter {
    figures: Figures,
    concurrency: usize,
    limit: Duration,
}

impl Meter {
    fn new(phase: Phase, concurrency: usize, plan: &Plan) -> Result<Self> {
        eprintln!("  {concurrency} at a time: {phase}");
        let figures = Figures {
            phase,
            wall: Duration::ZERO,
            latencies: Vec::new(),
            server_cpu: Duration::ZERO,
            generator_cpu: Duration::ZERO,
            peak_memory: 0,
            exhausted: 0,
        };
        Ok(Self { figures, concurrency, limit: plan.limit })
    }

    async fn measure(&mut self, server: &Child, requests: Vec<Vec<u8>>) -> Result<Sent> {
        let generator = std::process::id();
        server.forget_peak()?;
        let before = (server.cpu()?, child::cpu(generator)?);
        // Every round gets something done, and together they end.
        let limit = self.limit.saturating_sub(self.figures.wall).max(Duration::from_millis(100));
        let sent = send(server.address, self.concurrency, limit, requests).await?;
        let figures = &mut self.figures;
        figures.server_cpu += server.cpu()?.saturating_sub(before.0);
        figures.generator_cpu += child::cpu(generator)?.saturating_sub(before.1);
        figures.peak_memory = figures.peak_memory.max(server.peak()?);
        figures.wall += sent.wall;
        figures.latencies.extend_from_slice(&sent.latencies);
        figures.latencies.sort_unstable();
        Ok(sent)
    }
}

fn user(number: usize) -> String {
    format!("user-{number}")
}

fn enrol(token: &str) -> Vec<u8> {
    post("/v1/client/user-authenticators/totp", &format!("Bearer {token}"), "{}")
}

fn tokens(tracked: &Sent) -> Result<Vec<String>> {
    tracked.bodies.iter().map(|body| text(body, "token")).collect()
}

fn text(body: &[u8], name: &str) -> Result<String> {
    let body: Value = serde_json::from_slice(body)?;
    body[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {body}").into())
}

fn contains(body: &[u8], words: &str) -> bool {
    body.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Every answer says so; the first that does not ends the run.
fn all(sent: &Sent, words: &str) -> Result<()> {
    match sent.bodies.iter().find(|body| !contains(body, words)) {
        None => Ok(()),
        Some(other) => Err(format!("an answer without {words}: {}", String::from_utf8_lossy(other)).into()),
    }
}
