//! Keys in AWS KMS. What leaves it: each tenant's data key, for those who may decrypt, and each tenant's token keys, one
//! by one. The process keeps them in memory alone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::digest::SHA256_OUTPUT_LEN;
use aws_sdk_kms::{
    Client,
    config::Builder,
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::{DataKeySpec, MacAlgorithmSpec},
};
use data_encoding::BASE64;
use zeroize::Zeroizing;

use crate::{
    error::Error,
    id::{TenantId, length_prefixed},
    metrics::Counter,
    store::{Counted, cause::cause},
};

use super::Purpose;

/// What token keys are derived for. Changing it ends every token.
const USER_TOKEN: &[u8] = b"countersign/user-token";
/// The message of the MAC that a function asks for when it starts, to see that it can. No key is made of it.
const PROBE: &[u8] = b"countersign/is-it-there";
/// More tenants' keys than this are not remembered, so that a flood of names does not fill the memory.
const MOST_REMEMBERED: usize = 10_000;
/// In front of the cipher text of a data key, so that another keyring's is told apart.
const SEALED_BY_KMS: &str = "kms.";
/// The encryption context: authenticated by KMS, shown in CloudTrail, and a condition of the roles in template.yaml.
const PURPOSE: &str = "countersign:purpose";
const TENANT: &str = "countersign:tenant";

const COUNTED: Counted = Counted { calls: Counter::KeyCalls, errors: Some(Counter::KeyErrors) };

/// One key that wraps data keys, and HMAC keys that token keys derive from.
pub struct KmsKeyring {
    client: Client,
    secrets_key: Option<String>,
    /// ARNs, newest first.
    token_keys: Vec<String>,
    /// What was derived, for as long as the process lives: a live token outlasts an outage of KMS.
    derived: Mutex<HashMap<TokenKeyName, Arc<TokenKey>>>,
}

/// A key in KMS, a tenant and the id of one of its token keys.
type TokenKeyName = (String, TenantId, String);
type TokenKey = Zeroizing<[u8; SHA256_OUTPUT_LEN]>;

impl KmsKeyring {
    /// `secrets_key` is absent where nothing is decrypted; `token_keys` are ARNs, newest first.
    pub fn new(config: impl Into<Builder>, secrets_key: Option<String>, token_keys: Vec<String>) -> Self {
        let config = config.into().interceptor(COUNTED).build();
        Self { client: Client::from_conf(config), secrets_key, token_keys, derived: Mutex::default() }
    }

    /// Asks whether each key for tokens can be used. Called when a function starts: without them, it could answer nothing.
    pub async fn try_token_keys(&self) -> Result<(), Error> {
        for arn in &self.token_keys {
            self.mac(arn, PROBE).await?;
        }
        Ok(())
    }

    /// A tenant's token key, under a key that never leaves KMS: whoever sees the answer has this key and no other.
    pub(super) async fn token_key(&self, tenant: &TenantId, kid: &str, arn: &str) -> Result<Arc<TokenKey>, Error> {
        if !self.token_keys.iter().any(|known| known == arn) {
            let line = format!("COUNTERSIGN_TOKEN_KEYS does not list {arn}, which a tenant's tokens need");
            return Err(Error::unavailable(line));
        }
        let name = (arn.to_owned(), tenant.clone(), kid.to_owned());
        if let Some(known) = self.derived().get(&name) {
            return Ok(known.clone());
        }
        let key = Arc::new(self.mac(arn, &derivation(tenant, kid)).await?);
        let mut derived = self.derived();
        if derived.len() >= MOST_REMEMBERED {
            derived.clear();
        }
        derived.insert(name, key.clone());
        Ok(key)
    }

    fn derived(&self) -> MutexGuard<'_, HashMap<TokenKeyName, Arc<TokenKey>>> {
        self.derived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn mac(&self, arn: &str, message: &[u8]) -> Result<TokenKey, Error> {
        let request = self.client.generate_mac().key_id(arn).mac_algorithm(MacAlgorithmSpec::HmacSha256);
        let answer = request.message(Blob::new(message)).send().await.map_err(|error| failed(arn, error))?;
        let mac = Zeroizing::new(answer.mac.map(Blob::into_inner).unwrap_or_default());
        let mac = <[u8; SHA256_OUTPUT_LEN]>::try_from(mac.as_slice());
        mac.map(Zeroizing::new).map_err(|_| Error::unavailable(format!("{arn} gave no MAC of 256 bits")))
    }

    pub(super) fn newest_token_key(&self) -> Result<&str, Error> {
        let newest = self.token_keys.first();
        newest.map(String::as_str).ok_or_else(|| Error::unavailable("COUNTERSIGN_TOKEN_KEYS is not set"))
    }

    fn secrets_key(&self) -> Result<&str, Error> {
        self.secrets_key.as_deref().ok_or_else(|| Error::unavailable("COUNTERSIGN_SECRETS_KEY is not set"))
    }

    pub(super) async fn new_key(&self, purpose: Purpose, tenant: &TenantId) -> Result<String, Error> {
        let arn = self.secrets_key()?;
        let request = self.client.generate_data_key_without_plaintext().key_id(arn).key_spec(DataKeySpec::Aes256);
        let request = request.encryption_context(PURPOSE, name(purpose)).encryption_context(TENANT, tenant.as_str());
        let answer = request.send().await.map_err(|error| failed(arn, error))?;
        let sealed = answer.ciphertext_blob.ok_or_else(|| Error::unavailable(format!("{arn} gave no data key")))?;
        Ok(format!("{SEALED_BY_KMS}{}", BASE64.encode(sealed.as_ref())))
    }

    pub(super) async fn open_key(
        &self,
        purpose: Purpose,
        tenant: &TenantId,
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let arn = self.secrets_key()?;
        let blob = sealed.strip_prefix(SEALED_BY_KMS).and_then(|blob| BASE64.decode(blob.as_bytes()).ok());
        let blob = blob.ok_or_else(|| Error::unavailable("the data key was not sealed by KMS"))?;
        let request = self.client.decrypt().key_id(arn).ciphertext_blob(Blob::new(blob));
        let request = request.encryption_context(PURPOSE, name(purpose)).encryption_context(TENANT, tenant.as_str());
        let answer = request.send().await.map_err(|error| failed(arn, error))?;
        let plain = answer.plaintext.ok_or_else(|| Error::unavailable(format!("{arn} opened nothing")))?;
        Ok(Zeroizing::new(plain.into_inner()))
    }
}

/// What KMS makes a MAC of: a key derivation in counter mode whose pseudo-random function is KMS (NIST SP 800-108r1,
/// section 4.1), with one block of 256 bits.
fn derivation(tenant: &TenantId, kid: &str) -> Vec<u8> {
    let context = length_prefixed(&[tenant.as_str().as_bytes(), kid.as_bytes()]);
    [&1_u32.to_be_bytes(), USER_TOKEN, &[0], &context, &256_u32.to_be_bytes()].concat()
}

fn name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::TenantData => "tenant-data-key",
        Purpose::WebPush => "web-push-key",
    }
}

fn failed<E: ProvideErrorMetadata + std::error::Error + 'static>(arn: &str, error: SdkError<E>) -> Error {
    Error::unavailable(format!("KMS key {arn}: {}", cause(&error)))
}
