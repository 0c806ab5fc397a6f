//! Authenticators of a user.

use axum::{Json, extract::State};
use countersign_core::{
    action,
    admission::{self, Admitted},
    app::{App, UserCaller},
    authenticator::Authenticator,
    error::Error,
    happened::Event,
    http::{Body, Path, Reply, ServerCaller, UserAuthenticator},
    id::{AuthenticatorId, UserId},
    method::Method,
    notice::{self, Concerned},
    store::{Removal, Removed, Remover},
    token::scope,
    user::User,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Done;

/// List a user's authenticators, oldest first; an empty list for a user that has none.
#[utoipa::path(get, path = "/v1/users/{userId}/authenticators", tag = "Server API", operation_id = "getAuthenticators",
    params(("userId" = String, Path)), responses((status = 200, body = Vec<UserAuthenticator>)), security(("secretKey" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path(id): Path<UserId>,
) -> Reply<Vec<UserAuthenticator>> {
    let store = app.store().tenant(tenant.id());
    let Some(user) = store.user(&id).await? else { return Ok(Json(Vec::new())) };
    let all = store.authenticators(&user).await?;
    Ok(Json(all.iter().map(|one| UserAuthenticator::listed(&user, one)).collect()))
}

/// List one's own authenticators (contract, C3). Until the challenge is answered, addresses are masked.
#[utoipa::path(get, path = "/v1/client/user-authenticators", tag = "Client API", operation_id = "getOwnAuthenticators",
    responses((status = 200, body = Vec<UserAuthenticator>)), security(("userToken" = [])))]
pub(crate) async fn list_own(State(app): State<App>, caller: UserCaller) -> Reply<Vec<UserAuthenticator>> {
    if !caller.claims.allows(scope::READ) {
        return Err(Error::Forbidden("The token lacks the scope read:authenticators.".into()));
    }
    let Admitted { user, action: asked, .. } = admission::open(&app, &caller).await?;
    if !action::State::ENROLLABLE.contains(&asked.state) {
        return Err(Error::Forbidden("The action is blocked, under review or over: its token shows nothing.".into()));
    }
    // The scope does not show that the user has proved anything, because a backend may give every scope to a new token.
    let has_proved = asked.state == action::State::ChallengeSucceeded && caller.claims.scope == scope::ALL;
    // Who was un-enrolled when the token was given may not see what somebody else has enrolled since (security.md, T35).
    let was_there = |one: &Authenticator| has_proved || asked.was_enrolled || asked.enrolled.as_ref() == Some(&one.id);
    let all = app.store().tenant(caller.tenant.id()).authenticators(&user).await?;
    let all = all.iter().filter(|one| was_there(one)).map(|one| UserAuthenticator::listed(&user, one));
    Ok(Json(if has_proved { all.collect() } else { all.map(UserAuthenticator::masked).collect() }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateAuthenticatorRequest {
    /// `true`: its method is the user's default, and of several devices it is the one that is asked first.
    is_default: bool,
}

/// Make an authenticator the one that is asked first. Ours.
#[utoipa::path(patch, path = "/v1/users/{userId}/authenticators/{userAuthenticatorId}", tag = "Server API",
    operation_id = "updateAuthenticator", params(("userId" = String, Path), ("userAuthenticatorId" = String, Path)),
    request_body = UpdateAuthenticatorRequest, responses((status = 200, body = UserAuthenticator)), security(("secretKey" = [])))]
pub(crate) async fn update(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path((user_id, id)): Path<(UserId, AuthenticatorId)>,
    Body(request): Body<UpdateAuthenticatorRequest>,
) -> Reply<UserAuthenticator> {
    if !request.is_default {
        return Err(Error::invalid(
            "isDefault is true; make another authenticator the default to end this one's turn.",
        ));
    }
    let none = || Error::NotFound("The user has no authenticator with this id.".into());
    let store = app.store().tenant(tenant.id());
    let (user, one) = store.user_and_authenticator(&user_id, &id).await?.ok_or_else(none)?;
    if !store.make_default(&user, &id, one.method).await? {
        return Err(none());
    }
    let default_method = Some(one.method);
    let primary = if one.method == Method::Push { Some(id) } else { user.primary.clone() };
    Ok(Json(UserAuthenticator::listed(&User { default_method, primary, ..user }, &one)))
}

/// Remove an authenticator, end the actions that it had succeeded, and tell the user's other devices. With the last one the
/// user is no longer enrolled, and tokens, open actions and remembered devices from before are worth nothing.
#[utoipa::path(delete, path = "/v1/users/{userId}/authenticators/{userAuthenticatorId}", tag = "Server API",
    operation_id = "deleteAuthenticator", params(("userId" = String, Path), ("userAuthenticatorId" = String, Path)),
    responses((status = 200, body = Done)), security(("secretKey" = [])))]
pub(crate) async fn delete(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path((user_id, id)): Path<(UserId, AuthenticatorId)>,
) -> Reply<Done> {
    let store = app.store().tenant(tenant.id());
    let removed = match store.user_and_authenticator(&user_id, &id).await? {
        // A backend may remove the last authenticator, to help a user who lost it: under enforcement the next sign-in
        // leads to set-up.
        Some((user, one)) => {
            let (now, event) = (app.now(), Event::Removed { name: one.called() });
            let notice = notice::announce(&app, &tenant, &Concerned { user: &user, but: Some(&id) }, &event, now).await;
            let removal =
                Removal { id: &id, keep_last: false, remover: Remover::Customer, notice: notice.as_ref(), now };
            store.remove_authenticator(&user, &removal).await?
        }
        None => Removed::Gone,
    };
    if removed != Removed::Yes {
        return Err(Error::NotFound("The user has no authenticator with this id.".into()));
    }
    tracing::info!(event = "authenticator_removed", tenant = %tenant.id(), authenticator = %id);
    Ok(Json(Done { success: true }))
}
