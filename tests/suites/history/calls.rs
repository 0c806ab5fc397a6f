//! The calls that people make, each written down with when it began and ended and what came back.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use countersign_tests::{World, device::Device, http::Answer, otp};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::check::{Event, Proof, Said, Space, What};

/// A token, and the action it is of.
#[derive(Clone)]
pub struct Ticket {
    pub user: usize,
    pub action: usize,
    pub token: String,
    pub may_enrol: bool,
    pub code: &'static str,
}

/// Two kinds of action: the second has rules, which know devices.
pub const SIGN_IN: &str = "signIn";
pub const ON_LAPTOP: &str = "onLaptop";

/// What a token's action pays its guesses from: from a device that is remembered its id has the version 8 (decision
/// 0024).
fn space(token: &str) -> Space {
    let claims = token.split('.').nth(1).expect("claims");
    let claims: Value =
        serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).expect("base64")).expect("JSON");
    let is_remembered = claims["jti"].as_str().expect("an id").as_bytes()[12] == b'8';
    if is_remembered { Space::Remembered } else { Space::Codes }
}

#[derive(Clone)]
pub struct Secret {
    pub user: usize,
    pub authenticator: String,
    pub base32: String,
}

/// What the people in this play know.
#[derive(Default)]
pub struct Known {
    pub actions: usize,
    pub tickets: Vec<Ticket>,
    pub offered: Vec<Secret>,
    pub confirmed: Vec<Secret>,
    pub used: Vec<(usize, String, Proof)>,
    pub phones: Vec<(usize, Arc<Device>)>,
    pub recovery: Vec<(usize, String)>,
}

pub struct Run {
    pub world: World,
    now: AtomicU64,
    known: Mutex<Known>,
    events: Mutex<Vec<Event>>,
}

impl Run {
    pub fn over(world: World) -> Self {
        Self { world, now: AtomicU64::new(1), known: Mutex::default(), events: Mutex::default() }
    }

    pub fn history(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock().expect("no panic"))
    }

    pub fn known<T>(&self, f: impl FnOnce(&mut Known) -> T) -> T {
        f(&mut self.known.lock().expect("no panic"))
    }

    pub fn tick(&self) -> u64 {
        self.now.fetch_add(1, Ordering::SeqCst)
    }

    pub fn note(&self, user: usize, action: usize, start: u64, what: What) {
        let event = Event { user, action, start, end: self.tick(), clock: self.world.now(), what };
        self.events.lock().expect("no panic").push(event);
    }

    /// Notes a 500, or in quiet weather anything that is neither an answer nor a refusal.
    fn watch(&self, user: usize, answer: &Answer) {
        if answer.status == 500 {
            let start = self.tick();
            self.note(user, usize::MAX, start, What::Broke(answer.text()));
        }
    }

    pub async fn track(&self, user: usize) -> Option<Ticket> {
        self.track_as(user, SIGN_IN).await
    }

    pub async fn track_as(&self, user: usize, code: &'static str) -> Option<Ticket> {
        let action = self.known(|known| {
            known.actions += 1;
            known.actions
        });
        let start = self.tick();
        let body = json!({ "idempotencyKey": format!("k{action}"), "deviceId": "laptop" });
        let answer = self.world.track(&format!("user{user}"), code, body).await;
        self.watch(user, &answer);
        if answer.status != 200 {
            return None;
        }
        self.note(user, action, start, What::Tracked);
        let token = answer.ok()["token"].as_str().expect("a token").to_owned();
        let ticket = Ticket { user, action, token, may_enrol: false, code };
        self.known(|known| known.tickets.push(ticket.clone()));
        Some(ticket)
    }

    pub async fn enrol(&self, ticket: &Ticket) -> Option<Secret> {
        let answer = self.world.enroll(&ticket.token).await;
        self.watch(ticket.user, &answer);
        if answer.status != 200 {
            return None;
        }
        let offer = answer.ok();
        let text = |name: &str| offer[name].as_str().expect("a text").to_owned();
        let (authenticator, base32) = (text("userAuthenticatorId"), text("secret"));
        let secret = Secret { user: ticket.user, authenticator, base32 };
        self.known(|known| known.offered.push(secret.clone()));
        Some(secret)
    }

    pub fn code(&self, secret: &Secret, steps: i64) -> (String, Proof) {
        let step = self.world.now() / 30 + steps;
        (otp::totp(&secret.base32, step * 30), (secret.authenticator.clone(), step))
    }

    /// A code that is nobody's.
    pub fn wrong(&self, user: usize) -> String {
        let right: Vec<String> = self.known(|known| {
            let secrets = known.offered.iter().filter(|secret| secret.user == user);
            secrets.flat_map(|secret| (-2..=2).map(|steps| self.code(secret, steps).0)).collect()
        });
        (0..).map(|n| format!("{n:06}")).find(|code| !right.contains(code)).expect("a wrong code")
    }

    /// Sends a code; gives the new ticket of a success.
    pub async fn verify(
        &self,
        ticket: &Ticket,
        code: &str,
        proof: Option<Proof>,
        enrols: Option<&Secret>,
        (is_due, is_late): (bool, bool),
    ) -> Option<Ticket> {
        let start = self.tick();
        let answer = self.world.verify(&ticket.token, code).await;
        self.watch(ticket.user, &answer);
        let body = if answer.status == 200 { answer.json() } else { Value::Null };
        let said = match (answer.status.as_u16(), body["failureReason"].as_str()) {
            (200, None) => Said::Right,
            (200, Some("MAX_ATTEMPTS_EXCEEDED")) => Said::Exhausted,
            (200, Some(_)) => Said::Wrong,
            (400..500, _) => Said::Refused,
            _ => Said::Unknown,
        };
        let id = enrols.map(|secret| secret.authenticator.clone());
        let space = space(&ticket.token);
        let what = What::Verified { space, proof: proof.clone(), said, enrols: id, is_due, is_late };
        self.note(ticket.user, ticket.action, start, what);
        self.known(|known| {
            known.used.extend(proof.map(|proof| (ticket.user, code.to_owned(), proof)));
            if said == Said::Right {
                known.confirmed.extend(enrols.cloned());
                let token = body["accessToken"].as_str().expect("a token").to_owned();
                let next = Ticket { token, may_enrol: true, ..ticket.clone() };
                known.tickets.push(next.clone());
                return Some(next);
            }
            None
        })
    }

    pub async fn see(&self, ticket: &Ticket, by_token: bool) {
        let start = self.tick();
        let answer = if by_token {
            self.world.validate(&ticket.token).await
        } else {
            let path = format!("/v1/users/user{}/actions/{}/k{}", ticket.user, ticket.code, ticket.action);
            self.world.http.get(&path, &self.world.key()).await
        };
        self.watch(ticket.user, &answer);
        let (state, is_valid) = match answer.status.as_u16() {
            200 => {
                let body = answer.json();
                // A token that has expired says nothing of its action.
                if by_token && body["error"].as_str().is_some_and(|why| why.contains("expired")) {
                    return;
                }
                let state = body["state"].as_str().map(str::to_owned);
                let is_valid =
                    if by_token { body["isValid"] == true } else { state.as_deref() == Some("CHALLENGE_SUCCEEDED") };
                (state, is_valid)
            }
            404 => (None, false),
            _ => return,
        };
        self.note(ticket.user, ticket.action, start, What::Saw { state, is_valid, by_token });
    }

    /// What the user has, as its backend reads it.
    pub async fn list(&self, user: usize) -> Vec<String> {
        let start = self.tick();
        let answer = self.world.http.get(&format!("/v1/users/user{user}/authenticators"), &self.world.key()).await;
        self.watch(user, &answer);
        if answer.status != 200 {
            return Vec::new();
        }
        let ids = answer.json();
        let ids = ids.as_array().expect("a list").iter();
        let ids: Vec<String> = ids.map(|one| one["userAuthenticatorId"].as_str().expect("an id").to_owned()).collect();
        self.note(user, usize::MAX, start, What::Listed(ids.clone()));
        ids
    }

    /// Whether a change happened, by its answer.
    pub fn done(&self, user: usize, answer: &Answer) -> Option<bool> {
        self.watch(user, answer);
        match answer.status.as_u16() {
            200 => Some(true),
            400..500 => Some(false),
            _ => None,
        }
    }
}
