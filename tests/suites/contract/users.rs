//! Users (contract, S1–S5).

use countersign_tests::World;
use serde_json::{Value, json};

#[tokio::test]
async fn s1_an_unknown_user_is_200_and_not_enrolled() {
    let world = World::start().await;
    let unknown = world.http.get("/v1/users/nobody", &world.key()).await.ok();
    assert_eq!(
        unknown,
        json!({"userId": "nobody", "isEnrolled": false, "emailVerified": false, "phoneNumberVerified": false,
            "enrolledVerificationMethods": []})
    );
}

#[tokio::test]
async fn s1_an_enrolled_user_is_told_with_its_methods() {
    let world = World::start().await;
    world.enrolled("ada").await;
    let user = world.http.get("/v1/users/ada", &world.key()).await.ok();
    assert_eq!(user["isEnrolled"], true);
    assert_eq!(user["enrolledVerificationMethods"], json!(["AUTHENTICATOR_APP"]));
    assert_eq!(user["defaultVerificationMethod"], "AUTHENTICATOR_APP");
    assert_eq!(user["createdAt"], "2026-11-21T10:00:15.000Z");
}

#[tokio::test]
async fn s3_an_update_makes_the_user_and_echoes_what_is_stored() {
    let world = World::start().await;
    let profile = json!({
        "email": "Ada@Example.com", "emailVerified": true, "phoneNumber": "9876543210", "phoneNumberVerified": false,
        "username": "ada", "displayName": "Ada L.", "locale": "en-GB", "custom": {"tier": "gold", "level": 3},
    });
    let echoed = world.http.patch("/v1/users/ada", &world.key(), profile.clone()).await.ok();
    for (name, value) in profile.as_object().unwrap() {
        assert_eq!(&echoed[name], value, "{name}");
    }
    assert_eq!(echoed["userId"], "ada");
    assert_eq!(world.http.get("/v1/users/ada", &world.key()).await.ok(), echoed);
}

#[tokio::test]
async fn s3_what_is_left_out_stays_and_another_address_is_not_verified() {
    let world = World::start().await;
    let patch = async |body: Value| world.http.patch("/v1/users/ada", &world.key(), body).await.ok();
    patch(json!({"email": "a@example.com", "emailVerified": true, "phoneNumber": "1", "phoneNumberVerified": true}))
        .await;
    let named = patch(json!({"displayName": "Ada"})).await;
    assert_eq!((&named["email"], &named["emailVerified"]), (&json!("a@example.com"), &json!(true)));
    let moved = patch(json!({"email": "b@example.com"})).await;
    assert_eq!((&moved["email"], &moved["emailVerified"]), (&json!("b@example.com"), &json!(false)));
    assert_eq!(moved["phoneNumberVerified"], true, "the other address is as verified as it was");
    let vouched = patch(json!({"email": "c@example.com", "emailVerified": true})).await;
    assert_eq!(vouched["emailVerified"], true);
}

#[tokio::test]
async fn s4_post_is_patch_by_another_name() {
    let world = World::start().await;
    let posted = world.http.post("/v1/users/ada", &world.key(), json!({"username": "ada"})).await.ok();
    assert_eq!(posted["username"], "ada");
    let patched = world.http.patch("/v1/users/ada", &world.key(), json!({})).await.ok();
    assert_eq!(posted, patched);
}

#[tokio::test]
async fn s5_a_deleted_user_is_as_if_it_had_never_been() {
    let world = World::start().await;
    world.enrolled("ada").await;
    world.http.patch("/v1/users/ada", &world.key(), json!({"email": "ada@example.com"})).await.ok();
    for _ in 0..2 {
        assert_eq!(world.http.delete("/v1/users/ada", &world.key()).await.ok(), json!({"success": true}));
    }
    let gone = world.http.get("/v1/users/ada", &world.key()).await.ok();
    assert_eq!((&gone["isEnrolled"], gone.get("email")), (&json!(false), None));
    assert_eq!(world.http.get("/v1/users/ada/authenticators", &world.key()).await.ok(), json!([]));
    let found = world.http.get("/v1/users?email=ada%40example.com", &world.key()).await.ok();
    assert_eq!(found, json!({"users": []}));
}

/// Five users share a contact; two have it to themselves.
async fn directory() -> World {
    let world = World::start().await;
    for number in 1..=5 {
        let profile =
            json!({"email": "Team@Example.com", "username": format!("user{number}"), "phoneNumber": "+4915155"});
        world.http.patch(&format!("/v1/users/u{number}"), &world.key(), profile).await.ok();
    }
    world
        .http
        .patch("/v1/users/other", &world.key(), json!({"email": "other@example.com", "phoneNumber": "1"}))
        .await
        .ok();
    world
}

async fn found(world: &World, query: &str) -> Vec<String> {
    let answer = world.http.get(&format!("/v1/users?{query}"), &world.key()).await.ok();
    let users = answer["users"].as_array().expect("users").iter();
    let mut ids: Vec<_> = users.map(|user| user["userId"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn s2_users_are_found_by_each_contact() {
    let world = directory().await;
    assert_eq!(found(&world, "username=user3").await, ["u3"]);
    assert_eq!(found(&world, "email=other%40example.com").await, ["other"]);
    assert_eq!(found(&world, "email=TEAM@example.COM").await.len(), 5, "addresses are compared without case");
    assert_eq!(found(&world, "phoneNumber=%2B4915155").await.len(), 5);
    assert_eq!(found(&world, "email=team%40example.com&username=user2").await, ["u2"], "all that is given must agree");
    assert!(found(&world, "email=team%40example.com&username=other").await.is_empty());
    assert!(found(&world, "username=u3").await.is_empty(), "an id is not a username");
    let one = world.http.get("/v1/users?username=user3&unheardOf=1", &world.key()).await.ok();
    let user = &one["users"][0];
    for (name, value) in
        [("userId", "u3"), ("email", "Team@Example.com"), ("username", "user3"), ("phoneNumber", "+4915155")]
    {
        assert_eq!(user[name], value, "{name}");
    }
    assert_eq!((&user["emailVerified"], &user["phoneNumberVerified"]), (&json!(false), &json!(false)));
    assert!(one.get("lastEvaluatedUserId").is_none(), "there is no more");
}

#[tokio::test]
async fn s2_a_contact_that_was_given_up_finds_nobody() {
    let world = directory().await;
    world.http.patch("/v1/users/other", &world.key(), json!({"email": "new@example.com"})).await.ok();
    assert!(found(&world, "email=other%40example.com").await.is_empty());
    assert_eq!(found(&world, "email=new%40example.com").await, ["other"]);
    world.track("other", "pay", json!({"email": "tracked@example.com"})).await.ok();
    assert!(found(&world, "email=new%40example.com").await.is_empty());
    assert_eq!(found(&world, "email=tracked%40example.com").await, ["other"]);
}

#[tokio::test]
async fn s2_pages_by_limit_and_last_user_cover_all_once() {
    let world = directory().await;
    for limit in 1..=6 {
        let (mut all, mut after, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let query = format!("/v1/users?email=team%40example.com&limit={limit}{after}");
            let page = world.http.get(&query, &world.key()).await.ok();
            let users = page["users"].as_array().unwrap();
            assert!(users.len() <= limit);
            all.extend(users.iter().map(|user| user["userId"].as_str().unwrap().to_owned()));
            pages += 1;
            let Some(last) = page["lastEvaluatedUserId"].as_str() else { break };
            assert_eq!(last, all.last().unwrap(), "the last user of the page leads to the next");
            after = format!("&lastEvaluatedUserId={last}");
        }
        all.sort_unstable();
        assert_eq!(all, ["u1", "u2", "u3", "u4", "u5"], "limit {limit}");
        assert_eq!(pages, 5_usize.div_ceil(limit), "limit {limit}");
    }
}

#[tokio::test]
async fn s2_a_query_without_a_contact_is_refused() {
    let world = directory().await;
    for query in [
        "",
        "limit=5",
        "email=",
        "email=a&limit=0",
        "email=a&limit=101",
        "email=a&limit=x",
        "email=a&email=b",
        "token=x",
        "email=a&lastEvaluatedUserId=",
    ] {
        let answer = world.http.get(&format!("/v1/users?{query}"), &world.key()).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{query}");
    }
}
