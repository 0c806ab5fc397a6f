//! Users and their profiles.

use axum::{Json, extract::State};
use countersign_core::{
    app::{App, TenantContext},
    clock::iso,
    error::Error,
    http::{Body, Path, Query, Reply, ServerCaller},
    id::{UserId, has_control},
    method::Method,
    rule::{ModelType, understood},
    user::{ContactKind, MAX_CONTACT, Profile, RequiredAction, User, is_contact},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::Done;

/// A user (contract, S1).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserView {
    user_id: String,
    is_enrolled: bool,
    email_verified: bool,
    phone_number_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Map<String, Value>>,
    enrolled_verification_methods: Vec<Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_verification_method: Option<Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    /// What the user has still to finish at the next sign-in. Ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    required_actions: Vec<RequiredAction>,
}

impl UserView {
    fn new(tenant: &TenantContext, id: &UserId, user: Option<&User>, profile: Profile) -> Self {
        Self {
            user_id: id.to_string(),
            is_enrolled: user.is_some_and(User::is_enrolled),
            email_verified: profile.email_verified,
            phone_number_verified: profile.phone_number_verified,
            email: profile.email,
            phone_number: profile.phone_number,
            username: profile.username,
            display_name: profile.display_name,
            locale: profile.locale,
            custom: profile.custom,
            enrolled_verification_methods: user
                .map(|user| Method::all_on_run_time_api(&user.enrolled_methods()))
                .unwrap_or_default(),
            default_verification_method: user.and_then(User::default_method).map(Method::on_run_time_api),
            created_at: user.map(|user| iso(user.created_at)),
            required_actions: user.map(|user| tenant.policy().asked_of(user)).unwrap_or_default(),
        }
    }
}

/// Get a user. One that was never seen, or was deleted, is 200 with `isEnrolled: false`.
#[utoipa::path(get, path = "/v1/users/{userId}", tag = "Server API", operation_id = "getUser",
    params(("userId" = String, Path)), responses((status = 200, body = UserView)), security(("secretKey" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path(id): Path<UserId>,
) -> Reply<UserView> {
    let (user, stored) = app.store().tenant(tenant.id()).user_and_profile(&id).await?;
    let profile = stored.map(|stored| stored.profile).unwrap_or_default();
    Ok(Json(UserView::new(&tenant, &id, user.as_ref(), profile)))
}

/// What to change; what is absent or null stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct UpdateUserRequest {
    email: Option<String>,
    email_verified: Option<bool>,
    phone_number: Option<String>,
    phone_number_verified: Option<bool>,
    username: Option<String>,
    display_name: Option<String>,
    locale: Option<String>,
    custom: Option<Map<String, Value>>,
    default_verification_method: Option<Method>,
}

impl UpdateUserRequest {
    fn check(&self, tenant: &TenantContext) -> Result<(), Error> {
        understood::check_custom(tenant.points(), self.custom.as_ref(), ModelType::User)?;
        let texts = [
            ("email", &self.email),
            ("phoneNumber", &self.phone_number),
            ("username", &self.username),
            ("displayName", &self.display_name),
            ("locale", &self.locale),
        ];
        for (name, text) in texts {
            if text.as_ref().is_some_and(|text| text.len() > MAX_CONTACT) {
                return Err(Error::Invalid(format!("{name} has at most {MAX_CONTACT} bytes.")));
            }
        }
        for text in [&self.email, &self.phone_number, &self.username].into_iter().flatten() {
            if has_control(text) {
                return Err(Error::invalid("email, phoneNumber and username have no control characters."));
            }
        }
        Ok(())
    }

    fn apply(&self, profile: &mut Profile) {
        let email = profile.email.clone();
        let phone = profile.phone_number.clone();
        for (new, old) in [
            (&self.email, &mut profile.email),
            (&self.phone_number, &mut profile.phone_number),
            (&self.username, &mut profile.username),
            (&self.display_name, &mut profile.display_name),
            (&self.locale, &mut profile.locale),
        ] {
            if let Some(new) = new {
                *old = Some(new.clone()).filter(|text| !text.is_empty());
            }
        }
        // A new address has not been verified.
        profile.email_verified = self.email_verified.unwrap_or(profile.email_verified && profile.email == email);
        profile.phone_number_verified =
            self.phone_number_verified.unwrap_or(profile.phone_number_verified && profile.phone_number == phone);
        if let Some(custom) = &self.custom {
            profile.custom = Some(custom.clone());
        }
    }
}

/// Update a user; made where it is new.
#[utoipa::path(patch, path = "/v1/users/{userId}", tag = "Server API", operation_id = "updateUser",
    params(("userId" = String, Path)), request_body = UpdateUserRequest,
    responses((status = 200, body = UserView)), security(("secretKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path(id): Path<UserId>,
    Body(request): Body<UpdateUserRequest>,
) -> Reply<UserView> {
    request.check(&tenant)?;
    let store = app.store().tenant(tenant.id());
    for _ in 0..4 {
        let (known, stored) = store.user_and_profile(&id).await?;
        let is_new = known.is_none();
        let mut user = known.unwrap_or_else(|| tenant.new_user(id.clone(), app.now()));
        let mut profile = stored.as_ref().map(|stored| stored.profile.clone()).unwrap_or_default();
        request.apply(&mut profile);
        let default = request.default_verification_method;
        if store.save_profile(&user, is_new, stored.as_ref(), &profile, default).await? {
            user.default_method = default.or(user.default_method);
            return Ok(Json(UserView::new(&tenant, &id, Some(&user), profile)));
        }
    }
    Err(Error::unavailable("the user kept changing"))
}

/// Update a user, as some SDKs spell it.
#[utoipa::path(post, path = "/v1/users/{userId}", tag = "Server API", operation_id = "postUser",
    params(("userId" = String, Path)), request_body = UpdateUserRequest,
    responses((status = 200, body = UserView)), security(("secretKey" = [])))]
pub(crate) async fn post(
    app: State<App>,
    caller: ServerCaller,
    id: Path<UserId>,
    body: Body<UpdateUserRequest>,
) -> Reply<UserView> {
    patch(app, caller, id, body).await
}

/// Delete a user with everything it has. Tokens and challenges of it are dead; a user made again inherits nothing.
#[utoipa::path(delete, path = "/v1/users/{userId}", tag = "Server API", operation_id = "deleteUser",
    params(("userId" = String, Path)), responses((status = 200, body = Done)), security(("secretKey" = [])))]
pub(crate) async fn delete(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path(id): Path<UserId>,
) -> Reply<Done> {
    app.store().tenant(tenant.id()).delete_user(&id, app.now()).await?;
    tracing::info!(event = "user_deleted", tenant = %tenant.id());
    Ok(Json(Done { success: true }))
}

/// Unlock a user after too many failures: all guesses are allowed again. Ours.
#[utoipa::path(post, path = "/v1/users/{userId}/unlock", tag = "Server API", operation_id = "unlockUser",
    params(("userId" = String, Path)), responses((status = 200, body = Done)), security(("secretKey" = [])))]
pub(crate) async fn unlock(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path(id): Path<UserId>,
) -> Reply<Done> {
    app.store().tenant(tenant.id()).reopen(&id, tenant.settings().totp_window, app.now()).await?;
    tracing::info!(event = "user_unlocked", tenant = %tenant.id());
    Ok(Json(Done { success: true }))
}

/// Reset a user who lost everything: all authenticators and recovery codes go, and tokens, open actions and remembered
/// devices from before are worth nothing. Ours.
#[utoipa::path(post, path = "/v1/users/{userId}/reset", tag = "Server API", operation_id = "resetUser",
    params(("userId" = String, Path)), responses((status = 200, body = Done)), security(("secretKey" = [])))]
pub(crate) async fn reset(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Path(id): Path<UserId>,
) -> Reply<Done> {
    let user = app.store().tenant(tenant.id()).reset(&id, app.now()).await?;
    tracing::info!(event = "user_reset", tenant = %tenant.id(), user = %user.uid);
    Ok(Json(Done { success: true }))
}

/// Exactly one of username, email and phoneNumber decides; the others must agree.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct UserQuery {
    username: Option<String>,
    email: Option<String>,
    phone_number: Option<String>,
    // An ID token of Apple or Google: refused, and so not described.
    #[param(ignore)]
    token: Option<String>,
    /// 1 to 100, 20 by default.
    limit: Option<usize>,
    /// `lastEvaluatedUserId` of the page before.
    #[param(value_type = Option<String>)]
    last_evaluated_user_id: Option<UserId>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueryUsersResponse {
    users: Vec<UserView>,
    /// Present where there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_user_id: Option<String>,
}

impl UserQuery {
    fn contacts(&self) -> Vec<(ContactKind, &str)> {
        let given = [
            (ContactKind::Username, &self.username),
            (ContactKind::Email, &self.email),
            (ContactKind::Phone, &self.phone_number),
        ];
        given
            .into_iter()
            .filter_map(|(kind, value)| Some((kind, value.as_deref().filter(|v| !v.is_empty())?)))
            .collect()
    }
}

/// Find users by username, e-mail address or phone number.
#[utoipa::path(get, path = "/v1/users", tag = "Server API", operation_id = "queryUsers", params(UserQuery),
    responses((status = 200, body = QueryUsersResponse)), security(("secretKey" = [])))]
pub(crate) async fn query(
    State(app): State<App>,
    ServerCaller(tenant): ServerCaller,
    Query(query): Query<UserQuery>,
) -> Reply<QueryUsersResponse> {
    if query.token.is_some() {
        return Err(Error::invalid(
            "Looking a user up by an ID token is not supported; use username, email or phoneNumber.",
        ));
    }
    let contacts = query.contacts();
    let Some((kind, value)) = contacts.first().copied() else {
        return Err(Error::invalid("Send one of username, email and phoneNumber."));
    };
    if contacts.iter().any(|(_, value)| !is_contact(value)) {
        return Err(Error::Invalid(format!(
            "username, email and phoneNumber have at most {MAX_CONTACT} bytes and no control characters."
        )));
    }
    let limit = query.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Error::invalid("limit is between 1 and 100."));
    }
    let store = app.store().tenant(tenant.id());
    let mut users = Vec::new();
    let mut last = None;
    for id in store.users_with_contact(kind, value, query.last_evaluated_user_id.as_ref()).await? {
        if users.len() == limit {
            last = users.last().map(|view: &UserView| view.user_id.clone());
            break;
        }
        let (user, stored) = store.user_and_profile(&id).await?;
        let (Some(user), Some(stored)) = (user, stored) else { continue };
        let has = stored.profile.contacts();
        if contacts.iter().all(|(kind, value)| has.contains(&(*kind, kind.normal(value)))) {
            users.push(UserView::new(&tenant, &id, Some(&user), stored.profile));
        }
    }
    Ok(Json(QueryUsersResponse { users, last_evaluated_user_id: last }))
}
