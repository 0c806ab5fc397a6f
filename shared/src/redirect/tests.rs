use proptest::prelude::*;

use super::*;

fn settings(entries: &[&str], is_local: bool) -> Settings {
    let redirect_urls = entries.iter().map(|&entry| entry.to_owned()).collect();
    Settings { redirect_urls, is_local, ..Settings::named("t") }
}

#[test]
fn a_path_is_left_at_a_slash_alone() {
    let tenant = settings(&["https://app.example/app", "https://www.example:8443/"], false);
    for good in [
        "https://app.example/app",
        "HTTPS://App.Example:443/app/",
        "https://app.example/app/x?a=b#c",
        "https://app.example/app?next=https://evil.example",
        "https://www.example:8443",
        "https://www.example:8443/any/thing",
    ] {
        assert!(check(&tenant, good).is_ok(), "{good}");
    }
    for bad in [
        "https://app.example",
        "https://app.example/",
        "https://app.example/apple",
        "https://app.example/App",
        "https://app.example/app/../x",
        "https://app.example/app/..;/x",
        "https://app.example/app/%2e%2E/x",
        "https://app.example/app/%252e%252e/x",
        "https://app.example/app%2fx",
        "https://app.example:444/app",
        "http://app.example/app",
        "https://www.example/",
        "https://x.app.example/app",
        "https://app.example./app",
        "https://app.example.evil.example/app",
        "https://localhost/app",
    ] {
        assert!(check(&tenant, bad).is_err(), "{bad}");
    }
}

#[test]
fn loopback_is_for_local_tenants() {
    let (local, other) = (settings(&[], true), settings(&["http://localhost:3000", "https://127.0.0.1"], false));
    for near in ["http://localhost:3000/a", "https://shop.localhost", "http://127.0.0.1:1", "http://[::1]:3000/"] {
        assert!(check(&local, near).is_ok(), "{near}");
        assert!(check(&other, near).is_err(), "{near}");
        assert!(check_entry(near, true).is_ok(), "{near}");
        assert!(check_entry(near, false).is_err(), "{near}");
    }
    for far in ["http://localhost.evil.example", "http://notlocalhost", "http://[::ffff:7f00:1]", "http://0.0.0.0"] {
        assert!(check(&local, far).is_err(), "{far}");
    }
    assert_eq!(allowed_origins(&other), Vec::<String>::new());
    assert_eq!(frame_ancestors(&other), "'none'");
}

#[test]
fn entries_are_named_where_they_are_wrong() {
    for good in
        ["https://app.example", "https://app.example:8443/a/b/", "myapp:", "myapp://auth", "com.example.app://a/b"]
    {
        assert!(check_entry(good, false).is_ok(), "{good}");
    }
    for bad in [
        "",
        "app.example",
        "http://app.example",
        "https://app.example?a",
        "https://app.example/#a",
        "https://u@app.example",
        "https://*.example",
        "*",
        "javascript:",
        "javascript://x",
        "data:",
        "MyApp:",
        "1app:",
        "intent://x",
        "my app:",
        "myapp:alert(1)",
        "file:///etc",
        "https:",
        "https://app.example/../x",
        "//app.example",
        "https://b\u{fc}cher.example",
    ] {
        let message = check_entry(bad, false).map_err(|error| error.to_string()).expect_err(bad);
        assert!(message.contains(&format!("{bad:?}")), "{message}");
    }
}

#[test]
fn an_apps_scheme_is_known_or_the_sdks() {
    let tenant = settings(&["myapp://auth", "other:", "https://app.example"], false);
    for good in ["authsignal", "myapp", "other"] {
        assert_eq!(native_scheme(&tenant, good).as_deref(), Some(good));
    }
    for bad in
        ["", "https", "http", "javascript", "data", "evil", "MyApp", "myapp:", "my", "authsignal ", "view-source"]
    {
        assert_eq!(native_scheme(&tenant, bad), None, "{bad}");
    }
}

#[test]
fn pages_of_the_tenant_may_hold_ours() {
    let tenant =
        settings(&["https://App.example/a", "https://app.example:443/b", "myapp:", "https://b.example:8443"], false);
    assert_eq!(frame_ancestors(&tenant), "https://app.example https://b.example:8443");
    assert!(is_allowed_origin(&tenant, "https://app.example"));
    for other in
        ["https://app.example/", "https://app.example:443", "http://app.example", "null", "", "https://evil.example"]
    {
        assert!(!is_allowed_origin(&tenant, other), "{other}");
    }
    let local = settings(&[], true);
    assert!(frame_ancestors(&local).starts_with("http://localhost:* "));
    assert!(is_allowed_origin(&local, "http://localhost:3000"));
}

#[test]
fn the_token_joins_the_query_once() {
    for (url, with) in [
        ("https://a.example/b?c=d#e", "https://a.example/b?c=d&token=t#e"),
        ("https://a.example/?token=old&a=1&%74oken=x&token", "https://a.example/?a=1&token=t"),
        ("https://a.example/?token=old", "https://a.example/?token=t"),
        ("https://a.example", "https://a.example/?token=t"),
    ] {
        assert_eq!(with_token(url, "t").unwrap(), with);
    }
}

/// Scheme, host and port after RFC 3986 alone, by another parser.
fn second(text: &str) -> Option<(String, String, String, String)> {
    let uri = iri_string::types::UriStr::new(text).ok()?;
    let authority = uri.authority_components()?;
    let scheme = uri.scheme_str().to_ascii_lowercase();
    let port = authority.port().unwrap_or(if scheme == "https" { "443" } else { "80" }).to_owned();
    (authority.userinfo().is_none())
        .then(|| (scheme, authority.host().to_ascii_lowercase(), port, uri.path_str().into()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// T15: what passes leads to an entry of the list, whichever parser reads it, as it came and as it is kept.
    #[test]
    fn two_parsers_agree_on_what_passes(
        parts in prop::collection::vec(prop::sample::select(vec![
            "https://", "http://", "https:", "HTTP://", "//", "/", "\\", "@", ":", "?", "#", ".", "..", "..;", "%40", "%2f",
            "%5c", "%2e", "[", "]", "::1", "1", "0x7f", "443", ":443", ":8443", "evil.example", "ok.example", "/app", "app", "a",
            " ", "\t", "\r\n", "\u{ff0f}", "\u{ff20}", "\u{e9}", "user", "%00", ";", "&", "=", "javascript:", "xn--", "-", "_",
            "|", "^", "<", "localhost", "127.0.0.1",
        ]), 0..9),
        start in prop::sample::select(vec!["", "https://ok.example", "https://ok.example/app", "http://localhost", "https://"]),
        is_local in any::<bool>(),
    ) {
        let tenant = settings(&["https://ok.example/app", "https://ok.example:8443", "myapp:"], is_local);
        let text = format!("{start}{}", parts.concat());
        if let Ok(kept) = check(&tenant, &text) {
            let (scheme, host, port, path) = second(&text).expect("another parser reads it too");
            let read = Url::parse(&kept).expect("a URL");
            prop_assert_eq!(Some((scheme.clone(), host.clone(), port.clone())), second(&kept).map(|(s, h, p, _)| (s, h, p)));
            prop_assert_eq!(
                (scheme.as_str(), Some(host.as_str()), read.port_or_known_default().map(|port| port.to_string())),
                (read.scheme(), read.host_str(), Some(port.clone()))
            );
            prop_assert_eq!(if path.is_empty() { "/" } else { &path }, read.path());
            let is_near = host.parse().is_ok_and(|address: std::net::Ipv4Addr| address.is_loopback());
            let is_loopback = is_near || host == "[::1]" || host == "localhost" || host.ends_with(".localhost");
            let is_below = path == "/app" || path.starts_with("/app/");
            let is_listed = scheme == "https" && host == "ok.example" && (port == "443" && is_below || port == "8443");
            prop_assert!(is_listed || is_local && is_loopback, "{text:?} became {kept:?}");
        }
    }
}
