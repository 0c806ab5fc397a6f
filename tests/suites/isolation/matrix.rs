//! Every route with every credential that is not its own.

use countersign_tests::{
    World, add_tenant,
    http::{Answer, Auth},
};
use serde_json::{Value, json};

use super::{
    scene::{Caller, Route, Scene, routes},
    table::dump,
};

/// A user as its own tenant and another one see it, with the same id in both; and the other tenant's credentials.
struct Neighbours {
    mine: Scene,
    /// The other tenant's secret key, management key, and the token of its user of the same id.
    secret: Auth,
    management: Auth,
    token: Auth,
    tenant: Auth,
}

impl Neighbours {
    async fn of(user: &str) -> Self {
        let mine = Scene::set_for(World::start().await, user).await;
        let other = add_tenant(&mine.world.app, "t2").await;
        let secret = Auth::Key(other.secret_key);
        let tenant = Auth::Key(other.tenant_id.to_string());
        let path = format!("/v1/users/{}/actions/pay", countersign_tests::http::segment(user));
        let scope = json!({"idempotencyKey": "k1", "scope": "read:authenticators add:authenticators"});
        let theirs = mine.world.http.post(&path, &secret, scope).await.ok();
        let token = Auth::Token(theirs["token"].as_str().expect("a token").to_owned());
        Self { mine, secret, management: Auth::Key(other.management_key), token, tenant }
    }

    /// Everything of the first tenant.
    fn rows(&self) -> Vec<Value> {
        let mine = |pk: &str| pk == "T#t1" || pk.starts_with("T#t1#");
        dump(&self.mine.world).into_iter().filter(|((pk, _), _)| mine(pk)).map(|(_, item)| item).collect()
    }

    async fn call(&self, route: &Route, path: &str, auth: &Auth) -> Answer {
        self.mine.world.http.call(&route.method, path, auth, self.mine.body(route)).await
    }
}

/// The hostile twins: what a key made by joining texts would confuse.
const USERS: [&str; 6] = ["ada", "#", "ada#USER", "t2", "U#ada", "%23"];

#[tokio::test]
async fn another_tenants_credentials_reach_nothing_of_this_one() {
    for user in USERS {
        for route in routes() {
            let world = Neighbours::of(user).await;
            let before = world.rows();
            let foreign = match route.caller {
                Caller::Backend => &world.secret,
                Caller::Operator => &world.management,
                Caller::User => &world.token,
                Caller::Device => &world.tenant,
            };
            let path = world.mine.path(&route);
            let answer = world.call(&route, &path, foreign).await;
            assert!(world.rows() == before, "{} of {user:?} was changed by another tenant", route.operation);
            let text = answer.text();
            assert!(!text.contains(&world.mine.authenticator), "{}: {text}", route.operation);
            // As a word: the letters alone come up in what is random.
            let names_it = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "t1");
            assert!(!names_it || user.contains("t1"), "{} names the tenant: {text}", route.operation);
        }
    }
}

/// To the other tenant, what is only here is as unknown as what is nowhere: same status, same body.
#[tokio::test]
async fn what_another_tenant_has_looks_like_what_nobody_has() {
    for route in routes().iter().filter(|route| matches!(route.caller, Caller::Backend | Caller::Operator)) {
        let mine = Scene::set().await;
        let other = add_tenant(&mine.world.app, "t2").await;
        let key = match route.caller {
            Caller::Operator => Auth::Key(other.management_key),
            _ => Auth::Key(other.secret_key),
        };
        if matches!(
            route.operation.as_str(),
            "listActionConfigurations"
                | "createCustomDataPoint"
                | "getTenant"
                | "updateTenant"
                | "validateChallenge"
                | "getTwoFactorEnforcement"
                | "enforceTwoFactor"
                | "listRequiredActions"
                | "updateRequiredAction"
        ) {
            // They name nothing in their path; the matrix above and the token suite look at them.
            continue;
        }
        let known = mine.path(route);
        let unknown = known.replace("/ada", "/eva").replace("/pay", "/buy").replace(&mine.authenticator, "none");
        let normal = |answer: &Answer| {
            let mut body: Value = answer.json();
            for name in
                ["token", "url", "userId", "userAuthenticatorId", "actionCode", "authenticator", "recoveryCodes"]
            {
                body.as_object_mut().map(|fields| fields.remove(name));
            }
            (answer.status, body)
        };
        let first = mine.world.http.call(&route.method, &known, &key, mine.body(route)).await;
        // On a fresh copy of the world, so that what the first call makes is not there for the second.
        let again = Scene::set().await;
        let other = add_tenant(&again.world.app, "t2").await;
        let key = match route.caller {
            Caller::Operator => Auth::Key(other.management_key),
            _ => Auth::Key(other.secret_key),
        };
        let second = again.world.http.call(&route.method, &unknown, &key, again.body(route)).await;
        assert_eq!(normal(&first), normal(&second), "{}", route.operation);
    }
}

#[tokio::test]
async fn credentials_of_another_kind_open_nothing() {
    for route in routes() {
        let world = Neighbours::of("ada").await;
        let before = dump(&world.mine.world);
        let mine = &world.mine.world;
        let token = Auth::Token(world.mine.token.clone());
        let as_key = Auth::Key(world.mine.token.clone());
        let mut wrong = vec![Auth::None, as_key];
        if route.caller != Caller::Device {
            wrong.push(Auth::Key("t1".into()));
        }
        match route.caller {
            Caller::Backend => wrong.extend([mine.management(), token, world.management.clone()]),
            Caller::Operator => wrong.extend([mine.key(), token, world.secret.clone()]),
            Caller::User | Caller::Device => wrong.extend([
                mine.key(),
                mine.management(),
                Auth::Token(mine.tenant.secret_key.clone()),
                world.secret.clone(),
                world.management.clone(),
            ]),
        }
        for auth in wrong {
            let path = world.mine.path(&route);
            let answer = world.call(&route, &path, &auth).await;
            assert_eq!(answer.refusal().0, 401, "{} with {auth:?}", route.operation);
            assert!(dump(mine) == before, "{} with {auth:?} has written something", route.operation);
        }
    }
}

/// T02: what a client call works on comes from the token alone.
#[tokio::test]
async fn one_users_token_does_nothing_to_another() {
    for route in routes().iter().filter(|route| route.caller == Caller::User) {
        let ada = Scene::set().await;
        let world = &ada.world;
        let scope = json!({"scope": "read:authenticators add:authenticators"});
        let bob = world.track("bob", "pay", scope).await.ok();
        let bob = Auth::Token(bob["token"].as_str().unwrap().to_owned());
        let of_ada = || {
            let rows = dump(world).into_iter().filter(|((pk, _), _)| pk == "T#t1#U#ada");
            rows.map(|(_, item)| item).collect::<Vec<_>>()
        };
        let before = of_ada();
        let mut body = ada.body(route).unwrap_or(json!({}));
        for name in
            ["userId", "user_id", "sub", "tenantId", "userAuthenticatorId", "token", "actionCode", "idempotencyKey"]
        {
            body[name] = json!(if name == "userAuthenticatorId" { &ada.authenticator } else { "ada" });
        }
        let path = format!("{}?userId=ada&sub=ada", ada.path(route));
        let answer = world.http.call(&route.method, &path, &bob, Some(body)).await;
        assert!(!answer.text().contains(&ada.authenticator), "{}: {}", route.operation, answer.text());
        assert!(!answer.text().contains("\"ada\""), "{}: {}", route.operation, answer.text());
        assert_ne!(answer.json()["isVerified"], true, "ada's code is nothing for bob");
        assert!(of_ada() == before, "{} with bob's token changed ada", route.operation);
    }
}

/// T13: before its challenge is answered, a token may read what the user has, and nothing more.
#[tokio::test]
async fn a_token_before_the_challenge_lists_and_adds_nothing() {
    let scene = Scene::set().await;
    let token = scene.world.token("ada", "settings").await;
    let before = dump(&scene.world);
    let listed = scene.world.http.get("/v1/client/user-authenticators", &Auth::Token(token.clone())).await.ok();
    assert_eq!(listed[0]["userAuthenticatorId"], json!(scene.authenticator));
    assert!(!listed.to_string().contains(&scene.secret), "a list holds no secret");
    assert_eq!(scene.world.enroll(&token).await.refusal(), (403, "forbidden".into()));
    for method in ["DELETE", "PATCH", "PUT"] {
        for path in [
            format!("/v1/client/user-authenticators/{}", scene.authenticator),
            format!("/v1/users/ada/authenticators/{}", scene.authenticator),
            "/v1/client/user-authenticators/totp".to_owned(),
        ] {
            let answer = scene.world.http.call(method, &path, &Auth::Token(token.clone()), Some(json!({}))).await;
            assert!(answer.status.is_client_error(), "{method} {path}: {}", answer.status);
        }
    }
    assert!(dump(&scene.world) == before, "something was written");
}
