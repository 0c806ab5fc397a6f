//! Where a hosted page may send a browser when it is done, and which pages may hold it: the tenant's list.

use url::Url;

use crate::{error::Error, tenant::Settings, web};

/// At most so many entries stand on a tenant's list.
pub const MAX_ENTRIES: usize = 50;

/// The longest scheme of a native app.
const MAX_SCHEME: usize = 64;

/// The scheme of the public mobile SDKs; good for every tenant.
const AUTHSIGNAL: &str = "authsignal";

/// Schemes that a browser takes for itself or that run what they are given: never an app's.
const NEVER_NATIVE: [&str; 20] = [
    "about",
    "blob",
    "chrome",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "http",
    "https",
    "intent",
    "jar",
    "javascript",
    "mailto",
    "sms",
    "tel",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Checks a `redirectUrl` of track against the tenant's list: scheme, host and port are those of an entry, and the
/// path is the entry's or below it. A local tenant may use loopback addresses without an entry.
///
/// 400 on anything else (security.md, T15).
pub fn check(settings: &Settings, text: &str) -> Result<String, Error> {
    let url = web::read(text)
        .map_err(|why| Error::Invalid(format!("redirectUrl {why}. Send an absolute http or https URL.")))?;
    if web::is_nearly_loopback(&url) {
        // A stolen or mistyped entry must not hand tokens to whatever listens on an end user's machine.
        return if settings.is_local && web::is_loopback(&url) { Ok(url.into()) } else { Err(loopback("redirectUrl")) };
    }
    let is_listed =
        settings.redirect_urls.iter().filter_map(|entry| web::read(entry).ok()).any(|entry| leads(&entry, &url));
    if is_listed { Ok(url.into()) } else { Err(not_listed(settings)) }
}

/// Whether a URL is the entry or below it.
fn leads(entry: &Url, url: &Url) -> bool {
    let prefix = entry.path().trim_end_matches('/');
    let below = url.path().strip_prefix(prefix);
    entry.origin() == url.origin() && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn not_listed(settings: &Settings) -> Error {
    let so_far = if settings.redirect_urls.is_empty() { ", which is empty" } else { "" };
    Error::Invalid(format!(
        "redirectUrl is not on the tenant's list{so_far}. Add it with PATCH /v1/management/tenant \
         {{\"redirectUrls\": [\"https://app.example.com/done\"]}}, or with countersign tenant set ID --redirect-url URL."
    ))
}

fn loopback(name: &str) -> Error {
    Error::Invalid(format!(
        "{name} leads to the machine of whoever follows it; only local tenants may use localhost, 127.0.0.1 or [::1] \
         (countersign tenant create --local)."
    ))
}

/// Checks an entry of the list: `https://host[:port][/path]`, the same with http on a loopback host of a local tenant,
/// or `scheme:` or `scheme://host` of an app. 400 with the entry where it is none.
pub fn check_entry(entry: &str, is_local: bool) -> Result<(), Error> {
    // Debug escapes the characters on which a terminal or a log would act.
    let shown: String = format!("{entry:?}").chars().take(200).collect();
    let wrong = |why: &str| Error::Invalid(format!("redirectUrls: {shown} {why}."));
    if let Some(scheme) = app_scheme(entry) {
        return if is_native(scheme) {
            Ok(())
        } else {
            Err(wrong("is neither an https URL nor the scheme of an app, such as myapp: or myapp://auth"))
        };
    }
    let url = web::read(entry).map_err(wrong)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("holds a query or a fragment; leave out what begins with ? or #"));
    }
    match (web::is_nearly_loopback(&url), url.scheme()) {
        (true, _) if !(is_local && web::is_loopback(&url)) => Err(loopback(&format!("redirectUrls: {shown}"))),
        (true, _) | (false, "https") => Ok(()),
        (false, _) => Err(wrong("is not an https URL")),
    }
}

/// Checks a whole list; 400 that names the entry to change.
pub fn check_entries(entries: &[String], is_local: bool) -> Result<(), Error> {
    if entries.len() > MAX_ENTRIES {
        return Err(Error::Invalid(format!("redirectUrls has at most {MAX_ENTRIES} entries.")));
    }
    entries.iter().try_for_each(|entry| check_entry(entry, is_local))
}

/// What stands before `:` or `://host`, where the entry is no address of the web.
fn app_scheme(entry: &str) -> Option<&str> {
    let (scheme, rest) = entry.split_once(':')?;
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let is_host = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/');
    let is_short = rest.is_empty() || rest.starts_with("//") && rest.bytes().all(is_host) && rest.len() <= 256;
    (!is_web && is_short).then_some(scheme)
}

/// Whether a scheme may be an app's: lower case (RFC 3986, section 3.1), and none that a browser takes for itself.
fn is_native(scheme: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'.' | b'-');
    scheme.len() <= MAX_SCHEME
        && scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(is_part)
        && !NEVER_NATIVE.contains(&scheme)
}

/// The scheme of the app that a page may end in (contract, 2.8: `nativeScheme`): that of the SDKs, or one of the list.
pub fn native_scheme(settings: &Settings, asked: &str) -> Option<String> {
    let is_listed = || settings.redirect_urls.iter().filter_map(|entry| app_scheme(entry)).any(|known| known == asked);
    (is_native(asked) && (asked == AUTHSIGNAL || is_listed())).then(|| asked.to_owned())
}

/// The origins of the tenant's own pages, each once: whom a hosted page may post to.
pub fn allowed_origins(settings: &Settings) -> Vec<String> {
    let urls = settings.redirect_urls.iter().filter_map(|entry| web::read(entry).ok());
    let usable = urls.filter(|url| settings.is_local || !web::is_nearly_loopback(url));
    let mut origins: Vec<String> = usable.map(|url| web::origin(&url)).collect();
    origins.sort_unstable();
    origins.dedup();
    origins
}

/// Whether a page of this origin (`https://host[:port]`) is the tenant's own; of a local tenant also one on loopback.
pub fn is_allowed_origin(settings: &Settings, asked: &str) -> bool {
    let Ok(url) = web::read(asked) else { return false };
    // An origin and nothing else: what is compared is what is posted to.
    web::origin(&url) == asked
        && (settings.is_local && web::is_loopback(&url) || allowed_origins(settings).iter().any(|known| known == asked))
}

/// Sources for `frame-ancestors` of the content policy: the tenant's origins, and on its own machine a local tenant's.
pub fn frame_ancestors(settings: &Settings) -> String {
    // CSP has no source for an address in brackets.
    let mut sources = allowed_origins(settings);
    sources.retain(|origin| !origin.contains('['));
    if settings.is_local {
        let hosts = ["http://localhost:*", "http://*.localhost:*", "http://127.0.0.1:*", "https://localhost:*"];
        sources.extend(hosts.map(str::to_owned));
    }
    if sources.is_empty() { "'none'".into() } else { sources.join(" ") }
}

/// The URL with `token` in its query, once and at its end: a token that stood there before is dropped. Before it stand
/// others that the app added to the address of the page; what the backend wrote is not said twice.
pub fn with_token(redirect_url: &str, others: &[(String, String)], token: &str) -> Result<String, Error> {
    let mut url = Url::parse(redirect_url).map_err(Error::internal)?;
    let is_token = |pair: &&str| url::form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == "token");
    if let Some(query) = url.query().map(str::to_owned) {
        let kept: Vec<&str> = query.split('&').filter(|pair| !is_token(pair)).collect();
        url.set_query(Some(kept.join("&").as_str()).filter(|kept| !kept.is_empty()));
    }
    let known: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    let others = others.iter().filter(|(name, _)| name != "token" && !known.contains(name));
    url.query_pairs_mut().extend_pairs(others).append_pair("token", token);
    Ok(url.into())
}

/// Scheme, host and port of a URL that [`check`] let pass; empty for any other.
pub fn origin(redirect_url: &str) -> String {
    Url::parse(redirect_url).map(|url| web::origin(&url)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
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
        for far in ["http://localhost.evil.example", "http://notlocalhost", "http://[::ffff:7f00:1]", "http://0.0.0.0"]
        {
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
        let tenant = settings(
            &["https://App.example/a", "https://app.example:443/b", "myapp:", "https://b.example:8443"],
            false,
        );
        assert_eq!(frame_ancestors(&tenant), "https://app.example https://b.example:8443");
        assert!(is_allowed_origin(&tenant, "https://app.example"));
        for other in [
            "https://app.example/",
            "https://app.example:443",
            "http://app.example",
            "null",
            "",
            "https://evil.example",
        ] {
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
            assert_eq!(with_token(url, &[], "t").unwrap(), with);
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
}
