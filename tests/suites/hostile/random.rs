//! Random JSON on every route that takes a body: never a 5xx, always the contract's words.

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::{Map, Value, json};

use super::scene::{Route, Scene, routes};

fn texts() -> BoxedStrategy<Value> {
    let known = [
        "",
        " ",
        "\0",
        "ALLOW",
        "CHALLENGE_SUCCEEDED",
        "AUTHENTICATOR_APP",
        "SMS",
        "EMAIL_OTP",
        "PASSKEY",
        "000000",
        "read:authenticators",
        "https://a.example",
        "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        "otpauth://totp/%FF?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=0&digits=255",
        "otpauth://totp/a:b:c?secret=A&issuer=:",
        "otpauth://steam/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        "a@example.com",
        "+49151",
        "k1",
        "pay",
        "1795255215",
    ];
    let uri = ("[A-Z2-7=]{0,60}", any::<u64>(), any::<u16>(), "SHA(1|256|512)|MD5|").prop_map(
        |(secret, period, digits, hash)| {
            let (period, digits) = (period >> (digits % 64), digits % 12);
            json!(format!(
                "otpauth://totp/x:y?secret={secret}&period={period}&digits={digits}&algorithm={hash}&issuer=x"
            ))
        },
    );
    prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "#{0,400}".prop_map(Value::from),
        uri,
    ]
    .boxed()
}

fn values() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts(),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,12}", inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
    .boxed()
}

/// A body whose fields are each left out, as the route accepts them, or anything; and one that it does not know.
fn bodies(route: &Route, accepted: &Value) -> BoxedStrategy<Value> {
    let fields: Vec<_> = route
        .fields()
        .into_iter()
        .map(|(name, _)| {
            let right = accepted.get(&name).cloned().unwrap_or(Value::Null);
            let value = prop_oneof![2 => Just(None), 3 => Just(Some(right)), 2 => texts().prop_map(Some), 1 => values().prop_map(Some)];
            value.prop_map(move |value| (name.clone(), value))
        })
        .collect();
    (fields, values())
        .prop_map(|(fields, unknown)| {
            let known = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
            Value::Object(known.chain([("unheardOf".to_owned(), unknown)]).collect())
        })
        .boxed()
}

#[test]
fn no_body_makes_a_server_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for route in routes().iter().filter(|route| route.body.is_some()) {
        let scene = runtime.block_on(Scene::set());
        let accepted = scene.body(route).expect("a body");
        let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&bodies(route, &accepted), |body| {
            let answer = runtime.block_on(scene.world.http.call(
                &route.method,
                &scene.path(route),
                &scene.auth(route),
                Some(body),
            ));
            let status = answer.status.as_u16();
            if status == 200 || (400..500).contains(&status) && answer.json()["errorCode"].is_string() {
                return Ok(());
            }
            Err(TestCaseError::fail(format!("{status}: {}", answer.text())))
        });
        if let Err(failed) = outcome {
            panic!("{}: {failed}", route.operation);
        }
    }
}
