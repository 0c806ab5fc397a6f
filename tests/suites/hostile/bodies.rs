//! Bodies that are too large, too deep, ambiguous, or not what they say they are.

use std::time::Instant;

use countersign_tests::http::Auth;
use serde_json::{Value, json};

use super::{
    assert_answered,
    scene::{Route, Scene, routes},
    table::dump,
};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A body that says how it is meant to be read.
struct Hostile {
    name: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    bytes: Vec<u8>,
    status: u16,
}

fn hostile(name: &'static str, bytes: impl Into<Vec<u8>>) -> Hostile {
    Hostile { name, headers: vec![JSON], bytes: bytes.into(), status: 400 }
}

/// Ten megabytes of zeros in 64 KB of gzip (RFC 1951, fixed codes): one literal, then matches of 258 bytes.
fn gzip_bomb() -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false];
    let code = |bits: &mut Vec<bool>, value: u16, length: u32| {
        bits.extend((0..length).rev().map(|bit| value >> bit & 1 == 1));
    };
    code(&mut bits, 0b0011_0000, 8);
    while bits.len() < 60 * 1024 * 8 {
        code(&mut bits, 0b1100_0101, 8);
        code(&mut bits, 0, 5);
    }
    code(&mut bits, 0, 7);
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    bytes.extend(bits.chunks(8).map(|byte| byte.iter().rev().fold(0_u8, |all, bit| all << 1 | u8::from(*bit))));
    bytes.extend([0; 8]);
    bytes
}

fn corpus() -> Vec<Hostile> {
    let keys = |count: usize| {
        let keys: Vec<String> = (0..count).map(|n| format!("\"k{n}\":0")).collect();
        format!("{{{}}}", keys.join(","))
    };
    let mut corpus = vec![
        hostile("cut short", "{"),
        hostile("a word that is cut short", "nul"),
        hostile("two values", "{} {}"),
        hostile("a text", "\"text\""),
        hostile("a number", "1"),
        hostile("null", "null"),
        hostile("a list with something in it", "[{}]"),
        hostile("a comma too many", r#"{"email":"a",}"#),
        hostile("a comment", "{/* */}"),
        hostile("single quotes", "{'email':'a'}"),
        hostile("not a number", r#"{"x":NaN}"#),
        hostile("infinity by exponent", r#"{"x":1e400}"#),
        hostile("a number of 50,000 digits with an exponent", format!(r#"{{"x":{}e9999999999}}"#, "9".repeat(50_000))),
        hostile("the same name twice", r#"{"email":"a@example.com","email":"b@example.com"}"#),
        hostile("the same name twice, once escaped", r#"{"state":"ALLOW","st\u0061te":"BLOCK"}"#),
        hostile("the same name twice, nested", r#"{"custom":{"amount":1,"amount":2}}"#),
        hostile("the same name twice, in a list", r#"{"x":[{"a":1,"a":1}]}"#),
        hostile("half of a surrogate pair", r#"{"email":"\ud800"}"#),
        hostile("the wrong half of one", r#"{"\udc00":1}"#),
        hostile("a byte that is no UTF-8", b"{\"email\":\"\xff\"}".to_vec()),
        hostile("an overlong slash", b"{\"email\":\"\xc0\xaf\"}".to_vec()),
        hostile("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
        hostile("UTF-16", b"{\x00\"\x00a\x00\"\x00:\x001\x00}\x00".to_vec()),
        hostile("a raw NUL", b"{\"email\":\"\0\"}".to_vec()),
        hostile("lists in lists, 30,000 deep", "[".repeat(30_000)),
        hostile("objects in objects, 10,000 deep", "{\"a\":".repeat(10_000)),
        hostile("depth that is closed again", format!("{{\"x\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000))),
        hostile("5,000 names", keys(5_000)),
        hostile("30,000 values", format!("{{\"x\":[{}0]}}", "0,".repeat(30_000))),
    ];
    let larger = |name, bytes: Vec<u8>| Hostile { status: 413, ..hostile(name, bytes) };
    corpus.push(larger("lists in lists, 100,000 deep", "[".repeat(100_000).into()));
    corpus.push(larger("100,000 names", keys(100_000).into()));
    corpus.push(larger("one byte too many", vec![b' '; countersign_core::http::MAX_BODY + 1]));
    for encoding in ["gzip", "br", "deflate", "gzip, gzip", "x"] {
        let headers = vec![JSON, ("content-encoding", encoding)];
        corpus.push(Hostile { headers, status: 415, ..hostile("compressed", "{}") });
    }
    let headers = vec![JSON, ("content-encoding", "gzip")];
    corpus.push(Hostile { headers, status: 415, ..hostile("a gzip bomb", gzip_bomb()) });
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "text/json",
        "application/xml",
        "application/json-seq",
        "*/*",
        "x",
        "",
    ] {
        corpus.push(Hostile {
            headers: vec![("content-type", kind)],
            status: 415,
            ..hostile("another type", "{\"a\":1}")
        });
    }
    corpus
}

/// How long a body a route takes. The map of all texts is the one that may be longer (contract/look.rs: and no longer).
fn largest(route: &Route) -> usize {
    if route.operation == "updateMessageOverrides" { 256 * 1024 } else { countersign_core::http::MAX_BODY }
}

#[tokio::test]
async fn what_is_not_json_is_refused_and_writes_nothing() {
    let corpus = corpus();
    for route in routes() {
        let scene = Scene::set().await;
        let before = dump(&scene.world);
        for one in &corpus {
            if one.status == 413 && one.bytes.len() <= largest(&route) {
                continue;
            }
            let what = format!("{} with {} {:?}", route.operation, one.name, one.headers);
            let (path, auth) = (scene.path(&route), scene.auth(&route));
            let answer = scene.world.http.raw(&route.method, &path, &auth, &one.headers, one.bytes.clone()).await;
            let refused = assert_answered(&what, &answer);
            if route.body.is_some() {
                assert!(refused, "{what}: {}", answer.text());
                assert_eq!(answer.status, one.status, "{what}: {}", answer.text());
                assert!(answer.bytes.len() < 2_000, "{what}: the answer does not repeat what was sent");
            }
            if route.body.is_some() || route.method == "GET" {
                assert!(dump(&scene.world) == before, "{what} has written something");
            }
        }
    }
}

/// Twenty megabytes are refused by their length, and a stream of unknown length once it is too long.
#[tokio::test]
async fn a_body_of_20_mb_costs_no_memory() {
    let scene = Scene::set().await;
    let before = dump(&scene.world);
    let large = axum::body::Bytes::from(vec![b'['; 20 << 20]);
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("0 0 kB").to_owned();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<usize>().ok()).unwrap_or(0)
    };
    let (memory, started) = (peak(), Instant::now());
    for route in routes().iter().filter(|route| route.body.is_some()) {
        for _ in 0..3 {
            let request = scene.world.http.request(&route.method, &scene.path(route), &scene.auth(route));
            let request = request.header(JSON.0, JSON.1).body(http_body_util::Full::new(large.clone())).unwrap();
            // The server may hang up on who goes on sending; what it says before is the refusal.
            if let Some(answer) = scene.world.http.try_send(request).await {
                assert_eq!(answer.refusal(), (413, "request_too_large".into()), "{}", route.operation);
            }
        }
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    assert!(peak() - memory < 100 * 1024, "{} KB more at the peak: bodies are kept", peak() - memory);
    assert!(dump(&scene.world) == before, "something was written");
    scene.world.http.get("/v1/users/ada", &scene.world.key()).await.ok();
}

/// JSON types that a field's schema admits; none where it admits all.
fn types(schema: &Value) -> Vec<String> {
    let mut all: Vec<String> = match &schema["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    for part in ["oneOf", "anyOf", "allOf"].iter().flat_map(|name| schema[name].as_array().into_iter().flatten()) {
        all.extend(types(part));
    }
    all
}

fn admits(schema: &Value, value: &Value) -> bool {
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types = types(schema);
    types.is_empty() || types.iter().any(|one| one == is)
}

fn values() -> Vec<Value> {
    let mut values = vec![json!(true), json!(0), json!(-1), json!(1.5), json!(1e308), json!(u64::MAX), json!(i64::MIN)];
    values.extend([json!([]), json!([1]), json!([[["x"]]]), json!({}), json!({"a": {"b": 1}})]);
    let long = "x".repeat(50_000);
    let texts = ["", " ", "x", "\0", "\r\n", "\u{202e}x", "e\u{301}", "%00", "#", "../../x", "${x}", "<script>", &long];
    values.extend(texts.map(Value::from));
    values
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_refused_by_name() {
    let mut nameless = Vec::new();
    for route in routes().iter().filter(|route: &&Route| route.body.is_some()) {
        let scene = Scene::set().await;
        for (name, schema) in route.fields() {
            for value in values() {
                let mut body = scene.body(route).expect("a body");
                body[&name] = value.clone();
                let before = dump(&scene.world);
                let answer =
                    scene.world.http.call(&route.method, &scene.path(route), &scene.auth(route), Some(body)).await;
                let shown: String = value.to_string().chars().take(40).collect();
                let what = format!("{} with {name}: {shown}", route.operation);
                let refused = assert_answered(&what, &answer);
                if !admits(&schema, &value) {
                    assert_eq!(answer.refusal().0, 400, "{what}: {}", answer.text());
                    nameless.extend((!answer.text().contains(&name)).then(|| format!("{what}: {}", answer.text())));
                }
                if refused {
                    assert!(dump(&scene.world) == before, "{what} has written something");
                }
            }
        }
    }
    assert!(nameless.is_empty(), "{} refusals do not say where: {}", nameless.len(), nameless[0]);
}

/// What one route stores, another must be able to read: as deep as is let in.
#[tokio::test]
async fn what_was_let_in_can_be_read_again() {
    let scene = Scene::set().await;
    let (key, management) = (scene.world.key(), scene.world.management());
    let mut let_in = 0;
    for depth in 15..=45 {
        let deep: Value = (0..depth).fold(json!({}), |inner, _| json!({ "a": inner }));
        let bodies = [
            ("PATCH", "/v1/users/ada", &key, json!({"custom": deep.clone()})),
            ("POST", "/v1/users/ada/actions/deep", &key, json!({"custom": deep.clone()})),
            ("PATCH", "/v1/management/action-configurations/pay", &management, json!({"messagingTemplates": deep})),
        ];
        for (method, path, auth, body) in bodies {
            let answer = scene.world.http.call(method, path, auth, Some(body)).await;
            let_in += usize::from(!assert_answered(&format!("{method} {path}, depth {depth}"), &answer));
        }
        for (path, auth) in [
            ("/v1/users/ada", &key),
            ("/v1/users/ada/actions", &key),
            ("/v1/users?email=ada%40example.com", &key),
            ("/v1/management/action-configurations", &management),
            ("/v1/client/user-authenticators", &Auth::Token(scene.token.clone())),
        ] {
            let read = scene.world.http.get(path, auth).await;
            assert_eq!(read.status, 200, "{path}, depth {depth}: {}", read.text());
        }
    }
    assert!(let_in > 30, "some depth is let in, or this proves nothing");
}
