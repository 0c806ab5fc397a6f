//! The methods that there are, and what a tenant says of them (contract, M28-M29). Fields of methods and providers that this
//! product does not have are ignored, as unknown ones are.

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    error::Error,
    http::{Body, ManagementCaller, Path, Reply, present},
    id::{TenantId, check_name},
    method::Method,
    tenant::{AuthenticatorSettings, Settings, Tenant},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A method of the tenant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthenticatorConfiguration {
    /// The method's name.
    authenticator_id: Method,
    tenant_id: String,
    authenticator_type: Method,
    verification_method: Method,
    /// Whether it may be enrolled, and answers new actions.
    is_active: bool,
    /// The issuer in authenticator apps; the tenant's name where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_name: Option<String>,
}

fn view(tenant: &TenantId, settings: &Settings, method: Method) -> AuthenticatorConfiguration {
    let AuthenticatorSettings { is_active, issuer_name } =
        settings.authenticators.get(&method).cloned().unwrap_or_default();
    AuthenticatorConfiguration {
        authenticator_id: method,
        tenant_id: tenant.to_string(),
        authenticator_type: method,
        verification_method: method,
        is_active,
        issuer_name,
    }
}

/// What to change: absent keeps, null clears.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AuthenticatorChanges {
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    is_active: Option<Option<bool>>,
    /// What authenticator apps show as the issuer; for `AUTHENTICATOR_APP` only.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    issuer_name: Option<Option<String>>,
}

/// Recovery codes are switched by the tenant's `disableRecoveryCodes` (M27): one thing, one switch.
fn configured() -> impl Iterator<Item = Method> {
    Method::that(|facts| facts.answers).filter(|method| *method != Method::RecoveryCode)
}

/// List the methods that there are.
#[utoipa::path(get, path = "/v1/management/authenticator-configurations", tag = "Management API",
    operation_id = "listAuthenticatorConfigurations",
    responses((status = 200, body = Vec<AuthenticatorConfiguration>)), security(("managementKey" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
) -> Reply<Vec<AuthenticatorConfiguration>> {
    let loaded = app.store().tenant(tenant.id()).load().await?.ok_or(Error::Unauthorized)?;
    let view = |method| view(tenant.id(), &loaded.tenant.settings, method);
    Ok(Json(configured().map(view).collect()))
}

/// Change the settings of a method; in force everywhere within a minute.
#[utoipa::path(patch, path = "/v1/management/authenticator-configurations/{authenticatorId}", tag = "Management API",
    operation_id = "updateAuthenticatorConfiguration", params(("authenticatorId" = String, Path)),
    request_body = AuthenticatorChanges, responses((status = 200, body = AuthenticatorConfiguration)),
    security(("managementKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(id): Path<String>,
    Body(changes): Body<AuthenticatorChanges>,
) -> Reply<AuthenticatorConfiguration> {
    let method = Method::parse(&id).filter(|method| configured().any(|one| one == *method));
    let method =
        method.ok_or_else(|| Error::NotFound("There is no authenticator configuration with this id.".into()))?;
    if let Some(Some(issuer)) = &changes.issuer_name {
        if method != Method::AuthenticatorApp {
            return Err(Error::invalid("issuerName is of AUTHENTICATOR_APP alone."));
        }
        check_name("issuerName", issuer, 64)?;
    }
    let change = |tenant: &mut Tenant| {
        let settings = tenant.settings.authenticators.entry(method).or_default();
        settings.is_active = changes.is_active.map_or(settings.is_active, |changed| changed.unwrap_or(true));
        if let Some(issuer) = &changes.issuer_name {
            settings.issuer_name = issuer.clone();
        }
        Ok(())
    };
    let changed = app.store().tenant(tenant.id()).change(change).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(view(tenant.id(), &changed.settings, method)))
}
