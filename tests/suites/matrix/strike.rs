//! How each reason comes about.

use countersign_core::method::Method;
use countersign_tests::{add_tenant, device::Device, http::Auth, pages::field};
use serde_json::{Value, json};

use super::{
    ground::{ACTIONS, ALL_SCOPES, CODE, Ground, KEY, authenticators, text},
    reason::Reason,
    way::{Way, With},
};

impl Ground {
    pub async fn strike(&mut self, reason: Reason) {
        use Reason::*;
        match reason {
            BlockedByDefault | BlockDefaultSinceBegun => self.outcome("BLOCK").await,
            ReviewByDefault => self.outcome("REVIEW").await,
            LetThrough => self.outcome("ALLOW").await,
            BlockedByRule | BlockRuleSinceTracked | BlockRuleSinceBegun => self.rule("BLOCK", json!({})).await,
            ReviewByRule => self.rule("REVIEW", json!({})).await,
            UnjudgedBlockRule | UnjudgedBlockRuleSinceBegun => self.unjudged_rule("BLOCK").await,
            UnjudgedReviewRule => self.unjudged_rule("REVIEW").await,
            Failed => self.set_state("CHALLENGE_FAILED").await,
            ReviewFailed => self.set_state("REVIEW_FAILED").await,
            Succeeded => self.set_state("CHALLENGE_SUCCEEDED").await,
            Denied => {
                self.decide(false).await.ok();
            }
            Expired => self.expire().await,
            ChallengeExpired => self.world.clock.advance(121),
            MethodOff | MethodOffSinceTracked | MethodOffSinceBegun => self.switch_off().await,
            OtherMethods | OtherMethodsSinceTracked | OtherMethodsSinceBegun => {
                let body = json!({"verificationMethods": self.other_methods()});
                self.configure("PATCH", &format!("{ACTIONS}/{CODE}"), body).await;
            }
            RuleOfOtherMethods | RuleOfOtherMethodsSinceTracked | RuleOfOtherMethodsSinceBegun => {
                self.rule("CHALLENGE", json!({"verificationMethods": self.other_methods()})).await;
            }
            Deleted => self.delete().await,
            AnotherLife => self.live_again().await,
            ResetSinceTracked | ResetSinceBegun => self.reset().await,
            ResetAndEnrolledAgain => {
                self.reset().await;
                self.add_app("ada").await;
            }
            AuthenticatorRemoved => self.remove(self.concerned()).await,
            RemovedByOwnerSince => self.remove_as_owner().await,
            RemovedItself => self.remove_itself().await,
            AnotherRemoved => self.remove(self.mail.clone()).await,
            RemovedByOneself => self.remove_by_oneself().await,
            OtherUser => self.become_bob().await,
            OtherAction => self.take_another_action().await,
            OtherTenant => self.become_another_tenant().await,
            // Their proof is left out: see `track`.
            Unanswered => {}
            AppEnrolledSinceTracked | AppEnrolledSinceBegun => {
                let token = text(&self.world.track("ada", "other", json!({})).await.ok()["token"]);
                let offered = self.world.enroll(&token).await.ok();
                (self.secret, self.app) = (text(&offered["secret"]), text(&offered["userAuthenticatorId"]));
                self.world.verify(&token, &self.world.code(&self.secret, 0)).await.ok();
            }
            PhoneEnrolledSinceTracked => {
                let token = text(&self.world.track("ada", "other", json!({})).await.ok()["token"]);
                self.phone = Device::new("push");
                let enrolled = self.world.enrol_device(&self.phone, &token, json!({})).await.ok();
                self.phone.id = text(&enrolled["userAuthenticatorId"]);
            }
            EnrolledByBackendSinceTracked => self.mail = self.add_mail("ada").await,
        }
    }

    /// Changes the configuration in another process, and waits until no cache knows better.
    async fn configure(&self, method: &str, path: &str, body: Value) {
        let other = self.world.another_process().await;
        other.http.call(method, path, &other.management(), Some(body)).await.ok();
        self.world.clock.advance(31);
    }

    async fn outcome(&self, outcome: &str) {
        let body = json!({"defaultUserActionResult": outcome});
        self.configure("PATCH", &format!("{ACTIONS}/{CODE}"), body).await;
    }

    async fn rule(&self, outcome: &str, more: Value) {
        let mut rule = json!({"name": "All", "priority": 0, "type": outcome, "conditions": true});
        for (name, value) in more.as_object().into_iter().flatten() {
            rule[name] = value.clone();
        }
        self.configure("POST", &format!("{ACTIONS}/{CODE}/rules"), rule).await;
    }

    /// A rule over what only a backend can say.
    async fn unjudged_rule(&self, outcome: &str) {
        let point = json!({"name": "amount", "dataType": "number", "modelType": "action"});
        self.world.http.post("/v1/management/custom-data-points", &self.world.management(), point).await.ok();
        self.rule(outcome, json!({"conditions": {">": [{"var": "custom.amount"}, 100]}})).await;
    }

    async fn switch_off(&self) {
        // What has succeeded by no method of its own was proved with the app.
        let method = self.way.method().unwrap_or(Method::AuthenticatorApp);
        let (path, body) = match method {
            Method::RecoveryCode => ("/v1/management/tenant".to_owned(), json!({"disableRecoveryCodes": true})),
            other => {
                let path = format!("/v1/management/authenticator-configurations/{}", other.as_str());
                (path, json!({"isActive": false}))
            }
        };
        self.configure("PATCH", &path, body).await;
    }

    /// Methods of which the way's is none.
    fn other_methods(&self) -> Value {
        match self.way.method() {
            Some(Method::AuthenticatorApp) => json!(["PUSH"]),
            _ => json!(["AUTHENTICATOR_APP"]),
        }
    }

    async fn set_state(&self, state: &str) {
        let path = format!("/v1/users/ada/actions/{CODE}/{KEY}");
        self.world.http.patch(&path, &self.world.key(), json!({"state": state})).await.ok();
    }

    /// Lets the tenant's token lifetime pass. Polls get a token that still lives, so that the success alone is over.
    async fn expire(&mut self) {
        if self.way == Way::AskAnew {
            // It asks for half an hour longer.
            return self.world.clock.advance(2400);
        }
        if matches!(self.way, Way::PollPush | Way::PollPushOnPage) {
            self.world.clock.advance(590);
            let tracked = self.world.track("ada", CODE, self.tracked(None)).await;
            if let Some(token) = tracked.json()["token"].as_str() {
                self.token = token.to_owned();
                self.know(token);
            }
            self.world.clock.advance(11);
            return;
        }
        self.world.clock.advance(601);
    }

    async fn delete(&self) {
        self.world.http.delete("/v1/users/ada", &self.world.key()).await.ok();
    }

    /// Deleted and made again, with the same app, and the same action where it would be tracked.
    async fn live_again(&self) {
        self.delete().await;
        if !matches!(self.way.with(), With::New) && !matches!(self.way, Way::AddTotpByBackend | Way::AddMailByBackend) {
            self.add_app("ada").await;
        }
        let is_tracked = matches!(self.way.with(), With::New | With::Open | With::Proof | With::Success);
        if is_tracked && !matches!(self.way, Way::Patch | Way::TrackAgain) {
            self.world.track("ada", CODE, self.tracked(None)).await.ok();
        }
    }

    /// Takes the user back to nothing, as a help desk does.
    async fn reset(&self) {
        let listed = self.world.http.get(&authenticators("ada"), &self.world.key()).await.ok();
        for one in listed.as_array().into_iter().flatten() {
            self.remove(text(&one["userAuthenticatorId"])).await;
        }
    }

    async fn remove(&self, id: String) {
        self.world.http.delete(&format!("{}/{id}", authenticators("ada")), &self.world.key()).await.ok();
    }

    /// The authenticator that answers, has proved, or is spoken of.
    fn concerned(&self) -> String {
        let of_method = |method| match method {
            Some(Method::Push) => &self.phone.id,
            Some(Method::QrCode) => &self.scanner.id,
            Some(Method::InApp) => &self.inner.id,
            _ => &self.app,
        };
        let id = match self.way.with() {
            With::Proof => self.prover(),
            With::Backend => &self.phone.id,
            _ => of_method(self.way.method()),
        };
        id.clone()
    }

    fn prover(&self) -> &String {
        if self.proves_by_phone() { &self.phone.id } else { &self.app }
    }

    /// On the page of settings, with a success of another action by another authenticator.
    async fn remove_as_owner(&self) {
        let (world, gone) = (&self.world, self.concerned());
        let tracked = world.track("ada", "guard", json!({"redirectToSettings": true})).await.ok();
        let mut token = text(&tracked["token"]);
        let proved = match gone == self.app {
            true => {
                let id = text(&world.push(&token, json!({})).await.ok()["challengeId"]);
                world.approve(&self.phone, &id).await.ok();
                world.standing(&token, &id).await.ok()
            }
            false => world.verify(&token, &world.code(&self.secret, 0)).await.ok(),
        };
        token = text(&proved["accessToken"]);
        let seal = field(&world.page("/settings", &token).await.text(), "seal").expect("the page of settings");
        let form = [("token", token.as_str()), ("seal", &seal), ("act", "remove"), ("id", &gone)];
        let removed = world.send_form("/settings", &form).await;
        assert_eq!(removed.status, 303, "{}", removed.text());
    }

    async fn remove_itself(&self) {
        let gone = self.concerned();
        let device = [&self.phone, &self.scanner, &self.inner].into_iter().find(|one| one.id == gone);
        let removed = self.remove_key(device.expect("a device")).await.ok();
        assert_eq!(removed["removedAuthenticatorId"], gone);
    }

    /// On the page of settings, with the token of the success.
    async fn remove_by_oneself(&mut self) {
        let (id, before) = (self.prover().clone(), self.seal.clone());
        self.open_page("/settings").await.expect("the page of settings");
        let removed = self.send("/settings", &[("act", "remove"), ("id", &id)]).await;
        assert_eq!(removed.status, 303, "{}", removed.text());
        self.seal = before;
    }

    /// Somebody else of the same tenant, with devices of their own, says that it is them.
    async fn become_bob(&mut self) {
        let mine = (self.app.clone(), self.mail.clone(), self.secret.clone(), self.codes.clone());
        let keys =
            [&self.phone, &self.scanner, &self.inner].map(|device| (device.public_key.clone(), device.id.clone()));
        if self.way.with() != With::New {
            self.enrol_all("bob").await;
            (self.app, self.mail) = (mine.0, mine.1);
        }
        if matches!(self.way.with(), With::New | With::Open | With::Proof | With::Success) && self.way != Way::Validate
        {
            let body = json!({"redirectToSettings": true, "scope": "read:authenticators"});
            self.token = text(&self.world.track("bob", CODE, body).await.ok()["token"]);
            self.know(&self.token.clone());
            if self.way.with() == With::Proof {
                self.prove().await;
            }
            // Bob's page, for what is ada's.
            for page in ["/settings", "/challenge", "/set-up?kind=app"] {
                if self.way.is_on_page() && self.open_page(page).await.is_ok() {
                    break;
                }
            }
        }
        if matches!(self.way, Way::PollQrAnonymous | Way::PollQrOfUser | Way::PollQrOnPage) {
            let path = "/v1/client/challenge/qr-code";
            let own = self.world.http.post(path, &self.tenant, json!({"action": CODE})).await.ok();
            self.challenge["deviceCode"] = own["deviceCode"].clone();
        }
        (self.secret, self.codes, self.user) = (mine.2, mine.3, "bob".into());
        // Calls about a device name ada's keys and ids, and are signed by bob's.
        let is_about_a_device = matches!(self.way.with(), With::Device | With::Proof);
        for (device, (key, id)) in [&mut self.phone, &mut self.scanner, &mut self.inner].into_iter().zip(keys) {
            device.id = id;
            if is_about_a_device {
                device.public_key = key;
            }
        }
    }

    /// The token of another action of the same user, for what was begun for the first.
    async fn take_another_action(&mut self) {
        let body = json!({"idempotencyKey": "k2", "redirectToSettings": true, "scope": ALL_SCOPES});
        let old = self.token.clone();
        self.token = text(&self.world.track("ada", "other", body).await.ok()["token"]);
        self.know(&self.token.clone());
        match self.way {
            // The token stays, and its action is said to be another one.
            Way::Validate => self.token = old,
            _ if self.way.with() == With::Proof => {
                // A code of this moment is spent.
                self.world.clock.advance(30);
                self.prove().await;
            }
            _ => {}
        }
    }

    /// A tenant that has a user of the same name.
    async fn become_another_tenant(&mut self) {
        let other = add_tenant(&self.world.app, "t2").await;
        self.backend = Auth::Key(other.secret_key);
        self.tenant = Auth::Key(other.tenant_id.to_string());
        if self.way.carries_token() {
            let path = format!("/v1/users/ada/actions/{CODE}");
            let tracked = self.world.http.post(&path, &self.backend, json!({"idempotencyKey": KEY})).await.ok();
            self.token = text(&tracked["token"]);
            self.know(&self.token.clone());
        }
    }
}
