//! What is asked of all users: two factors of everybody, and set-ups that some have to finish. Ours.

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    clock::{Timestamp, iso},
    error::Error,
    http::{Body, ManagementCaller, Path, Reply},
    id::check_name,
    policy::{CONFIRMATION, Census, Enforcement, LastSeen, Requirement},
    user::{MAX_CONTACT, RequiredAction},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether two factors are asked of everybody, and of whom that asks something new.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TwoFactorEnforcement {
    /// `2FA is currently set to: ON` or `2FA is currently set to: OFF`.
    status: String,
    is_on: bool,
    /// Who enforced it; absent as long as nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    enforced_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforced_at: Option<String>,
    /// When it begins, ISO 8601 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<String>,
    preview: Preview,
}

/// How many users will be stopped at their next sign-in. Counted in an index that lags by moments.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Preview {
    users: u64,
    enrolled: u64,
    /// Those who will be stopped, pending invitations among them.
    un_enrolled: u64,
    /// Made by a backend or an import, and never tracked.
    pending_invitations: u64,
    /// The un-enrolled, by the day (UTC) of their last action.
    un_enrolled_by_last_seen: LastSeen,
}

impl From<Census> for Preview {
    fn from(census: Census) -> Self {
        let un_enrolled = census.unenrolled.total();
        Self {
            users: census.enrolled + un_enrolled,
            enrolled: census.enrolled,
            un_enrolled,
            pending_invitations: census.unenrolled.never,
            un_enrolled_by_last_seen: census.unenrolled,
        }
    }
}

impl TwoFactorEnforcement {
    fn new(enforcement: Option<Enforcement>, census: Census, now: Timestamp) -> Json<Self> {
        let is_on = enforcement.as_ref().is_some_and(|enforcement| now >= enforcement.starts_at);
        let (by, dates) = enforcement.map(|one| (one.by, (iso(one.at), iso(one.starts_at)))).unzip();
        let (at, starts_at) = dates.unzip();
        Json(Self {
            status: format!("2FA is currently set to: {}", if is_on { "ON" } else { "OFF" }),
            is_on,
            enforced_by: by,
            enforced_at: at,
            starts_at,
            preview: census.into(),
        })
    }
}

/// Get whether two factors are enforced, and how many users that would stop.
#[utoipa::path(get, path = "/v1/management/two-factor-enforcement", tag = "Management API",
    operation_id = "getTwoFactorEnforcement", responses((status = 200, body = TwoFactorEnforcement)),
    security(("managementKey" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
) -> Reply<TwoFactorEnforcement> {
    let (now, store) = (app.now(), app.store().tenant(tenant.id()));
    Ok(TwoFactorEnforcement::new(store.enforcement().await?, store.census(now).await?, now))
}

/// To ask two factors of everybody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnforceRequest {
    /// Exactly `Enforce 2FA`: it cannot be taken back.
    #[serde(default)]
    #[schema(required = true)]
    confirmation: String,
    /// Who decides it, 1 to 320 bytes; shown beside the status.
    #[serde(default)]
    #[schema(required = true)]
    by: String,
    /// ISO 8601, within a year; now where absent. Until then track reminds of it.
    #[serde(default)]
    starts_at: Option<String>,
}

/// The longest notice that may be given. More would be a switch that says ON and does nothing.
const LONGEST_NOTICE: i64 = 366 * 24 * 3600;

impl EnforceRequest {
    fn checked(self, now: Timestamp) -> Result<Enforcement, Error> {
        if self.confirmation != CONFIRMATION {
            return Err(Error::Invalid(format!(
                "confirmation: send exactly \"{CONFIRMATION}\". From then on every user needs a second factor, and nothing takes that back."
            )));
        }
        let by = self.by.trim().to_owned();
        if !(1..=MAX_CONTACT).contains(&by.len()) {
            return Err(Error::Invalid(format!("by: say who decides it, in 1 to {MAX_CONTACT} bytes.")));
        }
        check_name("by", &by, MAX_CONTACT)?;
        let Some(text) = self.starts_at else { return Ok(Enforcement { by, at: now, starts_at: now }) };
        let wrong = || {
            Error::invalid(
                "startsAt is a date and time in ISO 8601 within a year from now, such as 2026-12-01T00:00:00Z; leave it out to begin now.",
            )
        };
        let starts_at: Timestamp = text.parse().map_err(|_| wrong())?;
        if !(now.as_second()..=now.as_second() + LONGEST_NOTICE).contains(&starts_at.as_second()) {
            return Err(wrong());
        }
        Ok(Enforcement { by, at: now, starts_at })
    }
}

/// Ask two factors of everybody, for good. A second call changes nothing and answers the same.
#[utoipa::path(post, path = "/v1/management/two-factor-enforcement", tag = "Management API",
    operation_id = "enforceTwoFactor", request_body = EnforceRequest,
    responses((status = 200, body = TwoFactorEnforcement)), security(("managementKey" = [])))]
pub(crate) async fn enforce(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Body(request): Body<EnforceRequest>,
) -> Reply<TwoFactorEnforcement> {
    let now = app.now();
    let store = app.store().tenant(tenant.id());
    let asked = request.checked(now)?;
    let in_force = store.enforce(&asked).await?;
    app.forget_tenant(tenant.id());
    if in_force == asked {
        tracing::warn!(event = "two_factor_enforced", tenant = %tenant.id(), starts_at = %in_force.starts_at);
    }
    Ok(TwoFactorEnforcement::new(Some(in_force), store.census(now).await?, now))
}

/// A set-up that users can be made to finish.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequiredActionView {
    id: RequiredAction,
    name: String,
    /// Whether it can be given to users, and is asked of those who have it.
    enabled: bool,
    /// Whether every user made from now on has it.
    default: bool,
}

fn view(id: RequiredAction, requirement: Requirement) -> RequiredActionView {
    RequiredActionView { id, name: id.name().into(), enabled: requirement.enabled, default: requirement.default }
}

/// List the required actions.
#[utoipa::path(get, path = "/v1/management/required-actions", tag = "Management API",
    operation_id = "listRequiredActions", responses((status = 200, body = Vec<RequiredActionView>)),
    security(("managementKey" = [])))]
pub(crate) async fn list_required(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
) -> Reply<Vec<RequiredActionView>> {
    let loaded = app.store().tenant(tenant.id()).load().await?;
    let policy = loaded.map(|loaded| loaded.policy).unwrap_or_default();
    Ok(Json(RequiredAction::ALL.into_iter().map(|id| view(id, policy.requirement(id))).collect()))
}

/// What to change of a required action; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RequiredActionChanges {
    /// `false` also ends it as a default. Users who have it are not asked until it is enabled again.
    enabled: Option<bool>,
    /// Whether every user made from now on has it; only for one that is enabled.
    default: Option<bool>,
}

impl RequiredActionChanges {
    fn apply(&self, requirement: &mut Requirement) -> Result<(), Error> {
        requirement.enabled = self.enabled.unwrap_or(requirement.enabled);
        if self.default == Some(true) && !requirement.enabled {
            return Err(Error::invalid(
                "default: what is not enabled cannot be a default; send enabled: true with it.",
            ));
        }
        requirement.default = requirement.enabled && self.default.unwrap_or(requirement.default);
        Ok(())
    }
}

/// Enable a required action, or set it as a default action.
#[utoipa::path(patch, path = "/v1/management/required-actions/{id}", tag = "Management API",
    operation_id = "updateRequiredAction", params(("id" = String, Path)), request_body = RequiredActionChanges,
    responses((status = 200, body = RequiredActionView)), security(("managementKey" = [])))]
pub(crate) async fn patch_required(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(id): Path<String>,
    Body(changes): Body<RequiredActionChanges>,
) -> Reply<RequiredActionView> {
    let id = RequiredAction::parse(&id)
        .ok_or_else(|| Error::NotFound("There is no required action with this id.".into()))?;
    let changed = app.store().tenant(tenant.id()).change_requirement(id, |one| changes.apply(one)).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(view(id, changed)))
}
