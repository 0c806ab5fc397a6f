//! Users in parallel, until the server is gone; and what they were told before.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use countersign_tests::{
    http::{Auth, Http},
    otp,
};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::process::{call, now};

/// Something the server acknowledged.
#[derive(Clone, Debug)]
pub enum Fact {
    Tracked {
        user: String,
        action: &'static str,
    },
    /// A code was accepted for an action.
    Accepted(Attempt),
}

/// A code on its way: with no answer, nobody knows what became of it.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub user: String,
    pub action: &'static str,
    pub token: String,
    pub code: String,
}

#[derive(Default)]
pub struct Log {
    pub facts: Vec<Fact>,
    pub doubts: BTreeMap<(String, &'static str), Attempt>,
}

pub struct Traffic {
    pub http: Http,
    pub key: Auth,
    pub log: Mutex<Log>,
    /// How many facts there are, for whoever waits for some.
    pub facts: watch::Sender<usize>,
}

pub async fn state(http: &Http, key: &Auth, user: &str, action: &str) -> String {
    let path = format!("/v1/users/{user}/actions/{action}/k");
    let action = call(http, "GET", &path, key, None).await.expect("an answer");
    action["state"].as_str().expect("a state").to_owned()
}

pub async fn verify(http: &Http, token: &str, code: &str) -> Option<Value> {
    let body = json!({ "verificationCode": code });
    call(http, "POST", "/v1/client/verify/totp", &Auth::Token(token.into()), Some(body)).await
}

pub async fn track(http: &Http, key: &Auth, user: &str, action: &str) -> Option<String> {
    let path = format!("/v1/users/{user}/actions/{action}");
    let tracked = call(http, "POST", &path, key, Some(json!({ "idempotencyKey": "k" }))).await?;
    Some(tracked["token"].as_str().expect("a token").to_owned())
}

impl Traffic {
    fn log(&self, f: impl FnOnce(&mut Log)) {
        let mut log = self.log.lock().expect("no panic");
        f(&mut log);
        self.facts.send_replace(log.facts.len());
    }

    /// One user after the other, until nobody answers.
    pub async fn flow(self: Arc<Self>, name: String) {
        for number in 0.. {
            if self.user(format!("{name}n{number}")).await.is_none() {
                return;
            }
        }
    }

    async fn tracked(&self, user: &str, action: &'static str) -> Option<String> {
        let token = track(&self.http, &self.key, user, action).await?;
        self.log(|log| log.facts.push(Fact::Tracked { user: user.into(), action }));
        Some(token)
    }

    /// Sends a code; `None` where no answer came, `Some(false)` where its time step was over too soon.
    async fn attempt(&self, attempt: Attempt) -> Option<bool> {
        let place = (attempt.user.clone(), attempt.action);
        self.log(|log| drop(log.doubts.insert(place.clone(), attempt.clone())));
        let step = now() / 30;
        let verified = verify(&self.http, &attempt.token, &attempt.code).await?;
        let accepted = verified["isVerified"] == true;
        assert!(accepted || now() / 30 > step, "a right code was refused: {verified}");
        self.log(|log| {
            log.doubts.remove(&place);
            if accepted {
                log.facts.push(Fact::Accepted(attempt));
            }
        });
        Some(accepted)
    }

    /// Enrols with the code of the step before and answers with the present one, so that nobody has to wait.
    async fn user(&self, user: String) -> Option<()> {
        let token = self.tracked(&user, "enrol").await?;
        let path = "/v1/client/user-authenticators/totp";
        let offer = call(&self.http, "POST", path, &Auth::Token(token.clone()), None).await?;
        let secret = offer["secret"].as_str().expect("a secret");
        let at = now();
        let code = otp::totp(secret, at - 30);
        if !self.attempt(Attempt { user: user.clone(), action: "enrol", token, code }).await? {
            return Some(());
        }
        let token = self.tracked(&user, "signIn").await?;
        let code = otp::totp(secret, at);
        self.attempt(Attempt { user, action: "signIn", token, code }).await?;
        Some(())
    }
}

/// What was acknowledged is there, and what was spent stays spent.
pub async fn check(http: &Http, key: &Auth, fact: &Fact, may_replay: bool) {
    match fact {
        Fact::Tracked { user, action } => drop(state(http, key, user, action).await),
        Fact::Accepted(attempt) => {
            let Attempt { user, action, code, .. } = attempt;
            assert_eq!(state(http, key, user, action).await, "CHALLENGE_SUCCEEDED", "{attempt:?}");
            let path = format!("/v1/users/{user}/authenticators");
            let all = call(http, "GET", &path, key, None).await.expect("an answer");
            assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
            if may_replay {
                let again = track(http, key, user, "again").await.expect("a token");
                let replayed = verify(http, &again, code).await.expect("an answer");
                assert_eq!(replayed["isVerified"], false, "accepted before the crash and after it: {attempt:?}");
            }
        }
    }
}

/// An enrolment is or is not; a code without an answer is spent at most once, and its repetition tells which.
pub async fn resolve(http: &Http, key: &Auth, doubt: &Attempt) {
    let Attempt { user, action, token, code } = doubt;
    let path = format!("/v1/users/{user}/authenticators");
    let have = async || call(http, "GET", &path, key, None).await.expect("an answer").as_array().map_or(0, Vec::len);
    let happened = state(http, key, user, action).await == "CHALLENGE_SUCCEEDED";
    if *action == "enrol" {
        assert_eq!(have().await, usize::from(happened), "half an enrolment: {doubt:?}");
    }
    let again = verify(http, token, code).await.expect("an answer")["isVerified"] == true;
    let succeeded = state(http, key, user, action).await == "CHALLENGE_SUCCEEDED";
    assert_eq!(again, succeeded, "{doubt:?}");
    assert!(succeeded || !happened, "a success was lost: {doubt:?}");
    let other = track(http, key, user, "other").await.expect("a token");
    let replayed = verify(http, &other, code).await.expect("an answer")["isVerified"] == true;
    assert!(!(succeeded && replayed), "accepted twice: {doubt:?}");
}
