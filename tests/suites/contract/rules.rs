//! The twelve rules that break SDKs when missed, on every route that succeeds (contract, top).

use countersign_tests::http::{Answer, Auth};
use serde_json::{Value, json};

use super::scene::{Caller, Route, Scene, routes};

/// Rules 1, 2, 3, 5 and 8: 200, a JSON object or array, `application/json` and nothing after it, no null, and no
/// key `error` for a browser to stumble over.
#[track_caller]
fn assert_success(route: &Route, answer: &Answer) {
    let name = &route.operation;
    assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    let types: Vec<_> = answer.headers.get_all("content-type").iter().collect();
    assert_eq!(types, ["application/json"], "{name}");
    let body = answer.json();
    assert!(body.is_object() || body.is_array(), "{name}: {body}");
    assert!(!has_null(&body), "{name}: {body}");
    if matches!(route.caller, Caller::User | Caller::Device) {
        assert!(body.get("error").is_none(), "{name}: {body}");
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}

#[tokio::test]
async fn every_route_succeeds_as_the_sdks_expect() {
    for route in routes() {
        let scene = Scene::set().await;
        assert_success(&route, &scene.call(&route).await);
    }
}

/// Rule 5 again, where a code is wrong: a verdict is a success body too.
#[tokio::test]
async fn a_refused_code_has_no_key_error() {
    let scene = Scene::set().await;
    let wrong = countersign_tests::otp::wrong(&scene.secret, scene.world.now());
    let verdict = scene.world.verify(&scene.token, &wrong).await.ok();
    assert_eq!(verdict, json!({"isVerified": false, "failureReason": "CODE_INVALID_OR_EXPIRED"}));
}

/// Rule 6: PHP sends `[]` or nothing, browsers and phones POST without a body.
#[tokio::test]
async fn nothing_and_brackets_are_an_empty_object() {
    const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
    const WITH_CHARSET: &[(&str, &str)] = &[("content-type", "Application/JSON; charset=utf-8")];
    let spellings: [(&[(&str, &str)], &str); 7] =
        [(&[], ""), (JSON, ""), (JSON, "{}"), (JSON, "[]"), (&[], "{}"), (WITH_CHARSET, " [ ] "), (&[], " \r\n\t")];
    for route in routes() {
        for (headers, text) in spellings {
            let scene = Scene::set().await;
            let (path, auth) = (scene.path(&route), scene.auth(&route));
            let answer = scene.world.http.raw(&route.method, &path, &auth, headers, text.into()).await;
            if route.required().is_empty() {
                assert_success(&route, &answer);
            } else {
                assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{} {text:?}", route.operation);
                let missing = &route.required()[0];
                assert!(answer.text().contains(missing), "the refusal names {missing}: {}", answer.text());
            }
        }
    }
}

/// Rule 7: .NET and Python send what we do not know, and nulls for what they leave out.
#[tokio::test]
async fn unknown_fields_and_nulls_are_ignored() {
    for route in routes().iter().filter(|route| route.body.is_some()) {
        let scene = Scene::set().await;
        let mut body = scene.body(route).expect("a body");
        body["unheard_of"] = json!({"deeply": [1, null, {"nested": "thing"}]});
        body["skipVerificationCheck"] = json!(false);
        for (name, _) in route.fields() {
            let patch_clears = route.caller == Caller::Operator && route.method == "PATCH";
            if body.get(&name).is_none() && !patch_clears {
                body[name] = Value::Null;
            }
        }
        let answer = scene.world.http.call(&route.method, &scene.path(route), &scene.auth(route), Some(body)).await;
        assert_success(route, &answer);
    }
}

/// Rule 7, the other half: what is null stays as it was.
#[tokio::test]
async fn a_null_changes_nothing_of_a_user() {
    let scene = Scene::set().await;
    let key = scene.world.key();
    let profile = json!({
        "email": "ada@example.com", "emailVerified": true, "phoneNumber": "9876543210", "phoneNumberVerified": true,
        "username": "ada", "displayName": "Ada", "locale": "en-GB", "custom": {"tier": "gold"},
        "defaultVerificationMethod": "AUTHENTICATOR_APP",
    });
    let before = scene.world.http.patch("/v1/users/ada", &key, profile.clone()).await.ok();
    let nulls: Value = profile.as_object().unwrap().keys().map(|name| (name.clone(), Value::Null)).collect();
    assert_eq!(scene.world.http.patch("/v1/users/ada", &key, nulls).await.ok(), before);
    assert_eq!(scene.world.http.get("/v1/users/ada", &key).await.ok(), before);
}

/// Rule 9, and rule 8: both names that SDKs read, in every state.
#[tokio::test]
async fn validate_says_action_and_action_code() {
    let scene = Scene::set().await;
    let open = scene.world.validate(&scene.token).await.ok();
    let verified = scene.world.verify(&scene.token, &scene.world.code(&scene.secret, 0)).await.ok();
    let done = scene.world.validate(verified["accessToken"].as_str().unwrap()).await.ok();
    for answer in [open, done] {
        assert_eq!((&answer["action"], &answer["actionCode"]), (&json!("pay"), &json!("pay")), "{answer}");
    }
}

/// The three spellings of a tenant id on the client API name the tenant, and name no user (contract, 2.0).
#[tokio::test]
async fn a_tenant_id_is_known_in_its_three_spellings_and_is_no_token() {
    use data_encoding::{BASE64, BASE64URL_NOPAD};
    let scene = Scene::set().await;
    let spellings = |id: &str| {
        let colon = format!("{id}:");
        [
            format!("Basic {}", BASE64.encode(id.as_bytes())),
            format!("Basic {}", BASE64.encode(colon.as_bytes())),
            format!("Basic {}", BASE64URL_NOPAD.encode(colon.as_bytes())),
        ]
    };
    for route in routes().iter().filter(|route| route.caller == Caller::User) {
        for (id, code) in [("t1", "token_required"), ("t2", "unauthorized")] {
            for spelling in spellings(id) {
                let auth = Auth::Raw(spelling);
                let answer = scene.world.http.call(&route.method, &scene.path(route), &auth, scene.body(route)).await;
                assert_eq!(answer.refusal(), (401, code.into()), "{} {auth:?}", route.operation);
            }
        }
    }
}

/// Not in the description, and yet JSON: the description itself and the health check.
#[tokio::test]
async fn the_description_and_the_health_check_are_json() {
    let scene = Scene::set().await;
    for path in ["/openapi.json", "/healthz"] {
        let answer = scene.world.http.get(path, &Auth::None).await;
        assert!(answer.ok().is_object());
        assert_eq!(answer.headers["content-type"], "application/json", "{path}");
    }
}
