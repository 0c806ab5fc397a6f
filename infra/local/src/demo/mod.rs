//! The demo shop, at `/demo` of `cargo run`: what your backend does with Countersign, and no more. It speaks the public API
//! with a secret key (as `@authsignal/node` does), has a session of its own, and is made of three stories:
//!
//! - **sign in**: track `sign-in`; where a challenge is required, go to the hosted page, come back, validate, sign in.
//! - **pay**: above a limit, track `pay` and do the same before the money moves.
//! - **security**: track with `redirectToSettings`: on the hosted page users manage what they have set up.

mod shop;

use std::{sync::Arc, time::Duration};

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    middleware,
    response::Response,
    routing,
};
use countersign_core::error::Error;
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Value, json};
use shop::{LIMIT, Shop, Sorry, Visitor, Waiting};
use url::Url;

use crate::loopback;

/// The routes of the shop, for a server that answers it at `origin` and has its hosted pages at `hosted`.
pub fn routes(origin: &str, hosted: &str, secret_key: &str) -> Result<Router, Error> {
    Ok(Router::new()
        .route("/demo", routing::get(|visitor: Visitor| async { visitor.page() }))
        .route("/demo/back", routing::get(back))
        .route("/demo/{what}", routing::post(act))
        .route_layer(middleware::from_fn(loopback::only_under_its_own_name))
        .with_state(Arc::new(Shop::new(origin, hosted, secret_key)?)))
}

#[derive(Deserialize)]
struct Fields {
    form: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    good: usize,
}

/// Every form of the shop is sent here.
async fn act(
    State(shop): State<Arc<Shop>>,
    Path(what): Path<String>,
    mut visitor: Visitor,
    Form(fields): Form<Fields>,
) -> Result<Response, Sorry> {
    if fields.form != visitor.session.form {
        return Err(Sorry("This page is an old one, or the form came from another site. Open /demo again.".into()));
    }
    match (what.as_str(), visitor.session.user.clone()) {
        ("sign-in", None) => sign_in(&shop, visitor, &fields.name).await,
        ("pay", Some(user)) => pay(&shop, visitor, user).await,
        ("turn-on", Some(user)) => {
            let tracked = shop.track(&mut visitor, &user, "add-authenticator", json!({})).await?;
            visitor.leave(user, "add-authenticator", 0, &tracked)
        }
        ("security", Some(user)) => {
            let settings = json!({"redirectToSettings": true});
            let tracked = shop.track(&mut visitor, &user, "manage-security", settings).await?;
            visitor.leave(user, "manage-security", 0, &tracked)
        }
        ("cart", Some(_)) => visitor.add(fields.good),
        ("sign-out", Some(_)) => visitor.signs_out(),
        _ => visitor.to("/demo"),
    }
}

/// Anybody may be anybody here. The prefix keeps this door away from the users of your own that the tenant may have.
async fn sign_in(shop: &Shop, mut visitor: Visitor, name: &str) -> Result<Response, Sorry> {
    let name = name.trim().to_lowercase();
    if !(1..=60).contains(&name.len()) || name.chars().any(char::is_control) {
        return visitor.say("Type a name of up to 60 characters.");
    }
    let user = format!("demo-{name}");
    // The password would have been checked by now.
    let tracked = shop.track(&mut visitor, &user, "sign-in", json!({"username": name})).await?;
    match tracked["state"].as_str() {
        // Nobody is signed in yet: that happens when they come back.
        Some("CHALLENGE_REQUIRED") => visitor.leave(user, "sign-in", 0, &tracked),
        Some("ALLOW") => visitor.signs_in(user),
        _ => visitor.say("You cannot sign in at the moment."),
    }
}

async fn pay(shop: &Shop, mut visitor: Visitor, user: String) -> Result<Response, Sorry> {
    let amount = visitor.total();
    // Rules can say this in Countersign instead: the guide to rules, "Payments by amount".
    if amount <= LIMIT {
        return visitor.paid(amount);
    }
    let custom = json!({"custom": {"amount": amount, "currency": "EUR"}});
    let tracked = shop.track(&mut visitor, &user, "pay", custom).await?;
    match tracked["state"].as_str() {
        Some("CHALLENGE_REQUIRED") => visitor.leave(user, "pay", amount, &tracked),
        // Somebody without a second step is let pass by default; this shop wants one for so much money.
        Some("ALLOW") if tracked["isEnrolled"] == true => visitor.paid(amount),
        Some("ALLOW") => visitor.say("Payments over 100 € need two-step verification. Turn it on, then pay."),
        _ => visitor.say("This payment is not possible."),
    }
}

#[derive(Deserialize)]
struct Back {
    token: String,
}

/// Where the hosted page leads back to. Whatever happened there, the shop believes only what validate says, and only of the
/// user and the occurrence that this very browser was sent away for.
async fn back(
    State(shop): State<Arc<Shop>>,
    mut visitor: Visitor,
    Query(Back { token }): Query<Back>,
) -> Result<Response, Sorry> {
    let Some(Waiting { user, action, key, amount }) = visitor.session.waits_for.take() else {
        return visitor.to("/demo");
    };
    let said = shop.call(&["validate"], json!({"token": token})).await?;
    let is_ours = said["userId"] == user && said["action"] == action && said["idempotencyKey"] == key;
    match action.as_str() {
        _ if is_ours && said["isValid"] == true => visitor.session.is_enrolled = true,
        "manage-security" => return visitor.to("/demo"),
        // They quit, or the token is of something else.
        _ => return visitor.say("That was not confirmed, so nothing has changed."),
    }
    match action.as_str() {
        "sign-in" => visitor.signs_in(user),
        // What was confirmed, not what another tab has put into the cart since.
        "pay" => visitor.paid(amount),
        "add-authenticator" => visitor.say("Two-step verification is on. Sign out and in again to see it at work."),
        _ => visitor.to("/demo"),
    }
}

impl Shop {
    /// Track: says what a user is about to do. The answer's `state` says whether to let them, and `url` is the hosted page.
    async fn track(&self, visitor: &mut Visitor, user: &str, action: &str, more: Value) -> Result<Value, Sorry> {
        let mut body = more;
        body["redirectUrl"] = format!("{}/demo/back", visitor.origin).into();
        body["userAgent"] = visitor.user_agent.as_str().into();
        let tracked = self.call(&["users", user, "actions", action], body).await?;
        visitor.session.is_enrolled = tracked["isEnrolled"] == true;
        Ok(tracked)
    }

    /// `POST /v1/…` with the secret key as user name of Basic authentication, and no password.
    async fn call(&self, path: &[&str], body: Value) -> Result<Value, Sorry> {
        let mut url = Url::parse(&self.api)?;
        url.path_segments_mut().map_err(|()| Sorry("The API has no address.".into()))?.extend(path);
        let authorization = format!("Basic {}", BASE64.encode(format!("{}:", self.secret_key).as_bytes()));
        let ask = move || {
            let config = ureq::Agent::config_builder().proxy(None).timeout_global(Some(Duration::from_secs(15)));
            let config = config.http_status_as_error(false);
            let request = ureq::Agent::from(config.build()).post(url.as_str()).header("authorization", authorization);
            request.content_type("application/json").send(body.to_string())?.body_mut().read_to_string()
        };
        let said: Value = serde_json::from_str(&tokio::task::spawn_blocking(ask).await??)?;
        said["errorDescription"].as_str().map_or(Ok(said.clone()), |text| Err(Sorry(text.to_owned())))
    }
}

impl Visitor {
    /// Sends the browser to the hosted page, and writes down what it may come back with.
    fn leave(mut self, user: String, action: &str, amount: u32, tracked: &Value) -> Result<Response, Sorry> {
        let key = tracked["idempotencyKey"].as_str().unwrap_or_default().to_owned();
        self.session.waits_for = Some(Waiting { user, action: action.to_owned(), key, amount });
        self.to(tracked["url"].as_str().unwrap_or("/demo"))
    }
}
