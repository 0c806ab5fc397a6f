//! Nothing turns it off: every call with every key is tried, and every command of the operator.

use countersign_tests::{
    World,
    http::{Answer, Auth},
};
use serde_json::{Value, json};

use super::{
    ENFORCEMENT, enforce,
    process::{Directory, Server, call, countersign},
    scene::{Route, Scene, routes},
    table::dump,
};

/// The item that says so, byte for byte.
fn said(world: &World) -> Value {
    dump(world)[&("T#t1".to_owned(), "ENFORCEMENT".to_owned())].clone()
}

/// Whatever names for "off" a field may have.
fn hostile(body: Option<Value>, route: &Route) -> Value {
    let mut body = body.unwrap_or(json!({}));
    for (name, value) in [
        ("enforcement", Value::Null),
        ("twoFactorEnforcement", Value::Null),
        ("isOn", json!(false)),
        ("enforced", json!(false)),
        ("status", json!("2FA is currently set to: OFF")),
        ("policy", json!({})),
        ("by", json!("Mallory")),
        ("startsAt", json!("2026-12-24T00:00:00Z")),
        ("enabled", json!(false)),
    ] {
        if body.get(name).is_none() || route.operation == "enforceTwoFactor" && name != "confirmation" {
            body[name] = value;
        }
    }
    body
}

#[tokio::test]
async fn no_call_with_any_key_turns_it_off() {
    for route in routes() {
        let scene = Scene::set().await;
        let world = &scene.world;
        enforce(world, json!({"confirmation": "Enforce 2FA", "by": "Grace"})).await.ok();
        let before = said(world);
        world.clock.advance(60);
        for auth in [world.management(), world.key(), Auth::Token(scene.token.clone()), world.tenant_auth(), Auth::None]
        {
            for body in [scene.body(&route), Some(hostile(scene.body(&route), &route)), Some(hostile(None, &route))] {
                world.http.call(&route.method, &scene.path(&route), &auth, body).await;
            }
        }
        // And what has no route of its own.
        for method in ["DELETE", "PATCH", "PUT"] {
            let off = Some(json!({"isOn": false, "confirmation": "Enforce 2FA", "by": "Mallory"}));
            for auth in [world.management(), world.key()] {
                let answer: Answer = world.http.call(method, ENFORCEMENT, &auth, off.clone()).await;
                assert!(answer.status.is_client_error(), "{method}: {}", answer.status);
            }
        }
        assert_eq!(said(world), before, "{}", route.operation);
        let status = world.http.get(ENFORCEMENT, &world.management()).await.ok();
        assert_eq!(
            (&status["status"], &status["enforcedBy"]),
            (&json!("2FA is currently set to: ON"), &json!("Grace"))
        );
        // The action is one that nobody has configured otherwise meanwhile.
        let tracked = world.track("somebody-new", "another", json!({})).await.ok();
        assert_eq!(tracked["state"], "CHALLENGE_REQUIRED", "{}", route.operation);
    }
}

#[tokio::test]
async fn said_again_it_answers_what_was_said_first() {
    let world = World::start().await;
    let first = json!({"confirmation": "Enforce 2FA", "by": "Grace", "startsAt": "2026-12-01T00:00:00Z"});
    let first = enforce(&world, first).await.ok();
    let before = said(&world);
    world.clock.advance(3600);
    for more in [json!({}), json!({"startsAt": "2027-06-01T00:00:00Z"}), json!({"startsAt": "2026-11-22T00:00:00Z"})] {
        let mut body = json!({"confirmation": "Enforce 2FA", "by": "Mallory"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let again = enforce(&world, body).await.ok();
        assert_eq!(again, first);
    }
    assert_eq!(said(&world), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_is_the_first_for_all() {
    for round in 0..20 {
        let world = World::start().await;
        let other = world.another_process().await;
        world.faults.weather(round, 5);
        other.faults.weather(!round, 5);
        let mut running = tokio::task::JoinSet::new();
        for index in 0..8 {
            let process = [&world, &other][index % 2];
            let (http, auth) = (process.http.clone(), process.management());
            let body = json!({"confirmation": "Enforce 2FA", "by": format!("admin {index}")});
            running.spawn(async move { http.post(ENFORCEMENT, &auth, body).await });
        }
        let answers = running.join_all().await;
        let who: Vec<Value> =
            answers.iter().filter(|one| one.status == 200).map(|one| one.json()["enforcedBy"].clone()).collect();
        assert!(!who.is_empty() && who.iter().all(|one| *one == who[0]), "round {round}: {who:?}");
    }
}

/// The operator's commands on the data directory, while nothing else runs.
#[tokio::test]
async fn no_command_of_the_operator_turns_it_off() {
    let directory = Directory::new();
    let server = Server::start(&directory);
    let management = Auth::Key(server.credential("managementKey"));
    let body = json!({"confirmation": "Enforce 2FA", "by": "Grace"});
    call(&server.http(), "POST", ENFORCEMENT, &management, Some(body)).await.expect("an answer");
    server.kill();
    let data = directory.data();
    let tenant = first_tenant(&directory);
    let (file, exported) = (directory.path().join("users.jsonl"), directory.path().join("exported.jsonl"));
    let off = json!({"userId": "ENFORCEMENT", "custom": {"enforcement": null}});
    std::fs::write(&file, format!("{off}\n")).expect("written");
    let (file, exported) = (file.display().to_string(), exported.display().to_string());
    let application = "arn:aws:sns:eu-west-1:123456789012:app/GCM/countersign-a";
    for arguments in [
        vec!["tenant", "create", "--name", "Again", "--id", &tenant],
        vec!["tenant", "create", "--name", "Other"],
        vec!["tenant", "show", &tenant],
        vec!["key", "rotate", "token"],
        vec!["key", "rotate", "token", "--at-once"],
        vec!["key", "rotate", "secret", "--at-once"],
        vec!["key", "rotate", "management", "--at-once"],
        vec!["key", "revoke", "secret"],
        vec!["key", "revoke", "management"],
        vec!["push", "set", "fcm", "--application", application],
        vec!["push", "unset", "fcm"],
        vec!["push", "show"],
        vec!["users", "import", &file],
        vec!["users", "export", &exported],
        vec!["users", "reindex"],
    ] {
        let mut all = arguments.clone();
        all.extend(["--data", &data]);
        let output = countersign(&all).output().expect("the program runs");
        let _ = (output.status, arguments);
    }
    let server = Server::start(&directory);
    let management = Auth::Key(server.credential("managementKey"));
    let status = call(&server.http(), "GET", ENFORCEMENT, &management, None).await.expect("an answer");
    assert_eq!((&status["status"], &status["enforcedBy"]), (&json!("2FA is currently set to: ON"), &json!("Grace")));
    let path = "/v1/users/ada/actions/signIn";
    let tracked = call(&server.http(), "POST", path, &server.key(), Some(json!({}))).await.expect("an answer");
    assert_eq!(tracked["state"], "CHALLENGE_REQUIRED");
}

fn first_tenant(directory: &Directory) -> String {
    let text = std::fs::read_to_string(directory.file("credentials.json")).expect("credentials");
    let known: Value = serde_json::from_str(&text).expect("JSON");
    known["tenantId"].as_str().expect("an id").to_owned()
}
