//! The shop's own Countersign: in memory, at a port of its own, with a tenant that has the shop's name, looks and rules. So
//! nothing of the demo is among your users, and the keys that its page shows open nothing of yours.

use std::{net::Ipv4Addr, time::Duration};

use axum::{Router, http::header, routing};
use countersign_core::{
    app::{App, Local},
    clock::Clock,
    http::serving::{self, Door},
    operator::Credentials,
    tenant::{Demand, PushSettings, Settings},
};
use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use ureq::typestate::WithBody;
use url::Url;

use super::shop::{NAME, Sorry};
use crate::{
    first_run::{self, Place},
    serve,
};

const LOGO: &str = include_str!("logo.svg");
const DARK_LOGO: &str = include_str!("logo-dark.svg");

/// In euros: above it the rules of the tenant ask for a second step, and above the other they refuse.
pub(super) const LIMIT: u32 = 100;
const MOST: u32 = 1500;

pub(super) struct Backend {
    /// Where the API and the hosted pages are.
    pub(super) origin: String,
    pub(super) tenant: String,
    pub(super) secret_key: String,
}

/// What a call came to.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) said: Value,
}

impl Backend {
    /// Starts it. It ends with the process.
    pub(super) async fn start() -> Result<Self, Sorry> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let wrong = |error: first_run::Trouble| Sorry(error.to_string());
        let (app, _) = first_run::open(&Place::Memory, Clock::System, &origin).await.map_err(wrong)?;
        let app = app.with_local(Local { has_demo: false });
        let credentials = Credentials::choose(None, None, None)?;
        let push = PushSettings { number_matching: Demand::Required, ..PushSettings::default() };
        app.create_tenant(Settings { is_local: true, push, ..Settings::named(NAME) }, &credentials).await?;
        tokio::spawn(serving::serve(vec![listener], service(&app), Door::default(), std::future::pending()));
        tokio::spawn(serve::deliver_pushes(app));
        let management =
            Self { origin, tenant: credentials.tenant_id.to_string(), secret_key: credentials.management_key };
        management.furnish().await?;
        Ok(Self { secret_key: credentials.secret_key, ..management })
    }

    /// What an operator would set up once: looks, data points, rules.
    async fn furnish(&self) -> Result<(), Sorry> {
        // What the page and the phone say of a payment, in words.
        let amount = json!({"name": "amount", "dataType": "number", "modelType": "action", "isPublic": true,
            "label": {"en": "Amount"}, "format": "money", "unit": "EUR"});
        let currency = json!({"name": "currency", "dataType": "text", "modelType": "action", "isPublic": false});
        let pay = json!({"actionCode": "pay", "defaultUserActionResult": "ALLOW", "displayName": {"en": "Payment"}});
        let rule = |name: String, priority: u32, outcome: &str, above: u32| {
            json!({"name": name, "priority": priority, "isActive": true, "type": outcome,
                "conditions": {">": [{"var": "custom.amount"}, above]}})
        };
        let rules = ["management", "action-configurations", "pay", "rules"];
        for (method, path, body) in [
            ("PATCH", &["management", "theme"][..], self.theme()),
            ("POST", &["management", "custom-data-points"], amount),
            ("POST", &["management", "custom-data-points"], currency),
            ("POST", &["management", "action-configurations"], pay),
            ("POST", &rules, rule(format!("More than {MOST} € at once"), 0, "BLOCK", MOST)),
            ("POST", &rules, rule(format!("Payments over {LIMIT} €"), 1, "CHALLENGE", LIMIT)),
        ] {
            let Answer { status, said } = self.call(method, path, &body).await?;
            if status != 200 {
                return Err(Sorry(format!("The demo could not be set up: {said}")));
            }
        }
        Ok(())
    }

    fn theme(&self) -> Value {
        let logo = |name: &str| format!("{}/{name}", self.origin);
        json!({
            "logoUrl": logo("corner-coffee.svg"), "primaryColor": "#7a3e12",
            "borders": {"buttonBorderRadius": 10, "inputBorderRadius": 10, "containerBorderRadius": 18},
            "colors": {"containerBackground": "#fffdfa", "headingText": "#2b2119", "bodyText": "#2b2119"},
            "pageBackground": {"backgroundColor": "#f6efe6"},
            "darkMode": {
                "logoUrl": logo("corner-coffee-dark.svg"), "primaryColor": "#f0a869",
                "colors": {"containerBackground": "#241d17", "headingText": "#f5ede3", "bodyText": "#f5ede3"},
                "pageBackground": {"backgroundColor": "#17130f"},
            },
        })
    }

    /// The address of a call.
    pub(super) fn url(&self, path: &[&str]) -> Result<Url, Sorry> {
        let mut url = Url::parse(&format!("{}/v1", self.origin))?;
        url.path_segments_mut().map_err(|()| Sorry("The API has no address.".into()))?.extend(path);
        Ok(url)
    }

    /// A call with the key as user name of Basic authentication, and no password.
    pub(super) async fn call(&self, method: &str, path: &[&str], body: &Value) -> Result<Answer, Sorry> {
        let url = self.url(path)?;
        let authorization = format!("Basic {}", BASE64.encode(format!("{}:", self.secret_key).as_bytes()));
        let (method, body) = (method.to_owned(), body.to_string());
        let ask = move || -> Result<Answer, ureq::Error> {
            let config = ureq::Agent::config_builder().proxy(None).timeout_global(Some(Duration::from_secs(15)));
            let agent = ureq::Agent::from(config.http_status_as_error(false).build());
            let sending = |request: ureq::RequestBuilder<WithBody>| {
                request.header(header::AUTHORIZATION, &authorization).content_type("application/json").send(&body)
            };
            let mut answer = match method.as_str() {
                "GET" => agent.get(url.as_str()).header(header::AUTHORIZATION, &authorization).call(),
                "PATCH" => sending(agent.patch(url.as_str())),
                _ => sending(agent.post(url.as_str())),
            }?;
            let said = answer.body_mut().read_to_string()?;
            Ok(Answer { status: answer.status().as_u16(), said: serde_json::from_str(&said).unwrap_or_default() })
        };
        Ok(tokio::task::spawn_blocking(ask).await??)
    }
}

fn service(app: &App) -> Router {
    let picture =
        |text: &'static str| routing::get(move || async move { ([(header::CONTENT_TYPE, "image/svg+xml")], text) });
    Router::new()
        .route("/corner-coffee.svg", picture(LOGO))
        .route("/corner-coffee-dark.svg", picture(DARK_LOGO))
        .fallback_service(crate::service(app.clone()))
}
