//! Where the hosted page leads back to.

use std::sync::Arc;

use countersign_core::{
    app::{App, TenantContext},
    error::Error,
    redirect,
    tenant::{Settings, Tenant},
    web,
};

use crate::TrackRequest;

/// `redirectUrl` where the tenant's list has it; 400 otherwise.
pub(crate) fn checked(request: &TrackRequest, tenant: &TenantContext) -> Result<Option<String>, Error> {
    request.redirect_url.as_deref().map(|url| redirect::check(tenant.settings(), url)).transpose()
}

/// 400 where the backend names another host for the page than the tenant's own.
pub(crate) fn check_host(request: &TrackRequest, tenant: &TenantContext) -> Result<(), Error> {
    let own = tenant.settings().pages.custom_domain.as_ref();
    match &request.custom_domain {
        Some(host) if own.is_none_or(|own| !own.eq_ignore_ascii_case(host)) => Err(Error::invalid(
            "customDomain is not the tenant's. Set it with PATCH /v1/management/tenant {\"customDomain\": …}, or leave it out.",
        )),
        _ => Ok(()),
    }
}

/// In the one process a local tenant has what its backend names for the first time put on its list, so that things can be
/// tried out as the guides of the SDKs have them.
pub(crate) async fn learned(app: &App, tenant: Arc<TenantContext>, url: &str) -> Result<Arc<TenantContext>, Error> {
    if app.local().is_none() || new_entry(tenant.settings(), url).is_none() {
        return Ok(tenant);
    }
    let put = |tenant: &mut Tenant| {
        tenant.settings.redirect_urls.extend(new_entry(&tenant.settings, url));
        Ok(())
    };
    app.store().tenant(tenant.id()).change(put).await?;
    tracing::info!(
        event = "redirect_url_added", tenant = %tenant.id(), origin = redirect::origin(url),
        "now on the list of this local tenant; any other tenant has to add it with countersign tenant set"
    );
    Ok(app.tenant_anew(tenant.id()).await?.unwrap_or(tenant))
}

/// The entry that would let a URL pass, for a tenant that learns its list by use: a local one, and addresses of the web by
/// https alone. `None` where it passes already, or must not.
fn new_entry(settings: &Settings, text: &str) -> Option<String> {
    if !settings.is_local
        || settings.redirect_urls.len() >= redirect::MAX_ENTRIES
        || redirect::check(settings, text).is_ok()
    {
        return None;
    }
    let mut url = web::read(text).ok().filter(|url| url.scheme() == "https" && !web::is_nearly_loopback(url))?;
    url.set_query(None);
    url.set_fragment(None);
    Some(String::from(url)).filter(|entry| redirect::check_entry(entry, true).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(redirect_urls: Vec<String>) -> Settings {
        Settings { redirect_urls, is_local: true, ..Settings::named("t") }
    }

    #[test]
    fn a_local_tenant_learns_https_alone() {
        let known = local(vec!["https://known.example/app".into()]);
        for (sent, learned) in [
            ("https://yourapp.com/callback", Some("https://yourapp.com/callback")),
            ("https://yourapp.com/callback?a=b#c", Some("https://yourapp.com/callback")),
            ("https://known.example/other", Some("https://known.example/other")),
            ("https://known.example/app/x", None),
            ("http://yourapp.com/callback", None),
            ("http://localhost:3000/done", None),
            ("https://[::ffff:127.0.0.1]/done", None),
            ("https://0.0.0.0/done", None),
            ("javascript:alert(1)", None),
            ("https://u@yourapp.com/callback", None),
            ("myapp://auth", None),
        ] {
            assert_eq!(new_entry(&known, sent).as_deref(), learned, "{sent}");
            assert_eq!(new_entry(&Settings { is_local: false, ..known.clone() }, sent), None, "{sent}");
        }
        let full = local(vec!["https://a.example".into(); redirect::MAX_ENTRIES]);
        assert_eq!(new_entry(&full, "https://yourapp.com"), None);
    }
}
