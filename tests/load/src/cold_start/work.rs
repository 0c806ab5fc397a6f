//! What the functions are asked, and what they must answer.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::{Credentials as AwsCredentials, provider::SharedCredentialsProvider};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http,
};
use countersign_core::{
    app::App,
    clock::{Clock, ManualClock},
    keyring::{Keyring, KmsKeyring},
    operator::Credentials,
    store::Store,
};
use countersign_local::embedded::TABLE;
use countersign_tests::otp;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    Result,
    aws::{Aws, REGION, SECRETS_KEY, TOKEN_KEY},
};

/// The functions, by the names of their binaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Track,
    ValidateChallenge,
    Enroll,
    Verify,
    Directory,
    Management,
    HostedUi,
    Deliver,
}

impl Function {
    pub const ALL: [Self; 8] = [
        Self::Track,
        Self::ValidateChallenge,
        Self::Enroll,
        Self::Verify,
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
            Self::Directory => "directory",
            Self::Management => "management",
            Self::HostedUi => "hosted-ui",
            Self::Deliver => "deliver",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }
}

/// An event, and the answer that it must get.
pub struct Request {
    event: Bytes,
    status: u16,
    holds: &'static str,
}

impl Request {
    pub fn event(&self) -> Bytes {
        self.event.clone()
    }

    pub fn check(&self, answer: &[u8]) -> Result<()> {
        let answer: Value = serde_json::from_slice(answer)?;
        // SQS is answered with the messages that failed.
        let status = answer["statusCode"].as_u64().unwrap_or(200);
        let body = answer["body"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
        if status == u64::from(self.status) && body.contains(self.holds) {
            return Ok(());
        }
        Err(format!("not {} with {:?}: {answer}", self.status, self.holds).into())
    }
}

/// A request as API Gateway hands it to a function.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
struct Http<'a> {
    route: &'a str,
    path: String,
    parameters: Value,
    query: String,
    authorization: Option<String>,
    body: Option<Value>,
}

impl<'a> Http<'a> {
    fn to(route: &'a str) -> Self {
        let path = route.split_once(' ').map_or(route, |(_, path)| path).to_owned();
        Self { route, path, parameters: json!({}), query: String::new(), authorization: None, body: None }
    }
    fn parameter(mut self, name: &str, value: &str) -> Self {
        self.path = self.path.replace(&format!("{{{name}}}"), value);
        self.parameters[name] = value.into();
        self
    }
    fn key(mut self, key: &str) -> Self {
        self.authorization = Some(format!("Basic {}", BASE64.encode(format!("{key}:").as_bytes())));
        self
    }
    fn token(mut self, token: &str) -> Self {
        self.authorization = Some(format!("Bearer {token}"));
        self
    }
    fn query(mut self, query: String) -> Self {
        self.query = query;
        self
    }
    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    fn method(&self) -> &'a str {
        self.route.split(' ').next().unwrap_or_default()
    }

    /// The request whose answer has this status and holds this text.
    fn expecting(self, status: u16, holds: &'static str) -> Request {
        let mut headers = json!({
            "accept": "application/json, text/html", "accept-encoding": "gzip, br", "host": "mfa.example.com",
            "user-agent": "cold-start/1 (a client of ordinary length; Linux x86_64)", "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443", "x-forwarded-proto": "https",
            "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
        });
        if let Some(authorization) = &self.authorization {
            headers["authorization"] = authorization.as_str().into();
        }
        let body = self.body.as_ref().map(Value::to_string);
        if let Some(body) = &body {
            headers["content-type"] = "application/json".into();
            headers["content-length"] = body.len().to_string().into();
        }
        let method = self.method();
        let event = json!({
            "version": "2.0", "routeKey": self.route, "rawPath": self.path, "rawQueryString": self.query,
            "headers": headers, "pathParameters": self.parameters, "body": body, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "000000000000", "apiId": "a1b2c3d4e5", "domainName": "mfa.example.com",
                "domainPrefix": "mfa", "requestId": "JKJaXmPLvHcESHA=", "routeKey": self.route, "stage": "$default",
                "time": "21/Nov/2026:10:00:00 +0000", "timeEpoch": 1_795_255_200_000_u64,
                "http": {"method": method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                    "userAgent": "cold-start/1 (a client of ordinary length; Linux x86_64)"},
            },
        });
        Request { event: event.to_string().into(), status, holds }
    }
}

const TRACK: &str = "POST /v1/users/{userId}/actions/{action}";
const VALIDATE: &str = "POST /v1/validate";
const ENROLL: &str = "POST /v1/client/user-authenticators/totp";
const VERIFY: &str = "POST /v1/client/verify/totp";

/// A tenant in the table, and the whole product in this process to make its users with.
pub struct World {
    service: Router,
    clock: ManualClock,
    tenant: Credentials,
    /// Each user is a new one.
    users: AtomicU64,
}

/// A user with an authenticator app, and a token that a code of it would verify.
struct Enrolled {
    id: String,
    secret: String,
    token: String,
}

/// Users confirm their apps this long ago, so that the code of the moment is a new one.
const SINCE: i64 = 90;

fn now() -> Result<i64> {
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
        let app = App::new(
            store,
            keyring,
            Clock::Manual(clock.clone()),
            "https://mfa.example.com",
            countersign_core::outbox::Outbox::None,
        );
        let tenant = Credentials::choose(None, None, None)?;
        app.create_tenant("Cold start", &tenant).await?;
        Ok(Self { service: countersign_local::service(app), clock, tenant, users: AtomicU64::new(0) })
    }

    /// A request that costs one call: of a tenant or a key that nobody has, which is not remembered.
    pub fn probe(&self, function: Function) -> Result<Request> {
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
            Function::Directory => {
                Http::to("GET /v1/users/{userId}").parameter("userId", "ada").key(nobody).expecting(401, "unauthorized")
            }
            Function::Management => Http::to("GET /v1/management/tenant").key(nobody).expecting(401, "unauthorized"),
            Function::HostedUi => {
                let query = format!("token={}", token_of_nobody());
                Http::to("GET /challenge").query(query).expecting(401, "cannot be shown")
            }
            Function::Deliver => delivery()?,
        })
    }

    /// So many of what the function is for, each of which succeeds.
    pub async fn ordinary(&self, function: Function, count: usize) -> Result<Vec<Request>> {
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
            Function::Deliver => {
                let mut all = Vec::with_capacity(count);
                for _ in 0..count {
                    all.push(delivery()?);
                }
                all
            }
        })
    }

    fn somebody(&self) -> String {
        format!("user-{}@example.com", self.users.fetch_add(1, Ordering::Relaxed))
    }

    /// A token of a user who has just been tracked.
    async fn tracked(&self, user: &str) -> Result<String> {
        let track = Http::to(TRACK).parameter("userId", user).parameter("action", "signIn");
        text(&self.call(track.key(&self.tenant.secret_key).body(json!({}))).await?, "token")
    }

    /// A user who has enrolled and confirmed an app some time ago, and means to sign in now.
    async fn enrolled(&self) -> Result<Enrolled> {
        let (user, now) = (self.somebody(), now()?);
        self.clock.set(now - SINCE);
        let token = self.tracked(&user).await?;
        let secret = text(&self.call(Http::to(ENROLL).token(&token)).await?, "secret")?;
        let body = json!({"verificationCode": otp::totp(&secret, now - SINCE)});
        self.call(Http::to(VERIFY).token(&token).body(body)).await?;
        self.clock.set(now);
        Ok(Enrolled { token: self.tracked(&user).await?, id: user, secret })
    }

    /// Asks the product in this process.
    async fn call(&self, http: Http<'_>) -> Result<Value> {
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

/// A token that names a tenant whom nobody knows; nothing else of it is looked at.
fn token_of_nobody() -> String {
    let part = |json: Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let header = part(json!({"typ": "JWT", "alg": "HS256", "kid": "00000000-0000-4000-8000-000000000000.1"}));
    format!("{header}.{}.{}", part(json!({})), BASE64URL_NOPAD.encode(&[0; 32]))
}

/// One message of the delivery queue, as SQS hands it over.
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
fn delivery() -> Result<Request> {
    let body = json!({
        "version": 1, "tenantId": "00000000-0000-4000-8000-000000000000",
        "challengeId": "3f1c9d0a-6f0e-4a5c-9b3e-000000000000",
        "userAuthenticatorId": "9a72e348-954a-4204-80e1-43a7273dc979",
        "target": format!("arn:aws:sns:{REGION}:000000000000:endpoint/APNS/app/3f1c9d0a"),
        "platform": "APNS", "expiresAt": now()? + 300,
    });
    let event = json!({"Records": [{
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d", "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body.to_string(), "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "messageAttributes": {},
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1545082649185"},
        "eventSource": "aws:sqs", "awsRegion": REGION,
        "eventSourceARN": format!("arn:aws:sqs:{REGION}:000000000000:delivery"),
    }]});
    Ok(Request { event: event.to_string().into(), status: 200, holds: r#""batchItemFailures":[]"# })
}

fn text(body: &Value, name: &str) -> Result<String> {
    body[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name}: {body}").into())
}
