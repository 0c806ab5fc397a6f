//! Who calls: a customer's backend, its operator, or one of its users.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};

use crate::{
    app::{App, TenantContext, UserCaller},
    error::Error,
    http::Requester,
    id::TenantId,
    source::Source,
    tenant::KeyKind,
};

/// A customer's backend, by its secret key (contract, section 1.0).
pub struct ServerCaller(pub Arc<TenantContext>);

/// A customer's backend that tracks an action: the one call that a tenant may want answered while its configuration
/// cannot be read.
pub struct TrackCaller {
    pub tenant: Arc<TenantContext>,
    /// Why `tenant` is a copy of up to an hour ago, where it is one.
    pub failure: Option<Error>,
}

/// A customer's operator, by its management key (contract, section 5).
pub struct ManagementCaller(pub Arc<TenantContext>);

/// A browser or a phone: a user, or just somebody of a tenant.
pub enum ClientCaller {
    User(Box<UserCaller>),
    Tenant(Arc<TenantContext>),
}

impl ClientCaller {
    pub fn tenant(&self) -> &TenantContext {
        match self {
            Self::User(user) => &user.tenant,
            Self::Tenant(tenant) => tenant,
        }
    }

    /// Whose budget pays for what is begun: the action's, or that of the network from which a stranger comes.
    pub fn source(&self, requester: &Requester) -> Source {
        match self {
            Self::User(user) => Source::Action(user.claims.jti.clone()),
            Self::Tenant(_) => Source::network(requester.ip_address.as_deref()),
        }
    }
}

impl FromRequestParts<App> for ServerCaller {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        api_key(app, &parts.headers, KeyKind::Secret).await.map(Self)
    }
}

impl FromRequestParts<App> for TrackCaller {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let (tenant, failure) = app.authenticate_by_copy(&secret(&parts.headers)?, KeyKind::Secret).await?;
        Ok(Self { tenant, failure })
    }
}

impl FromRequestParts<App> for ManagementCaller {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        api_key(app, &parts.headers, KeyKind::Management).await.map(Self)
    }
}

impl FromRequestParts<App> for ClientCaller {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        client(app, &parts.headers).await
    }
}

impl FromRequestParts<App> for UserCaller {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        match client(app, &parts.headers).await? {
            ClientCaller::User(user) => Ok(*user),
            ClientCaller::Tenant(_) => Err(Error::TokenRequired),
        }
    }
}

/// The tenant of an API key in `Authorization: Basic base64(key ":")`.
pub async fn api_key(app: &App, headers: &HeaderMap, kind: KeyKind) -> Result<Arc<TenantContext>, Error> {
    app.authenticate(&secret(headers)?, kind).await
}

fn secret(headers: &HeaderMap) -> Result<String, Error> {
    let credentials = scheme(headers, "basic").and_then(decode).ok_or(Error::Unauthorized)?;
    // The password is empty (contract); a key with something behind the colon is not that key.
    let secret = credentials.strip_suffix(':').filter(|secret| !secret.is_empty());
    secret.map(str::to_owned).ok_or(Error::Unauthorized)
}

/// The user of a Bearer token, or the tenant of a Basic tenant id.
pub async fn client(app: &App, headers: &HeaderMap) -> Result<ClientCaller, Error> {
    if let Some(token) = scheme(headers, "bearer") {
        return Ok(ClientCaller::User(Box::new(app.open_token(token).await?)));
    }
    let tenant = scheme(headers, "basic").and_then(tenant_id).ok_or(Error::TokenRequired)?;
    app.tenant(&tenant).await?.map(ClientCaller::Tenant).ok_or(Error::Unauthorized)
}

/// The tenant id in any of its three spellings (contract, section 2.0): browser `base64(id)`, Android
/// `base64(id ":")`, iOS the same in base64url without padding.
fn tenant_id(encoded: &str) -> Option<TenantId> {
    let text = decode(encoded)?;
    // The browser encodes the id for a URL before; a tenant id has no character that this changes.
    TenantId::parse(text.strip_suffix(':').unwrap_or(&text)).ok()
}

fn decode(encoded: &str) -> Option<String> {
    let bytes = encoded.as_bytes();
    [BASE64, BASE64_NOPAD, BASE64URL_NOPAD]
        .iter()
        .find_map(|spelling| String::from_utf8(spelling.decode(bytes).ok()?).ok())
}

/// What follows the scheme in the one Authorization header; the scheme's case does not matter (RFC 9110, 11.1).
fn scheme<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let value = all.next()?.to_str().ok()?;
    if all.next().is_some() {
        return None;
    }
    let (scheme, rest) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_id_is_read_in_its_three_spellings() {
        let id = TenantId::parse("7f8d5b9c-aa11-4a6b-b8a8-27f6bf6e9f00").unwrap();
        let with_colon = format!("{id}:");
        for spelling in [
            BASE64.encode(id.as_str().as_bytes()),
            BASE64.encode(with_colon.as_bytes()),
            BASE64URL_NOPAD.encode(with_colon.as_bytes()),
        ] {
            assert_eq!(tenant_id(&spelling), Some(id.clone()), "{spelling}");
        }
        for wrong in ["", "!", "Og==", "YTo6"] {
            assert_eq!(tenant_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn two_authorization_headers_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(header::AUTHORIZATION, "Bearer a".parse().unwrap());
        assert_eq!(scheme(&headers, "bearer"), Some("a"));
        headers.append(header::AUTHORIZATION, "Bearer b".parse().unwrap());
        assert_eq!(scheme(&headers, "bearer"), None);
    }
}
