//! Policies that can work are taken, and the others are refused when they are set.

use proptest::prelude::*;
use serde_json::json;

use super::super::{
    policy::{Aaguid, Origin, RelyingParty, RpId},
    refusal::Refusal,
};

#[test]
fn a_relying_partys_id_is_a_domain() {
    for good in ["example.com", "localhost", "a.b.example.co.uk", "xn--bcher-kva.example", "mfa.localhost"] {
        assert_eq!(RpId::parse(good).map(|id| id.to_string()), Ok(good.into()));
    }
    let long = format!("{}.com", vec!["a".repeat(60); 5].join("."));
    for wrong in [
        "",
        "com",
        "Example.com",
        "https://example.com",
        "example.com:443",
        "example.com/",
        "127.0.0.1",
        "[::1]",
        "0x7f.1",
        "bücher.example",
        "a..b",
        "example.com.",
        "user@example.com",
        "a b.com",
        &long,
    ] {
        assert!(RpId::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_origin_is_written_as_the_client_says_it() {
    for good in [
        "https://example.com",
        "https://example.com:8443",
        "http://localhost:3000",
        "http://app.localhost",
        "android:apk-key-hash:-sYXRdwJA3hvue3mKpYrOZ9zSPC7b4mbgzJmdZEDO5w",
    ] {
        assert_eq!(Origin::parse(good).map(|origin| origin.to_string()), Ok(good.into()));
    }
    for wrong in [
        "",
        "example.com",
        "https://example.com/",
        "https://example.com:443",
        "https://Example.com",
        "http://example.com",
        "http://127.0.0.1:3000",
        "https://[::1]",
        "https://a@example.com",
        "https://example.com/a",
        "https://example.com?a",
        "ftp://example.com",
        "null",
        "android:apk-key-hash:",
        "android:apk-key-hash:AAAA",
        "android:apk-key-hash:-sYXRdwJA3hvue3mKpYrOZ9zSPC7b4mbgzJmdZEDO5w=",
        "android:apk-key-hash:FA:C6:17:45:DC:09:03:78:6F:B9:ED:E6:2A:96:2B:39:9F:73:48:F0:BB:6F:89:9B:83:32:66:75:91:03:3B:9C",
    ] {
        assert_eq!(Origin::parse(wrong), Err(Refusal::Origin(wrong.into())));
    }
}

#[test]
fn origins_are_under_the_id_or_listed_as_related() {
    let id = || RpId::parse("example.com").unwrap();
    let origin = |text: &str| Origin::parse(text).unwrap();
    let party = |origins: &[&str], related: &[&str]| {
        let all = |texts: &[&str]| texts.iter().map(|text| origin(text)).collect();
        RelyingParty::new(id(), "Example".into(), all(origins), all(related))
    };
    assert!(party(&["https://example.com", "https://a.b.example.com:8443"], &[]).unwrap().related_origins().is_none());
    for foreign in ["https://example.org", "https://notexample.com", "https://example.com.evil.org"] {
        let refusal = party(&[foreign], &[]).unwrap_err();
        assert_eq!(refusal, Refusal::UnrelatedOrigin(foreign.into(), "example.com".into()));
        let related = party(&["https://example.com"], &[foreign]).unwrap();
        assert!(related.has_origin(foreign));
        assert_eq!(related.related_origins(), Some(json!({"origins": [foreign]})));
    }
    let app = "android:apk-key-hash:-sYXRdwJA3hvue3mKpYrOZ9zSPC7b4mbgzJmdZEDO5w";
    assert!(party(&[app], &[]).unwrap().has_origin(app));
    assert!(party(&[], &[app]).is_err());
}

#[test]
fn aaguids_are_read_and_written() {
    let known = "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4";
    assert_eq!(Aaguid::parse(known).unwrap().to_string(), known);
    assert_eq!(Aaguid::parse(&known.to_uppercase()).unwrap().to_string(), known);
    for wrong in
        ["", "ea9b8d664d011d213ce4b6b48cb575d4", "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d", "g", "-----", &known[1..]]
    {
        assert!(Aaguid::parse(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// No text makes a policy panic, and what is taken is itself again.
    #[test]
    fn any_text_is_read_or_refused(text in "(https://|android:apk-key-hash:)?[a-zA-Z0-9.:/@é-]{0,50}") {
        if let Ok(origin) = Origin::parse(&text) {
            prop_assert_eq!(origin.as_str(), &text);
        }
        if let Ok(id) = RpId::parse(&text) {
            prop_assert_eq!(id.as_str(), &text);
        }
        let _ = Aaguid::parse(&text);
    }
}
