//! Keys in AWS KMS. What leaves it: each tenant's data key, for those who may decrypt, and one secret of which all
//! token keys derive. The process keeps both in memory alone.

use aws_lc_rs::digest;
use aws_sdk_kms::{
    Client,
    config::Builder,
    error::{DisplayErrorContext, SdkError},
    primitives::Blob,
    types::{DataKeySpec, MacAlgorithmSpec},
};
use data_encoding::BASE64;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::{error::Error, id::TenantId, metrics::Counter, store::Counted};

use super::Purpose;

/// What the token root is the MAC of. Changing it ends every token.
const TOKEN_ROOT: &[u8] = b"countersign/token-root";
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
    /// Newest first.
    token_keys: Vec<TokenRoot>,
}

struct TokenRoot {
    arn: String,
    root: OnceCell<Zeroizing<Vec<u8>>>,
}

impl KmsKeyring {
    /// `secrets_key` is absent where nothing is decrypted; `token_keys` are ARNs, newest first.
    pub fn new(config: impl Into<Builder>, secrets_key: Option<String>, token_keys: Vec<String>) -> Self {
        let config = config.into().interceptor(COUNTED).build();
        let token_keys = token_keys.into_iter().map(|arn| TokenRoot { arn, root: OnceCell::new() }).collect();
        Self { client: Client::from_conf(config), secrets_key, token_keys }
    }

    /// Fetches what every token needs. Called when a function starts: without it, it could answer nothing.
    pub async fn fetch_token_roots(&self) -> Result<(), Error> {
        for key in &self.token_keys {
            self.token_root(&key.arn).await?;
        }
        Ok(())
    }

    /// The MAC of a fixed text under a key that never leaves KMS (NIST SP 800-108: a key derivation from a MAC).
    pub(super) async fn token_root(&self, arn: &str) -> Result<&[u8], Error> {
        let key = self.token_keys.iter().find(|key| key.arn == arn);
        let key = key.ok_or_else(|| {
            Error::unavailable(format!("COUNTERSIGN_TOKEN_KEYS does not list {arn}, which a tenant's tokens need"))
        })?;
        let fetch = async || {
            let request = self.client.generate_mac().key_id(arn).mac_algorithm(MacAlgorithmSpec::HmacSha256);
            let answer = request.message(Blob::new(TOKEN_ROOT)).send().await.map_err(|error| failed(arn, error))?;
            let mac = answer.mac.filter(|mac| mac.as_ref().len() == digest::SHA256_OUTPUT_LEN);
            let mac = mac.ok_or_else(|| Error::unavailable(format!("{arn} gave no MAC of 256 bits")))?;
            Ok::<_, Error>(Zeroizing::new(mac.into_inner()))
        };
        key.root.get_or_try_init(fetch).await.map(|root| root.as_slice())
    }

    pub(super) fn newest_token_key(&self) -> Result<&str, Error> {
        let newest = self.token_keys.first();
        newest.map(|key| key.arn.as_str()).ok_or_else(|| Error::unavailable("COUNTERSIGN_TOKEN_KEYS is not set"))
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

fn name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::TenantData => "tenant-data-key",
        Purpose::WebPush => "web-push-key",
    }
}

fn failed<E: std::error::Error + Send + Sync + 'static>(arn: &str, error: SdkError<E>) -> Error {
    Error::unavailable(format!("KMS key {arn}: {}", DisplayErrorContext(&error)))
}
