//! Phones and recovery codes in the play.

use std::sync::Arc;

use countersign_tests::{device::Device, pages};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    calls::{Run, Ticket},
    check::{Said, Space, What},
};

const ADDED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

impl Run {
    /// A phone is enrolled.
    pub async fn pair(&self, user: usize) {
        let body = json!({ "scope": "read:authenticators add:authenticators" });
        let tracked = self.world.track(&format!("user{user}"), "pair", body).await;
        let Some(token) = tracked.json()["token"].as_str().map(str::to_owned) else { return };
        let mut device = Device::new("push");
        let start = self.tick();
        let answer = self.world.enrol_device(&device, &token, json!({})).await;
        let done = self.done(user, &answer);
        let id = answer.json()["userAuthenticatorId"].as_str().map(str::to_owned);
        device.id = id.unwrap_or_else(|| "unknown".to_owned());
        self.note(user, usize::MAX, start, What::Added { authenticator: device.id.clone(), done });
        if done == Some(true) {
            self.known(|known| known.phones.push((user, Arc::new(device))));
        }
    }

    /// The backend brings an app along, and recovery codes come with it.
    pub async fn bring(&self, user: usize) {
        let uri = format!("otpauth://totp/a?secret={ADDED}");
        let body = json!({ "verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri });
        let start = self.tick();
        let path = format!("/v1/users/user{user}/authenticators");
        let answer = self.world.http.post(&path, &self.world.key(), body).await;
        let done = self.done(user, &answer);
        let added = if done == Some(true) { answer.json() } else { Value::Null };
        let authenticator = added["authenticator"]["userAuthenticatorId"].as_str().unwrap_or("unknown").to_owned();
        self.note(user, usize::MAX, start, What::Added { authenticator, done });
        let codes = added["recoveryCodes"].as_array().into_iter().flatten();
        let codes: Vec<_> = codes.filter_map(|code| Some((user, code.as_str()?.to_owned()))).collect();
        self.known(|known| known.recovery.extend(codes));
    }

    /// One question to the phones, which are not of one mind.
    pub async fn ask_phones(self: &Arc<Self>, user: usize, answers: &[bool]) {
        let phones: Vec<Arc<Device>> = self.known(|known| {
            known.phones.iter().filter(|(of, _)| *of == user).map(|(_, device)| device.clone()).collect()
        });
        if phones.is_empty() {
            return self.pair(user).await;
        }
        let Some(ticket) = self.track(user).await else { return };
        let asked = self.world.push(&ticket.token, json!({})).await;
        let Some(challenge) = asked.json()["challengeId"].as_str().map(str::to_owned) else { return };
        let mut all = JoinSet::new();
        for (index, approved) in answers.iter().copied().enumerate() {
            let device = phones[phones.len() - 1 - index % phones.len()].clone();
            let (run, ticket, challenge) = (self.clone(), ticket.clone(), challenge.clone());
            all.spawn(async move {
                run.decide(&ticket, &device, &challenge, approved).await;
                run.see(&ticket, true).await;
            });
        }
        all.join_all().await;
    }

    async fn decide(&self, ticket: &Ticket, device: &Device, challenge: &str, approved: bool) {
        let start = self.tick();
        let answer = self.world.answer(device, device.answer(challenge, approved)).await;
        let said = match answer.status.as_u16() {
            200 if answer.json()["isVerified"] == approved => Said::Right,
            200 => Said::Wrong,
            400..500 => Said::Refused,
            _ => Said::Unknown,
        };
        self.done(ticket.user, &answer);
        let what = What::Decided { challenge: challenge.to_owned(), device: device.id.clone(), approved, said };
        self.note(ticket.user, ticket.action, start, what);
    }

    /// Sends a recovery code on the page; nothing where the page has no form. One that is nobody's has no proof.
    pub async fn recover(&self, ticket: &Ticket, code: Option<&str>) {
        let page = self.world.page("/challenge", &ticket.token).await;
        let Some(seal) = pages::field(&page.text(), "seal") else { return };
        let start = self.tick();
        let typed = code.unwrap_or("00000-00000-00000");
        let form = [("token", ticket.token.as_str()), ("seal", &seal), ("way", "recovery"), ("recovery", typed)];
        let answer = self.world.send_form("/challenge", &form).await;
        self.done(ticket.user, &answer);
        let page = answer.text();
        let said = match answer.status.as_u16() {
            // What has succeeded by something else meanwhile says so to whoever sends a form. Had nothing proved it, it
            // would have succeeded by nothing, which is looked at for each action.
            200 if page.contains("You are verified") && code.is_none() => Said::Refused,
            200 if page.contains("You are verified") => Said::Right,
            303 if pages::is_verified(&answer) => Said::Right,
            200 if page.contains("code is not right") => Said::Wrong,
            200 if page.contains("Too many") => Said::Exhausted,
            500.. => Said::Unknown,
            _ => Said::Refused,
        };
        let proof = code.map(|code| (format!("recovery code {code}"), 0));
        let what = What::Verified { space: Space::Recovery, proof, said, enrols: None, is_due: false, is_late: false };
        self.note(ticket.user, ticket.action, start, what);
    }

    /// One recovery code for several actions at the same time.
    pub async fn recover_all(self: &Arc<Self>, user: usize) {
        let code = self.known(|known| known.recovery.iter().rev().find(|(of, _)| *of == user).cloned());
        let Some((_, code)) = code else { return self.bring(user).await };
        let mut all = JoinSet::new();
        for _ in 0..3 {
            let Some(ticket) = self.track(user).await else { continue };
            let (run, code) = (self.clone(), code.clone());
            all.spawn(async move {
                run.recover(&ticket, Some(&code)).await;
                run.see(&ticket, true).await;
            });
        }
        all.join_all().await;
        self.known(|known| known.recovery.retain(|(_, one)| *one != code));
    }
}
