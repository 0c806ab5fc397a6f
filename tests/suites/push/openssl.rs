//! Keys and signatures by openssl, spelled as iOS and Android spell them (contract, section 2.6).

use std::{fs, path::PathBuf, process::Command};

use countersign_tests::{
    World,
    http::{Auth, segment},
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};

use super::{text, world_with_a_device};

struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
    fn openssl(&self, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("openssl").current_dir(&self.0).args(arguments).output().expect("openssl");
        assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
    fn file(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).expect("a file");
    }
    /// A new key; its public half in base64 of DER.
    fn key(&self) -> String {
        self.openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem"]);
        BASE64.encode(&self.openssl(&["ec", "-in", "key.pem", "-pubout", "-outform", "DER"]))
    }
    fn sign(&self, message: &str) -> String {
        self.file("message", message.as_bytes());
        BASE64.encode(&self.openssl(&["dgst", "-sha256", "-sign", "key.pem", "message"]))
    }
}

/// How an SDK spells the tenant and, in a query, the key; and the body of an answer.
struct Dialect {
    name: &'static str,
    tenant: fn(&str) -> String,
    query: fn(&str) -> String,
    /// What it sends where there is no number.
    no_number: Option<Value>,
}

const DIALECTS: [Dialect; 2] = [
    Dialect {
        name: "ios",
        tenant: |id| format!("Basic {}", BASE64URL_NOPAD.encode(format!("{id}:").as_bytes())),
        query: |key| BASE64URL_NOPAD.encode(key.as_bytes()),
        no_number: None,
    },
    Dialect {
        name: "android",
        tenant: |id| format!("Basic {}", BASE64.encode(format!("{id}:").as_bytes())),
        query: |key| segment(&BASE64.encode(key.as_bytes())),
        no_number: Some(Value::Null),
    },
];

/// A device with an SDK of this dialect, whose key is openssl's.
struct App {
    world: World,
    dialect: Dialect,
    files: Directory,
    /// In base64 of DER.
    key: String,
    auth: Auth,
    /// `push`, `qr-code` or `in-app`.
    kind: &'static str,
}

impl App {
    async fn start(dialect: Dialect, kind: &'static str) -> Self {
        let world = World::start().await;
        let files = Directory::new(&format!("{}-{kind}", dialect.name));
        let auth = Auth::Raw((dialect.tenant)(world.tenant.tenant_id.as_str()));
        Self { world, key: files.key(), files, auth, kind, dialect }
    }

    async fn send(&self, method: &str, path: &str, auth: &Auth, (signature, body): (&str, Vec<u8>)) -> Value {
        let sdk = format!("Authsignal{}SDK/2.13", if self.dialect.name == "ios" { "IOS" } else { "Android" });
        let mut headers = vec![
            ("user-agent", sdk.as_str()),
            ("x-authsignal-sdk", self.dialect.name),
            ("x-authsignal-version", "2.13"),
            ("x-authsignal-tenant-id", self.world.tenant.tenant_id.as_str()),
        ];
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        if !signature.is_empty() {
            headers.push(("x-authsignal-signature", signature));
        }
        self.world.http.raw(method, path, auth, &headers, body).await.ok()
    }

    fn at(&self, rest: &str) -> String {
        format!("/v1/client/user-authenticators/{}{rest}", self.kind)
    }

    /// A call with the key in its query, and no body.
    async fn call(&self, method: &str, rest: &str, signature: &str) -> Value {
        let path = format!("{}?publicKey={}", self.at(rest), (self.dialect.query)(&self.key));
        self.send(method, &path, &self.auth, (signature, Vec::new())).await
    }

    async fn post(&self, rest: &str, body: Value) -> Value {
        self.send("POST", &self.at(rest), &self.auth, ("", body.to_string().into_bytes())).await
    }

    /// C32, C40, C45: with a token of the user.
    async fn enrol(&self) -> String {
        let token = Auth::Token(self.world.token("ada", "pair").await);
        let body = json!({"publicKey": self.key, "deviceName": "Ada's", "devicePlatform": self.dialect.name});
        let enrolled = self.send("POST", &self.at(""), &token, ("", body.to_string().into_bytes())).await;
        assert!(enrolled["verifiedAt"].is_string(), "{enrolled}");
        // C31, C39, C44.
        let known = self.call("GET", "", "").await;
        for name in ["userAuthenticatorId", "userId", "verifiedAt"] {
            assert_eq!(known[name], enrolled[name], "{name}");
        }
        text(&enrolled, "userAuthenticatorId")
    }

    /// The body of an answer to a challenge (C38, C43).
    fn answer(&self, challenge: &str, approved: bool) -> Value {
        let mut body = json!({"challengeId": challenge, "publicKey": self.key, "approved": approved,
            "signature": self.files.sign(challenge)});
        if let Some(nothing) = &self.dialect.no_number {
            body["verificationCode"] = nothing.clone();
        }
        body
    }

    /// C34, C41, C46: the number of the ten minutes as a float, in the window before, this one, or the next.
    async fn remove(&self, id: &str) {
        let window = self.world.now() / 600;
        for (distant, is_good) in [(-2, false), (2, false), (1, true)] {
            let written = format!("{:.1}", (window + distant) as f64);
            let body = json!({"publicKey": self.key, "signature": self.files.sign(&written)});
            let answer = self.world.http.post(&self.at("/remove"), &self.auth, body).await;
            if is_good {
                assert_eq!(answer.ok(), json!({"removedAuthenticatorId": id}), "{written}");
            } else {
                assert_eq!(answer.refusal(), (403, "invalid_credential".into()), "{written}");
            }
        }
    }
}

/// C31 to C38.
#[tokio::test]
async fn every_call_of_push_in_both_dialects() {
    for dialect in DIALECTS {
        let app = App::start(dialect, "push").await;
        let id = app.enrol().await;
        let (token, asked) = app.world.pushed("ada", json!({})).await;
        let challenge = text(&asked, "challengeId");
        // The app asks with the message signed, and without where it got none.
        let message = app.call("POST", "/challenge/sign", "").await;
        for signature in [app.files.sign(&text(&message, "message")), String::new()] {
            let pending = app.call("GET", "/challenge", &signature).await;
            assert_eq!(
                (text(&pending, "challengeId"), text(&pending, "userAuthenticatorId")),
                (challenge.clone(), id.clone())
            );
            assert!(pending["expiresAt"].is_i64(), "{pending}");
        }
        assert_eq!(app.post("/challenge", app.answer(&challenge, true)).await, json!({"isVerified": true}));
        assert_eq!(app.world.standing(&token, &challenge).await.ok()["isVerified"], true);

        let signing = app.call("POST", "/sign", "").await;
        let update = json!({"challengeId": signing["challengeId"], "publicKey": app.key, "pushToken": "t",
            "resetExpiry": false, "signature": app.files.sign(&text(&signing, "message"))});
        let updated = app.send("PATCH", &app.at(""), &app.auth, ("", update.to_string().into_bytes())).await;
        assert_eq!((text(&updated, "pushToken"), text(&updated, "userAuthenticatorId")), ("t".into(), id.clone()));
        app.remove(&id).await;
    }
}

/// C39 to C43.
#[tokio::test]
async fn every_call_of_qr_codes_in_both_dialects() {
    for dialect in DIALECTS {
        let app = App::start(dialect, "qr-code").await;
        let id = app.enrol().await;
        for approved in [true, false] {
            let (begin, poll) = ("/v1/client/challenge/qr-code", "/v1/client/verify/qr-code");
            let shown = app.world.http.post(begin, &app.auth, json!({"action": "signIn"})).await.ok();
            let challenge = text(&shown, "challengeId");
            let claim =
                json!({"challengeId": challenge, "publicKey": app.key, "signature": app.files.sign(&challenge)});
            let claimed = app.post("/challenge/claim", claim).await;
            assert_eq!((&claimed["success"], &claimed["actionCode"]), (&json!(true), &json!("signIn")), "{claimed}");
            let said = app.post("/challenge", app.answer(&challenge, approved)).await;
            assert_eq!(said, json!({"isVerified": approved}));
            let poll_with = json!({"challengeId": challenge, "deviceCode": shown["deviceCode"]});
            let polled = app.world.http.post(poll, &app.auth, poll_with).await.ok();
            assert_eq!((&polled["isClaimed"], &polled["isVerified"]), (&json!(true), &json!(approved)), "{polled}");
        }
        app.remove(&id).await;
    }
}

/// C1, and C44 to C47: by the tenant's id where an action is named, with the user's token otherwise.
#[tokio::test]
async fn every_call_of_the_app_itself_in_both_dialects() {
    for dialect in DIALECTS {
        let app = App::start(dialect, "in-app").await;
        let id = app.enrol().await;
        for action in [Some("signIn"), None] {
            let begun = app.world.http.post("/v1/client/challenge", &app.auth, json!({"action": action})).await.ok();
            let challenge = text(&begun, "challengeId");
            let auth = match action {
                Some(_) => app.auth.clone(),
                None => Auth::Token(app.world.token("ada", "pay").await),
            };
            let body = json!({"challengeId": challenge, "publicKey": app.key, "signature": app.files.sign(&challenge)});
            let path = "/v1/client/verify/in-app";
            let said = app.send("POST", path, &auth, ("", body.to_string().into_bytes())).await;
            assert_eq!((text(&said, "userId"), text(&said, "userAuthenticatorId")), ("ada".into(), id.clone()));
            assert_eq!(app.world.state(&text(&said, "token")).await, "CHALLENGE_SUCCEEDED");
        }
        app.remove(&id).await;
    }
}

/// What stands on the wire, letter by letter: of a key and a signature that openssl made once. A server that changed what it
/// reads together with what the tests write would still fail here.
#[tokio::test]
async fn a_key_and_a_signature_of_long_ago_are_still_read() {
    for (name, query) in [("ios", IOS_QUERY), ("android", ANDROID_QUERY), ("android, unescaped", ANDROID_UNESCAPED)] {
        let world = World::start().await;
        let token = Auth::Token(world.token("ada", "pair").await);
        let body = json!({"publicKey": PUBLIC_KEY, "deviceName": "x", "devicePlatform": "ios"});
        let enrolled = world.http.post("/v1/client/user-authenticators/push", &token, body).await.ok();
        let path = format!("/v1/client/user-authenticators/push?publicKey={query}");
        let known = world.http.get(&path, &world.tenant_auth()).await.ok();
        assert_eq!(known["userAuthenticatorId"], enrolled["userAuthenticatorId"], "{name}");
        // Signed by openssl over `2938431.0`: as the contract has it, of one ten minutes in November 2025.
        world.clock.set(2_938_431 * 600);
        let body = json!({"publicKey": PUBLIC_KEY, "signature": SIGNATURE});
        let removed = world.http.post("/v1/client/user-authenticators/push/remove", &world.tenant_auth(), body).await;
        assert_eq!(removed.ok()["removedAuthenticatorId"], enrolled["userAuthenticatorId"], "{name}");
    }
}

/// SubjectPublicKeyInfo, base64. Its private half is gone.
const PUBLIC_KEY: &str = "\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHc1HRorF4LGP+MapvV7fnaSGK1Y7/tg4SSvZglYtA514c+lzBxqwaL\
    C1NfJJrwJ6qzyp3gmgTmA577xghxDozw==";
const SIGNATURE: &str = "\
    MEQCIAsVR3ljZm8dFbX6zsR5/lKVNV9rvFYrwSAR2Z+Aoy7JAiAaZ8HQHaD9gU81vSnpDgcCH1m62f3G3fPsX/iwd8\
    h5Ww==";
const IOS_QUERY: &str = "\
    TUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFSGMxSFJvckY0TEdQK01hcHZWN2ZuYVNHSzFZNy90Zz\
    RTU3ZaZ2xZdEE1MTRjK2x6Qnhxd2FMQzFOZkpKcndKNnF6eXAzZ21nVG1BNTc3eGdoeERvenc9PQ";
const ANDROID_QUERY: &str = "\
    TUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFSGMxSFJvckY0TEdQK01hcHZWN2ZuYVNHSzFZNy90Zz\
    RTU3ZaZ2xZdEE1MTRjK2x6Qnhxd2FMQzFOZkpKcndKNnF6eXAzZ21nVG1BNTc3eGdoeERvenc9PQ%3D%3D";
const ANDROID_UNESCAPED: &str = "\
    TUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FFSGMxSFJvckY0TEdQK01hcHZWN2ZuYVNHSzFZNy90Zz\
    RTU3ZaZ2xZdEE1MTRjK2x6Qnhxd2FMQzFOZkpKcndKNnF6eXAzZ21nVG1BNTc3eGdoeERvenc9PQ==";
/// What a device signed can be checked by anybody, offline, with the key that is kept beside it.
#[tokio::test]
async fn a_receipt_is_checked_by_openssl() {
    let (world, device) = world_with_a_device().await;
    let context = json!({"ipAddress": "203.0.113.7", "userAgent": "Firefox"});
    let token = text(&world.track("ada", "pay", context).await.ok(), "token");
    let asked = world.push(&token, json!({"numberMatching": true})).await.ok();
    let (challenge, number) = (text(&asked, "challengeId"), text(&asked, "verificationCode"));
    let path = format!("/v1/challenges/{challenge}/receipt");
    assert_eq!(world.http.get(&path, &world.key()).await.refusal(), (404, "not_found".into()), "nothing is decided");
    let shown = world.pending(&device).await.ok();
    let body = device.full_answer(world.tenant.tenant_id.as_str(), &shown, true, &number);
    assert_eq!(world.answer(&device, body).await.ok()["isVerified"], true);
    let receipt = world.http.get(&path, &world.key()).await.ok();
    assert_eq!((text(&receipt, "state"), text(&receipt, "userId")), ("VERIFIED".into(), "ada".into()));
    let files = Directory::new("receipt");
    let bytes = |name: &str| BASE64.decode(text(&receipt, name).as_bytes()).expect("base64");
    files.file("key.der", &bytes("publicKey"));
    files.openssl(&["pkey", "-pubin", "-inform", "DER", "-in", "key.der", "-out", "key.pub"]);
    for (message, signature) in
        [(challenge.clone().into_bytes(), bytes("signature")), (bytes("statement"), bytes("signatureV2"))]
    {
        files.file("message", &message);
        files.file("signature", &signature);
        files.openssl(&["dgst", "-sha256", "-verify", "key.pub", "-signature", "signature", "message"]);
    }
    let statement = String::from_utf8_lossy(&bytes("statement")).into_owned();
    for part in ["countersign/approval/v2", "ada", "pay", &challenge, "approve", &number] {
        assert!(statement.contains(part), "{part}");
    }
}
