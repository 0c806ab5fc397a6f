//! What KMS answers is in no log: not at `trace`, and not where it is wrong and an error might quote it.

use countersign_core::id::TenantId;
use data_encoding::{BASE64, HEXLOWER};

use super::{
    kms::{FakeKms, TOKEN_KEY},
    log::{Log, assert_silent},
};

/// As an answer has it, as a log would write it, and as `Debug` writes bytes.
fn spellings(secret: &[u8]) -> Vec<String> {
    let bytes: Vec<String> = secret.iter().map(u8::to_string).collect();
    vec![BASE64.encode(secret), HEXLOWER.encode(secret), bytes.join(", ")]
}

#[tokio::test]
async fn no_answer_of_kms_is_in_a_log() {
    let log = Log::of_this_process();
    let kms = FakeKms::start().await;
    let (keyring, tenant) = (kms.keyring(), TenantId::parse("t1").expect("a tenant id"));
    keyring.check().await.expect("the key is there");
    let mut canaries = Vec::new();
    for kid in ["1", "2"] {
        canaries.extend(spellings(keyring.token_key(&tenant, kid, TOKEN_KEY).await.expect("a key").as_ref()));
    }
    let sealed = keyring.new_web_push_key(&tenant).await.expect("a key");
    canaries.extend(spellings(&keyring.open_web_push_key(&tenant, &sealed).await.expect("it opens")));
    keyring.open_data_key(&tenant, &keyring.new_data_key(&tenant).await.expect("a key")).await.expect("it opens");
    canaries.extend(kms.macs().iter().flat_map(|(_, mac)| spellings(mac)));
    // Answers that are no answers, and errors that quote.
    let secret = BASE64.encode(b"a canary of an answer, 32 bytes.");
    canaries.push(secret.clone());
    for (status, body) in [
        (200, format!(r#"{{"Mac": "{secret}"#)),
        (200, format!(r#"{{"Mac": ["{secret}"], "Plaintext": {{"x": "{secret}"}}}}"#)),
        (500, format!(r#"{{"__type": "KMSInternalException", "Mac": "{secret}", "Plaintext": "{secret}"}}"#)),
        (400, format!(r#"{{"__type": "ValidationException", "message": "Value '{secret}' at 'message' is not one"}}"#)),
        (400, format!("{secret} is not JSON")),
    ] {
        kms.answer_wrongly(status, &body);
        // An error of ours is written down with its cause: that is what is looked at.
        for failed in [
            keyring.token_key(&tenant, "3", TOKEN_KEY).await.err(),
            keyring.open_web_push_key(&tenant, &sealed).await.err(),
        ] {
            let cause = std::error::Error::source(&failed.expect("no key")).map(ToString::to_string);
            assert_silent("the cause of an error", &cause.expect("a cause"), &canaries);
        }
        let said = keyring.check().await.expect_err("no key").to_string();
        assert_silent("what a function says at its start", &said, &canaries);
    }
    assert!(canaries.len() > 10);
    assert_silent("the log", &log.text(), &canaries);
}
