//! Users come from a file and go to one, by the operator's command.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Output,
    time::{Duration, Instant},
};

use countersign_tests::{http::Auth, otp};
use serde_json::{Value, json};

use super::process::{Directory, Server, call, countersign};

/// A data directory with its first tenant.
pub(super) fn installation() -> Directory {
    let directory = Directory::new();
    Server::start(&directory).kill();
    directory
}

pub(super) fn path(directory: &Directory, name: &str) -> String {
    directory.path().join(name).to_str().expect("UTF-8").to_owned()
}

pub(super) fn written(directory: &Directory, name: &str, text: &str) -> String {
    let path = path(directory, name);
    fs::write(&path, text).expect("written");
    path
}

pub(super) fn users(directory: &Directory, arguments: &[&str]) -> Output {
    let data = directory.data();
    let mut all = vec!["users"];
    all.extend(arguments);
    all.extend(["--data", &data, "--output", "json"]);
    countersign(&all).output().expect("the program runs")
}

/// What it printed, where it went well.
pub(super) fn done(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 2)), "{error}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {error}"))
}

pub(super) fn counts(output: &Output) -> [u64; 4] {
    let said = done(output);
    ["created", "updated", "unchanged", "rejected"].map(|name| said[name].as_u64().expect(name))
}

const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Users as different as they come.
fn some_users() -> String {
    let uri = "otpauth://totp/a?secret=MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK&algorithm=SHA256&digits=8&period=60";
    let all = [
        json!({"userId": "ada", "email": "ada@example.com", "emailVerified": true, "phoneNumber": "+64 21 1",
            "phoneNumberVerified": true, "username": "ada", "displayName": "Ada, \"the first\"\nLovelace", "locale": "en",
            "custom": {"tier": "gold", "deep": {"list": [1, null, "x,y"]}},
            "totp": [{"secret": SECRET, "name": "Phone", "createdAt": "2025-03-01T10:00:00.000Z"}]}),
        json!({"userId": "two apps", "totp": [
            {"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "createdAt": "2025-03-01T10:00:00Z"},
            {"otpauthUri": uri, "name": "Tablet", "createdAt": "2025-04-01T10:00:00Z"}]}),
        json!({"userId": "#%23|U#x/?", "username": "hard"}),
        json!({"userId": "e\u{301}"}),
        json!({"userId": "\u{e9}", "email": "E@Example.com"}),
        json!({"userId": "invited"}),
    ];
    all.map(|user| user.to_string() + "\n").concat()
}

fn second_tenant(directory: &Directory) -> String {
    let arguments = ["tenant", "create", "--name", "Second", "--data", &directory.data(), "--output", "json"];
    let made = countersign(&arguments).output().expect("the program runs");
    let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    made["tenantId"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn what_is_imported_is_exported_and_imported_and_exported_the_same() {
    let directory = installation();
    let file = written(&directory, "users.jsonl", &some_users());
    assert_eq!(counts(&users(&directory, &["import", &file])), [6, 0, 0, 0]);
    assert_eq!(counts(&users(&directory, &["import", &file])), [0, 0, 6, 0], "again, nothing is new");
    for (format, ending) in [("jsonl", "jsonl"), ("csv", "csv")] {
        let (first, second) = (path(&directory, &format!("a.{ending}")), path(&directory, &format!("b.{ending}")));
        let exported = users(&directory, &["export", &first, "--format", format]);
        assert_eq!(done(&exported)["users"], 6);
        assert!(String::from_utf8_lossy(&exported.stderr).contains("in the clear"), "it warns");
        assert_eq!(fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o600);
        let tenant = second_tenant(&directory);
        let imported = users(&directory, &["import", &first, "--tenant", &tenant]);
        assert_eq!(imported.status.code(), Some(0), "{}", String::from_utf8_lossy(&imported.stderr));
        done(&users(&directory, &["export", &second, "--tenant", &tenant]));
        let (first, second) = (fs::read_to_string(&first).unwrap(), fs::read_to_string(&second).unwrap());
        assert_eq!(first, second);
        assert!(first.contains(SECRET) && first.contains("digits=8"), "{first}");
    }
    // With what came, users sign in: theirs is a second factor, and the invited have none.
    let server = Server::start(&directory);
    let track = async |user: &str| {
        let path = format!("/v1/users/{user}/actions/signIn");
        call(&server.http(), "POST", &path, &server.key(), Some(json!({}))).await.expect("an answer")
    };
    assert_eq!(track("invited").await["state"], "ALLOW");
    let tracked = track("ada").await;
    assert_eq!(tracked["state"], "CHALLENGE_REQUIRED");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let code = json!({"verificationCode": otp::totp(SECRET, i64::try_from(now).unwrap())});
    let token = Auth::Token(tracked["token"].as_str().unwrap().to_owned());
    let verified = call(&server.http(), "POST", "/v1/client/verify/totp", &token, Some(code)).await;
    assert_eq!(verified.expect("an answer")["isVerified"], true);
    let ada = call(&server.http(), "GET", "/v1/users/ada", &server.key(), None).await.expect("an answer");
    assert_eq!(ada["custom"], json!({"tier": "gold", "deep": {"list": [1, null, "x,y"]}}));
    let found = call(&server.http(), "GET", "/v1/users?email=ada@example.com", &server.key(), None).await;
    assert_eq!(found.expect("an answer")["users"][0]["userId"], "ada");
    // The management API sees them.
    let management = Auth::Key(server.credential("managementKey"));
    let preview = call(&server.http(), "GET", super::ENFORCEMENT, &management, None).await.expect("an answer");
    assert_eq!((&preview["preview"]["users"], &preview["preview"]["enrolled"]), (&json!(6), &json!(2)));
}

/// A secret that comes back by an import goes on from its last step.
#[tokio::test]
async fn a_code_stays_spent_over_an_import() {
    let directory = installation();
    let line = json!({"userId": "ada", "totp": [{"secret": SECRET}]});
    let file = written(&directory, "users.jsonl", &format!("{line}\n"));
    assert_eq!(counts(&users(&directory, &["import", &file])), [1, 0, 0, 0]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let code = json!({"verificationCode": otp::totp(SECRET, i64::try_from(now).unwrap())});
    let is_right = async |server: &Server| {
        let tracked =
            call(&server.http(), "POST", "/v1/users/ada/actions/signIn", &server.key(), Some(json!({}))).await;
        let token = Auth::Token(tracked.expect("an answer")["token"].as_str().unwrap().to_owned());
        let said = call(&server.http(), "POST", "/v1/client/verify/totp", &token, Some(code.clone())).await;
        said.expect("an answer")["isVerified"] == true
    };
    let server = Server::start(&directory);
    assert!(is_right(&server).await);
    call(&server.http(), "DELETE", "/v1/users/ada", &server.key(), None).await.expect("an answer");
    server.kill();
    assert_eq!(counts(&users(&directory, &["import", &file])), [1, 0, 0, 0]);
    assert!(!is_right(&Server::start(&directory)).await);
}

/// Each with its line, its field, and what to change; the lines around it are taken.
#[test]
fn a_line_that_is_wrong_is_rejected_with_what_to_change() {
    let directory = installation();
    let seven: Vec<Value> = (0..7).map(|_| json!({"secret": SECRET})).collect();
    let bad = [
        ("not json", "line", "not a JSON object"),
        ("[1]", "line", "not a JSON object"),
        (r#"{"email": "x"}"#, "userId", "missing"),
        (r#"{"userId": ""}"#, "userId", "1 to 256 bytes"),
        (r#"{"userId": 5}"#, "userId", "quotes"),
        (r#"{"userId": "u", "email": 5}"#, "email", "quotes"),
        (r#"{"userId": "u", "emailVerified": "yes"}"#, "emailVerified", "true nor false"),
        (r#"{"userId": "u", "custom": "gold"}"#, "custom", "JSON object"),
        (r#"{"userId": "u", "emial": "a@b.c"}"#, "emial", "correct its name"),
        (r#"{"userId": "u", "totp": {}}"#, "totp", "list"),
        (r#"{"userId": "u", "totp": [5]}"#, "totp[0]", "object"),
        (r#"{"userId": "u", "totp": [{}]}"#, "totp[0].secret", "exactly one"),
        (r#"{"userId": "u", "totp": [{"secret": "JBSWY3DPEHPK3PXP"}, {"secret": "ABC"}]}"#, "totp[1].secret", "base32"),
        (r#"{"userId": "u", "totp": [{"secret": "JBSW1"}]}"#, "totp[0].secret", "base32"),
        (
            r#"{"userId": "u", "totp": [{"otpauthUri": "otpauth://hotp/a?secret=JBSWY3DPEHPK3PXP"}]}"#,
            "totp[0].otpauthUri",
            "otpauth://totp/",
        ),
        (
            r#"{"userId": "u", "totp": [{"secret": "JBSWY3DPEHPK3PXP", "createdAt": "yesterday"}]}"#,
            "totp[0].createdAt",
            "ISO 8601",
        ),
        (r#"{"userId": "u", "totp": [{"secret": "JBSWY3DPEHPK3PXP", "label": "x"}]}"#, "totp[0].label", "remove it"),
    ];
    let mut text = String::from("{\"userId\": \"first\"}\n\n");
    for (line, ..) in &bad {
        text += line;
        text += "\n";
    }
    text += &json!({"userId": "u", "totp": seven}).to_string();
    text += "\n{\"userId\": \"last\"}\n";
    let file = written(&directory, "bad.jsonl", &text);
    let report = path(&directory, "report.jsonl");
    let output = users(&directory, &["import", &file, "--report", &report]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(counts(&output), [2, 0, 0, bad.len() as u64 + 1]);
    let report = fs::read_to_string(&report).unwrap();
    let lines: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (index, ((line, field, says), reported)) in bad.iter().zip(&lines).enumerate() {
        assert_eq!(reported["line"], index as u64 + 3, "{line}: {reported}");
        assert_eq!(reported["field"], *field, "{line}: {reported}");
        assert!(reported["problem"].as_str().unwrap().contains(says), "{line}: {reported}");
    }
    assert!(!report.contains("JBSWY3DPEHPK3PXP"), "no secret stands in a report");
    // Without a report, on the terminal.
    let output = users(&directory, &["import", &file]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("line 3: line is not a JSON object") && said.contains("line 5: userId is missing"), "{said}");
}

#[test]
fn a_csv_that_is_wrong_says_where() {
    let directory = installation();
    let refused = |name: &str, text: &str, says: &str| {
        let output = users(&directory, &["import", &written(&directory, name, text)]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{said}");
    };
    refused("a.csv", "userId,emial\nada,x\n", "line 1: emial is not a column; use userId, email");
    refused("b.csv", "email\nx\n", "userId is missing");
    refused("c.csv", "userId,userId\nx,y\n", "twice");
    let text = "userId,email,emailVerified,custom,totpSecret\nada,a@example.com,true,\"{\"\"tier\"\":\"\"gold\"\"}\",\n\
                bob,,maybe,,\neve,,,{tier},\nzoe,,,,ABC\nfred,x\nlast,,,,\n";
    let output = users(&directory, &["import", &written(&directory, "d.csv", text)]);
    assert_eq!(counts(&output), [2, 0, 0, 4]);
    let said = String::from_utf8_lossy(&output.stderr);
    for expected in [
        "line 3: emailVerified is neither true nor false",
        "line 4: custom is not JSON",
        "line 5: totp[0].secret is not base32",
        "line 6: line has 2 cells and not 5",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    let missing = users(&directory, &["import", &path(&directory, "nowhere.csv")]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("cannot read"));
}

#[test]
fn a_dry_run_changes_nothing_and_a_real_one_changes_what_is_said() {
    let directory = installation();
    let file = written(&directory, "users.jsonl", &some_users());
    let exported = |name: &str| {
        let path = path(&directory, name);
        done(&users(&directory, &["export", &path]));
        fs::read_to_string(path).unwrap()
    };
    assert_eq!(counts(&users(&directory, &["import", &file, "--dry-run"])), [6, 0, 0, 0]);
    assert_eq!(exported("nothing.jsonl"), "");
    users(&directory, &["import", &file]);
    let before = exported("before.jsonl");
    let change = json!({"userId": "ada", "email": "new@example.com", "phoneNumber": "", "displayName": null});
    let more = json!({"userId": "invited", "totp": [{"secret": SECRET}, {"secret": SECRET}]});
    let many: Vec<Value> = ["GEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJR", "GEZDGNBVGY3TQOJS", "GEZDGNBVGY3TQOJT"]
        .map(|secret| json!({ "secret": secret }))
        .into();
    let full = json!({"userId": "two apps", "totp": many});
    let file = written(&directory, "change.jsonl", &format!("{change}\n{more}\n{full}\n"));
    let dry = users(&directory, &["import", &file, "--dry-run"]);
    assert_eq!(counts(&dry), [0, 2, 0, 1]);
    assert_eq!(exported("dry.jsonl"), before);
    let real = users(&directory, &["import", &file]);
    assert_eq!(counts(&real), [0, 2, 0, 1]);
    assert!(String::from_utf8_lossy(&real.stderr).contains("line 3: totp would give the user 6"));
    let after = exported("after.jsonl");
    let ada: Value = after
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|user| user["userId"] == "ada")
        .unwrap();
    assert_eq!(ada["email"], "new@example.com");
    assert!(ada.get("emailVerified").is_none(), "another address is not the one that was verified");
    assert!(
        ada.get("phoneNumber").is_none() && ada["displayName"].is_string(),
        "an empty text clears, null keeps: {ada}"
    );
    assert_eq!(after.matches(SECRET).count(), 2, "twice in a line is one app");
    let bare = path(&directory, "bare.jsonl");
    done(&users(&directory, &["export", &bare, "--without-secrets"]));
    assert!(!fs::read_to_string(&bare).unwrap().contains("secret"));
    let again = users(&directory, &["export", &bare]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
}

/// Killed in the middle, refused without `--resume`, and with it everything is there once.
#[test]
fn an_import_that_is_killed_goes_on_where_it_stopped() {
    const ROWS: usize = 4000;
    let directory = installation();
    let row = |index: usize| json!({"userId": format!("user{index}"), "email": format!("{index}@example.com"), "totp": [{"secret": SECRET}]});
    let file =
        written(&directory, "many.jsonl", &(0..ROWS).map(|index| format!("{}\n", row(index))).collect::<String>());
    let journal = PathBuf::from(format!("{file}.journal"));
    let mut running = countersign(&["users", "import", &file, "--data", &directory.data()]).spawn().expect("it runs");
    let patience = Instant::now() + Duration::from_secs(60);
    while !journal.exists() {
        assert!(Instant::now() < patience, "no journal");
        std::thread::yield_now();
    }
    running.kill().expect("killed");
    running.wait().expect("ended");
    let noted: Value = serde_json::from_slice(&fs::read(&journal).unwrap()).unwrap();
    let rows = usize::try_from(noted["rows"].as_u64().unwrap()).unwrap();
    assert!((1..ROWS).contains(&rows), "{noted}");
    let refused = users(&directory, &["import", &file]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("--resume") && said.contains(&format!("after {rows} rows")), "{said}");
    let [created, updated, unchanged, rejected] = counts(&users(&directory, &["import", &file, "--resume"]));
    assert_eq!((created + unchanged, updated, rejected), ((ROWS - rows) as u64, 0, 0));
    assert!(!journal.exists());
    let exported = path(&directory, "all.jsonl");
    let all = done(&users(&directory, &["export", &exported]));
    assert_eq!((&all["users"], &all["authenticatorApps"]), (&json!(ROWS), &json!(ROWS)));
    // A file that changed meanwhile is another one.
    fs::write(&journal, noted.to_string()).unwrap();
    fs::write(&file, "{\"userId\": \"x\"}\n").unwrap();
    let changed = users(&directory, &["import", &file, "--resume"]);
    assert!(String::from_utf8_lossy(&changed.stderr).contains("has changed"));
}
