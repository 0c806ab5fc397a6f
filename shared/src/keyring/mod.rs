//! Keys at rest: the key that wraps each tenant's data key, and the key that each tenant's token keys derive from.

mod kms;

use std::{path::Path, sync::Arc};

use aws_lc_rs::hkdf;
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    error::Error,
    id::{TenantId, length_prefixed},
    secret::{DataKey, random},
};

pub use kms::KmsKeyring;

/// What a sealed key is for. Each purpose has a key of its own, and a condition of its own in the roles of
/// template.yaml.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// It seals a tenant's secrets.
    TenantData,
    /// It signs to the push services of browsers (RFC 8292).
    WebPush,
}

/// The root of the keys of an installation. A closed enum, because a foreign key service has no emulator in process.
#[derive(Clone)]
pub enum Keyring {
    /// A file that the operator keeps, for one machine.
    LocalFile(Arc<LocalKeyring>),
    /// Keys that never leave AWS KMS.
    Kms(Arc<KmsKeyring>),
    /// No keys, for a function that needs none.
    Empty,
    /// A key service that cannot be reached; what the tests put in its place.
    Unreachable,
}

/// Master keys read from a file, newest first: the first wraps, every one unwraps.
pub struct LocalKeyring {
    masters: Vec<(String, MasterBytes)>,
}

/// Wiped from memory when dropped.
type MasterBytes = Zeroizing<Vec<u8>>;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyringFile {
    version: u32,
    master_keys: Vec<MasterKey>,
}

#[derive(Serialize, Deserialize)]
struct MasterKey {
    id: String,
    key: String,
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// The keyring cannot be read; the text says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeyringError(String);

impl Keyring {
    /// A new keyring in memory, and the text of the file that brings it back.
    pub fn generate() -> Result<(Self, Zeroizing<String>), Error> {
        // A random id, so that another keyring is recognised as one.
        let id = HEXLOWER.encode(&random::<8>()?);
        let key = BASE64.encode(&random::<32>()?);
        let file = KeyringFile { version: 1, master_keys: vec![MasterKey { id, key }] };
        let text = Zeroizing::new(serde_json::to_string_pretty(&file).map_err(Error::internal)?);
        let keyring = Self::parse(&text).map_err(Error::internal)?;
        Ok((keyring, text))
    }

    /// Reads a keyring from the text of its file: `{"version":1,"masterKeys":[{"id","key"}]}`, keys of 32 bytes in base64.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let bad = |why: &str| KeyringError(format!("the keyring is not readable: {why}; restore it from a backup"));
        let file: KeyringFile = serde_json::from_str(text).map_err(|_| bad("it is not the JSON it should be"))?;
        let masters = file
            .master_keys
            .iter()
            .map(|m| BASE64.decode(m.key.as_bytes()).map(|key| (m.id.clone(), Zeroizing::new(key))))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| bad("a key is not base64"))?;
        if file.version != 1 || masters.is_empty() || masters.iter().any(|(_, key)| key.len() != 32) {
            return Err(bad("it needs version 1 and at least one key of 32 bytes"));
        }
        Ok(Self::LocalFile(Arc::new(LocalKeyring { masters })))
    }

    /// Reads a keyring from a file.
    pub fn read(path: &Path) -> Result<Self, KeyringError> {
        let text = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|e| KeyringError(format!("cannot read the keyring {}: {e}", path.display())))?;
        Self::parse(&text)
    }

    /// A new data key for a tenant, sealed under the newest master key.
    pub async fn new_data_key(&self, tenant: &TenantId) -> Result<String, Error> {
        self.new_key(Purpose::TenantData, tenant).await
    }

    /// Opens a tenant's data key. Fails closed: an unknown master or a changed blob is 503, never another key.
    pub async fn open_data_key(&self, tenant: &TenantId, sealed: &str) -> Result<DataKey, Error> {
        DataKey::new(&self.open_key(Purpose::TenantData, tenant, sealed).await?)
    }

    /// A new key for a tenant's web push, sealed likewise; it opens no secret, and no data key opens it.
    pub async fn new_web_push_key(&self, tenant: &TenantId) -> Result<String, Error> {
        self.new_key(Purpose::WebPush, tenant).await
    }

    /// The 256 bits of a tenant's web push key. Fails closed, as [`Self::open_data_key`].
    pub async fn open_web_push_key(&self, tenant: &TenantId, sealed: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.open_key(Purpose::WebPush, tenant, sealed).await
    }

    async fn new_key(&self, purpose: Purpose, tenant: &TenantId) -> Result<String, Error> {
        match self {
            Self::LocalFile(local) => local.new_key(purpose, tenant),
            Self::Kms(kms) => kms.new_key(purpose, tenant).await,
            Self::Empty | Self::Unreachable => Err(self.no_keys()),
        }
    }

    async fn open_key(&self, purpose: Purpose, tenant: &TenantId, sealed: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        match self {
            Self::LocalFile(local) => local.open_key(purpose, tenant, sealed),
            Self::Kms(kms) => kms.open_key(purpose, tenant, sealed).await,
            Self::Empty | Self::Unreachable => Err(self.no_keys()),
        }
    }

    /// The 256-bit key of a tenant's token key id: of a file by HKDF-SHA-256 (RFC 5869) from the master key it was made
    /// under, of KMS by a MAC there.
    pub async fn token_key(&self, tenant: &TenantId, kid: &str, master: &str) -> Result<Zeroizing<[u8; 32]>, Error> {
        match self {
            Self::LocalFile(local) => derive_token_key(&local.master(master)?.1, tenant, kid),
            Self::Kms(kms) => Ok(Zeroizing::new(**kms.token_key(tenant, kid, master).await?)),
            Self::Empty | Self::Unreachable => Err(self.no_keys()),
        }
    }

    /// The id of the master key that new token keys are made under.
    pub fn newest_master(&self) -> Result<&str, Error> {
        match self {
            Self::LocalFile(local) => Ok(&local.newest().0),
            Self::Kms(kms) => kms.newest_token_key(),
            Self::Empty | Self::Unreachable => Err(self.no_keys()),
        }
    }

    /// Whether the keys are there, which a function asks when it starts. A file is there, because it has been read.
    pub async fn check(&self) -> Result<(), KeyringError> {
        let Self::Kms(kms) = self else { return Ok(()) };
        kms.try_token_keys().await.map_err(|error| {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            KeyringError(format!("COUNTERSIGN_TOKEN_KEYS names a key that cannot be used: {cause}"))
        })
    }

    fn no_keys(&self) -> Error {
        Error::unavailable(match self {
            Self::Empty => "this function is configured without keys",
            _ => "the keyring cannot be reached",
        })
    }
}

impl LocalKeyring {
    fn newest(&self) -> &(String, MasterBytes) {
        &self.masters[0]
    }

    fn master(&self, id: &str) -> Result<&(String, MasterBytes), Error> {
        let found = self.masters.iter().find(|(known, _)| known == id);
        found.ok_or_else(|| Error::unavailable(format!("the keyring has no master key {id}")))
    }

    /// As `id.base64`.
    fn new_key(&self, purpose: Purpose, tenant: &TenantId) -> Result<String, Error> {
        let (id, master) = self.newest();
        let mut key = random::<32>()?;
        let sealed = DataKey::new(master)?.seal(&key, &wrap_context(purpose, tenant, id))?;
        key.zeroize();
        Ok(format!("{id}.{}", BASE64.encode(&sealed)))
    }

    fn open_key(&self, purpose: Purpose, tenant: &TenantId, sealed: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (id, blob) = sealed.split_once('.').ok_or_else(|| Error::unavailable("the data key has no key id"))?;
        let (_, master) = self.master(id)?;
        let blob = BASE64.decode(blob.as_bytes()).map_err(Error::unavailable)?;
        Ok(Zeroizing::new(DataKey::new(master)?.open(&blob, &wrap_context(purpose, tenant, id))?))
    }
}

fn wrap_context(purpose: Purpose, tenant: &TenantId, master: &str) -> Vec<u8> {
    let purpose: &[u8] = match purpose {
        Purpose::TenantData => b"countersign/data-key",
        Purpose::WebPush => b"countersign/web-push-key",
    };
    length_prefixed(&[purpose, tenant.as_str().as_bytes(), master.as_bytes()])
}

fn derive_token_key(root: &[u8], tenant: &TenantId, kid: &str) -> Result<Zeroizing<[u8; 32]>, Error> {
    let info = length_prefixed(&[b"countersign/user-token", tenant.as_str().as_bytes(), kid.as_bytes()]);
    let mut key = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
        .extract(root)
        .expand(&[&info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(key.as_mut()))
        .map_err(|_| Error::unavailable("the token key cannot be derived"))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str) -> TenantId {
        TenantId::parse(id).unwrap()
    }

    #[tokio::test]
    async fn a_data_key_opens_for_its_own_tenant_only() {
        let (keyring, text) = Keyring::generate().unwrap();
        let sealed = keyring.new_data_key(&tenant("a")).await.unwrap();
        let key = keyring.open_data_key(&tenant("a"), &sealed).await.unwrap();
        assert!(keyring.open_data_key(&tenant("b"), &sealed).await.is_err());
        let blob = key.seal(b"secret", b"context").unwrap();
        let again = Keyring::parse(&text).unwrap().open_data_key(&tenant("a"), &sealed).await.unwrap();
        assert_eq!(again.open(&blob, b"context").unwrap(), b"secret");
    }

    #[tokio::test]
    async fn a_key_opens_for_its_own_purpose_only() {
        let (keyring, _) = Keyring::generate().unwrap();
        let tenant = tenant("a");
        let (data, web) =
            (keyring.new_data_key(&tenant).await.unwrap(), keyring.new_web_push_key(&tenant).await.unwrap());
        assert!(keyring.open_web_push_key(&tenant, &data).await.is_err());
        assert!(keyring.open_data_key(&tenant, &web).await.is_err());
        assert_eq!(keyring.open_web_push_key(&tenant, &web).await.unwrap().len(), 32);
    }

    #[tokio::test]
    async fn a_sealed_text_opens_only_unchanged_and_in_its_context() {
        let (keyring, _) = Keyring::generate().unwrap();
        let sealed = keyring.new_data_key(&tenant("a")).await.unwrap();
        let key = keyring.open_data_key(&tenant("a"), &sealed).await.unwrap();
        let blob = key.seal(b"secret", b"user 1").unwrap();
        assert!(key.open(&blob, b"user 2").is_err());
        for position in 0..blob.len() {
            let mut changed = blob.clone();
            changed[position] ^= 1;
            assert!(key.open(&changed, b"user 1").is_err(), "byte {position} is not authenticated");
        }
        assert!(key.open(&blob[..5], b"user 1").is_err());
    }

    #[tokio::test]
    async fn token_keys_differ_by_tenant_and_key_id() {
        let (keyring, _) = Keyring::generate().unwrap();
        let master = keyring.newest_master().unwrap();
        let key = async |t: &str, kid: &str| *keyring.token_key(&tenant(t), kid, master).await.unwrap();
        assert_ne!(key("a", "1").await, key("a", "2").await);
        assert_ne!(key("a", "1").await, key("b", "1").await);
        assert_eq!(key("a", "1").await, key("a", "1").await);
    }

    #[test]
    fn a_keyring_that_is_not_one_is_refused() {
        for text in
            ["", "{}", r#"{"version":1,"masterKeys":[]}"#, r#"{"version":1,"masterKeys":[{"id":"a","key":"AAAA"}]}"#]
        {
            assert!(Keyring::parse(text).is_err(), "{text}");
        }
    }
}
