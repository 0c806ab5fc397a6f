//! What the functions are asked, and what they must answer.

use countersign_tests::otp;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::{
    Result,
    event::{Http, Request, delivery},
    people::{ANSWER, ASK, ENROLL, Enrolled, TRACK, VERIFY, World, now},
};

/// The functions, by the names of their binaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Track,
    ValidateChallenge,
    Enroll,
    Verify,
    Challenge,
    PushApprove,
    Directory,
    Management,
    HostedUi,
    Deliver,
}

/// What a function is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// What it is for.
    Ordinary,
    /// How a push stands that nobody has answered yet.
    Poll,
    /// Something for a device to sign, before it asks what is pending.
    Sign,
    /// What is pending for a device.
    Pending,
}

impl Work {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Poll => "poll",
            Self::Sign => "sign",
            Self::Pending => "pending",
        }
    }
}

impl Function {
    pub const ALL: [Self; 10] = [
        Self::Track,
        Self::ValidateChallenge,
        Self::Enroll,
        Self::Verify,
        Self::Challenge,
        Self::PushApprove,
        Self::Directory,
        Self::Management,
        Self::HostedUi,
        Self::Deliver,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::ValidateChallenge => "validate-challenge",
            Self::Enroll => "enroll",
            Self::Verify => "verify",
            Self::Challenge => "challenge",
            Self::PushApprove => "push-approve",
            Self::Directory => "directory",
            Self::Management => "management",
            Self::HostedUi => "hosted-ui",
            Self::Deliver => "deliver",
        }
    }

    /// What else it is asked for in an approval.
    pub fn others(self) -> &'static [Work] {
        match self {
            Self::Verify => &[Work::Poll],
            Self::PushApprove => &[Work::Sign, Work::Pending],
            _ => &[],
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }
}

const VALIDATE: &str = "POST /v1/validate";
const POLL: &str = "POST /v1/client/verify/push";
const SIGN: &str = "POST /v1/client/user-authenticators/push/challenge/sign";
const PENDING: &str = "GET /v1/client/user-authenticators/push/challenge";

impl World {
    /// A request that costs one call: of a tenant or a key that nobody has, which is not remembered.
    pub async fn probe(&self, function: Function) -> Result<Request> {
        let nobody = "cs_secret_nobody-has-this-key-and-so-it-is-looked-up";
        Ok(match function {
            Function::Track => {
                let http = Http::to(TRACK).parameter("userId", "ada").parameter("action", "signIn");
                http.key(nobody).body(json!({})).expecting(401, "unauthorized")
            }
            Function::ValidateChallenge => {
                let token = token_of_nobody();
                Http::to(VALIDATE).key(nobody).body(json!({"token": token})).expecting(401, "unauthorized")
            }
            Function::Enroll => Http::to(ENROLL).token(&token_of_nobody()).expecting(401, "token"),
            Function::Verify => {
                let body = json!({"verificationCode": "123456"});
                Http::to(VERIFY).token(&token_of_nobody()).body(body).expecting(401, "token")
            }
            Function::Challenge => {
                Http::to(ASK).token(&token_of_nobody()).body(json!({"action": "signIn"})).expecting(401, "token")
            }
            Function::PushApprove => {
                let body = json!({"challengeId": "", "publicKey": "", "approved": true, "signature": ""});
                let of_nobody = Http::to(ANSWER).key("00000000-0000-4000-8000-000000000000").body(body);
                of_nobody.expecting(401, "unauthorized")
            }
            Function::Directory => {
                Http::to("GET /v1/users/{userId}").parameter("userId", "ada").key(nobody).expecting(401, "unauthorized")
            }
            Function::Management => Http::to("GET /v1/management/tenant").key(nobody).expecting(401, "unauthorized"),
            Function::HostedUi => {
                let query = format!("token={}", token_of_nobody());
                Http::to("GET /challenge").query(query).expecting(401, "cannot be shown")
            }
            // That challenge is about nobody yet, so no device of anybody is looked for.
            Function::Deliver => delivery(&self.message_of_a_qr_code().await?),
        })
    }

    /// So many of this work, each of which succeeds.
    pub async fn requests(&self, function: Function, work: Work, count: usize) -> Result<Vec<Request>> {
        match work {
            Work::Ordinary => self.ordinary(function, count).await,
            Work::Poll => self.polls(count).await,
            Work::Sign | Work::Pending => self.questions_of_a_device(work, count).await,
        }
    }

    async fn ordinary(&self, function: Function, count: usize) -> Result<Vec<Request>> {
        let key = self.tenant.secret_key.as_str();
        let track = |user: &str, holds| {
            let http = Http::to(TRACK).parameter("userId", user).parameter("action", "signIn");
            http.key(key).body(json!({})).expecting(200, holds)
        };
        let same = |make: &dyn Fn() -> Request| (0..count).map(|_| make()).collect();
        Ok(match function {
            Function::Track => {
                let user = self.enrolled().await?;
                same(&|| track(&user.id, r#""state":"CHALLENGE_REQUIRED""#))
            }
            Function::ValidateChallenge => {
                let user = self.enrolled().await?;
                let code = otp::totp(&user.secret, self.clock.now().as_second());
                self.call(Http::to(VERIFY).token(&user.token).body(json!({"verificationCode": code}))).await?;
                let body = json!({"token": user.token});
                same(&|| Http::to(VALIDATE).key(key).body(body.clone()).expecting(200, r#""isValid":true"#))
            }
            Function::Enroll => {
                let token = self.tracked(&self.somebody()).await?;
                same(&|| Http::to(ENROLL).token(&token).expecting(200, "otpauth://totp/"))
            }
            Function::Verify => {
                let mut users = Vec::with_capacity(count);
                for _ in 0..count {
                    users.push(self.enrolled().await?);
                }
                let now = now()?;
                let request = |user: &Enrolled| {
                    let body = json!({"verificationCode": otp::totp(&user.secret, now)});
                    Http::to(VERIFY).token(&user.token).body(body).expecting(200, r#""isVerified":true"#)
                };
                users.iter().map(request).collect()
            }
            Function::Directory => {
                let user = self.enrolled().await?;
                let get = || Http::to("GET /v1/users/{userId}").parameter("userId", &user.id).key(key);
                same(&|| get().expecting(200, r#""isEnrolled":true"#))
            }
            Function::Management => {
                let key = self.tenant.management_key.as_str();
                same(&|| Http::to("GET /v1/management/tenant").key(key).expecting(200, "Cold start"))
            }
            Function::HostedUi => {
                let token = self.enrolled().await?.token;
                same(&|| Http::to("GET /challenge").query(format!("token={token}")).expecting(200, "<form"))
            }
            Function::Challenge => {
                let mut all = Vec::with_capacity(count);
                for _ in 0..count {
                    let token = self.owner().await?.token;
                    let http = Http::to(ASK).token(&token).body(json!({"action": "signIn"}));
                    all.push(http.expecting(200, r#""challengeId":""#));
                }
                all
            }
            Function::PushApprove => {
                let mut all = Vec::with_capacity(count);
                for _ in 0..count {
                    let approval = self.approval(&self.asked().await?);
                    all.push(approval.expecting(200, r#""isVerified":true"#));
                }
                all
            }
            Function::Deliver => {
                let mut all = Vec::with_capacity(count);
                for _ in 0..count {
                    all.push(delivery(&self.asked().await?.message));
                }
                all
            }
        })
    }

    async fn polls(&self, count: usize) -> Result<Vec<Request>> {
        let asked = self.asked().await?;
        let poll = || Http::to(POLL).token(&asked.owner.token).body(json!({"challengeId": asked.challenge}));
        Ok((0..count).map(|_| poll().expecting(200, r#""isConsumed":false"#)).collect())
    }

    async fn questions_of_a_device(&self, work: Work, count: usize) -> Result<Vec<Request>> {
        let device = self.asked().await?.owner.device;
        let (route, holds) = match work {
            Work::Sign => (SIGN, r#""message":""#),
            _ => (PENDING, r#""challengeId":""#),
        };
        let ask = || Http::to(route).key(self.tenant.tenant_id.as_str()).query(device.query());
        Ok((0..count).map(|_| ask().expecting(200, holds)).collect())
    }
}

/// A token that names a tenant whom nobody knows; nothing else of it is looked at.
fn token_of_nobody() -> String {
    let part = |json: Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let header = part(json!({"typ": "JWT", "alg": "HS256", "kid": "00000000-0000-4000-8000-000000000000.1"}));
    format!("{header}.{}.{}", part(json!({})), BASE64URL_NOPAD.encode(&[0; 32]))
}
