//! A form counts once, is of its own page, and comes from no other site (security.md, T17).

use countersign_tests::{World, http::Auth, otp, pages::field};

#[tokio::test]
async fn a_form_that_is_sent_twice_spends_one_guess() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    let (seal, wrong) = (world.seal(&token).await, otp::wrong(&secret, world.now()));
    let form = [("token", token.as_str()), ("seal", &seal), ("way", "app"), ("code", &wrong)];
    let first = world.send_form("/challenge", &form).await.text();
    assert!(first.contains("not right"), "{first}");
    for _ in 0..20 {
        let again = world.send_form("/challenge", &form).await;
        assert!(again.status == 200 && again.text().contains("sent already"), "{}", again.text());
    }
    // The page that came back has a form that counts.
    let right = world.code(&secret, 0);
    let seal = field(&first, "seal").expect("a form");
    let form = [("token", token.as_str()), ("seal", &seal), ("way", "app"), ("code", &right)];
    let done = world.send_form("/challenge", &form).await.text();
    assert!(done.contains("You are verified"), "{done}");
}

#[tokio::test]
async fn of_many_at_once_one_counts() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    world.faults.weather(17, 0);
    let (seal, wrong) = (world.seal(&token).await, otp::wrong(&secret, world.now()));
    let form = [("token", token.as_str()), ("seal", &seal), ("way", "app"), ("code", &wrong)];
    let sent = futures_util::future::join_all((0..32).map(|_| world.send_form("/challenge", &form))).await;
    let judged = sent.iter().filter(|answer| answer.text().contains("not right")).count();
    let told = sent.iter().filter(|answer| answer.text().contains("sent already")).count();
    assert_eq!((judged, told), (1, 31));
}

#[tokio::test]
async fn what_is_no_form_of_ours_does_nothing() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let (token, other) = (world.token("ada", "signIn").await, world.token("ada", "payment").await);
    world.ready("bob").await;
    let bobs = world.token("bob", "signIn").await;
    let right = world.code(&secret, 0);
    let seal = world.seal(&token).await;
    let mut changed = seal.clone().into_bytes();
    changed[5] = if changed[5] == b'A' { b'B' } else { b'A' };
    let seals = [
        String::new(),
        "nonsense".into(),
        seal[..20].into(),
        String::from_utf8(changed).unwrap(),
        world.seal(&other).await,
        world.seal(&bobs).await,
        format!("{seal}AAAA"),
    ];
    for wrong in &seals {
        let form = [("token", token.as_str()), ("seal", wrong), ("way", "app"), ("code", &right)];
        let answer = world.send_form("/challenge", &form).await;
        assert_eq!(answer.status, 403, "{wrong}: {}", answer.text());
        assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED", "{wrong}");
    }
    let body = format!("token={token}&seal={seal}&way=app&code={right}");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for site in ["cross-site", "same-site"] {
        let headers = [form, ("sec-fetch-site", site)];
        let answer = world.http.raw("POST", "/challenge", &Auth::None, &headers, body.clone().into_bytes()).await;
        assert_eq!(answer.status, 403, "{site}");
    }
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x"] {
        let headers = [("content-type", kind)];
        let answer = world.http.raw("POST", "/challenge", &Auth::None, &headers, body.clone().into_bytes()).await;
        assert_eq!(answer.status, 415, "{kind}: {}", answer.text());
    }
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
    // The page that says so leads back to the app.
    let tracked =
        world.track("ada", "signIn", serde_json::json!({"redirectUrl": "https://app.example/done"})).await.ok();
    let forged = [("token", tracked["token"].as_str().unwrap()), ("seal", "nonsense"), ("code", &right)];
    let refused = world.send_form("/challenge", &forged).await.text();
    assert!(
        refused.contains("href=\"https://app.example/done?token=") && refused.contains("id=\"reference\""),
        "{refused}"
    );
    // None of them has spent the seal.
    let headers = [form, ("sec-fetch-site", "same-origin")];
    let answer = world.http.raw("POST", "/challenge", &Auth::None, &headers, body.into_bytes()).await;
    assert!(answer.text().contains("You are verified"), "{}", answer.text());
}

/// A GET changes nothing, whatever its address says.
#[tokio::test]
async fn reading_changes_nothing() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    let seal = world.seal(&token).await;
    let code = world.code(&secret, 0);
    for path in ["/challenge", "/set-up", "/settings"] {
        let address = format!("{path}?seal={seal}&way=app&code={code}&act=codes&recovery=00000-00000-00000");
        assert!(world.page(&address, &token).await.status.as_u16() < 400);
    }
    assert_eq!(world.state(&token).await, "CHALLENGE_REQUIRED");
}
