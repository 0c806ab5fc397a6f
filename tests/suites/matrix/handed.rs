//! A success is worth something for one life of a token, counted from the decision, however often it is asked for (T38).

use countersign_tests::http::Answer;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::{
    ground::{Ground, text},
    way::Way,
};

/// The tenant's token lifetime.
const LIFE: i64 = 600;

/// Those that hand out the token of a success that was there before.
const POLLS: [Way; 7] = [
    Way::PollPush,
    Way::PollPushOnPage,
    Way::PollQrAnonymous,
    Way::PollQrOfUser,
    Way::PollQrOnPage,
    Way::RepeatInApp,
    Way::RepeatInAppOfUser,
];

/// The token that an answer hands out: in its body, or in the address that it leads to.
fn handed(answer: &Answer) -> String {
    let location = answer.headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Some((_, token)) = location.split_once("token=") {
        return token.split('&').next().unwrap_or_default().to_owned();
    }
    let body = answer.ok();
    let token = if body["token"].is_string() { &body["token"] } else { &body["accessToken"] };
    text(token)
}

fn end_of(token: &str) -> i64 {
    let claims = token.split('.').nth(1).expect("a token");
    let claims: Value =
        serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).expect("base64")).expect("JSON");
    claims["exp"].as_i64().expect("an end")
}

async fn succeeded(way: Way) -> (Ground, i64) {
    let mut ground = Ground::of(way, None).await;
    ground.track(None).await;
    let at = ground.world.now();
    ground.begin().await.expect("a success");
    (ground, at)
}

#[tokio::test]
async fn a_poll_after_a_lost_answer_hands_out_the_same_token() {
    for way in POLLS {
        let (ground, at) = succeeded(way).await;
        ground.world.clock.advance(7);
        let first = handed(&ground.attempt(None).await);
        ground.world.clock.advance(61);
        let second = handed(&ground.attempt(None).await);
        assert_eq!(first, second, "{way:?}: the same success, another token");
        assert_eq!(end_of(&first), at + LIFE, "{way:?}: it ends with the success, and not with the poll");
        let validated = ground.world.validate(&first).await.ok();
        assert_eq!(validated["isValid"], true, "{way:?}: {validated}");
    }
}

/// Polling or tracking until the end gives no token that is worth more afterwards.
#[tokio::test]
async fn no_token_of_a_success_outlives_it() {
    for way in POLLS.into_iter().chain([Way::TrackAgain]) {
        let (ground, at) = succeeded(way).await;
        ground.world.clock.advance(LIFE - 1);
        let token = match way {
            Way::TrackAgain => text(&ground.world.track("ada", "pay", ground.tracked(None)).await.ok()["token"]),
            _ => handed(&ground.attempt(None).await),
        };
        assert_eq!(ground.world.validate(&token).await.ok()["isValid"], true, "{way:?}: in its last second");
        assert!(end_of(&token) <= at + LIFE, "{way:?}: its token ends {} s late", end_of(&token) - at - LIFE);
        ground.world.clock.advance(1);
        assert_eq!(ground.world.validate(&token).await.ok()["isValid"], false, "{way:?}: it is over");
    }
}
