//! What one answer of KMS is worth (infra/decisions/0012): one token key of one tenant.

use countersign_core::{id::TenantId, keyring::Keyring};

use super::kms::{FakeKms, TOKEN_KEY};

fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).expect("a tenant id")
}

async fn key(keyring: &Keyring, of: &str, kid: &str) -> Vec<u8> {
    keyring.token_key(&tenant(of), kid, TOKEN_KEY).await.expect("a key").to_vec()
}

#[tokio::test]
async fn an_answer_of_kms_is_worth_one_token_key_of_one_tenant() {
    let kms = FakeKms::start().await;
    let keyring = kms.keyring();
    keyring.check().await.expect("the key is there");
    let at_the_start = kms.macs().len();
    for (of, kid) in [("t1", "1"), ("t1", "2"), ("t2", "1"), ("t2", "2")] {
        let before = kms.macs().len();
        let made = key(&keyring, of, kid).await;
        let macs = kms.macs();
        assert_eq!(macs.len(), before + 1, "{of} {kid} has an answer of its own");
        let (message, _) = macs.last().expect("a MAC");
        let names = |what: &str| message.windows(what.len()).any(|part| part == what.as_bytes());
        assert!(names(of) && names(kid), "the message says whose key it is: {message:?}");
        assert!(macs[..at_the_start].iter().all(|(asked, mac)| asked != message && *mac != made));
        assert!(macs[..before].iter().all(|(asked, mac)| asked != message && *mac != made), "nobody else's answer");
    }
}

/// Two names that run into each other are two messages.
#[tokio::test]
async fn no_tenant_has_the_message_of_another() {
    let kms = FakeKms::start().await;
    let keyring = kms.keyring();
    let mut keys = Vec::new();
    for (of, kid) in [("t", "11"), ("t1", "1"), ("t11", "1"), ("t1", "11")] {
        keys.push(key(&keyring, of, kid).await);
    }
    let messages: std::collections::BTreeSet<_> = kms.macs().into_iter().map(|(message, _)| message).collect();
    assert_eq!(messages.len(), 4);
    assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
}

/// NIST SP 800-108r1, section 4.1, with one block: `[1] || Label || 0x00 || Context || [256]`.
#[tokio::test]
async fn a_token_key_is_derived_as_nist_has_it() {
    let kms = FakeKms::start().await;
    let made = key(&kms.keyring(), "t1", "7").await;
    let wanted: Vec<u8> =
        [&[0, 0, 0, 1][..], b"countersign/user-token", &[0], &[0, 0, 0, 2], b"t1", &[0, 0, 0, 1], b"7", &[0, 0, 1, 0]]
            .concat();
    assert_eq!(kms.macs(), [(wanted, made)]);
}

/// What was fetched is kept, and a process that could not fetch asks again.
#[tokio::test]
async fn a_token_key_is_fetched_once_and_never_made_up() {
    let kms = FakeKms::start().await;
    let keyring = kms.keyring();
    kms.answer_wrongly(500, "");
    assert!(keyring.check().await.is_err());
    assert!(keyring.token_key(&tenant("t1"), "1", TOKEN_KEY).await.is_err());
    for short in ["{}", r#"{"Mac":""}"#, r#"{"Mac":"AAAA"}"#] {
        kms.answer_wrongly(200, short);
        assert!(keyring.check().await.is_err(), "{short}");
        assert!(keyring.token_key(&tenant("t1"), "1", TOKEN_KEY).await.is_err(), "{short}");
    }
    kms.heal();
    let first = key(&keyring, "t1", "1").await;
    kms.answer_wrongly(500, "");
    assert_eq!(key(&keyring, "t1", "1").await, first);
    assert!(keyring.token_key(&tenant("t1"), "2", TOKEN_KEY).await.is_err());
    kms.heal();
    assert_eq!(key(&kms.keyring(), "t1", "1").await, first, "another process has the same");
    assert!(keyring.token_key(&tenant("t1"), "1", "arn:aws:kms:eu-central-1:0:key/other").await.is_err());
}

/// Data keys are what they were.
#[tokio::test]
async fn a_data_key_opens_as_before() {
    let kms = FakeKms::start().await;
    let keyring = kms.keyring();
    let sealed = keyring.new_data_key(&tenant("t1")).await.expect("a key");
    let blob = keyring.open_data_key(&tenant("t1"), &sealed).await.expect("it opens").seal(b"secret", b"of ada");
    let again = kms.keyring().open_data_key(&tenant("t1"), &sealed).await.expect("it opens elsewhere");
    assert_eq!(again.open(&blob.expect("sealed"), b"of ada").expect("it opens"), b"secret");
    assert!(keyring.open_data_key(&tenant("t2"), &sealed).await.is_err());
    assert!(keyring.open_web_push_key(&tenant("t1"), &sealed).await.is_err());
}
