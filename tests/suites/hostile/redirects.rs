//! Where a hosted page may send a browser (security.md, T15).

use countersign_core::redirect;
use countersign_tests::World;
use proptest::prelude::*;
use serde_json::json;

use crate::table::dump;

/// Scheme and host of a URL by the grammar of RFC 3986, sections 3 and 3.2, and nothing else: the second parser.
fn split(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once(':')?;
    let authority = rest.strip_prefix("//")?;
    let authority = &authority[..authority.find(['/', '?', '#']).unwrap_or(authority.len())];
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, after)| after);
    let host = match host_and_port.strip_prefix('[') {
        Some(ipv6) => &host_and_port[..ipv6.find(']')? + 2],
        None => host_and_port.split(':').next()?,
    };
    Some((scheme.to_ascii_lowercase(), host.to_ascii_lowercase()))
}

fn hostile() -> Vec<String> {
    let mut all: Vec<String> = [
        "",
        " ",
        "/",
        "/done",
        "//",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "\\\\evil.example",
        "/%5cevil.example",
        "./evil",
        "../evil",
        "evil.example",
        "evil.example:443",
        "?a=b",
        "#a",
        "www.evil.example/",
        "https",
        "https:",
        "https:/",
        "https://",
        "https:///",
        "https:////evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https:\\\\evil.example",
        "https:/\\evil.example",
        "https://\\evil.example",
        "https:\\/evil.example",
        "http:////evil.example",
        "https:?a",
        "https:#a",
        "https://?a",
        "https://#a",
        "https://:443",
        "https://:443/",
        "https://@",
        "https://@evil.example",
        "https://:@evil.example",
        "https://user@evil.example",
        "https://user:secret@evil.example",
        "https://ok.example@evil.example",
        "https://ok.example:443@evil.example",
        "https://ok.example%40evil.example",
        "https://ok.example%2F@evil.example",
        "https://ok.example\\@evil.example",
        "https://ok.example\\.evil.example",
        "https://ok.example#@evil.example\\",
        "https://a:99999",
        "https://a:-1",
        "https://a:x",
        "https://a:80:80",
        "https://a:65536/",
        "https://[::1",
        "https://::1]",
        "https://[::g]",
        "https://[]",
        "https://[1.2.3.4]",
        "https://1.2.3.4.5.6.7.8:x",
        "https://256.256.256.256",
        "https://exa mple.com",
        "https://ex%00ample.com",
        "https://ex%0aample.com",
        "https://ex%2fample.com",
        "https://ex%3Fample.com",
        "https://ex%23ample.com",
        "https://ex%5Cample.com",
        "https://ex<ample.com",
        "https://ex>ample.com",
        "https://ex^ample.com",
        "https://ex|ample.com",
        "https://xn--a",
        "https://\u{ad}",
        "https://ok\u{2044}.evil\u{ff0f}x@evil.example",
        "https://ok.example\u{ff20}evil.example",
        "https://\u{ff0f}evil.example",
        "https://ok.example\u{ff03}.evil.example",
        "https://ok.example\u{ff1f}.evil.example",
        "https://ok.example\u{2100}.evil.example",
        "HTTPS:evil.example",
        "hTTps:/evil.example",
        "https ://evil.example",
        "https\u{3a}\u{ff0f}\u{ff0f}evil.example",
        "\u{feff}https://evil.example",
        "\u{a0}https://evil.example",
        "https&colon;//evil.example",
        "https%3A%2F%2Fevil.example",
        "(https://evil.example)",
        "url(https://evil.example)",
    ]
    .map(str::to_owned)
    .into();
    let schemes = [
        "javascript",
        "JaVaScRiPt",
        "data",
        "vbscript",
        "file",
        "ftp",
        "ws",
        "wss",
        "blob",
        "about",
        "mailto",
        "tel",
        "intent",
        "chrome",
        "view-source",
        "jar",
        "ldap",
        "gopher",
        "filesystem",
        "ms-settings",
        "x-evil",
        "httpx",
        "httpss",
        "shttp",
    ];
    for scheme in schemes {
        for rest in ["://evil.example/", ":alert(1)", "://ok.example/%0aalert(1)"] {
            all.push(format!("{scheme}{rest}"));
        }
    }
    // A browser drops tabs and line ends from a URL, and trims what stands around it.
    for byte in (0..=0x20_u8).chain([0x7f]) {
        let c = char::from(byte);
        all.push(format!("{c}https://evil.example"));
        all.push(format!("https://evil{c}.example/"));
        all.push(format!("https://ok.example/{c}"));
        all.push(format!("java{c}script:alert(1)"));
    }
    all.push(format!("https://ok.example/{}", "x".repeat(2_048)));
    all
}

#[tokio::test]
async fn two_hundred_hostile_urls_are_refused_at_track() {
    let world = World::start().await;
    world.track("ada", "pay", json!({})).await.ok();
    let mut before = dump(&world);
    let hostile = hostile();
    assert!(hostile.len() >= 200, "{}", hostile.len());
    let mut let_in = Vec::new();
    for url in hostile {
        let answer = world.track("ada", "pay", json!({ "redirectUrl": url })).await;
        if answer.status == 200 {
            let_in.push(url);
            before = dump(&world);
            continue;
        }
        assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{url:?}");
        assert!(dump(&world) == before, "{url:?} has written something");
    }
    assert!(let_in.is_empty(), "let in: {let_in:?}");
}

#[tokio::test]
async fn plain_web_addresses_pass_and_keep_their_host() {
    let world = World::start().await;
    for (url, host) in [
        ("https://app.example", "app.example"),
        ("HTTPS://App.Example/Done", "app.example"),
        ("http://localhost:3000/back?a=b#c", "localhost"),
        ("https://app.example:8443", "app.example"),
        ("https://127.0.0.1/", "127.0.0.1"),
        ("https://[::1]:3000/", "[::1]"),
        ("https://app.example?next=https://evil.example", "app.example"),
        ("https://app.example/@evil.example", "app.example"),
        ("https://app.example/a//b/../c", "app.example"),
        ("https://app.example/#//evil.example", "app.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://app.example./", "app.example."),
        ("https://ok.example.evil.example/", "ok.example.evil.example"),
    ] {
        world.track("ada", "pay", json!({ "redirectUrl": url })).await.ok();
        let stored = redirect::check(url).expect("it passes");
        assert_eq!(split(&stored).expect("two parts").1, host, "{url} became {stored}");
        let with_token = redirect::with_token(&stored, "t").expect("a URL");
        assert_eq!(split(&with_token), split(&stored), "the token changes neither scheme nor host");
    }
}

/// What the browser gets at the end is the host that was asked for, with the token in its query once.
#[tokio::test]
async fn the_browser_is_sent_where_track_said() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let body = json!({"redirectUrl": "https://App.example/done?token=theirs&a=b#part"});
    let tracked = world.track("ada", "pay", body).await.ok();
    let form = format!("token={}&code={}", tracked["token"].as_str().unwrap(), world.code(&secret, 0));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("host", "evil.example")];
    let answer =
        world.http.raw("POST", "/challenge", &countersign_tests::http::Auth::None, &headers, form.into()).await;
    let location = answer.headers["location"].to_str().unwrap();
    assert_eq!(split(location), Some(("https".into(), "app.example".into())), "{location}");
    assert!(location.ends_with("#part"), "{location}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// T15: what passes has a web scheme and one host, whichever parser reads it.
    #[test]
    fn two_parsers_agree_on_what_passes(
        parts in prop::collection::vec(prop::sample::select(vec![
            "https://", "http://", "https:", "HTTP://", "//", "/", "\\", "@", ":", "?", "#", ".", "..", "%40", "%2f", "%5c", "[",
            "]", "::1", "1", "0x7f", "443", "evil.example", "ok.example", "a", " ", "\t", "\r\n", "\u{ff0f}", "\u{ff20}", "\u{e9}",
            "user", "%00", ";", "&", "=", "javascript:", "xn--", "-", "_", "|", "^", "<",
        ]), 0..9),
        known in prop::bool::ANY,
    ) {
        let text = if known { format!("https://ok.example{}", parts.concat()) } else { parts.concat() };
        if let Ok(stored) = redirect::check(&text) {
            let (scheme, host) = split(&stored).expect("scheme and host");
            prop_assert!(scheme == "http" || scheme == "https", "{text:?} became {stored:?}");
            prop_assert!(!host.is_empty() && !stored.contains(['\\', ' ', '\t', '\r', '\n']), "{text:?} became {stored:?}");
            let parsed = url::Url::parse(&stored).expect("a URL");
            prop_assert_eq!(Some(host.as_str()), parsed.host_str(), "{:?} became {:?}", &text, &stored);
            prop_assert!(parsed.username().is_empty() && parsed.password().is_none());
            // Where nothing has to be decoded, the text that came in names that host to a plain reader too.
            let (_, given) = split(&text).expect("scheme and host of what came in");
            let is_number = given.rsplit('.').find(|label| !label.is_empty()).is_some_and(|l| l.starts_with(|c: char| c.is_ascii_digit()));
            if given.is_ascii() && !given.contains('%') && !given.starts_with('[') && !is_number {
                prop_assert_eq!(given, host, "{:?} became {:?}", &text, &stored);
            }
        }
    }
}
