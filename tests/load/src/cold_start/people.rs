//! The tenant of a run and its users, made with the whole product in this process.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::{Credentials as AwsCredentials, provider::SharedCredentialsProvider};
use axum::{
    Router,
    body::{Body, to_bytes},
    http,
};
use countersign_core::{
    app::App,
    clock::{Clock, ManualClock},
    delivery::{Delivery, Platform},
    id::{AuthenticatorId, ChallengeId, UserId},
    keyring::{Keyring, KmsKeyring},
    operator::Credentials,
    outbox::{LocalQueue, Outbox},
    store::Store,
};
use countersign_local::embedded::TABLE;
use countersign_tests::{device::Device, otp};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    Result,
    aws::{Aws, REGION, SECRETS_KEY, TOKEN_KEY},
    event::Http,
};

pub const TRACK: &str = "POST /v1/users/{userId}/actions/{action}";
pub const ENROLL: &str = "POST /v1/client/user-authenticators/totp";
pub const VERIFY: &str = "POST /v1/client/verify/totp";
pub const ASK: &str = "POST /v1/client/challenge/push";
pub const ANSWER: &str = "POST /v1/client/user-authenticators/push/challenge";
const SHOW_QR_CODE: &str = "POST /v1/client/challenge/qr-code";
const ENROLL_DEVICE: &str = "POST /v1/client/user-authenticators/push";

/// A tenant in the table, and the whole product in this process to make its users with.
pub struct World {
    service: Router,
    app: App,
    queue: LocalQueue,
    pub clock: ManualClock,
    pub tenant: Credentials,
    /// Each user is a new one.
    users: AtomicU64,
}

/// A user with an authenticator app, and a token that a code of it would verify.
pub struct Enrolled {
    pub id: String,
    pub secret: String,
    pub token: String,
}

/// A user with a device that a push has reached before, and a token that an approval would verify.
pub struct Owner {
    pub device: Device,
    pub token: String,
}

/// A question by push to an owner, and the message that is on its way for it.
pub struct WaitingPush {
    pub owner: Owner,
    pub challenge: String,
    pub message: String,
}

/// Users confirm their apps this long ago, so that the code of the moment is a new one.
const SINCE: i64 = 90;

pub fn now() -> Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}

impl World {
    pub async fn new(aws: &Aws) -> Result<Self> {
        let credentials = AwsCredentials::new("test", "test", None, None, "cold-start");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(format!("http://{}", aws.address))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .load()
            .await;
        let keyring = Keyring::Kms(KmsKeyring::new(&config, Some(SECRETS_KEY.into()), vec![TOKEN_KEY.into()]).into());
        let store = Store::create_table(aws.embedded.client(), TABLE).await?;
        let clock = ManualClock::at(now()? - SINCE);
        let queue = LocalQueue::default();
        let app = App::new(
            store,
            keyring,
            Clock::Manual(clock.clone()),
            "https://mfa.example.com",
            Outbox::Local(queue.clone()),
        );
        let tenant = Credentials::choose(None, None, None)?;
        app.create_tenant(countersign_core::tenant::Settings::named("Cold start"), &tenant).await?;
        let reach_phones = |tenant: &mut countersign_core::tenant::Tenant| {
            let application = format!("arn:aws:sns:{REGION}:000000000000:app/GCM/cold-start");
            tenant.settings.push.applications.insert(Platform::Gcm, application);
            Ok(())
        };
        app.store().tenant(&tenant.tenant_id).change(reach_phones).await?;
        app.forget_tenant(&tenant.tenant_id);
        let service = countersign_local::service(app.clone());
        Ok(Self { service, app, queue, clock, tenant, users: AtomicU64::new(0) })
    }

    pub fn somebody(&self) -> String {
        format!("user-{}@example.com", self.users.fetch_add(1, Ordering::Relaxed))
    }

    /// A token of a user who has just been tracked.
    pub async fn tracked(&self, user: &str) -> Result<String> {
        let track = Http::to(TRACK).parameter("userId", user).parameter("action", "signIn");
        text(&self.call(track.key(&self.tenant.secret_key).body(json!({}))).await?, "token")
    }

    /// A user who has enrolled and confirmed an app some time ago, and means to sign in now.
    pub async fn enrolled(&self) -> Result<Enrolled> {
        let (user, now) = (self.somebody(), now()?);
        self.clock.set(now - SINCE);
        let token = self.tracked(&user).await?;
        let secret = text(&self.call(Http::to(ENROLL).token(&token)).await?, "secret")?;
        let body = json!({"verificationCode": otp::totp(&secret, now - SINCE)});
        self.call(Http::to(VERIFY).token(&token).body(body)).await?;
        self.clock.set(now);
        Ok(Enrolled { token: self.tracked(&user).await?, id: user, secret })
    }

    /// A user who has enrolled a device, and means to sign in now.
    pub async fn owner(&self) -> Result<Owner> {
        self.clock.set(now()?);
        let (user, device) = (self.somebody(), Device::new("push"));
        let push_token = format!("{}{user}", "t".repeat(140));
        let body = json!({
            "publicKey": device.public_key, "deviceName": "A phone", "devicePlatform": "android",
            "pushToken": push_token,
        });
        let token = self.tracked(&user).await?;
        let enrolled = self.call(Http::to(ENROLL_DEVICE).token(&token).body(body)).await?;
        let id = text(&enrolled, "userAuthenticatorId")?;
        // What deliver writes down at the first push to a device.
        let endpoint = format!("arn:aws:sns:{REGION}:000000000000:endpoint/GCM/cold-start/{id}");
        let store = self.app.store().tenant(&self.tenant.tenant_id);
        let (user_id, id) = (UserId::parse(&user)?, AuthenticatorId::parse(id)?);
        store.set_endpoint(&user_id, &id, &push_token, &endpoint).await?;
        Ok(Owner { device, token: self.tracked(&user).await? })
    }

    /// An owner who has been asked by push. The message is taken out of the queue.
    pub async fn asked(&self) -> Result<WaitingPush> {
        let owner = self.owner().await?;
        let asked = self.call(Http::to(ASK).token(&owner.token).body(json!({"action": "signIn"}))).await?;
        let [message] = &self.queue.receive(self.app.now())[..] else { return Err("other than one message".into()) };
        self.queue.delete(message);
        Ok(WaitingPush { owner, challenge: text(&asked, "challengeId")?, message: message.body.clone() })
    }

    /// A message that names a challenge which no device has claimed.
    pub async fn message_of_a_qr_code(&self) -> Result<String> {
        let http = Http::to(SHOW_QR_CODE).key(self.tenant.tenant_id.as_str()).body(json!({"action": "signIn"}));
        let message = Delivery {
            version: Delivery::VERSION,
            tenant_id: self.tenant.tenant_id.clone(),
            challenge_id: ChallengeId::parse(text(&self.call(http).await?, "challengeId")?)?,
            user_authenticator_id: AuthenticatorId::parse("9a72e348-954a-4204-80e1-43a7273dc979")?,
            enqueued_at: now()?,
            expires_at: now()? + 3600,
        };
        Ok(serde_json::to_string(&message)?)
    }

    /// An answer of a device to what it was asked.
    pub fn approval(&self, asked: &WaitingPush) -> Http<'static> {
        let body = asked.owner.device.answer(&asked.challenge, true);
        Http::to(ANSWER).key(self.tenant.tenant_id.as_str()).body(body)
    }

    /// Asks the product in this process.
    pub async fn call(&self, http: Http<'_>) -> Result<Value> {
        let mut request = http::Request::builder().method(http.method()).uri(&http.path);
        if let Some(authorization) = &http.authorization {
            request = request.header("authorization", authorization);
        }
        let body = http.body.map(|body| body.to_string());
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let response = self.service.clone().oneshot(request.body(Body::from(body.unwrap_or_default()))?).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await?;
        if !status.is_success() {
            return Err(format!("{}: {status} {}", http.path, String::from_utf8_lossy(&body)).into());
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

fn text(body: &Value, name: &str) -> Result<String> {
    body[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name}: {body}").into())
}
