//! The tenant's own settings (contract, M26–M27, as far as they do something).

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    error::Error,
    http::{Body, ManagementCaller, Reply},
    tenant::{MAX_TOKEN_MINUTES, Settings, TotpWindow},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TenantView {
    tenant_id: String,
    name: String,
    /// How long user tokens and challenges live.
    token_duration_in_minutes: u32,
    /// Accepted TOTP steps relative to the current one: `[0]`, `[-1, 0]` or `[-1, 0, 1]`. Ours.
    #[schema(value_type = Vec<i64>)]
    totp_accepted_steps: TotpWindow,
}

impl TenantView {
    fn new(tenant: impl ToString, settings: Settings) -> Self {
        Self {
            tenant_id: tenant.to_string(),
            name: settings.name,
            token_duration_in_minutes: settings.token_duration_in_minutes,
            totp_accepted_steps: settings.totp_window,
        }
    }
}

/// Get the tenant's settings.
#[utoipa::path(get, path = "/v1/management/tenant", tag = "Management API", operation_id = "getTenant",
    responses((status = 200, body = TenantView)), security(("managementKey" = [])))]
pub(crate) async fn get(State(app): State<App>, ManagementCaller(tenant): ManagementCaller) -> Reply<TenantView> {
    let loaded = app.store().tenant(tenant.id()).load().await?.ok_or(Error::Unauthorized)?;
    Ok(Json(TenantView::new(tenant.id(), loaded.tenant.settings)))
}

/// What to change; what is absent stays, and nothing here can be cleared.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TenantChanges {
    name: Option<String>,
    /// 1 to 60.
    token_duration_in_minutes: Option<u32>,
    #[schema(value_type = Option<Vec<i64>>)]
    totp_accepted_steps: Option<TotpWindow>,
}

/// Change the tenant's settings; in force everywhere within a minute.
#[utoipa::path(patch, path = "/v1/management/tenant", tag = "Management API", operation_id = "updateTenant",
    request_body = TenantChanges, responses((status = 200, body = TenantView)), security(("managementKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Body(changes): Body<TenantChanges>,
) -> Reply<TenantView> {
    if changes.name.as_ref().is_some_and(|name| name.trim().is_empty() || name.chars().count() > 64) {
        return Err(Error::invalid("name has 1 to 64 characters."));
    }
    if changes.token_duration_in_minutes.is_some_and(|minutes| !(1..=MAX_TOKEN_MINUTES).contains(&minutes)) {
        return Err(Error::Invalid(format!("tokenDurationInMinutes is between 1 and {MAX_TOKEN_MINUTES}.")));
    }
    let apply = |tenant: &mut countersign_core::tenant::Tenant| {
        let settings = &mut tenant.settings;
        settings.name = changes.name.clone().unwrap_or_else(|| settings.name.clone());
        settings.token_duration_in_minutes =
            changes.token_duration_in_minutes.unwrap_or(settings.token_duration_in_minutes);
        settings.totp_window = changes.totp_accepted_steps.unwrap_or(settings.totp_window);
        Ok(())
    };
    let changed = app.store().tenant(tenant.id()).change(apply).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(TenantView::new(tenant.id(), changed.settings)))
}
