//! The page that signs in by a code (capability Z3).

use countersign_tests::{World, device::Device, http::Auth};
use serde_json::json;

const PAGE: &str = "/qr-code/t1?action=signIn&redirectUrl=https%3A%2F%2Fapp.example%2Fdone";

/// Presses the button; the address of the page with the code.
async fn shown(world: &World) -> String {
    let form = [("action", "signIn"), ("redirectUrl", "https://app.example/done")];
    let answer = world.send_form("/qr-code/t1", &form).await;
    answer.header("location").unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

fn challenge_in(address: &str) -> String {
    address.split_once("challenge=").map(|(_, rest)| rest.split('&').next().unwrap().to_owned()).expect("a challenge")
}

async fn claim(world: &World, phone: &Device, challenge: &str) {
    let body = json!({"challengeId": challenge, "publicKey": phone.public_key, "signature": phone.sign(challenge)});
    let path = "/v1/client/user-authenticators/qr-code/challenge/claim";
    let claimed = world.http.post(path, &world.tenant_auth(), body).await;
    assert_eq!(claimed.status, 200, "{}", claimed.text());
}

async fn partial(world: &World, address: &str, seen: &str) -> u16 {
    let address = format!("{address}&seen={seen}");
    world.http.raw("GET", &address, &Auth::None, &[("hx-request", "true")], Vec::new()).await.status.as_u16()
}

#[tokio::test]
async fn the_browser_shows_it_the_phone_approves_and_the_page_leads_on() {
    let world = World::start().await;
    let phone = world.device("ada", "qr-code").await;
    let ready = world.http.get(PAGE, &Auth::None).await;
    assert!(ready.status == 200 && ready.text().contains("data-ask") && !ready.text().contains("id=\"qr\""));
    let address = shown(&world).await;
    let page = world.http.get(&address, &Auth::None).await.text();
    assert!(page.contains("id=\"qr\"") && page.contains(">9:00<"), "{page}");
    assert_eq!(partial(&world, &address, "shown").await, 204);
    let challenge = challenge_in(&address);
    claim(&world, &phone, &challenge).await;
    assert_eq!((partial(&world, &address, "shown").await, partial(&world, &address, "claimed").await), (200, 204));
    assert!(world.http.get(&address, &Auth::None).await.text().contains("id=\"claimed\""));
    assert_eq!(world.approve(&phone, &challenge).await.status, 200);
    let done = world.http.get(&address, &Auth::None).await;
    let to = done.header("location").expect("a way back");
    let token = to.strip_prefix("https://app.example/done?token=").unwrap_or_else(|| panic!("{to}"));
    assert_eq!(world.state(token).await, "CHALLENGE_SUCCEEDED");
}

#[tokio::test]
async fn what_is_denied_over_or_not_ours_can_be_begun_anew() {
    let world = World::start().await;
    let phone = world.device("ada", "qr-code").await;
    let address = shown(&world).await;
    claim(&world, &phone, &challenge_in(&address)).await;
    world.deny(&phone, &challenge_in(&address)).await;
    let denied = world.http.get(&address, &Auth::None).await.text();
    assert!(denied.contains("denied") && denied.contains("Start again"), "{denied}");
    let address = shown(&world).await;
    let guessed = format!("{PAGE}&challenge={}&code=AAAA", challenge_in(&address));
    let other = world.http.get(&guessed, &Auth::None).await.text();
    assert!(other.contains("Start again") && !other.contains("id=\"qr\""), "{other}");
    world.clock.advance(541);
    assert!(world.http.get(&address, &Auth::None).await.text().contains("Start again"));
}

#[tokio::test]
async fn it_leads_nowhere_but_to_the_tenants_own_pages() {
    let world = World::start().await;
    for wrong in ["https%3A%2F%2Fevil.example%2F", "javascript%3Aalert(1)", "%2F%2Fevil.example"] {
        let page = world.http.get(&format!("/qr-code/t1?redirectUrl={wrong}"), &Auth::None).await;
        assert_eq!(page.status, 400, "{wrong}");
    }
    assert_eq!(world.http.get("/qr-code/nobody", &Auth::None).await.status, 404);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    let forged = world.http.raw("POST", "/qr-code/t1", &Auth::None, &headers, b"action=signIn".to_vec()).await;
    assert_eq!(forged.status, 403);
}

/// A form that cannot be read begins nothing.
#[tokio::test]
async fn a_form_that_cannot_be_read_makes_no_code() {
    let world = World::start().await;
    for (content, status) in [("application/json", 415), ("application/x-www-form-urlencoded", 400)] {
        let headers = [("content-type", content)];
        let answer = world.http.raw("POST", PAGE, &Auth::None, &headers, b"action=%ff\xff".to_vec()).await;
        assert_eq!(answer.status.as_u16(), status, "{content}: {}", answer.text());
    }
}
