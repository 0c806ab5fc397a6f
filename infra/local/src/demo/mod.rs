//! The demo, at `/demo` of `cargo run`: a shop, what its backend does with Countersign, and a phone in the browser. The backend
//! speaks the public API with a secret key (as `@authsignal/node` does), has a session of its own, and is made of three stories:
//!
//! - **sign in**: track `sign-in`; where a challenge is required, open the hosted page, come back, validate, sign in.
//! - **pay**: track `pay`, and let rules say whether the money moves, waits for a second step, or stays.
//! - **security**: track with `redirectToSettings`: on the hosted page users manage what they have set up.
//!
//! The phone is a script that holds a key and speaks the device API, as the app of the shop would.

mod backend;
mod calls;
mod shop;

use std::sync::Arc;

use axum::{
    Form, Json, Router,
    extract::{Path, Query, State},
    middleware,
    response::{IntoResponse, Response},
    routing,
};
use backend::LIMIT;
use calls::Call;
use countersign_core::error::Error;
use serde::Deserialize;
use serde_json::{Value, json};
use shop::{Shop, Sorry, Visitor, Waiting};

use crate::loopback;

/// The routes of the shop, for a server that browsers find at `public_url`.
pub fn routes(public_url: &str) -> Result<Router, Error> {
    Ok(Router::new()
        .route("/demo", routing::get(|visitor: Visitor| visitor.page()))
        .route("/demo/back", routing::get(back))
        .route("/demo/{what}", routing::post(act))
        .route_layer(middleware::from_fn(loopback::only_under_its_own_name))
        .with_state(Arc::new(Shop::new(public_url)?)))
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
        // The app of the shop asks its backend for a token, and enrols the key of the phone with it.
        ("phone", Some(user)) => {
            let scope = json!({"scope": "add:authenticators"});
            let tracked = shop.track(&mut visitor, &user, "add-phone", scope).await?;
            let token = Json(json!({"token": tracked["token"]}));
            visitor.keep(token)
        }
        ("phone-is-there", Some(user)) => {
            let known = shop.call(&visitor, "GET", &["users", &user], json!(null)).await?;
            visitor.session.is_enrolled = known["isEnrolled"] == true;
            visitor.say("Two-step verification is on. From now on your phone confirms.")
        }
        ("cart", Some(_)) => visitor.add(fields.good),
        ("empty", Some(_)) => visitor.empties_cart(),
        ("sign-out", Some(_)) => visitor.signs_out(),
        _ => visitor.to("/demo"),
    }
}

/// Anybody may be anybody here.
async fn sign_in(shop: &Shop, mut visitor: Visitor, name: &str) -> Result<Response, Sorry> {
    let name = name.trim().to_lowercase();
    if !(1..=60).contains(&name.len()) || name.chars().any(char::is_control) {
        return visitor.refuse("Type a name of up to 60 characters.");
    }
    // The password would have been checked by now.
    let tracked = shop.track(&mut visitor, &name, "sign-in", json!({"username": name})).await?;
    match tracked["state"].as_str() {
        // Nobody is signed in yet: that happens when they come back.
        Some("CHALLENGE_REQUIRED") => visitor.leave(name, "sign-in", 0, &tracked),
        Some("ALLOW") => visitor.signs_in(name),
        _ => visitor.refuse("You cannot sign in at the moment."),
    }
}

async fn pay(shop: &Shop, mut visitor: Visitor, user: String) -> Result<Response, Sorry> {
    let amount = visitor.total();
    let custom = json!({"custom": {"amount": amount, "currency": "EUR"}});
    let tracked = shop.track(&mut visitor, &user, "pay", custom).await?;
    // A rule wanted more than it got: somebody without a second step is let pass by default, and not by this shop.
    let wanted_more = tracked["priorityRuleId"].is_string() && tracked["isEnrolled"] != true;
    match tracked["state"].as_str() {
        Some("CHALLENGE_REQUIRED") => visitor.leave(user, "pay", amount, &tracked),
        Some("ALLOW") if wanted_more => visitor
            .refuse(&format!("Not paid. Payments over {LIMIT} € need two-step verification: set it up, then pay.")),
        Some("ALLOW") => visitor.paid(amount),
        _ => visitor.refuse(&format!("Not paid. {amount} € at once is more than this shop takes.")),
    }
}

#[derive(Deserialize)]
struct Back {
    #[serde(default)]
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
    // Somebody who closes the window brings none.
    let said = match token.is_empty() {
        true => Value::Null,
        false => shop.call(&visitor, "POST", &["validate"], json!({"token": token})).await?,
    };
    let is_ours = said["userId"] == user && said["action"] == action && said["idempotencyKey"] == key;
    match action.as_str() {
        _ if is_ours && said["isValid"] == true => visitor.session.is_enrolled = true,
        "manage-security" => return visitor.to("/demo"),
        // They quit, or the token is of something else.
        "pay" => return visitor.refuse("Not paid. The payment was not confirmed, and nothing has moved."),
        "sign-in" => return visitor.refuse("Not signed in, because it was not confirmed."),
        _ => return visitor.refuse("Nothing was set up."),
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
        let tracked = self.call(visitor, "POST", &["users", user, "actions", action], body).await?;
        visitor.session.is_enrolled = tracked["isEnrolled"] == true;
        Ok(tracked)
    }

    /// A call of the API, which the page then shows.
    async fn call(&self, visitor: &Visitor, method: &str, path: &[&str], body: Value) -> Result<Value, Sorry> {
        let backend = self.backend().await?;
        let answer = backend.call(method, path, &body).await?;
        self.calls.add(&visitor.session.trace, Call::new(backend, method, path, &body, &answer));
        let failed = answer.said["errorDescription"].as_str().filter(|_| answer.status != 200);
        failed.map_or(Ok(answer.said.clone()), |text| Err(Sorry(text.to_owned())))
    }
}

impl Visitor {
    /// Sends the browser to the hosted page, and writes down what it may come back with.
    fn leave(mut self, user: String, action: &str, amount: u32, tracked: &Value) -> Result<Response, Sorry> {
        let key = tracked["idempotencyKey"].as_str().unwrap_or_default().to_owned();
        let url = tracked["url"].as_str().unwrap_or("/demo").to_owned();
        self.shop.calls.add(&self.session.trace, Call::browser(&url));
        self.session.waits_for = Some(Waiting { user, action: action.to_owned(), key, amount });
        self.to(&url)
    }
}

impl IntoResponse for Sorry {
    fn into_response(self) -> Response {
        (axum::http::StatusCode::BAD_REQUEST, self.0).into_response()
    }
}
