//! An honest scene, up to just before the last call of a way.

use countersign_core::method::Method;
use countersign_tests::{
    device::Device,
    http::{Answer, Auth},
    pages::field,
    pairing::Link,
};
use serde_json::{Value, json};

use super::{
    ground::{ALL_SCOPES, BACK, CODE, Ground, KEY, LIST, text},
    reason::Reason,
    way::{Way, With},
};

/// What stands between two texts of a page.
pub fn between(page: &str, from: &str, to: &str) -> Option<String> {
    let (_, rest) = page.split_once(from)?;
    rest.split(to).next().map(str::to_owned)
}

impl Ground {
    /// What the backend says of the action.
    pub fn tracked(&self, reason: Option<Reason>) -> Value {
        let is_led = self.way.leads_to_settings()
            || matches!(self.way, Way::Validate | Way::TrackAgain)
            || reason == Some(Reason::RemovedByOneself);
        let is_reset = self.way.with() == With::New && reason.is_some_and(Reason::is_reset);
        let scope = match self.way {
            Way::AddTotpByScope => ALL_SCOPES,
            _ if is_reset => ALL_SCOPES,
            _ => "read:authenticators",
        };
        json!({"idempotencyKey": KEY, "redirectUrl": BACK, "redirectToSettings": is_led, "scope": scope})
    }

    /// The action, where the way has one; with its proof, where the way needs one and it can be had.
    pub async fn track(&mut self, reason: Option<Reason>) {
        let is_tracked = match self.way.with() {
            With::New | With::Open | With::Proof => true,
            With::Success => !matches!(self.way, Way::PollQrAnonymous | Way::PollQrOnPage | Way::RepeatInApp),
            With::DeviceMade | With::Device => false,
            With::Backend => matches!(self.way, Way::ActionsByBackend | Way::ActionByBackend | Way::Receipt),
        };
        if !is_tracked {
            return;
        }
        self.token = text(&self.world.track("ada", CODE, self.tracked(reason)).await.ok()["token"]);
        self.know(&self.token.clone());
        let is_unproved = matches!(reason, Some(Reason::Unanswered | Reason::LetThrough));
        if self.way.with() == With::Proof && !is_unproved {
            self.prove().await;
        }
        if self.way == Way::FirstCodes {
            // The attacker has opened the page in time.
            let page = self.world.page("/set-up?kind=app", &self.token).await.text();
            self.seal = field(&page, "seal").unwrap_or_default();
        }
    }

    /// Whether a proof is by the phone, because the way is about the app.
    pub fn proves_by_phone(&self) -> bool {
        self.way.method() == Some(Method::AuthenticatorApp) && self.way.with() == With::Proof
    }

    /// Answers the action in hand, and takes the token of its success where there is one.
    pub async fn prove(&mut self) {
        let token = match self.proves_by_phone() {
            true => {
                let asked = self.world.push(&self.token, json!({})).await.json();
                let id = text(&asked["challengeId"]);
                self.world.approve(&self.phone, &id).await;
                self.world.standing(&self.token, &id).await.json()["accessToken"].clone()
            }
            false => {
                self.typed = self.world.code(&self.secret, 0);
                self.world.verify(&self.token, &self.typed).await.json()["accessToken"].clone()
            }
        };
        if let Some(token) = token.as_str() {
            self.token = token.to_owned();
            self.know(token);
        }
    }

    /// Whatever comes before the last call; the answer that refused it, where one did.
    pub async fn begin(&mut self) -> Result<(), Box<Answer>> {
        match self.way {
            Way::FirstTotp | Way::AddTotp | Way::AddTotpByScope => {
                let offered = ok(self.world.enroll(&self.token).await)?;
                self.offer = text(&offered["secret"]);
                Ok(())
            }
            Way::TotpOnPage | Way::RecoveryOnPage => self.open_page("/challenge").await.map(drop),
            Way::FirstTotpOnPage | Way::AddTotpOnPage => {
                let page = self.open_page("/set-up?kind=app").await?;
                let secret = between(&page, "id=\"secret\"", "</code>").unwrap_or_default();
                self.offer = secret.rsplit('>').next().unwrap_or_default().replace(' ', "");
                Ok(())
            }
            Way::Push | Way::Pending => self.ask_phone(json!({})).await,
            Way::PushWithNumber => self.ask_phone(json!({"numberMatching": true})).await,
            Way::PushOnPage => self.ask_phone_on_page().await,
            Way::PollPush => {
                self.ask_phone(json!({})).await?;
                self.approve_honestly().await
            }
            Way::PollPushOnPage => {
                self.ask_phone_on_page().await?;
                self.approve_honestly().await
            }
            Way::QrAnonymous => self.show_code(self.tenant.clone()).await,
            Way::QrOfUser => self.show_code(self.bearer()).await,
            Way::QrOnPage => self.show_code_on_page().await,
            Way::PollQrOnPage => {
                self.show_code_on_page().await?;
                self.approve_honestly().await
            }
            Way::PollQrAnonymous => {
                self.show_code(self.tenant.clone()).await?;
                self.approve_honestly().await
            }
            Way::PollQrOfUser => {
                self.show_code(self.bearer()).await?;
                self.approve_honestly().await
            }
            Way::InAppAnonymous | Way::InAppTracked => self.ask_oneself(self.tenant.clone()).await,
            Way::InAppOfUser => self.ask_oneself(self.bearer()).await,
            Way::RepeatInApp => {
                self.ask_oneself(self.tenant.clone()).await?;
                let signed_in = ok(self.sign_in(self.tenant.clone()).await)?;
                self.know(&text(&signed_in["token"]));
                Ok(())
            }
            Way::RepeatInAppOfUser => {
                // Begun without a token, as the SDKs do: it is about the action of the token that answers.
                self.ask_oneself(self.tenant.clone()).await?;
                let signed_in = ok(self.sign_in(self.bearer()).await)?;
                self.know(&text(&signed_in["token"]));
                Ok(())
            }
            Way::RepeatTotp => {
                let token = self.token.clone();
                self.prove().await;
                self.token = token;
                Ok(())
            }
            Way::TrackAgain | Way::Validate => {
                self.prove().await;
                Ok(())
            }
            Way::Receipt => {
                self.ask_phone(json!({})).await?;
                self.approve_honestly().await
            }
            Way::Rename | Way::MakePrimary | Way::Remove | Way::ForgetDevice | Way::NewCodes | Way::AskAnew => {
                self.open_settings().await
            }
            Way::CodesAgain | Way::KeepCodes => {
                self.open_settings().await?;
                let page = self.send("/settings", &[("act", "codes")]).await.text();
                let list = between(&page, "id=\"codes\"", "</ol>").unwrap_or_default();
                let codes = list.split("<code>").skip(1).filter_map(|rest| rest.split('<').next());
                self.codes = codes.map(str::to_owned).collect();
                if self.way == Way::KeepCodes {
                    self.set = field(&page, "set").unwrap_or_default();
                    self.seal = field(&page, "seal").unwrap_or_else(|| self.seal.clone());
                }
                Ok(())
            }
            Way::FirstPushByLink | Way::AddPushByLink => {
                if let Some(link) = self.link().await {
                    self.world.redeem(&link, &self.fresh).await.ok();
                    self.seal = field(&self.world.link_page(&link).await.text(), "seal").unwrap_or_default();
                    self.pairing = link.id;
                }
                Ok(())
            }
            Way::FirstCodes => {
                if let Some(link) = self.link().await {
                    let mut device = Device::new("push");
                    self.world.redeem(&link, &device).await.ok();
                    self.world.say(&link, "pair").await;
                    device.id = text(&self.world.ask_about(&link, &device).await.json()["userAuthenticatorId"]);
                    self.seal = field(&self.world.link_page(&link).await.text(), "seal").unwrap_or_default();
                    self.phone = device;
                    self.pairing = link.id;
                }
                Ok(())
            }
            Way::UpdatePush => {
                let path = format!("{LIST}/push/sign?{}", self.phone.query());
                self.challenge = ok(self.world.http.post(&path, &self.tenant, json!({})).await)?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Opens a page and keeps the seal of its form; the answer where there is no form.
    pub async fn open_page(&mut self, path: &str) -> Result<String, Box<Answer>> {
        let answer = self.world.page(path, &self.token).await;
        let page = answer.text();
        self.seal = field(&page, "seal").ok_or_else(|| Box::new(answer))?;
        Ok(page)
    }

    async fn open_settings(&mut self) -> Result<(), Box<Answer>> {
        match self.open_page("/settings").await {
            Ok(_) => Ok(()),
            // Any form of this action's pages will do.
            Err(_) => self.open_page("/challenge").await.map(drop),
        }
    }

    /// A link that pairs a phone; none where the token opens no page for one.
    async fn link(&self) -> Option<Link> {
        let page = self.world.page("/set-up?kind=phone", &self.token).await;
        let to = page.headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
        if to.contains("pairing=") { Some(self.world.link(&self.token).await) } else { None }
    }

    async fn ask_phone(&mut self, body: Value) -> Result<(), Box<Answer>> {
        self.challenge = ok(self.world.push(&self.token, body).await)?;
        Ok(())
    }

    async fn ask_phone_on_page(&mut self) -> Result<(), Box<Answer>> {
        self.open_page("/challenge").await?;
        let form = [("token", self.token.as_str()), ("seal", &self.seal), ("way", "phone")];
        let asked = self.world.send_form("/challenge", &form).await;
        let location = asked.headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some((_, id)) = location.split_once("challenge=") else { return Err(Box::new(asked)) };
        let id = id.split('&').next().unwrap_or_default().to_owned();
        let page = self.world.page(&format!("/challenge?challenge={id}"), &self.token).await.text();
        let number = between(&page, "id=\"number\">", "<").unwrap_or_default().replace(' ', "");
        self.challenge = json!({"challengeId": id, "verificationCode": number});
        Ok(())
    }

    async fn show_code(&mut self, auth: Auth) -> Result<(), Box<Answer>> {
        let shown = self.world.http.post("/v1/client/challenge/qr-code", &auth, json!({"action": CODE})).await;
        self.challenge = ok(shown)?;
        self.claim().await
    }

    async fn show_code_on_page(&mut self) -> Result<(), Box<Answer>> {
        let begun = self.world.send_form("/qr-code/t1", &[("action", CODE), ("redirectUrl", BACK)]).await;
        let to = begun.headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
        let url = url::Url::parse("http://page").and_then(|base| base.join(to)).expect("an address");
        let said = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let Some((id, code)) = said("challenge").zip(said("code")) else { return Err(Box::new(begun)) };
        self.challenge = json!({"challengeId": id, "deviceCode": code});
        self.claim().await
    }

    async fn claim(&self) -> Result<(), Box<Answer>> {
        let id = self.challenge_id();
        let claim =
            json!({"challengeId": id, "publicKey": self.scanner.public_key, "signature": self.scanner.sign(&id)});
        ok(self.world.http.post(&format!("{LIST}/qr-code/challenge/claim"), &self.tenant, claim).await).map(drop)
    }

    async fn ask_oneself(&mut self, auth: Auth) -> Result<(), Box<Answer>> {
        let body = match self.way {
            Way::InAppOfUser | Way::RepeatInAppOfUser => json!({}),
            _ => json!({"action": CODE, "idempotencyKey": KEY}),
        };
        self.challenge = ok(self.world.http.post("/v1/client/challenge", &auth, body).await)?;
        Ok(())
    }

    async fn approve_honestly(&mut self) -> Result<(), Box<Answer>> {
        ok(self.approve().await).map(drop)
    }
}

/// The body of a 200, or else the answer.
fn ok(answer: Answer) -> Result<Value, Box<Answer>> {
    if answer.status == 200 { Ok(answer.json()) } else { Err(Box::new(answer)) }
}
