//! Where a request comes from, to be shown to whoever is asked about it.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderName, header, request::Parts},
};

/// The address that a request came from, as the network says it and not as a header claims (security.md, T26).
#[derive(Clone, Copy, Debug)]
pub struct ClientIp(pub IpAddr);

/// The browser that asks.
#[derive(Clone, Debug, Default)]
pub struct Requester {
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    /// The site whose page asks; browsers let no page choose it (Fetch standard, section 3.2).
    pub origin: Option<String>,
}

/// The longest text that is kept, because it is shown on a small screen.
const LONGEST: usize = 256;

impl<S: Send + Sync> FromRequestParts<S> for Requester {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = |name: HeaderName| {
            let text = parts.headers.get(name)?.to_str().ok()?;
            Some(text.chars().take(LONGEST).collect())
        };
        let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        let address = parts.extensions.get::<ClientIp>().map(|ClientIp(address)| *address).or(connected);
        Ok(Self {
            // A socket that takes both says IPv4 addresses in their IPv6 form (RFC 4291, section 2.5.5.2).
            ip_address: address.map(|address| address.to_canonical().to_string()),
            user_agent: header(header::USER_AGENT),
            origin: header(header::ORIGIN),
        })
    }
}
