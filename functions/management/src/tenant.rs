//! The tenant's own settings (contract, M26–M27, as far as they do something).

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    error::Error,
    facts::AccountDisplay,
    http::{Body, ManagementCaller, Reply, present},
    id::check_name,
    method::totp::TotpWindow,
    redirect,
    tenant::{Demand, Settings},
    token::MAX_TOKEN_MINUTES,
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
    /// Whether every approval by push needs the number of the other screen. Ours.
    push_number_matching: Demand,
    /// Whether devices must sign all that they show (`signatureV2`). Ours.
    push_signature_v2: Demand,
    /// How long a device has to answer a push. Ours.
    push_duration_in_seconds: u32,
    /// Whether the encrypted push to a browser says the public values of the action too. Ours.
    push_shows_details: bool,
    /// How much of the user's address stands beside what is confirmed. Ours.
    account_display: AccountDisplay,
    /// Whether users have no recovery codes.
    disable_recovery_codes: bool,
    /// Whether a backend that enrols an authenticator is given none.
    skip_recovery_codes_on_programmatic_enrollment: bool,
    /// Whether the hosted pages show none after the first set-up.
    hide_recovery_codes_on_enrollment: bool,
    /// Where hosted pages may send users, and the schemes of apps. Ours.
    redirect_urls: Vec<String>,
    /// Whether hosted pages may also send users to their own machine. It is set when the tenant is made. Ours.
    is_local: bool,
}

impl TenantView {
    fn new(tenant: impl ToString, settings: Settings) -> Self {
        Self {
            tenant_id: tenant.to_string(),
            name: settings.name,
            token_duration_in_minutes: settings.token_duration_in_minutes,
            totp_accepted_steps: settings.totp_window,
            push_number_matching: settings.push.number_matching,
            push_signature_v2: settings.push.signature_v2,
            push_duration_in_seconds: settings.push.seconds,
            push_shows_details: settings.push.shows_details,
            account_display: settings.account_display,
            disable_recovery_codes: settings.recovery_codes.disable_recovery_codes,
            skip_recovery_codes_on_programmatic_enrollment: settings
                .recovery_codes
                .skip_recovery_codes_on_programmatic_enrollment,
            hide_recovery_codes_on_enrollment: settings.recovery_codes.hide_recovery_codes_on_enrollment,
            redirect_urls: settings.redirect_urls,
            is_local: settings.is_local,
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

/// What to change; what is absent stays, and only `redirectUrls` can be cleared.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TenantChanges {
    name: Option<String>,
    /// How long user tokens and challenges live: 1 to 60.
    token_duration_in_minutes: Option<u32>,
    #[schema(value_type = Option<Vec<i64>>)]
    totp_accepted_steps: Option<TotpWindow>,
    /// Whether every approval by push needs the number of the other screen.
    push_number_matching: Option<Demand>,
    /// Whether devices must sign all that they show (`signatureV2`).
    push_signature_v2: Option<Demand>,
    /// How long a device has to answer a push: 30 to 600.
    push_duration_in_seconds: Option<u32>,
    /// Whether the encrypted push to a browser says the public values of the action. A push to a phone never does.
    push_shows_details: Option<bool>,
    /// How much of the user's address stands beside what is confirmed: `masked`, `full` or `hidden`.
    account_display: Option<AccountDisplay>,
    /// Whether users have no recovery codes; old ones let nobody in then.
    disable_recovery_codes: Option<bool>,
    /// Whether a backend that enrols an authenticator is given none.
    skip_recovery_codes_on_programmatic_enrollment: Option<bool>,
    /// Whether the hosted pages show none after the first set-up.
    hide_recovery_codes_on_enrollment: Option<bool>,
    /// Up to 50 of `https://host[:port][/path]`, and `myapp:` or `myapp://host` for apps; null clears.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>)]
    redirect_urls: Option<Option<Vec<String>>>,
}

/// Change the tenant's settings; in force everywhere within a minute.
#[utoipa::path(patch, path = "/v1/management/tenant", tag = "Management API", operation_id = "updateTenant",
    request_body = TenantChanges, responses((status = 200, body = TenantView)), security(("managementKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Body(changes): Body<TenantChanges>,
) -> Reply<TenantView> {
    if let Some(name) = &changes.name {
        check_name("name", name, 64)?;
    }
    if changes.token_duration_in_minutes.is_some_and(|minutes| !(1..=MAX_TOKEN_MINUTES).contains(&minutes)) {
        return Err(Error::Invalid(format!("tokenDurationInMinutes is between 1 and {MAX_TOKEN_MINUTES}.")));
    }
    if changes.push_duration_in_seconds.is_some_and(|seconds| !(30..=600).contains(&seconds)) {
        return Err(Error::invalid("pushDurationInSeconds is between 30 and 600."));
    }
    let apply = |tenant: &mut countersign_core::tenant::Tenant| {
        let settings = &mut tenant.settings;
        settings.name = changes.name.clone().unwrap_or_else(|| settings.name.clone());
        settings.token_duration_in_minutes =
            changes.token_duration_in_minutes.unwrap_or(settings.token_duration_in_minutes);
        settings.totp_window = changes.totp_accepted_steps.unwrap_or(settings.totp_window);
        let push = &mut settings.push;
        push.number_matching = changes.push_number_matching.unwrap_or(push.number_matching);
        push.signature_v2 = changes.push_signature_v2.unwrap_or(push.signature_v2);
        push.seconds = changes.push_duration_in_seconds.unwrap_or(push.seconds);
        push.shows_details = changes.push_shows_details.unwrap_or(push.shows_details);
        settings.account_display = changes.account_display.unwrap_or(settings.account_display);
        let recovery = &mut settings.recovery_codes;
        for (setting, change) in [
            (&mut recovery.disable_recovery_codes, changes.disable_recovery_codes),
            (
                &mut recovery.skip_recovery_codes_on_programmatic_enrollment,
                changes.skip_recovery_codes_on_programmatic_enrollment,
            ),
            (&mut recovery.hide_recovery_codes_on_enrollment, changes.hide_recovery_codes_on_enrollment),
        ] {
            *setting = change.unwrap_or(*setting);
        }
        if let Some(urls) = &changes.redirect_urls {
            settings.redirect_urls = urls.clone().unwrap_or_default();
            redirect::check_entries(&settings.redirect_urls, settings.is_local)?;
        }
        Ok(())
    };
    let changed = app.store().tenant(tenant.id()).change(apply).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(TenantView::new(tenant.id(), changed.settings)))
}
