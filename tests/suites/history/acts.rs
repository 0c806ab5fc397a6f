//! What people do, up to the one call that counts, and whether it gave them what it promises to refuse.

use countersign_tests::{World, device::Device, http::Auth, pages};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A phone approves a push.
    Approve,
    Deny,
    /// A phone denies and says "not me".
    Report,
    /// A push is asked for.
    Push,
    /// A device claims a code that was scanned.
    Claim,
    /// A device approves what it claimed, which makes the action.
    Scan,
    /// An app signs in by itself, which makes the action.
    InApp,
    /// A recovery code on the page.
    Recover,
    /// The same by somebody whose phone is told of it.
    RecoverAndTell,
    /// A code of an app.
    Type,
    /// The first recovery codes, on the page that paired a phone.
    FirstCodes,
    /// A device is enrolled.
    Pair,
    /// The backend removes the last authenticator of somebody who has just got in.
    RemoveLast,
    /// The backend removes the one of two that got them in.
    RemoveOne,
    /// An action or a rule is bound to the app alone, while two factors are asked of everybody.
    ChangeAction,
    MakeAction,
    ChangeRule,
    MakeRule,
    /// Two factors are asked of everybody.
    Enforce,
}

const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const DEVICES: &str = "/v1/client/user-authenticators";

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

impl Act {
    /// Prepares, says when everything is ready, and asks.
    pub async fn ask(self, world: &World, ready: impl FnOnce()) -> bool {
        match self {
            Self::Approve | Self::Deny | Self::Report => self.answer(world, ready).await,
            Self::Push => {
                world.device("ada", "push").await;
                let token = world.token("ada", "signIn").await;
                ready();
                world.push(&token, json!({})).await;
                challenges(world) > 0
            }
            Self::Claim | Self::Scan => self.scan(world, ready).await,
            Self::InApp => in_app(world, ready).await,
            Self::Recover | Self::RecoverAndTell => self.recover(world, ready).await,
            Self::Type => {
                let secret = world.ready("ada").await;
                let token = world.token("ada", "signIn").await;
                ready();
                world.verify(&token, &world.code(&secret, 0)).await.json()["isVerified"] == true
            }
            Self::FirstCodes => first_codes(world, ready).await,
            Self::Pair => {
                let token = world.token("ada", "signIn").await;
                let device = Device::new("push");
                ready();
                world.enrol_device(&device, &token, json!({})).await.status == 200
            }
            Self::RemoveLast | Self::RemoveOne => self.remove(world, ready).await,
            Self::ChangeAction | Self::MakeAction | Self::ChangeRule | Self::MakeRule | Self::Enforce => {
                self.manage(world, ready).await
            }
        }
    }

    async fn answer(self, world: &World, ready: impl FnOnce()) -> bool {
        let device = world.device("ada", "push").await;
        let body = json!({ "idempotencyKey": "k" });
        let token = text(&world.track("ada", "signIn", body).await.ok(), "token");
        let id = text(&world.push(&token, json!({})).await.ok(), "challengeId");
        let mut body = device.answer(&id, self == Self::Approve);
        if self == Self::Report {
            body["report"] = true.into();
        }
        ready();
        let said = world.answer(&device, body).await;
        match self {
            Self::Approve => said.json()["isVerified"] == true,
            Self::Report => {
                let action = world.http.get("/v1/users/ada/actions/signIn/k", &world.key()).await.ok();
                action["state"] == "CHALLENGE_FAILED"
            }
            _ => said.status == 200,
        }
    }

    async fn scan(self, world: &World, ready: impl FnOnce()) -> bool {
        let device = world.device("ada", "qr-code").await;
        let (asked, tenant) = (json!({ "action": "signIn" }), world.tenant_auth());
        let shown = world.http.post("/v1/client/challenge/qr-code", &tenant, asked).await.ok();
        let id = text(&shown, "challengeId");
        let claim = json!({ "challengeId": id, "publicKey": device.public_key, "signature": device.sign(&id) });
        let path = format!("{DEVICES}/qr-code/challenge/claim");
        if self == Self::Claim {
            ready();
            return world.http.post(&path, &tenant, claim).await.status == 200;
        }
        world.http.post(&path, &tenant, claim).await.ok();
        ready();
        world.approve(&device, &id).await.json()["isVerified"] == true
    }

    async fn recover(self, world: &World, ready: impl FnOnce()) -> bool {
        let uri = format!("otpauth://totp/a?secret={SECRET}");
        let body = json!({ "verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri });
        let added = world.http.post("/v1/users/ada/authenticators", &world.key(), body).await.ok();
        let code = added["recoveryCodes"][0].as_str().expect("a code").to_owned();
        if self == Self::RecoverAndTell {
            world.device_with("ada", "push", json!({ "pushToken": "t" })).await;
        }
        let body = json!({ "idempotencyKey": "k" });
        let token = text(&world.track("ada", "signIn", body).await.ok(), "token");
        let seal = world.seal(&token).await;
        let form = [("token", token.as_str()), ("seal", &seal), ("way", "recovery"), ("recovery", &code)];
        let before = challenges(world);
        ready();
        world.send_form("/challenge", &form).await;
        match self {
            Self::RecoverAndTell => challenges(world) > before,
            _ => items(world).iter().any(|item| item["st"]["S"] == "CHALLENGE_SUCCEEDED"),
        }
    }

    async fn remove(self, world: &World, ready: impl FnOnce()) -> bool {
        let secret = world.ready("ada").await;
        let token = world.token("ada", "signIn").await;
        let success = world.verify(&token, &world.code(&secret, 0)).await.ok();
        if self == Self::RemoveOne {
            world.device("ada", "push").await;
        }
        let listed = world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok();
        let app = listed.as_array().into_iter().flatten().find(|one| one["verificationMethod"] == "AUTHENTICATOR_APP");
        let id = text(app.expect("an app"), "userAuthenticatorId");
        ready();
        world.http.delete(&format!("/v1/users/ada/authenticators/{id}"), &world.key()).await.ok();
        world.validate(&text(&success, "accessToken")).await.ok()["isValid"] == true
    }
}

impl Act {
    async fn manage(self, world: &World, ready: impl FnOnce()) -> bool {
        let (http, auth) = (&world.http, world.management());
        let enforcement = "/v1/management/two-factor-enforcement";
        let enforce = json!({ "confirmation": "Enforce 2FA", "by": "Grace" });
        if self == Self::Enforce {
            ready();
            return http.post(enforcement, &auth, enforce).await.status == 200;
        }
        http.post(enforcement, &auth, enforce).await.ok();
        let actions = "/v1/management/action-configurations";
        http.post(actions, &auth, json!({ "actionCode": "pay" })).await.ok();
        let (action, rules) = (format!("{actions}/pay"), format!("{actions}/pay/rules"));
        let mut rule = json!({ "name": "Old", "priority": 9, "type": "CHALLENGE", "conditions": true });
        let made = text(&http.post(&rules, &auth, rule.clone()).await.ok(), "ruleId");
        let mut bound = json!({ "verificationMethods": ["AUTHENTICATOR_APP"] });
        ready();
        let said = match self {
            Self::ChangeAction => http.patch(&action, &auth, bound).await,
            Self::ChangeRule => http.patch(&format!("{rules}/{made}"), &auth, bound).await,
            Self::MakeAction => {
                bound["actionCode"] = "new".into();
                http.post(actions, &auth, bound).await
            }
            _ => {
                rule["priority"] = 0.into();
                rule["verificationMethods"] = bound["verificationMethods"].clone();
                http.post(&rules, &auth, rule).await
            }
        };
        said.status == 200
    }
}

async fn in_app(world: &World, ready: impl FnOnce()) -> bool {
    let device = world.device("ada", "in-app").await;
    let tenant = world.tenant_auth();
    let begun = world.http.post("/v1/client/challenge", &tenant, json!({ "action": "signIn" })).await.ok();
    let id = text(&begun, "challengeId");
    let body = json!({ "challengeId": id, "publicKey": device.public_key, "signature": device.sign(&id) });
    ready();
    world.http.post("/v1/client/verify/in-app", &tenant, body).await.json()["token"].is_string()
}

async fn first_codes(world: &World, ready: impl FnOnce()) -> bool {
    let token = world.token("ada", "signIn").await;
    let (link, device) = (world.link(&token).await, Device::new("push"));
    world.redeem(&link, &device).await.ok();
    world.say(&link, "pair").await;
    let page = world.http.get(&link.page, &Auth::None).await.text();
    assert!(pages::field(&page, "seal").is_some(), "no form: {page}");
    ready();
    world.say(&link, "paired").await.text().contains("Keep your recovery codes")
}

/// How many challenges and notices are written.
fn challenges(world: &World) -> usize {
    items(world).iter().filter(|item| item["sk"]["S"] == "CHALLENGE").count()
}

/// All that is stored: what no page shows any more, too.
fn items(world: &World) -> Vec<Value> {
    let scan = json!({ "TableName": countersign_local::embedded::TABLE });
    let answer = world.embedded.answer("Scan", scan.to_string().as_bytes());
    let all: Value = serde_json::from_slice(answer.body().bytes().unwrap_or_default()).expect("JSON");
    all["Items"].as_array().cloned().unwrap_or_default()
}
