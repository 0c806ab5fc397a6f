//! Refusals on every route: who may not, what is not there, and in which words (contract, section 1.0).

use countersign_tests::http::{Answer, Auth};
use data_encoding::BASE64;
use serde_json::json;

use super::scene::{Caller, Route, Scene, routes};

const UNAUTHORIZED: &str =
    "The request is unauthorized. Check that your API key and region base URL are correctly configured.";

/// 401 to the letter.
#[track_caller]
fn assert_unauthorized(what: &str, answer: &Answer) {
    assert_eq!(answer.refusal(), (401, "unauthorized".into()), "{what}: {}", answer.text());
    assert_eq!(answer.json()["errorDescription"], UNAUTHORIZED, "{what}");
    assert!(answer.headers.contains_key("www-authenticate"), "{what}");
}

/// Headers that name no live key of the kind that the route asks for.
fn bad_credentials(scene: &Scene, route: &Route) -> Vec<Auth> {
    let basic = |text: &str| Auth::Raw(format!("Basic {}", BASE64.encode(text.as_bytes())));
    let (right, other) = match route.caller {
        Caller::Operator => (&scene.world.tenant.management_key, &scene.world.tenant.secret_key),
        _ => (&scene.world.tenant.secret_key, &scene.world.tenant.management_key),
    };
    vec![
        Auth::None,
        Auth::Key("no-such-key-anywhere".into()),
        Auth::Key(other.clone()),
        Auth::Key(String::new()),
        Auth::Key(right.to_uppercase()),
        Auth::Key(format!(" {right}")),
        Auth::Key(right[..right.len() - 1].into()),
        Auth::Token(right.clone()),
        Auth::Token(scene.token.clone()),
        basic(&format!("{right}:password")),
        basic(&format!(":{right}")),
        basic(right),
        basic("t1:"),
        Auth::Raw("Basic".into()),
        Auth::Raw("Basic %%%".into()),
        Auth::Raw(format!("Basic {right}:")),
        Auth::Raw(format!("Digest {}", BASE64.encode(format!("{right}:").as_bytes()))),
    ]
}

#[tokio::test]
async fn a_bad_key_is_401_to_the_letter() {
    let scene = Scene::set().await;
    for route in routes().iter().filter(|route| matches!(route.caller, Caller::Backend | Caller::Operator)) {
        for auth in bad_credentials(&scene, route) {
            let answer = scene.world.http.call(&route.method, &scene.path(route), &auth, scene.body(route)).await;
            assert_unauthorized(&format!("{} {auth:?}", route.operation), &answer);
        }
    }
}

#[tokio::test]
async fn a_client_without_a_token_is_told_so() {
    let scene = Scene::set().await;
    for route in routes().iter().filter(|route| route.caller == Caller::User) {
        let call = async |auth: Auth| {
            scene.world.http.call(&route.method, &scene.path(route), &auth, scene.body(route)).await.refusal()
        };
        assert_eq!(call(Auth::None).await, (401, "token_required".into()), "{}", route.operation);
        assert_eq!(call(Auth::Raw("Token x".into())).await, (401, "token_required".into()));
        for token in ["", "x", "a.b.c", &scene.world.tenant.secret_key] {
            assert_eq!(call(Auth::Token(token.into())).await.0, 401, "{} {token:?}", route.operation);
        }
        assert_eq!(call(Auth::Token("a.b.c".into())).await.1, "invalid_token", "{}", route.operation);
        // A key of the backend does not belong into a browser, and does not work there.
        assert_eq!(call(scene.world.key()).await, (401, "unauthorized".into()), "{}", route.operation);
    }
    for route in routes().iter().filter(|route| route.caller == Caller::Device) {
        let call = async |auth: Auth| {
            scene.world.http.call(&route.method, &scene.path(route), &auth, scene.body(route)).await.refusal()
        };
        assert_eq!(call(Auth::None).await, (401, "token_required".into()), "{}", route.operation);
        assert_eq!(call(Auth::Key("no-such-tenant".into())).await, (401, "unauthorized".into()), "{}", route.operation);
        assert_eq!(call(scene.world.key()).await, (401, "unauthorized".into()), "{}", route.operation);
    }
    scene.world.clock.advance(601);
    let route = routes().into_iter().find(|route| route.operation == "getOwnAuthenticators").expect("that route");
    assert_eq!(scene.call(&route).await.refusal(), (401, "expired_token".into()));
}

/// An SDK builds `/users//actions/` from an empty id: with a bad key that is still a 401.
#[tokio::test]
async fn credentials_are_looked_at_before_the_path_and_the_body() {
    let scene = Scene::set().await;
    for route in routes() {
        let known = scene.path(&route);
        let known = known.split('?').next().unwrap();
        let (parent, _) = known.rsplit_once('/').unwrap();
        let bad = match route.caller {
            Caller::User => Auth::Token("a.b.c".into()),
            _ => Auth::Key("no-such-key-anywhere".into()),
        };
        for path in [format!("{parent}/"), format!("{known}/")] {
            let refused = scene.world.http.call(&route.method, &path, &bad, scene.body(&route)).await;
            match route.caller {
                Caller::User => assert_eq!(refused.refusal(), (401, "invalid_token".into()), "{path}"),
                Caller::Device => assert_eq!(refused.refusal(), (401, "unauthorized".into()), "{path}"),
                _ => assert_unauthorized(&path, &refused),
            }
            let absent = scene.world.http.call(&route.method, &path, &scene.auth(&route), scene.body(&route)).await;
            assert_eq!(absent.refusal(), (404, "not_found".into()), "{} {path}", route.method);
        }
        // Ids that are none, and bodies that are none, are no reason to say so to a stranger.
        let broken =
            scene.path(&route).replace("ada/", "%FF/").replace("/pay", "/%20").replace("users/ada", "users/%FF");
        let answer = scene.world.http.raw(&route.method, &broken, &bad, &[], b"{".to_vec()).await;
        assert_eq!(answer.refusal().0, 401, "{} {broken}", route.method);
        if broken != scene.path(&route) {
            let answer = scene.world.http.call(&route.method, &broken, &scene.auth(&route), scene.body(&route)).await;
            assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{} {broken}", route.method);
        }
    }
}

/// The same where the empty id stands in the middle; with a good key it is the caller's fault.
#[tokio::test]
async fn an_empty_id_in_the_middle_is_401_to_a_stranger() {
    let scene = Scene::set().await;
    let before = scene.world.http.get("/v1/users/ada/actions", &scene.world.key()).await.ok();
    for (method, path) in [
        ("POST", "/v1/users//actions/pay"),
        ("GET", "/v1/users//actions"),
        ("GET", "/v1/users//authenticators"),
        ("GET", "/v1/users//actions/pay/k1"),
        ("GET", "/v1/users/ada/actions//k1"),
        ("DELETE", "/v1/users//authenticators/x"),
    ] {
        let bad = Auth::Key("no-such-key-anywhere".into());
        assert_unauthorized(path, &scene.world.http.call(method, path, &bad, None).await);
        let good = scene.world.http.call(method, path, &scene.world.key(), None).await.refusal();
        assert!([400, 404].contains(&good.0), "{method} {path}: {good:?}");
    }
    assert_eq!(scene.world.http.get("/v1/users/ada/actions", &scene.world.key()).await.ok(), before);
}

#[tokio::test]
async fn another_method_is_405_and_says_which_are_right() {
    let scene = Scene::set().await;
    let all = routes();
    for route in &all {
        let right: Vec<&str> =
            all.iter().filter(|other| other.path == route.path).map(|other| other.method.as_str()).collect();
        for method in ["GET", "POST", "PATCH", "DELETE", "PUT"].iter().filter(|method| !right.contains(method)) {
            let answer = scene.world.http.call(method, &scene.path(route), &scene.auth(route), None).await;
            let what = format!("{method} {}", route.path);
            assert_eq!(answer.refusal(), (405, "method_not_allowed".into()), "{what}");
            let allow = answer.headers.get("allow").unwrap_or_else(|| panic!("{what}: no Allow")).to_str().unwrap();
            let allowed: Vec<&str> = allow.split(',').map(str::trim).filter(|name| *name != "HEAD").collect();
            let mut sorted = (allowed.clone(), right.clone());
            sorted.0.sort_unstable();
            sorted.1.sort_unstable();
            assert_eq!(sorted.0, sorted.1, "{what}: {allow}");
        }
    }
}

#[tokio::test]
async fn an_unknown_address_is_404_in_the_contracts_body() {
    let scene = Scene::set().await;
    let (key, management) = (scene.world.key(), scene.world.management());
    let token = Auth::Token(scene.token.clone());
    for (path, auth) in [
        ("/v1/nothing", &key),
        ("/v1/users/ada/nothing", &key),
        ("/v1/", &key),
        ("/v1/management/nothing", &management),
        ("/v1/client/nothing", &token),
        ("/nothing", &Auth::None),
        ("/index.html", &Auth::None),
    ] {
        assert_eq!(scene.world.http.get(path, auth).await.refusal(), (404, "not_found".into()), "{path}");
        assert_eq!(scene.world.http.post(path, auth, json!({})).await.refusal().0, 404, "{path}");
    }
}

/// What is named in the path and is not there is 404, on every route that needs it to be.
#[tokio::test]
async fn what_does_not_exist_is_404_or_an_empty_answer() {
    let scene = Scene::set().await;
    let (key, management) = (scene.world.key(), scene.world.management());
    let calls = [
        ("GET", "/v1/users/ada/actions/pay/none", &key, None),
        ("PATCH", "/v1/users/ada/actions/pay/none", &key, Some(json!({"state": "ALLOW"}))),
        ("PATCH", "/v1/users/nobody/actions/pay/k1", &key, Some(json!({"state": "ALLOW"}))),
        ("DELETE", "/v1/users/ada/authenticators/none", &key, None),
        ("DELETE", "/v1/users/nobody/authenticators/none", &key, None),
        ("POST", "/v1/users/nobody/unlock", &key, None),
        ("POST", "/v1/users/nobody/reset", &key, None),
        ("GET", "/v1/management/action-configurations/none", &management, None),
        ("PATCH", "/v1/management/action-configurations/none", &management, Some(json!({}))),
        ("DELETE", "/v1/management/action-configurations/none", &management, None),
    ];
    for (method, path, auth, body) in calls {
        let answer = scene.world.http.call(method, path, auth, body).await;
        assert_eq!(answer.refusal(), (404, "not_found".into()), "{method} {path}");
    }
    for path in ["/v1/users/nobody/authenticators", "/v1/users/nobody/actions"] {
        assert_eq!(scene.world.http.get(path, &key).await.ok(), json!([]), "{path}");
    }
}
