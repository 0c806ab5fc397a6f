//! What the operator of an installation does: make tenants, and roll keys over without an interruption.

use data_encoding::BASE32_NOPAD;

use crate::{
    app::{App, CACHE_SECONDS, key_hash},
    clock::Timestamp,
    error::Error,
    id::TenantId,
    secret::random,
    tenant::{ApiKey, KeyKind, LIVE_KEYS, Settings, Tenant, TokenKey},
    token::MAX_TOKEN_MINUTES,
};

/// What the operator is shown once. The store holds hashes.
#[derive(Clone)]
pub struct Credentials {
    pub tenant_id: TenantId,
    pub secret_key: String,
    pub management_key: String,
}

/// The fewest characters of a key that the operator chooses, so that it is hard to guess.
const SHORTEST_KEY: usize = 16;

impl Credentials {
    /// Credentials of a new tenant; what is not chosen is generated. 400 for a key that is too short or not one.
    pub fn choose(
        tenant_id: Option<TenantId>,
        secret_key: Option<String>,
        management_key: Option<String>,
    ) -> Result<Self, Error> {
        let chosen = Self {
            tenant_id: tenant_id.unwrap_or_else(TenantId::generate),
            secret_key: chosen_or_new(secret_key, KeyKind::Secret)?,
            management_key: chosen_or_new(management_key, KeyKind::Management)?,
        };
        if chosen.secret_key == chosen.management_key {
            return Err(Error::invalid("The secret key and the management key must differ."));
        }
        Ok(chosen)
    }
}

impl App {
    /// Makes a tenant with its keys; 409 where the id or a key is taken.
    pub async fn create_tenant(&self, settings: Settings, credentials: &Credentials) -> Result<(), Error> {
        let now = self.now();
        let id = credentials.tenant_id.clone();
        let tenant = Tenant {
            settings,
            api_keys: vec![
                api_key(&credentials.secret_key, KeyKind::Secret, now),
                api_key(&credentials.management_key, KeyKind::Management, now),
            ],
            token_keys: vec![TokenKey {
                kid: "1".into(),
                master: self.keyring().newest_master()?.into(),
                signs_from: now.as_second(),
            }],
            sealed_data_key: self.keyring().new_data_key(&id).await?,
            id,
        };
        self.store().create_tenant(&tenant).await
    }

    /// A new API key beside the newest of its kind; an older one is revoked by that. Two are live, until
    /// [`App::revoke_api_keys`] ends the roll-over.
    pub async fn rotate_api_key(&self, tenant: &TenantId, kind: KeyKind) -> Result<String, Error> {
        let secret = new_key(kind)?;
        let new = api_key(&secret, kind, self.now());
        let change = |tenant: &mut Tenant| {
            tenant.api_keys.insert(0, new.clone());
            keep_newest(tenant, kind, LIVE_KEYS);
            Ok(())
        };
        self.store().tenant(tenant).change(change).await?;
        self.forget_tenant(tenant);
        Ok(secret)
    }

    /// Revokes all API keys of a kind but the newest; dead everywhere within `CACHE_SECONDS`.
    pub async fn revoke_api_keys(&self, tenant: &TenantId, kind: KeyKind) -> Result<(), Error> {
        let change = |tenant: &mut Tenant| {
            keep_newest(tenant, kind, 1);
            Ok(())
        };
        self.store().tenant(tenant).change(change).await?;
        self.forget_tenant(tenant);
        Ok(())
    }

    /// A new token key, which signs once every process has had time to learn of it; the one before it goes on
    /// opening tokens until the next rotation.
    ///
    /// 409 while tokens of the key that would be dropped may still be alive, unless `at_once`, which is for a
    /// key that has leaked.
    pub async fn rotate_token_key(&self, tenant: &TenantId, at_once: bool) -> Result<(), Error> {
        let now = self.now().as_second();
        let master = self.keyring().newest_master()?.to_owned();
        let change = |tenant: &mut Tenant| {
            let newest = tenant.token_keys.first();
            // The longest life that a token can have, and not today's setting: tokens made before it was shortened are
            // still about.
            let settled = newest.map_or(0, |key| key.signs_from + i64::from(MAX_TOKEN_MINUTES) * 60);
            if !at_once && tenant.token_keys.len() >= LIVE_KEYS && now < settled {
                return Err(Error::Conflict(format!(
                    "The last rotation is still under way: tokens of the older key live for {} more seconds.",
                    settled - now
                )));
            }
            let next = newest.and_then(|key| key.kid.parse::<u64>().ok()).unwrap_or(0) + 1;
            let signs_from = if at_once { now } else { now + 2 * CACHE_SECONDS };
            tenant.token_keys.insert(0, TokenKey { kid: next.to_string(), master: master.clone(), signs_from });
            tenant.token_keys.truncate(if at_once { 1 } else { LIVE_KEYS });
            Ok(())
        };
        self.store().tenant(tenant).change(change).await?;
        self.forget_tenant(tenant);
        Ok(())
    }
}

fn api_key(secret: &str, kind: KeyKind, now: Timestamp) -> ApiKey {
    ApiKey { hash: key_hash(secret), kind, created_at: now.as_second() }
}

fn keep_newest(tenant: &mut Tenant, kind: KeyKind, most: usize) {
    let mut kept = 0;
    tenant.api_keys.retain(|key| {
        kept += usize::from(key.kind == kind);
        key.kind != kind || kept <= most
    });
}

fn chosen_or_new(chosen: Option<String>, kind: KeyKind) -> Result<String, Error> {
    match chosen {
        None => new_key(kind),
        // It is the user name of HTTP Basic, which a colon would end (RFC 7617, section 2).
        Some(key) if key.contains(':') || !key.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(Error::invalid("An API key consists of printable ASCII characters other than ':'."))
        }
        Some(key) if key.len() < SHORTEST_KEY => {
            Err(Error::invalid(format!("An API key has at least {SHORTEST_KEY} characters.")))
        }
        Some(key) => Ok(key),
    }
}

/// 256 random bits, with a prefix that secret scanners can look for.
fn new_key(kind: KeyKind) -> Result<String, Error> {
    let prefix = match kind {
        KeyKind::Secret => "cs_secret_",
        KeyKind::Management => "cs_manage_",
    };
    Ok(format!("{prefix}{}", BASE32_NOPAD.encode(&random::<32>()?).to_lowercase()))
}
