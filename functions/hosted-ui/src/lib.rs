//! The hosted page: where `url` of track leads. It asks for a code, or sets an authenticator app up, and returns
//! to `redirectUrl` with a token (contract, section 2.8, redirect mode); or it asks a phone. It needs no JavaScript.
//!
//! Also here, because they belong to no operation: the API description and the health check.

mod pages;
mod phones;

use axum::{
    Form,
    extract::{
        Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing,
};
use countersign_core::{
    action::{self, Action},
    app::{App, UserCaller},
    authenticator::Method,
    clock::Timestamp,
    enrolment,
    error::Error,
    policy::RequiredAction,
    redirect,
    token::scope,
    user::User,
    verification::{Verdict, verify_totp},
};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;

use pages::{Page, PageError};

/// The API description, generated from the code by `countersign openapi` and checked by the tests.
const OPENAPI: &str = include_str!("../../../infra/openapi.json");

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/challenge", routing::get(show).post(answer))
        .route("/openapi.json", routing::get(|| async { ([(header::CONTENT_TYPE, "application/json")], OPENAPI) }))
        .route("/healthz", routing::get(healthz))
}

/// 200 when the table answers.
async fn healthz(State(app): State<App>) -> Result<Response, Error> {
    app.store().ping().await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], r#"{"status":"ok"}"#).into_response())
}

#[derive(Deserialize)]
struct Launch {
    #[serde(default)]
    token: String,
    /// The question to a phone that the page waits for.
    challenge: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    token: String,
    #[serde(default)]
    code: String,
    /// `push`, where the phone is to be asked instead.
    #[serde(default)]
    ask: String,
}

async fn show(State(app): State<App>, launch: Result<Query<Launch>, QueryRejection>) -> Result<Response, PageError> {
    let Query(launch) =
        launch.map_err(|_| Error::invalid("The address of this page is not one that track gave out."))?;
    let visit = Visit::begin(&app, launch.token).await?;
    match launch.challenge {
        Some(challenge) => phones::wait(&app, &visit, challenge).await,
        None => visit.page(&app, None).await,
    }
}

async fn answer(State(app): State<App>, form: Result<Form<Answer>, FormRejection>) -> Result<Response, PageError> {
    let Form(answer) = form.map_err(|_| Error::invalid("The form was not understood. Go back and try again."))?;
    let visit = Visit::begin(&app, answer.token).await?;
    if answer.ask == "push" {
        return phones::ask(&app, &visit).await;
    }
    if answer.code.trim().is_empty() || answer.code.len() > 64 {
        return visit.page(&app, Some("Type the code that your app shows.")).await;
    }
    match verify_totp(&app, &visit.caller, &answer.code, app.now()).await? {
        Verdict::Accepted { token, .. } => visit.verified(&token),
        Verdict::Rejected => {
            visit
                .page(&app, Some("That code is not right, or was used before. Wait for the next one and try again."))
                .await
        }
        Verdict::Exhausted => visit.page(&app, Some("Too many attempts. Wait five minutes and try again.")).await,
    }
}

/// A browser that came with a token, and what the token is about.
struct Visit {
    caller: UserCaller,
    token: String,
    user: User,
    action: Action,
}

impl Visit {
    async fn begin(app: &App, token: String) -> Result<Self, Error> {
        let caller = app.open_token(&token).await?;
        let claims = &caller.claims;
        let store = app.store().tenant(caller.tenant.id());
        let key = store.action_key(&claims.sub, &claims.other.action_code, &claims.other.idempotency_key);
        let (user, _, action) = store.user_profile_and_action(&claims.sub, &key).await?;
        let user = user.filter(|user| user.uid == claims.other.user_uid);
        let action = action.filter(|action| action.id == claims.jti);
        let (user, action) = user.zip(action).ok_or_else(countersign_core::token::not_ours)?;
        Ok(Self { caller, token, user, action })
    }

    /// The page for the state that the action is in.
    async fn page(&self, app: &App, problem: Option<&str>) -> Result<Response, PageError> {
        use action::State;
        let back = self.back()?;
        match self.action.state {
            // Somebody who has proved who it is may finish at once what is still to be set up.
            State::ChallengeSucceeded if self.has_an_app_to_set_up() && self.may_add() => {
                let offer = enrolment::begin_or_resume(app, &self.caller, app.now()).await?;
                Page::challenge(self, Some(offer), (problem, self.why(app.now())), back)
            }
            State::ChallengeSucceeded | State::ReviewSucceeded => {
                Page::end(self, "You are verified", "There is nothing more to do here.", back)
            }
            State::Block | State::ChallengeFailed | State::ReviewFailed => Page::end(
                self,
                "This is not allowed",
                "The request was refused. Contact support if that surprises you.",
                back,
            ),
            State::ReviewRequired => {
                Page::end(self, "Under review", "Somebody looks at the request. You will hear of it.", back)
            }
            State::ChallengeRequired if self.has_an_app() || self.has_a_phone() => {
                Page::challenge(self, None, (problem, None), back)
            }
            State::Allow | State::ChallengeRequired if !self.user.is_enrolled() => {
                let offer = enrolment::begin_or_resume(app, &self.caller, app.now()).await?;
                Page::challenge(self, Some(offer), (problem, self.why(app.now())), back)
            }
            State::Allow => Page::end(self, "All is well", "There is nothing to do here.", back),
            State::ChallengeRequired => {
                Page::end(self, "Another way is needed", "Your sign-in method cannot be used on this page yet.", back)
            }
        }
    }

    /// The end of a visit that has gone well: back to the app, with the token of the success.
    fn verified(&self, token: &str) -> Result<Response, PageError> {
        match &self.action.redirect_url {
            Some(url) => Ok(Redirect::to(&redirect::with_token(url, token)?).into_response()),
            None => Page::end(self, "You are verified", "You can close this page now.", None),
        }
    }

    /// Whether the action may be answered with a code of an app that the user has.
    fn has_an_app(&self) -> bool {
        self.action.allowed_methods.contains(&Method::AuthenticatorApp) && !self.user.totp.is_empty()
    }

    /// Whether the action may be approved on a phone that the user has.
    fn has_a_phone(&self) -> bool {
        self.action.allowed_methods.contains(&Method::Push) && self.user.devices(Method::Push).next().is_some()
    }

    fn has_an_app_to_set_up(&self) -> bool {
        let asked = self.caller.tenant.policy().asked_of(&self.user);
        asked.contains(&RequiredAction::AuthenticatorApplicationSetup)
    }

    fn may_add(&self) -> bool {
        self.caller.claims.allows(scope::ADD)
    }

    /// Why something is to be set up, where that is not the user's own wish.
    fn why(&self, now: Timestamp) -> Option<String> {
        let (policy, name) = (self.caller.tenant.policy(), &self.caller.tenant.settings().name);
        if let Some(start) = policy.starts_at(now).filter(|_| !self.user.is_enrolled()) {
            let day = start.strftime("%-d %B %Y");
            return Some(format!("From {day} (UTC) on, {name} asks everybody for a second step at sign-in."));
        }
        // Nobody else is stopped without an authenticator, whatever this process has in its cache.
        let is_stopped = self.action.state == action::State::ChallengeRequired && !self.user.is_enrolled();
        if policy.is_enforced(now) || is_stopped && !self.has_an_app_to_set_up() {
            return Some(format!("{name} asks everybody for a second step at sign-in. Set yours up to go on."));
        }
        self.has_an_app_to_set_up().then(|| format!("{name} asks you to set up an authenticator app."))
    }

    /// Where quitting leads: back to the app, with the token it gave. The action stays as it is.
    fn back(&self) -> Result<Option<String>, Error> {
        self.action.redirect_url.as_deref().map(|url| redirect::with_token(url, &self.token)).transpose()
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, _) = self.0.status_and_code();
        if status >= 500 {
            // Made into the API's answer too: there it is written down, and told when to come back.
            let text = self.0.to_string();
            let answer = self.0.into_response();
            let mut page = Page::failed(answer.status(), "Please try again", &text);
            if let Some(wait) = answer.headers().get(header::RETRY_AFTER) {
                page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
            }
            return page;
        }
        let title =
            if matches!(self.0, Error::ExpiredToken) { "This page has expired" } else { "This page cannot be shown" };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Page::failed(status, title, "Go back to the app and start again.")
    }
}
