//! Who will be stopped, said before it is decided.

use countersign_tests::{World, add_tenant, http::Auth};
use serde_json::{Value, json};

use super::{ENFORCEMENT, enforce, table::dump};

const DAY: i64 = 24 * 3600;

async fn preview(world: &World) -> Value {
    world.http.get(ENFORCEMENT, &world.management()).await.ok()
}

/// A world whose users were last here at known times.
async fn world_of_users() -> World {
    let world = World::start().await;
    world.token("long-ago", "signIn").await;
    world.clock.advance(30 * DAY);
    world.token("this-month", "signIn").await;
    world.clock.advance(10 * DAY);
    world.token("this-week", "signIn").await;
    world.clock.advance(DAY);
    world.token("today", "signIn").await;
    world.token("today", "signIn").await;
    world.enrolled("enrolled").await;
    world.device("by-device", "push").await;
    let invited = json!({"email": "invited@example.com"});
    world.http.patch("/v1/users/invited", &world.key(), invited).await.ok();
    let app = json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP"});
    world.http.post("/v1/users/imported/authenticators", &world.key(), app).await.ok();
    world
}

#[tokio::test]
async fn the_preview_counts_users_by_when_they_were_last_here() {
    let world = world_of_users().await;
    let said = preview(&world).await;
    assert_eq!(said["status"], "2FA is currently set to: OFF");
    assert_eq!(said["isOn"], false);
    assert!(said.get("enforcedBy").is_none() && said.get("startsAt").is_none(), "{said}");
    let expected = json!({
        "users": 8, "enrolled": 3, "unEnrolled": 5, "pendingInvitations": 1,
        "unEnrolledByLastSeen": {"today": 1, "last7Days": 1, "last30Days": 1, "earlier": 1, "never": 1},
    });
    assert_eq!(said["preview"], expected);
}

#[tokio::test]
async fn the_preview_follows_what_users_do() {
    let world = world_of_users().await;
    let counts = async || {
        let preview = preview(&world).await["preview"].clone();
        ["users", "enrolled", "unEnrolled", "pendingInvitations"].map(|name| preview[name].as_u64().expect(name))
    };
    world.token("invited", "signIn").await;
    assert_eq!(counts().await, [8, 3, 5, 0], "who comes is no invitation any more");
    world.enrolled("today").await;
    assert_eq!(counts().await, [8, 4, 4, 0], "who enrols counts");
    let listed = world.http.get("/v1/users/by-device/authenticators", &world.key()).await.ok();
    let path = format!("/v1/users/by-device/authenticators/{}", listed[0]["userAuthenticatorId"].as_str().unwrap());
    world.http.delete(&path, &world.key()).await.ok();
    assert_eq!(counts().await, [8, 3, 5, 0], "with the last authenticator gone, un-enrolled");
    world.http.delete("/v1/users/long-ago", &world.key()).await.ok();
    assert_eq!(counts().await, [7, 3, 4, 0], "who is deleted is gone");
}

#[tokio::test]
async fn another_tenant_has_its_own_preview() {
    let world = world_of_users().await;
    let other = add_tenant(&world.app, "t2").await;
    let said = world.http.get(ENFORCEMENT, &Auth::Key(other.management_key)).await.ok();
    assert_eq!(said["preview"]["users"], 0);
}

/// At the first action of a day, and never for who is enrolled.
#[tokio::test]
async fn being_here_is_written_once_a_day() {
    let world = World::start().await;
    world.token("ada", "signIn").await;
    let operations = async |user: &str| {
        world.validate("warm").await;
        world.faults.clear();
        world.token(user, "signIn").await;
        world.faults.calls()
    };
    assert_eq!(operations("ada").await, ["GetItem", "PutItem"], "the day is known");
    world.clock.advance(DAY);
    world.token("bob", "signIn").await;
    assert_eq!(operations("ada").await, ["GetItem", "TransactWriteItems"], "no more round trips for that");
    assert_eq!(operations("ada").await, ["GetItem", "PutItem"]);
    world.enrolled("bob").await;
    world.clock.advance(DAY);
    world.token("eve", "signIn").await;
    assert_eq!(operations("bob").await, ["GetItem", "PutItem"]);
}

/// Nothing but the exact words does it, and what does not is said.
#[tokio::test]
async fn anything_but_the_confirmation_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let before = dump(&world);
    let right = "Enforce 2FA";
    for (body, names) in [
        (json!({}), "confirmation"),
        (json!({"by": "Grace"}), "confirmation"),
        (json!({"confirmation": "enforce 2fa", "by": "Grace"}), "confirmation"),
        (json!({"confirmation": " Enforce 2FA", "by": "Grace"}), "confirmation"),
        (json!({"confirmation": "Enforce 2FA.", "by": "Grace"}), "confirmation"),
        (json!({"confirmation": true, "by": "Grace"}), "confirmation"),
        (json!({"confirmation": right}), "by"),
        (json!({"confirmation": right, "by": " "}), "by"),
        (json!({"confirmation": right, "by": "x".repeat(321)}), "by"),
        (json!({"confirmation": right, "by": "Grace", "startsAt": "tomorrow"}), "startsAt"),
        (json!({"confirmation": right, "by": "Grace", "startsAt": "2026-11-21T10:00:00Z"}), "startsAt"),
        (json!({"confirmation": right, "by": "Grace", "startsAt": "2028-01-01T00:00:00Z"}), "startsAt"),
        (json!({"confirmation": right, "by": "Grace", "startsAt": 5}), "startsAt"),
    ] {
        let answer = enforce(&world, body.clone()).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{body}");
        assert!(answer.text().contains(names), "{body}: {}", answer.text());
    }
    assert!(dump(&world) == before, "a refusal has written something");
    assert!(enforce(&world, json!({})).await.text().contains("Enforce 2FA"), "it says what to send");
}

/// Items from before there was an index: in it at the next action while nothing is enrolled, and else by the operator.
#[tokio::test]
async fn users_from_before_the_index_come_into_it() {
    let world = world_of_users().await;
    let strip = |user: &str| {
        let request = json!({
            "TableName": countersign_local::embedded::TABLE, "UpdateExpression": "REMOVE ux, enr, seen",
            "Key": {"pk": {"S": format!("T#t1#U#{user}")}, "sk": {"S": "USER"}},
        });
        assert!(world.embedded.answer("UpdateItem", request.to_string().as_bytes()).status().is_success());
    };
    for user in ["today", "long-ago", "enrolled", "invited"] {
        strip(user);
    }
    let store = world.app.store().tenant(&world.tenant.tenant_id);
    let users = async || preview(&world).await["preview"]["users"].as_u64().expect("a number");
    assert_eq!(users().await, 4);
    world.token("today", "signIn").await;
    assert_eq!(users().await, 5, "by an action");
    let left = store.scan_users(true).await.expect("a scan");
    assert_eq!(left.len(), 3, "{left:?}");
    for user in &left {
        store.list_user(user).await.expect("listed");
    }
    let expected = json!({
        "users": 8, "enrolled": 3, "unEnrolled": 5, "pendingInvitations": 1,
        "unEnrolledByLastSeen": {"today": 1, "last7Days": 1, "last30Days": 1, "earlier": 1, "never": 1},
    });
    assert_eq!(preview(&world).await["preview"], expected, "as they were, by their newest action");
    assert!(store.scan_users(true).await.expect("a scan").is_empty());
}
