//! One right code in sixty forms, as people type and paste it: each is accepted, or refused without a guess. By the API, on
//! the pages, as the number of a push, and as a recovery code.

use countersign_tests::{
    World,
    device::Device,
    pages::{field, is_verified},
};
use serde_json::{Value, json};

use super::{Said, guess, said};

/// A digit of another script.
fn digit(c: char, zero: u32) -> char {
    char::from_u32(zero + c.to_digit(10).expect("a digit")).expect("a character")
}

/// How the six digits of a code are written. `true` where it is the code.
fn forms(code: &str) -> Vec<(String, bool)> {
    let (one, two) = code.split_at(3);
    let between = |middle: &str| format!("{one}{middle}{two}");
    let each = |middle: &str| code.chars().map(String::from).collect::<Vec<_>>().join(middle);
    // The same digits from another zero.
    let from = |zero: u32| -> String { code.chars().map(|c| digit(c, zero)).collect() };
    let words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let spelled: Vec<_> = code.chars().map(|c| words[c.to_digit(10).unwrap() as usize]).collect();
    let accepted = [
        code.to_owned(),
        between(" "),
        format!(" {code} "),
        format!("\t{code}\r\n"),
        each(" "),
        between("   "),
        format!("{} {} {}", &code[..2], &code[2..4], &code[4..]),
        between("-"),
        each("-"),
        between(" - "),
        between("\u{a0}"),
        between("\u{202f}"),
        between("\u{2009}"),
        between("\u{3000}"),
        between("\u{2028}"),
        between("\u{85}"),
        between("\u{2010}"),
        between("\u{2011}"),
        between("\u{2013}"),
        between("\u{2014}"),
        between("\u{2212}"),
        between("\u{30fc}"),
        between("\u{ff70}"),
        between("\u{ff0d}"),
        between("\u{ad}"),
        between("\u{200b}"),
        between("\u{200d}"),
        between("\u{2060}"),
        format!("\u{feff}{code}"),
        format!("\u{200e}{code}\u{200f}"),
        format!("\u{202a}{code}\u{202c}"),
        format!("\u{2068}{one} {two}\u{2069}"),
        format!("\u{202e}{code}\u{202c}"),
        format!("\u{61c}{code}"),
        each("\u{fe0f}"),
        from(0xff10),
        from(0x660),
        from(0x6f0),
        from(0x966),
        from(0x9e6),
        from(0xe50),
        from(0x1040),
        from(0x17e0),
        from(0x1e950),
        from(0x1d7ce),
        from(0x1d7ec),
        from(0x1fbf0),
    ];
    let refused = [
        String::new(),
        " \u{200b}-".to_owned(),
        code[..5].to_owned(),
        format!("{code}{code}"),
        between("."),
        between(","),
        between("/"),
        between("_"),
        format!("{code}\u{0}"),
        format!("+{code}"),
        format!("\"{code}\""),
        format!("{}O", &code[..5]),
        format!("{}l", &code[..5]),
        format!("0x{code}"),
        format!("{code} is my code"),
        spelled.join(" "),
        code.chars().map(|c| format!("{c}\u{20e3}")).collect(),
        "1".repeat(400),
    ];
    let mut all: Vec<_> = accepted.into_iter().map(|form| (form, true)).collect();
    all.extend(refused.into_iter().map(|form| (form, false)));
    assert!(all.len() >= 60, "{}", all.len());
    all
}

/// `ABCDE-FGHJK-MNPQR`, as somebody types it from the paper.
fn recovery_forms(code: &str) -> Vec<(String, bool)> {
    let bare: String = code.chars().filter(|c| *c != '-').collect();
    let wide = |c: char| if c.is_ascii_graphic() { char::from_u32(u32::from(c) + 0xfee0).unwrap() } else { c };
    vec![
        (code.to_lowercase(), true),
        (format!("\u{2068} {} \u{2069}", code.replace('-', " \u{2013} ")), true),
        (bare.chars().map(wide).collect(), true),
        (bare.replace('0', "o").replace('1', "l"), true),
        (bare.chars().map(|c| format!("{c}\u{200b}")).collect(), true),
        (code.replace('-', "\u{30fc}"), true),
        (bare[..14].to_owned(), false),
        (format!("{bare}A"), false),
        (code.replace('-', "."), false),
        (format!("U{}", &bare[1..]), false),
        (format!("\u{410}{}", &bare[1..]), false),
        (format!("{bare}\u{0}"), false),
    ]
}

/// What was refused without being compared says what is expected; more of these than there are guesses spend none.
#[tokio::test]
async fn a_right_code_in_sixty_forms_by_the_api() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    for (form, is_code) in forms(&world.code(&secret, 0)) {
        if !is_code {
            let answer = world.verify(&token, &form).await;
            if answer.status == 400 {
                assert!(answer.refusal().1 == "invalid_request" && answer.text().contains("digits"), "{form:?}");
                continue;
            }
            let answer = answer.ok();
            assert_eq!(said(&answer), Said::Wrong, "{form:?}");
            assert_eq!(
                answer["failureDescription"], "The code has six digits, or as many more as the app shows.",
                "{form:?}"
            );
        }
    }
    assert_eq!(guess(&world.http, &token, &world.code(&secret, 0)).await, Said::Right, "no guess was spent");
    let count = forms("000000").len();
    for index in 0..count {
        world.clock.advance(30);
        let (form, is_code) = forms(&world.code(&secret, 0)).swap_remove(index);
        let token = world.token("ada", "signIn").await;
        if is_code {
            assert_eq!(guess(&world.http, &token, &form).await, Said::Right, "{form:?}");
        }
    }
}

#[tokio::test]
async fn a_right_code_in_sixty_forms_on_the_page() {
    let world = World::start().await;
    let secret = world.ready("ada").await;
    let token = world.token("ada", "signIn").await;
    for (form, is_code) in forms(&world.code(&secret, 0)) {
        if !is_code {
            let page = world.answer_page(&token, "app", &form).await.text();
            let says = page.contains("The code has six digits") || page.contains("Type the code that your app shows");
            assert!(says && !page.contains("attempts are left"), "{form:?}: {page}");
        }
    }
    assert!(world.answer_page(&token, "app", &world.code(&secret, 0)).await.text().contains("You are verified"));
    let count = forms("000000").len();
    for index in 0..count {
        world.clock.advance(30);
        let (form, is_code) = forms(&world.code(&secret, 0)).swap_remove(index);
        if is_code {
            let token = world.token("ada", "signIn").await;
            let page = world.answer_page(&token, "app", &form).await.text();
            assert!(page.contains("You are verified"), "{form:?}: {page}");
        }
    }
}

#[tokio::test]
async fn the_first_code_of_an_app_is_read_so_too() {
    let world = World::start().await;
    let token = world.token("ada", "signIn").await;
    let shown = world.page("/set-up?kind=app", &token).await.text();
    let secret = shown.split("id=\"secret\"").nth(1).and_then(|rest| rest.split('>').nth(1)).expect("a secret");
    let secret: String = secret.chars().take_while(|c| *c != '<').filter(|c| !c.is_whitespace()).collect();
    let code = world.code(&secret, 0);
    let typed: String = code.chars().map(|c| digit(c, 0x660)).collect();
    let seal = field(&shown, "seal").expect("a form");
    let form = [("token", token.as_str()), ("seal", &seal), ("kind", "app"), ("code", &typed)];
    let page = world.send_form("/set-up", &form).await.text();
    assert!(page.contains("Keep your recovery codes"), "{page}");
}

/// What a person typed is signed as it was sent: it is read for comparing only.
async fn typed(world: &World, device: &Device, asked: &Value, number: &str) -> countersign_tests::http::Answer {
    let shown = world.pending(device).await.ok();
    assert_eq!(shown["challengeId"], asked["challengeId"]);
    world.answer(device, device.full_answer(world.tenant.tenant_id.as_str(), &shown, true, number)).await
}

#[tokio::test]
async fn a_right_number_in_sixty_forms_on_a_device() {
    let world = World::start().await;
    let device = world.device("ada", "push").await;
    let count = forms("000000").len();
    for index in 0..count {
        world.clock.advance(601);
        let (_, asked) = world.pushed("ada", json!({"numberMatching": true})).await;
        let number = asked["verificationCode"].as_str().expect("a number").to_owned();
        let (form, is_number) = forms(&number).swap_remove(index);
        let answer = typed(&world, &device, &asked, &form).await;
        if is_number {
            assert_eq!(answer.ok()["isVerified"], true, "{form:?}");
            continue;
        }
        assert_eq!(answer.refusal(), (400, "invalid_request".into()), "{form:?}");
        assert!(answer.text().contains("six digits"), "{form:?}: {}", answer.text());
    }
    // More than there are guesses, at one time.
    world.clock.advance(601);
    let (_, asked) = world.pushed("ada", json!({"numberMatching": true})).await;
    let number = asked["verificationCode"].as_str().expect("a number").to_owned();
    for (form, _) in forms(&number).into_iter().filter(|(_, is_number)| !is_number) {
        assert_eq!(typed(&world, &device, &asked, &form).await.status, 400, "{form:?}");
    }
    let spaced = format!("{} {}", &number[..3], &number[3..]);
    assert_eq!(typed(&world, &device, &asked, &spaced).await.ok()["isVerified"], true, "as the page shows it");
}

#[tokio::test]
async fn a_recovery_code_is_read_as_people_copy_it() {
    let world = World::start().await;
    let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let uri = format!("otpauth://totp/a?secret={secret}");
    let body = json!({"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri});
    let added = world.http.post("/v1/users/ada/authenticators", &world.key(), body).await.ok();
    let mut codes = added["recoveryCodes"].as_array().expect("codes").iter().map(|code| code.as_str().unwrap());
    let token = world.token("ada", "signIn").await;
    let first = codes.next().expect("a code");
    for (form, _) in recovery_forms(first).into_iter().filter(|(_, is_code)| !is_code).cycle().take(24) {
        let page = world.answer_page(&token, "recovery", &form).await.text();
        assert!(page.contains("15 letters and digits") && !page.contains("attempts are left"), "{form:?}: {page}");
    }
    let accepted = recovery_forms(first).iter().filter(|(_, is_code)| *is_code).count();
    for index in 0..accepted {
        let code = if index == 0 { first } else { codes.next().expect("a code") };
        let (form, _) = recovery_forms(code).swap_remove(index);
        let token = world.token("ada", "signIn").await;
        let page = world.answer_page(&token, "recovery", &form).await;
        assert!(is_verified(&page), "{form:?}: {}", page.text());
        world.clock.advance(301);
    }
}
