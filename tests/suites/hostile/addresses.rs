//! Paths, queries and headers that mean harm (security.md, T25, T26).

use countersign_tests::{
    World,
    http::{Auth, segment},
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    assert_answered,
    scene::{Scene, routes},
    table::dump,
};

fn ids() -> Vec<String> {
    let long = [1, 64, 65, 200, 201, 256, 257, 1_000, 8_000, 60_000].map(|length| "x".repeat(length));
    let sharp = [85, 200, 256, 2_000].map(|length| segment(&"#".repeat(length)));
    let written = [
        "%00",
        "a%00b",
        ".",
        "..",
        "%2E%2E",
        "%2e%2e%2f%2e%2e%2fetc",
        "..%5C",
        "%0D%0ASet-Cookie:%20a=b",
        "%0A",
        "%25",
        "%2523",
        "%FF",
        "%C0%AF",
        "%ED%A0%80",
        "%zz",
        "%",
        "%2",
        "a%",
        "%23",
        "%7C",
        "USER",
        "PROFILE",
        "U%23x",
        "T%23t1",
        "%F0%9F%94%91",
        "e%CC%81",
        "%C3%A9",
        "%E2%80%AE",
        "'%20OR%201=1--",
        "${jndi:ldap://x}",
        "null",
        "undefined",
        "-1",
        "*",
        ";",
        "a;b=c",
        "authenticators",
        "actions",
        "unlock",
        "reset",
        "%3Fa=b",
        "{userId}",
    ];
    written.into_iter().map(str::to_owned).chain(long).chain(sharp).collect()
}

#[tokio::test]
async fn whatever_stands_in_a_path_is_answered() {
    for route in routes() {
        let scene = Scene::set().await;
        let auth = scene.auth(&route);
        let places: Vec<&str> = route.path.split('/').filter(|part| part.starts_with('{')).collect();
        for place in places {
            for id in ids() {
                let path = route.path.replace(place, &id).replace("{userId}", "ada").replace("{action}", "pay");
                let path = path.replace("{idempotencyKey}", "k1").replace("{actionCode}", "pay");
                let path = path.replace("{userAuthenticatorId}", &scene.authenticator);
                let before = dump(&scene.world);
                let answer = scene.world.http.call(&route.method, &path, &auth, scene.body(&route)).await;
                let what = format!("{} {}", route.method, &path[..path.len().min(120)]);
                if assert_answered(&what, &answer) {
                    assert!(dump(&scene.world) == before, "{what} has written something");
                }
                assert!(!answer.headers.contains_key("set-cookie"), "{what}");
            }
        }
    }
}

/// Every id that is let in can also enrol: the label of its URI is made of it.
#[tokio::test]
async fn whatever_a_user_is_called_it_can_enrol() {
    let world = World::start().await;
    let names = ["a:b", ":", "%", "#", "?a=b&secret=x", "e\u{301}", "\u{202e}", "\u{1f511}", "a/b", " ", "\\", "\""];
    let long = [format!("{:=<256}", ""), "\u{1f511}".repeat(64)];
    for name in names.iter().map(ToString::to_string).chain(long) {
        let token = world.token(&name, "enrol").await;
        let offer = world.enroll(&token).await.ok();
        let uri = url::Url::parse(offer["uri"].as_str().unwrap()).unwrap_or_else(|e| panic!("{name:?}: {e}: {offer}"));
        let secrets: Vec<_> = uri.query_pairs().filter(|(key, _)| key == "secret").map(|(_, value)| value).collect();
        assert_eq!(secrets, [offer["secret"].as_str().unwrap()], "{name:?}: one secret, and ours");
        assert_eq!(offer["userId"], name);
    }
}

#[tokio::test]
async fn whatever_stands_in_a_query_is_answered() {
    let many = (0..3_000).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&");
    let sharp = format!("email={}", segment(&"#".repeat(3_000)));
    let contacts = ["email", "username", "phoneNumber"].map(|name| format!("{name}={}", "x".repeat(20_000)));
    let mut queries: Vec<String> = [
        "%FF",
        "email=%FF",
        "email=%00",
        "email=%",
        "email=a&email=b",
        "&&&",
        "=",
        "a=b=c",
        "email[]=a",
        "email[$ne]=a",
        "limit=99999999999999999999",
        "limit=-1",
        "limit=1.5",
        "limit=",
        "email=a&limit=NaN",
        "state=%00",
        "codes=,,,,",
        "fromDate=9999-12-31T23:59:59Z",
        "fromDate=-009999-01-01T00:00:00Z",
        "fromDate=2026-11-21T10:00:00%2B99:00",
        "fromDate=2026-02-30T00:00:00Z",
        "fromDate=%00",
        "username=%23",
        "phoneNumber=%2B",
        "email=a&lastEvaluatedUserId=%00",
        "email=a&lastEvaluatedUserId=U%23x",
        "token=",
        "debug=true",
        "now=0",
    ]
    .map(str::to_owned)
    .into();
    queries.extend([many, sharp, format!("email=a&lastEvaluatedUserId={}", "x".repeat(5_000))]);
    queries.extend(contacts);
    for route in routes() {
        let scene = Scene::set().await;
        let auth = scene.auth(&route);
        for query in &queries {
            let path = scene.path(&route);
            let path = format!("{}?{query}", path.split('?').next().unwrap());
            let before = dump(&scene.world);
            let answer = scene.world.http.call(&route.method, &path, &auth, scene.body(&route)).await;
            let what = format!("{} {}", route.method, &path[..path.len().min(120)]);
            if assert_answered(&what, &answer) || route.method == "GET" {
                assert!(dump(&scene.world) == before, "{what} has written something");
            }
        }
    }
}

/// The longest contacts that are let in find their user, whatever they are made of: keys of the table have an end.
#[tokio::test]
async fn a_contact_is_refused_or_found() {
    let scene = Scene::set().await;
    let (http, key) = (&scene.world.http, scene.world.key());
    let mut failed = Vec::new();
    for filler in ["#", "%", "|", "\0", "x", "\u{e9}"] {
        for length in [1, 319, 320, 321, 682, 683, 1_023, 1_024, 1_025, 3_000] {
            let contact = filler.repeat((length / filler.len()).max(1));
            for name in ["email", "username", "phoneNumber"] {
                let body = json!({ name: contact });
                let enrol = json!({"verificationMethod": "EMAIL_OTP", "email": contact});
                let query = format!("/v1/users?{name}={}", segment(&contact));
                let enrolled = http.post("/v1/users/eve/authenticators", &key, enrol).await;
                let tracked = scene.world.track("ada", "pay", body.clone()).await;
                let patched = http.patch("/v1/users/ada", &key, body).await;
                let found = http.get(&query, &key).await;
                let lost = patched.status == 200 && found.json()["users"][0]["userId"] != "ada";
                let all = [("enrol", enrolled), ("track", tracked), ("PATCH", patched), ("query", found)];
                let what = format!("{name} of {length} bytes of {filler:?}");
                failed.extend(
                    all.iter()
                        .filter(|(_, answer)| answer.status.as_u16() >= 500)
                        .map(|(call, answer)| format!("{call} with {what}: {}", answer.status)),
                );
                failed.extend(lost.then(|| format!("{what} finds nobody")));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// T26: links come from the configuration alone, and nothing of these headers comes back.
#[tokio::test]
async fn forwarding_headers_change_and_reflect_nothing() {
    const EVIL: &str = "evil.example";
    let names = [
        "host",
        "x-forwarded-host",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-prefix",
        "forwarded",
        "x-real-ip",
        "x-original-url",
        "x-rewrite-url",
        "x-host",
        "origin",
        "referer",
        "x-http-method-override",
        "user-agent",
    ];
    for route in routes() {
        for name in names {
            let (plain, dressed) = (Scene::set().await, Scene::set().await);
            let body = |scene: &Scene| scene.body(&route).map_or_else(Vec::new, |body| body.to_string().into_bytes());
            let headers = [("content-type", "application/json"), (name, EVIL)];
            let (path, auth) = (dressed.path(&route), dressed.auth(&route));
            let answer = dressed.world.http.raw(&route.method, &path, &auth, &headers, body(&dressed)).await;
            let expected = plain.call(&route).await;
            assert_eq!(answer.status, expected.status, "{} with {name}: {}", route.operation, answer.text());
            assert!(!answer.text().contains(EVIL), "{} reflects {name}", route.operation);
            assert!(!format!("{:?}", answer.headers).contains(EVIL), "{} reflects {name}", route.operation);
            if route.operation == "track" {
                let url = answer.ok()["url"].as_str().unwrap().to_owned();
                assert!(url.starts_with("http://pages.example/challenge?token="), "{name}: {url}");
            }
        }
    }
    let scene = Scene::set().await;
    for path in ["/nothing", "/v1/nothing", "/challenge?token=x", &format!("/challenge?token={}", scene.token)] {
        let headers = names.map(|name| (name, EVIL));
        let answer = scene.world.http.raw("GET", path, &Auth::None, &headers, Vec::new()).await;
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.text());
        assert!(!answer.text().contains(EVIL) && !format!("{:?}", answer.headers).contains(EVIL), "{path}");
    }
}

/// Requests that no client library would send. The server answers or hangs up, and goes on serving.
#[tokio::test]
async fn broken_http_does_not_stop_the_server() {
    let world = World::start().await;
    let host = "Host: x\r\n";
    let requests = [
        format!("GET /v1/users/{} HTTP/1.1\r\n{host}\r\n", "x".repeat(100_000)),
        format!("GET /v1/users/a\r\nX-Injected: y HTTP/1.1\r\n{host}\r\n"),
        format!("GET / HTTP/1.1\r\n{host}X-Long: {}\r\n\r\n", "x".repeat(1_000_000)),
        format!("POST /v1/validate HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{{}}   "),
        format!("POST /v1/validate HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n"),
        format!("POST /v1/validate HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        format!("GET / HTTP/1.1\r\n{host}X-Folded: a\r\n b\r\n\r\n"),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        format!("{}\r\n\r\n", "x".repeat(10_000)),
    ];
    for request in requests {
        let mut connection = tokio::net::TcpStream::connect(world.address()).await.expect("a connection");
        let shown: String = request.chars().take(60).collect();
        // A server that hangs up early is right to.
        let _ = connection.write_all(request.as_bytes()).await;
        let _ = connection.shutdown().await;
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.starts_with("HTTP/1.1 5"), "{shown}: {answer}");
        assert!(!answer.to_lowercase().contains("x-injected:"), "{shown}: {answer}");
        assert_eq!(world.http.get("/healthz", &Auth::None).await.status, 200, "after {shown}");
    }
}
