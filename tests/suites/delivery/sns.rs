//! A stand-in for SNS that speaks its protocol over HTTP, writes down what it gets, and refuses on command.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use axum::{Router, extract::State, http::StatusCode, routing};
use countersign_core::courier::Courier;
use countersign_tests::stand_in::StandIn;

/// The parameters of one call.
#[derive(Clone, Debug)]
pub struct Call(BTreeMap<String, String>);

impl std::ops::Index<&str> for Call {
    type Output = String;
    fn index(&self, name: &str) -> &String {
        self.0.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.0))
    }
}

impl Call {
    /// `MessageAttributes.entry.N.Name` with its value.
    pub fn attributes(&self) -> Vec<(String, String)> {
        let named = |n: usize| {
            let name = self.0.get(&format!("MessageAttributes.entry.{n}.Name"))?;
            Some((name.clone(), self[&format!("MessageAttributes.entry.{n}.Value.StringValue")].clone()))
        };
        (1..).map_while(named).collect()
    }
    pub fn text(&self) -> String {
        format!("{:?}", self.0)
    }
}

#[derive(Default)]
struct Inner {
    calls: Vec<Call>,
    /// By a part of the token or endpoint: status and code.
    refusals: HashMap<String, (u16, String)>,
}

pub struct FakeSns {
    inner: Arc<Mutex<Inner>>,
    service: StandIn,
}

impl FakeSns {
    pub async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new().route("/", routing::post(answer)).with_state(inner.clone());
        Self { inner, service: StandIn::serve(router).await }
    }

    /// A courier that takes this for SNS, and sends each call once.
    pub fn courier(&self) -> Courier {
        let config = aws_sdk_sns::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::for_tests())
            .endpoint_url(&self.service.url)
            .retry_config(RetryConfig::standard().with_max_attempts(1))
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        Courier::sns(config)
    }

    /// From now on what names this (everything, where it is empty) is refused so.
    pub fn refuse(&self, part: &str, status: u16, code: &str) {
        self.inner.lock().unwrap().refusals.insert(part.into(), (status, code.into()));
    }
    pub fn heal(&self) {
        self.inner.lock().unwrap().refusals.clear();
    }

    /// The calls of this action that were taken.
    pub fn calls(&self, action: &str) -> Vec<Call> {
        self.inner.lock().unwrap().calls.iter().filter(|call| call["Action"] == action).cloned().collect()
    }
    pub fn published(&self) -> Vec<Call> {
        self.calls("Publish")
    }
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, body: String) -> (StatusCode, String) {
    let call = Call(url::form_urlencoded::parse(body.as_bytes()).into_owned().collect());
    let named = call.0.get("Token").or(call.0.get("TargetArn")).cloned().unwrap_or_default();
    let mut inner = inner.lock().unwrap();
    let refused =
        inner.refusals.iter().find(|(part, _)| named.contains(part.as_str())).map(|(_, refusal)| refusal.clone());
    if let Some((status, code)) = refused {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        );
        return (StatusCode::from_u16(status).unwrap(), body);
    }
    let action = call["Action"].clone();
    let inside = match action.as_str() {
        "CreatePlatformEndpoint" => format!(
            "<EndpointArn>{}/{named}</EndpointArn>",
            call["PlatformApplicationArn"].replace(":app/", ":endpoint/")
        ),
        _ => "<MessageId>m</MessageId>".to_owned(),
    };
    inner.calls.push(call);
    (StatusCode::OK, format!("<{action}Response><{action}Result>{inside}</{action}Result></{action}Response>"))
}
