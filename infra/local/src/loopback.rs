//! What is for this machine alone: nothing is asked there of who comes.

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use url::Url;

/// Whether this is a name of the machine that it is said on (RFC 6761, section 6.3).
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Whether users reach this URL on this machine alone.
pub fn is_own(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(is_loopback))
}

/// 404 for whoever has come by another name: through a proxy, or with a browser that a stranger's site has led here by a name
/// that it made point to this machine.
pub async fn only_under_its_own_name(request: Request, next: Next) -> Response {
    if is_under_own_name(request.uri().authority(), request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::NOT_FOUND, "This is served on the machine itself alone, under a name like localhost.").into_response()
}

fn is_under_own_name(asked: Option<&Authority>, headers: &HeaderMap) -> bool {
    // Every browser and every proxy says one, in the target of the request or beside it (RFC 9112, section 3.2).
    let said = headers.get_all(header::HOST).iter().map(|host| host.to_str().ok()?.parse::<Authority>().ok());
    said.chain(asked.cloned().map(Some)).all(|name| name.is_some_and(|name| is_loopback(name.host())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for own in ["localhost", "LOCALHOST.", "app.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1"] {
            assert!(is_loopback(own), "{own}");
        }
        for other in
            ["", "mfa.example.com", "localhost.example.com", "127.0.0.1.example.com", "0.0.0.0", "[::]", "10.0.0.1"]
        {
            assert!(!is_loopback(other), "{other}");
        }
        assert!(is_own("http://127.0.0.1:3000") && is_own("http://[::1]:3000") && is_own("http://localhost"));
        assert!(!is_own("https://mfa.example.com") && !is_own("nothing"));
    }
}
