//! The last call of each way, and how one sees that it went on.

use countersign_tests::{
    device::Device,
    http::{Answer, Auth},
    otp,
};
use serde_json::{Value, json};

use super::{
    ground::{BACK, CODE, Ground, KEY, LIST, MAIL, authenticators, text},
    prepare::between,
    reason::Reason,
    way::{Does, Way},
};

/// A second secret of the same user, that its backend brings along.
const ANOTHER_SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

impl Ground {
    /// The last call.
    pub async fn attempt(&self, reason: Option<Reason>) -> Answer {
        let world = &self.world;
        match self.way {
            Way::Totp => world.verify(&self.token, &world.code(&self.secret, 0)).await,
            Way::RepeatTotp => world.verify(&self.token, &self.typed).await,
            Way::FirstTotp | Way::AddTotp | Way::AddTotpByScope => {
                world.verify(&self.token, &otp::totp(&self.offer, world.now())).await
            }
            Way::TotpOnPage => self.send("/challenge", &[("way", "app"), ("code", &world.code(&self.secret, 0))]).await,
            Way::FirstTotpOnPage | Way::AddTotpOnPage => {
                self.send("/set-up", &[("kind", "app"), ("code", &otp::totp(&self.offer, world.now()))]).await
            }
            Way::RecoveryOnPage => self.send("/challenge", &[("way", "recovery"), ("recovery", &self.codes[0])]).await,
            Way::Push | Way::PushWithNumber | Way::PushOnPage | Way::QrAnonymous | Way::QrOfUser | Way::QrOnPage => {
                self.approve().await
            }
            Way::InAppAnonymous | Way::InAppTracked | Way::RepeatInApp => self.sign_in(self.tenant.clone()).await,
            Way::InAppOfUser | Way::RepeatInAppOfUser => self.sign_in(self.bearer()).await,
            Way::Patch => {
                let path = format!("/v1/users/{}/actions/{CODE}/{KEY}", self.user);
                world.http.patch(&path, &self.backend, json!({"state": "CHALLENGE_SUCCEEDED"})).await
            }
            Way::PollPush => world.standing(&self.token, &self.challenge_id()).await,
            Way::PollPushOnPage => {
                world.page(&format!("/challenge?challenge={}", self.challenge_id()), &self.token).await
            }
            Way::PollQrAnonymous | Way::PollQrOfUser => {
                let body = json!({"challengeId": self.challenge_id(), "deviceCode": self.challenge["deviceCode"]});
                world.http.post("/v1/client/verify/qr-code", &self.tenant, body).await
            }
            Way::PollQrOnPage => {
                let Auth::Key(tenant) = &self.tenant else { panic!("no tenant") };
                let (id, code) = (self.challenge_id(), text(&self.challenge["deviceCode"]));
                let query = format!("action={CODE}&redirectUrl={BACK}&challenge={id}&code={code}");
                world.http.get(&format!("/qr-code/{tenant}?{query}"), &Auth::None).await
            }
            Way::AskAnew => {
                // The success and its token are over by then.
                world.clock.advance(660);
                self.send("/settings", &[("act", "again")]).await
            }
            Way::FirstPushByLink | Way::AddPushByLink => {
                let said = self.send("/set-up", &[("act", "pair"), ("pairing", &self.pairing)]).await;
                let to = said.headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
                if to.contains("pairing=") { world.http.get(to, &Auth::None).await } else { said }
            }
            Way::TrackAgain => self.track_again(reason).await,
            Way::TrackFromLaptop => {
                let path = format!("/v1/users/{}/actions/{CODE}", self.user);
                world.http.post(&path, &self.backend, json!({"deviceId": "laptop"})).await
            }
            Way::Validate => {
                let body = json!({"token": self.token, "userId": self.user, "action": self.code_of(reason)});
                world.http.post("/v1/validate", &self.backend, body).await
            }
            Way::AddPush | Way::AddQrCode | Way::AddInApp | Way::FirstPush | Way::FirstQrCode | Way::FirstInApp => {
                world.enrol_device(&self.fresh, &self.token, json!({})).await
            }
            _ if self.way.does() == Does::Shows => self.look().await,
            _ => self.change().await,
        }
    }

    /// Ways to change something, and the backend's to add.
    async fn change(&self) -> Answer {
        let (world, phone) = (&self.world, &self.phone);
        let path = format!("{}/{}", authenticators(&self.user), phone.id);
        match self.way {
            Way::AddTotpByBackend => {
                let uri = format!("otpauth://totp/a?secret={ANOTHER_SECRET}");
                let body = json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri});
                world.http.post(&authenticators(&self.user), &self.backend, body).await
            }
            Way::AddMailByBackend => {
                let body = json!({"verificationMethod": "EMAIL_OTP", "email": "second@example.com"});
                world.http.post(&authenticators(&self.user), &self.backend, body).await
            }
            Way::Rename => self.send("/settings", &[("act", "rename"), ("id", &phone.id), ("name", "Mine")]).await,
            Way::MakePrimary => self.send("/settings", &[("act", "primary"), ("id", &phone.id)]).await,
            Way::Remove => self.send("/settings", &[("act", "remove"), ("id", &phone.id)]).await,
            Way::ForgetDevice => self.send("/settings", &[("act", "forget"), ("id", "laptop")]).await,
            // The same form that has made them.
            Way::NewCodes | Way::CodesAgain => self.send("/settings", &[("act", "codes")]).await,
            Way::KeepCodes => self.send("/settings", &[("act", "kept"), ("set", &self.set)]).await,
            Way::FirstCodes => self.send("/set-up", &[("act", "paired"), ("pairing", &self.pairing)]).await,
            Way::RemoveByBackend => world.http.delete(&path, &self.backend).await,
            Way::PrimaryByBackend => world.http.patch(&path, &self.backend, json!({"isDefault": true})).await,
            Way::RemovePush => self.remove_key(&self.phone).await,
            Way::RemoveQrCode => self.remove_key(&self.scanner).await,
            Way::RemoveInApp => self.remove_key(&self.inner).await,
            Way::UpdatePush => {
                let body = json!({
                    "challengeId": self.challenge_id(), "publicKey": phone.public_key, "pushToken": "moved",
                    "signature": phone.sign(text(&self.challenge["message"])),
                });
                world.http.patch(&format!("{LIST}/push"), &self.tenant, body).await
            }
            other => panic!("{other:?} has no last call: say here what it is"),
        }
    }

    /// Ways to show something.
    async fn look(&self) -> Answer {
        let (world, user) = (&self.world, &self.user);
        match self.way {
            Way::ListOpen | Way::ListConfirmed | Way::ListNew => world.http.get(LIST, &self.bearer()).await,
            Way::SettingsConfirmed | Way::SettingsNew => world.page("/settings", &self.token).await,
            Way::SetUpNew | Way::SetUpConfirmed => world.page("/set-up?kind=app", &self.token).await,
            Way::ChallengePage => world.page("/challenge", &self.token).await,
            Way::Pending => self.pending().await,
            Way::PushCredential => self.credential(&self.phone).await,
            Way::QrCodeCredential => self.credential(&self.scanner).await,
            Way::InAppCredential => self.credential(&self.inner).await,
            Way::ListByBackend => self.read(authenticators(user)).await,
            Way::UserByBackend => self.read(format!("/v1/users/{user}")).await,
            Way::UsersByBackend => self.read("/v1/users?email=ada%40example.com".into()).await,
            Way::ActionsByBackend => self.read(format!("/v1/users/{user}/actions")).await,
            Way::ActionByBackend => self.read(format!("/v1/users/{user}/actions/{CODE}/{KEY}")).await,
            Way::DevicesByBackend => self.read(format!("/v1/users/{user}/devices")).await,
            Way::Receipt => self.read(format!("/v1/challenges/{}/receipt", self.challenge_id())).await,
            other => panic!("{other:?} has no last call: say here what it is"),
        }
    }

    async fn credential(&self, device: &Device) -> Answer {
        let path = format!("{LIST}/{}?{}", device.kind, device.query());
        self.world.http.get(&path, &self.tenant).await
    }

    /// What the backend reads.
    async fn read(&self, path: String) -> Answer {
        self.world.http.get(&path, &self.backend).await
    }

    /// A form of the page in hand.
    pub async fn send(&self, path: &str, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![("token", self.token.as_str()), ("seal", &self.seal)];
        form.extend_from_slice(more);
        self.world.send_form(path, &form).await
    }

    /// The device that is asked approves, with the number where there is one.
    pub async fn approve(&self) -> Answer {
        self.decide(true).await
    }

    pub async fn decide(&self, approved: bool) -> Answer {
        let is_scanned = self.challenge.get("deviceCode").is_some();
        let device = if is_scanned { &self.scanner } else { &self.phone };
        let mut body = device.answer(&self.challenge_id(), approved);
        body["verificationCode"] = self.challenge["verificationCode"].clone();
        self.world.http.post(&format!("{LIST}/{}/challenge", device.kind), &self.tenant, body).await
    }

    /// The app on the device answers its own question.
    pub async fn sign_in(&self, auth: Auth) -> Answer {
        let (id, device) = (self.challenge_id(), &self.inner);
        let body = json!({"challengeId": id, "publicKey": device.public_key, "signature": device.sign(&id)});
        self.world.http.post("/v1/client/verify/in-app", &auth, body).await
    }

    /// Tracks the same action again; what its token is worth.
    async fn track_again(&self, reason: Option<Reason>) -> Answer {
        let path = format!("/v1/users/{}/actions/{CODE}", self.user);
        let tracked = self.world.http.post(&path, &self.backend, self.tracked(reason)).await;
        if tracked.status != 200 {
            return tracked;
        }
        let token = tracked.json()["token"].clone();
        self.world.http.post("/v1/validate", &self.backend, json!({"token": token})).await
    }

    fn code_of(&self, reason: Option<Reason>) -> &'static str {
        if reason == Some(Reason::OtherAction) { "other" } else { CODE }
    }

    pub async fn remove_key(&self, device: &Device) -> Answer {
        let window = format!("{}.0", self.world.now() / 600);
        let body = json!({"publicKey": device.public_key, "signature": device.sign(window)});
        self.world.http.post(&format!("{LIST}/{}/remove", device.kind), &self.tenant, body).await
    }

    async fn pending(&self) -> Answer {
        let (http, phone) = (&self.world.http, &self.phone);
        let message = format!("{LIST}/push/challenge/sign?{}", phone.query());
        let message = http.post(&message, &self.tenant, json!({})).await;
        if message.status != 200 {
            return message;
        }
        let signature = phone.sign(text(&message.json()["message"]));
        let path = format!("{LIST}/push/challenge?{}", phone.query());
        http.raw("GET", &path, &self.tenant, &[("x-authsignal-signature", &signature)], Vec::new()).await
    }

    /// Whether the last call went on, as its caller sees it.
    pub fn went_on(&self, answer: &Answer) -> bool {
        let page = answer.text();
        let json: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
        let is_ok = answer.status == 200;
        let location = answer.headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
        match self.way {
            Way::TotpOnPage | Way::FirstTotpOnPage | Way::RecoveryOnPage | Way::PollPushOnPage | Way::PollQrOnPage => {
                !self.new_tokens(answer).is_empty()
            }
            Way::AskAnew => location.starts_with("/challenge?") && !self.new_tokens(answer).is_empty(),
            Way::FirstPushByLink | Way::AddPushByLink => page.contains("value=\"paired\""),
            Way::KeepCodes => {
                location.starts_with("/settings?")
                    && !self.set.is_empty()
                    && self.rows().values().any(|row| row.get("kept").is_some())
            }
            // The token of one second is the token that proved it: they are equal.
            Way::AddTotpOnPage => {
                location.starts_with(BACK) || location.starts_with("/settings?") || page.contains("id=\"codes\"")
            }
            Way::Totp | Way::FirstTotp | Way::RepeatTotp | Way::AddTotp | Way::AddTotpByScope => {
                is_ok && json["isVerified"] == true
            }
            Way::Push | Way::PushWithNumber | Way::PushOnPage | Way::QrAnonymous | Way::QrOfUser | Way::QrOnPage => {
                is_ok && json["isVerified"] == true
            }
            Way::InAppAnonymous | Way::InAppTracked | Way::InAppOfUser | Way::RepeatInApp | Way::RepeatInAppOfUser => {
                is_ok && json["token"].is_string()
            }
            Way::Patch => is_ok && json["state"] == "CHALLENGE_SUCCEEDED",
            Way::PollPush | Way::PollQrAnonymous | Way::PollQrOfUser => is_ok && json["accessToken"].is_string(),
            Way::TrackFromLaptop => is_ok && json["state"] == "ALLOW",
            Way::TrackAgain | Way::Validate => is_ok && json["isValid"] == true,
            Way::AddPush | Way::AddQrCode | Way::AddInApp | Way::FirstPush | Way::FirstQrCode | Way::FirstInApp => {
                is_ok
            }
            Way::AddTotpByBackend
            | Way::AddMailByBackend
            | Way::RemoveByBackend
            | Way::PrimaryByBackend
            | Way::UpdatePush => is_ok,
            Way::Rename | Way::MakePrimary | Way::Remove | Way::ForgetDevice => location.contains("done="),
            Way::NewCodes | Way::CodesAgain | Way::FirstCodes => {
                between(&page, "id=\"codes\"", "</ol>").is_some_and(|list| list.contains("<code>"))
            }
            Way::RemovePush | Way::RemoveQrCode | Way::RemoveInApp => {
                is_ok && json["removedAuthenticatorId"].is_string()
            }
            Way::ListNew | Way::SettingsNew => !answer.status.is_client_error(),
            Way::SetUpNew | Way::SetUpConfirmed => page.contains("id=\"secret\""),
            Way::ChallengePage => page.contains("name=\"way\""),
            Way::Pending => is_ok && json["challengeId"].is_string(),
            Way::Receipt => is_ok && json["signature"].is_string(),
            Way::DevicesByBackend => is_ok && page.contains("laptop"),
            Way::ActionsByBackend => is_ok && page.contains(KEY),
            Way::ActionByBackend => is_ok && json["state"].is_string(),
            Way::UserByBackend | Way::UsersByBackend => is_ok && page.contains(MAIL),
            Way::ListOpen
            | Way::ListConfirmed
            | Way::SettingsConfirmed
            | Way::PushCredential
            | Way::QrCodeCredential
            | Way::InAppCredential
            | Way::ListByBackend => is_ok && !self.shown_in(answer).is_empty(),
        }
    }

    /// The values of the user that an answer shows.
    pub fn shown_in(&self, answer: &Answer) -> Vec<&str> {
        let text = answer.text();
        // A device that asks what is pending is told who it is itself (contract, C37).
        let phone = if self.way == Way::Pending { "" } else { &self.phone.id };
        let ids = [&self.app, &self.mail, phone, &self.scanner.id, &self.inner.id];
        let all = ids.into_iter().chain([MAIL, "laptop"]);
        all.filter(|mark| !mark.is_empty() && text.contains(mark)).collect()
    }
}
