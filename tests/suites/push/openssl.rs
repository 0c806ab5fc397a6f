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

/// How an SDK spells the tenant and, in a query, the key.
struct Dialect {
    name: &'static str,
    tenant: fn(&str) -> String,
    query: fn(&str) -> String,
}

const DIALECTS: [Dialect; 2] = [
    Dialect {
        name: "ios",
        tenant: |id| format!("Basic {}", BASE64URL_NOPAD.encode(format!("{id}:").as_bytes())),
        query: |key| BASE64URL_NOPAD.encode(key.as_bytes()),
    },
    Dialect {
        name: "android",
        tenant: |id| format!("Basic {}", BASE64.encode(format!("{id}:").as_bytes())),
        query: |key| segment(&BASE64.encode(key.as_bytes())),
    },
];

#[tokio::test]
async fn every_call_of_a_device_in_both_dialects() {
    for dialect in DIALECTS {
        let world = World::start().await;
        let files = Directory::new(dialect.name);
        let key = files.key();
        let auth = Auth::Raw((dialect.tenant)(world.tenant.tenant_id.as_str()));
        let query = format!("?publicKey={}", (dialect.query)(&key));
        let at = |path: &str| format!("/v1/client/user-authenticators/{path}");
        let token = world.token("ada", "pair").await;
        let enrol = json!({"publicKey": key, "deviceName": "iPhone", "devicePlatform": dialect.name});
        let enrolled = world.http.post(&at("push"), &Auth::Token(token), enrol).await.ok();
        assert!(enrolled["verifiedAt"].is_string());
        let known = world.http.get(&at(&format!("push{query}")), &auth).await.ok();
        assert_eq!(known["userAuthenticatorId"], enrolled["userAuthenticatorId"]);

        let (token, asked) = world.pushed("ada", json!({})).await;
        let challenge = text(&asked, "challengeId");
        let message =
            world.http.raw("POST", &at(&format!("push/challenge/sign{query}")), &auth, &[], Vec::new()).await.ok();
        let signature = files.sign(&text(&message, "message"));
        let headers = [("x-authsignal-signature", signature.as_str())];
        let pending =
            world.http.raw("GET", &at(&format!("push/challenge{query}")), &auth, &headers, Vec::new()).await.ok();
        assert_eq!(pending["challengeId"], *challenge);
        assert!(pending["expiresAt"].is_i64(), "{pending}");
        let mut answer =
            json!({"challengeId": challenge, "publicKey": key, "approved": true, "signature": files.sign(&challenge)});
        if dialect.name == "android" {
            answer["verificationCode"] = Value::Null;
        }
        assert_eq!(world.http.post(&at("push/challenge"), &auth, answer).await.ok(), json!({"isVerified": true}));
        assert_eq!(world.standing(&token, &challenge).await.ok()["isVerified"], true);

        let signing = world.http.raw("POST", &at(&format!("push/sign{query}")), &auth, &[], Vec::new()).await.ok();
        let update = json!({"challengeId": signing["challengeId"], "publicKey": key, "pushToken": "t", "resetExpiry": false,
            "signature": files.sign(&text(&signing, "message"))});
        assert_eq!(world.http.patch(&at("push"), &auth, update).await.ok()["pushToken"], "t");
        let window = format!("{:.1}", (world.now() / 600) as f64);
        let remove = json!({"publicKey": key, "signature": files.sign(&window)});
        let removed = world.http.post(&at("push/remove"), &auth, remove).await.ok();
        assert_eq!(removed["removedAuthenticatorId"], enrolled["userAuthenticatorId"]);
    }
}

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
