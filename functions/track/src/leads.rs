//! Where the hosted page leads back to.

use std::sync::Arc;

use countersign_core::{
    app::{App, TenantContext},
    error::Error,
    redirect,
    tenant::Tenant,
};

use crate::TrackRequest;

/// `redirectUrl` where the tenant's list has it; 400 otherwise.
pub(crate) fn checked(request: &TrackRequest, tenant: &TenantContext) -> Result<Option<String>, Error> {
    request.redirect_url.as_deref().map(|url| redirect::check(tenant.settings(), url)).transpose()
}

/// In the one process a local tenant has what its backend names for the first time put on its list, so that things can be
/// tried out as the guides of the SDKs have them.
pub(crate) async fn learned(app: &App, tenant: Arc<TenantContext>, url: &str) -> Result<Arc<TenantContext>, Error> {
    if app.local().is_none() || redirect::new_entry(tenant.settings(), url).is_none() {
        return Ok(tenant);
    }
    let put = |tenant: &mut Tenant| {
        tenant.settings.redirect_urls.extend(redirect::new_entry(&tenant.settings, url));
        Ok(())
    };
    app.store().tenant(tenant.id()).change(put).await?;
    tracing::info!(
        event = "redirect_url_added", tenant = %tenant.id(), origin = redirect::origin(url),
        "a tenant that is not local would have to put it on its list itself"
    );
    Ok(app.tenant_anew(tenant.id()).await?.unwrap_or(tenant))
}
