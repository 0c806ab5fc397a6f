//! Who the client is where a proxy stands in front: a trusted one says so, and nobody else (security.md, T26).

use std::net::Ipv4Addr;

use countersign_core::{http::serving::Door, source::PER_SOURCE};
use countersign_tests::{
    World,
    http::{Answer, Auth, Http},
};
use serde_json::json;

const PROXY: u8 = 7;

/// A process behind a proxy at 127.0.0.7.
async fn behind_a_proxy(world: &World) -> World {
    let proxies = "127.0.0.7,10.0.0.0/8".parse().expect("networks");
    world.behind(Door { proxies, ..Door::default() }).await
}

fn from(world: &World, last: u8) -> Http {
    Http::from(world.address(), Ipv4Addr::new(127, 0, 0, last).into())
}

/// A question that anybody may begin, with this header.
async fn begin(http: &Http, tenant: &Auth, name: &str, value: &str) -> Answer {
    let headers = [("content-type", "application/json"), (name, value)];
    let body = json!({"action": "signIn"}).to_string().into_bytes();
    http.raw("POST", "/v1/client/challenge/qr-code", tenant, &headers, body).await
}

/// Spends the budget of whoever this is.
async fn spend(http: &Http, tenant: &Auth, name: &str, value: &str) {
    for _ in 0..PER_SOURCE {
        begin(http, tenant, name, value).await.ok();
    }
    assert_eq!(begin(http, tenant, name, value).await.status, 429, "{name}: {value}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_budget() {
    let world = behind_a_proxy(&World::start().await).await;
    let (proxy, tenant) = (from(&world, PROXY), world.tenant_auth());
    spend(&proxy, &tenant, "x-forwarded-for", "203.0.113.7:51234").await;
    // The same client, however it is written down, and whatever it claims to be before that.
    for (name, value) in [
        ("x-forwarded-for", "::ffff:203.0.113.7"),
        ("x-forwarded-for", "198.51.100.9, 203.0.113.7"),
        ("x-forwarded-for", "203.0.113.7, 10.1.2.3"),
        ("forwarded", "for=198.51.100.9, for=\"203.0.113.7:80\";proto=https"),
    ] {
        assert_eq!(begin(&proxy, &tenant, name, value).await.status, 429, "{value}");
    }
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.8"),
        ("x-forwarded-for", "203.0.113.7, 203.0.113.8"),
        ("x-forwarded-for", "[2001:db8::1]:443"),
        ("forwarded", "for=\"[2001:db8:0:1::1]\""),
    ] {
        begin(&proxy, &tenant, name, value).await.ok();
    }
}

/// What cannot be read gives nobody an address of their choice: it is the proxy's one budget.
#[tokio::test]
async fn what_a_proxy_says_unreadably_is_the_proxys_own() {
    let world = behind_a_proxy(&World::start().await).await;
    let (proxy, tenant) = (from(&world, PROXY), world.tenant_auth());
    spend(&proxy, &tenant, "x-forwarded-for", "unknown").await;
    for (name, value) in [
        ("accept", "*/*"),
        ("x-forwarded-for", ""),
        ("x-forwarded-for", "198.51.100.9, evil.example"),
        ("x-forwarded-for", "198.51.100.9,"),
        ("forwarded", "for=198.51.100.9, for=_hidden"),
        ("forwarded", "for=198.51.100.9;x=\", for=203.0.113.7"),
    ] {
        assert_eq!(begin(&proxy, &tenant, name, value).await.status, 429, "{name}: {value}");
    }
}

/// Everybody else is who they are.
#[tokio::test]
async fn from_anybody_else_the_headers_change_nothing() {
    let first = World::start().await;
    let tenant = first.tenant_auth();
    for (world, last) in [(behind_a_proxy(&first).await, 8), (first.behind(Door::default()).await, PROXY)] {
        let stranger = from(&world, last);
        spend(&stranger, &tenant, "x-forwarded-for", "203.0.113.7").await;
        for (name, value) in [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9"), ("accept", "*/*")] {
            assert_eq!(begin(&stranger, &tenant, name, value).await.status, 429, "{name}: {value}");
        }
    }
}
