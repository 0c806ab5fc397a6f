//! The pages as they are, word for word: a change of one shows in its diff, and is meant. `SNAPSHOTS=write` writes them anew.

use std::{fs, path::PathBuf};

use countersign_tests::{
    World,
    http::{Answer, Auth},
    pages::field,
};
use serde_json::json;

use super::{confirmed, recoverable};

/// What is another in every run: it stands between these two texts.
const CHANCE: [(&str, &str); 21] = [
    ("nonce=\"", "\""),
    ("name=\"token\" value=\"", "\""),
    ("name=\"seal\" value=\"", "\""),
    ("name=\"id\" value=\"", "\""),
    ("name=\"pairing\" value=\"", "\""),
    ("name=\"app\" value=\"", "\""),
    ("name=\"set\" value=\"", "\""),
    ("token=", "\""),
    ("/assets/hosted-", "."),
    ("/assets/htmx-", "."),
    ("data-id=\"", "\""),
    ("id=\"name-", "\""),
    ("labelledby=\"name-", "\""),
    ("describedby=\"name-", "\""),
    ("<svg viewBox=\"0 0 ", "</svg>"),
    ("aria-labelledby=\"key\">", "<"),
    ("otpauth://totp/", "\""),
    ("<li><code>", "<"),
    ("id=\"number\">", "<"),
    ("/pair/", "\""),
    ("quote this: ", "<"),
];

fn without_chance(page: &str) -> String {
    let mut text = page.to_owned();
    for (before, after) in CHANCE {
        let mut kept = String::new();
        let mut rest = text.as_str();
        while let Some((head, tail)) = rest.split_once(before) {
            let end = tail.find(after).unwrap_or(tail.len());
            kept.extend([head, before, "…"]);
            rest = &tail[end..];
        }
        kept.push_str(rest);
        text = kept;
    }
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

/// The lines of a page that are of its frame: those around its content. What the frame says of the one page has lines of
/// its own.
fn frame_of(page: &str) -> Vec<String> {
    let (head, rest) = page.split_once("<header").expect("a page");
    let is_own = |line: &&str| line.starts_with("<title>") || line.trim_start().starts_with("data-");
    let shared = |line: &&str| !is_own(line) || line.contains("data-slow=") || line.contains("data-offline=");
    let tail = &rest[rest.find("</main>").expect("an end")..];
    head.lines().chain(tail.lines()).filter(shared).map(str::to_owned).collect()
}

/// With each attribute of the elements around the content on a line of its own.
fn in_lines(page: &str) -> String {
    let of_frame = |line: &str| match line
        .strip_suffix('>')
        .filter(|line| ["<main", "<body"].iter().any(|one| line.starts_with(one)))
    {
        Some(open) => format!("{}\n>\n", open.replace(" data-", "\n data-")),
        None => format!("{line}\n"),
    };
    page.lines().map(of_frame).collect()
}

/// The frame is compared once, because each page has it; of a page the rest is.
#[derive(Default)]
struct Snapshots {
    frame: Vec<String>,
    differing: Vec<String>,
}

impl Snapshots {
    fn compare(&mut self, name: &str, page: &Answer) {
        let page = in_lines(&without_chance(&page.text()));
        if self.frame.is_empty() {
            self.frame = frame_of(&page);
            self.compare_text("frame", &self.frame.iter().map(|line| format!("{line}\n")).collect::<String>());
        }
        let is_of_frame = |line: &&str| self.frame.iter().any(|known| known == line);
        let missing: Vec<&String> = self.frame.iter().filter(|line| !page.lines().any(|one| one == *line)).collect();
        if !missing.is_empty() {
            self.differing.push(format!("{name}: its frame lacks {missing:?}"));
        }
        let content: String = page.lines().filter(|line| !is_of_frame(line)).map(|line| format!("{line}\n")).collect();
        self.compare_text(name, &content);
    }

    fn compare_text(&mut self, name: &str, page: &str) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("suites/pages/snapshots/{name}.html"));
        if std::env::var_os("SNAPSHOTS").is_some_and(|what| what == "write") {
            fs::create_dir_all(path.parent().unwrap()).and_then(|()| fs::write(&path, page)).expect("it is written");
        }
        let known = fs::read_to_string(&path).unwrap_or_default();
        if known != page {
            let first = known.lines().zip(page.lines()).find(|(one, other)| one != other);
            let (was, is) = first.unwrap_or(("(its length)", "(is another)"));
            self.differing.push(format!("{name}:\n  was {was}\n  is  {is}"));
        }
    }
}

#[tokio::test]
async fn pages_are_as_they_were() {
    let world = World::start().await;
    world.settings(|settings| settings.name = "Acme".into()).await;
    let mut snapshots = Snapshots::default();
    answering(&world, &mut snapshots).await;
    setting_up(&world, &mut snapshots).await;
    managing(&world, &mut snapshots).await;
    ending(&world, &mut snapshots).await;
    let differing = snapshots.differing.join("\n");
    assert!(
        differing.is_empty(),
        "these pages have changed; if that is meant, SNAPSHOTS=write and read the diff:\n{differing}"
    );
}

async fn answering(world: &World, snapshots: &mut Snapshots) {
    let (secret, _) = recoverable(world, "ada").await;
    world.device("ada", "push").await;
    let token = world.token("ada", "signIn").await;
    snapshots.compare("challenge", &world.page("/challenge?way=app", &token).await);
    let wrong =
        (0..).map(|one| format!("{one:06}")).find(|code| (-2..=2).all(|step| *code != world.code(&secret, step)));
    snapshots.compare("challenge-wrong", &world.answer_page(&token, "app", &wrong.unwrap()).await);
    snapshots.compare("challenge-phone", &world.page("/challenge?way=phone", &token).await);
    snapshots.compare("challenge-recovery", &world.page("/challenge?way=recovery", &token).await);
    let asked = world.push(&token, json!({"numberMatching": true})).await.ok();
    let waiting = format!("/challenge?challenge={}", asked["challengeId"].as_str().unwrap());
    let page = world.page(&waiting, &token).await;
    assert!(page.text().contains("id=\"number\""), "{}", page.text());
    snapshots.compare("waiting", &page);
}

async fn setting_up(world: &World, snapshots: &mut Snapshots) {
    let token = world.token("grace", "signIn").await;
    snapshots.compare("choose", &world.page("/set-up", &token).await);
    let app = world.page("/set-up?kind=app", &token).await;
    snapshots.compare("app", &app);
    let page = app.text();
    let (_, rest) = page.split_once("aria-labelledby=\"key\">").expect("a secret");
    let secret = rest.split('<').next().unwrap().replace(' ', "");
    let [seal, app] = ["seal", "app"].map(|name| field(&page, name).expect("a form"));
    let code = world.code(&secret, 0);
    let form = [("token", token.as_str()), ("seal", &seal), ("kind", "app"), ("app", &app), ("code", &code)];
    snapshots.compare("codes", &world.send_form("/set-up", &form).await);
    let newcomer = world.token("bob", "signIn").await;
    let led = world.page("/set-up?kind=phone", &newcomer).await;
    let address = led.headers["location"].to_str().expect("an address").to_owned();
    snapshots.compare("phone", &world.http.get(&address, &Auth::None).await);
}

async fn managing(world: &World, snapshots: &mut Snapshots) {
    let (secret, _) = recoverable(world, "alan").await;
    let token = confirmed(world, "alan", &secret).await;
    let settings = world.page("/settings", &token).await;
    let page = settings.text();
    snapshots.compare("settings", &settings);
    let (_, rest) = page.split_once("data-id=\"").expect("an authenticator");
    let id = rest.split('"').next().unwrap();
    snapshots.compare("remove", &world.page(&format!("/settings?remove={id}"), &token).await);
}

async fn ending(world: &World, snapshots: &mut Snapshots) {
    let secret = world.ready("emmy").await;
    let token = world.token("emmy", "signIn").await;
    world.clock.advance(60);
    snapshots.compare("end-success", &world.answer_page(&token, "app", &world.code(&secret, 0)).await);
    let blocked = json!({"actionCode": "forbidden", "defaultUserActionResult": "BLOCK"});
    world.http.post("/v1/management/action-configurations", &world.management(), blocked).await.ok();
    let token = world.token("emmy", "forbidden").await;
    snapshots.compare("end-blocked", &world.page("/challenge", &token).await);
    snapshots.compare("end-error", &world.page("/challenge", "rubbish").await);
}
