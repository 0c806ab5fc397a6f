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
    /// The host at which users see the pages, where it is the tenant's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_domain: Option<String>,
    /// Whether the pages go on after an enrolment without saying that it is done.
    hide_success_screen_on_enrollment: bool,
    /// Whether users may remove their last method, where nothing is enforced.
    allow_disabling_mfa: bool,
    /// Whether users may remove methods.
    allow_deleting_user_authenticators: bool,
    /// Whether a page whose token has expired leads back to the app by itself.
    redirect_on_session_expiry: bool,
    /// Always true: the pages show the tenant's logo alone.
    hide_authsignal_logo: bool,
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
            custom_domain: settings.pages.custom_domain,
            hide_success_screen_on_enrollment: settings.pages.hide_success_screen_on_enrollment,
            allow_disabling_mfa: settings.pages.allow_disabling_mfa,
            allow_deleting_user_authenticators: settings.pages.allow_deleting_user_authenticators,
            redirect_on_session_expiry: settings.pages.redirect_on_session_expiry,
            hide_authsignal_logo: true,
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

/// What to change; what is absent stays, and only `redirectUrls` and `customDomain` can be cleared.
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
    /// The host at which users see the pages: one that leads to this installation, such as `mfa.example.com`; null clears.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    custom_domain: Option<Option<String>>,
    /// Whether the pages go on after an enrolment without saying that it is done.
    hide_success_screen_on_enrollment: Option<bool>,
    /// Whether users may remove their last method; an enforcement is stronger.
    allow_disabling_mfa: Option<bool>,
    /// Whether users may remove methods.
    allow_deleting_user_authenticators: Option<bool>,
    /// Whether a page whose token has expired leads back to the app by itself.
    redirect_on_session_expiry: Option<bool>,
    /// True; false is refused, because the pages have no logo to show but the tenant's.
    hide_authsignal_logo: Option<bool>,
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
    if changes.hide_authsignal_logo == Some(false) {
        return Err(Error::invalid(
            "hideAuthsignalLogo is true: the pages show no logo but the tenant's. Leave it out, or send true.",
        ));
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
        if let Some(domain) = &changes.custom_domain {
            let host = domain.as_deref().map(str::to_ascii_lowercase);
            host.as_deref().map(|host| settings.check_custom_domain(host)).transpose()?;
            settings.pages.custom_domain = host;
        }
        let (recovery, pages) = (&mut settings.recovery_codes, &mut settings.pages);
        for (setting, change) in [
            (&mut pages.hide_success_screen_on_enrollment, changes.hide_success_screen_on_enrollment),
            (&mut pages.allow_disabling_mfa, changes.allow_disabling_mfa),
            (&mut pages.allow_deleting_user_authenticators, changes.allow_deleting_user_authenticators),
            (&mut pages.redirect_on_session_expiry, changes.redirect_on_session_expiry),
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
