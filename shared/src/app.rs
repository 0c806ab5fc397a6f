//! What every handler has: the store, the keys, the clock, and the tenants it knows.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, OnceLock},
};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;

use crate::{
    clock::{Clock, Timestamp},
    error::Error,
    id::{ActionCode, TenantId},
    keyring::{DataKey, Keyring},
    store::Store,
    tenant::{ActionConfig, KeyKind, Settings, Tenant},
    token::{self, Claims, SigningKey, Subject},
};

/// Configuration and keys are believed for so long: a revoked key is dead everywhere after it (T33: 60 s).
pub const CACHE_SECONDS: i64 = 30;

/// The state behind every route. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    store: Store,
    keyring: Keyring,
    clock: Clock,
    public_url: String,
    tenants: Cache<TenantId, Arc<TenantContext>>,
    keys: Cache<String, (TenantId, KeyKind)>,
}

impl App {
    /// `public_url` is the origin of the hosted pages, without a slash at its end.
    pub fn new(store: Store, keyring: Keyring, clock: Clock, public_url: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            store,
            keyring,
            clock,
            public_url: public_url.into(),
            tenants: Cache::default(),
            keys: Cache::default(),
        }))
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }
    pub fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
    pub fn public_url(&self) -> &str {
        &self.0.public_url
    }

    /// A tenant with its keys ready, at most `CACHE_SECONDS` old; `None` where there is none.
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<TenantContext>>, Error> {
        let now = self.now();
        if let Some(known) = self.0.tenants.get(id, now) {
            return Ok(Some(known));
        }
        let Some(loaded) = self.store().tenant(id).load().await? else { return Ok(None) };
        let context = Arc::new(TenantContext::new(self.keyring(), loaded.tenant, loaded.actions)?);
        self.0.tenants.put(id.clone(), context.clone(), now);
        Ok(Some(context))
    }

    /// Forgets what is cached of a tenant, because it was changed here.
    pub fn forget_tenant(&self, id: &TenantId) {
        self.0.tenants.forget(id);
    }

    /// The tenant whose API key this is; 401 for a key of another kind, a revoked one, and one that never was.
    ///
    /// Keys are looked up by their SHA-256: no secret is compared byte by byte (T28).
    pub async fn authenticate(&self, secret: &str, kind: KeyKind) -> Result<Arc<TenantContext>, Error> {
        let now = self.now();
        let hash = key_hash(secret);
        let owner = match self.0.keys.get(&hash, now) {
            Some(known) => known,
            None => {
                let found = self.store().key_owner(&hash).await?.ok_or(Error::Unauthorized)?;
                self.0.keys.put(hash, (found.tenant.clone(), found.kind), now);
                (found.tenant, found.kind)
            }
        };
        if owner.1 != kind {
            return Err(Error::Unauthorized);
        }
        self.tenant(&owner.0).await?.ok_or(Error::Unauthorized)
    }

    /// The user of a token; 401 where it is not one of ours, or over.
    pub async fn open_token(&self, token: &str) -> Result<UserCaller, Error> {
        let claimed = token::claimed_tenant(token)?;
        let tenant = self.tenant(&claimed).await?.ok_or_else(token::not_ours)?;
        let claims = token::open(&tenant.signing_keys, tenant.id(), token, self.now())?;
        Ok(UserCaller { tenant, claims })
    }
}

/// A user, by the token that track or a verification gave out (contract, section 2.0).
pub struct UserCaller {
    pub tenant: Arc<TenantContext>,
    pub claims: Claims,
}

/// The name under which an API key is stored: the SHA-256 of the secret, in hexadecimal.
pub fn key_hash(secret: &str) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref())
}

/// A tenant as the handlers use it.
pub struct TenantContext {
    tenant: Tenant,
    actions: HashMap<ActionCode, ActionConfig>,
    signing_keys: Vec<SigningKey>,
    data_key: OnceLock<DataKey>,
}

impl TenantContext {
    fn new(keyring: &Keyring, tenant: Tenant, actions: Vec<ActionConfig>) -> Result<Self, Error> {
        let ready = |key: &crate::tenant::TokenKey| {
            let bytes = keyring.token_key(&tenant.id, &key.kid, &key.master)?;
            Ok::<_, Error>(SigningKey::new(&tenant.id, &key.kid, key.signs_from, bytes.as_ref()))
        };
        let signing_keys = tenant.token_keys.iter().map(ready).collect::<Result<_, _>>()?;
        let actions = actions.into_iter().map(|config| (config.action_code.clone(), config)).collect();
        Ok(Self { tenant, actions, signing_keys, data_key: OnceLock::new() })
    }

    pub fn id(&self) -> &TenantId {
        &self.tenant.id
    }
    pub fn settings(&self) -> &Settings {
        &self.tenant.settings
    }
    pub fn action(&self, code: &ActionCode) -> Option<&ActionConfig> {
        self.actions.get(code)
    }

    /// The key that seals this tenant's secrets; asked of the keyring once, by those who need it.
    pub fn data_key(&self, keyring: &Keyring) -> Result<&DataKey, Error> {
        if let Some(key) = self.data_key.get() {
            return Ok(key);
        }
        let key = keyring.open_data_key(&self.tenant.id, &self.tenant.sealed_data_key)?;
        Ok(self.data_key.get_or_init(|| key))
    }

    /// A user token of this tenant, good for as long as the tenant says.
    pub fn issue_token(
        &self,
        subject: Subject,
        action: crate::id::ActionId,
        scope: String,
        now: Timestamp,
    ) -> Result<String, Error> {
        let claims = Claims::new(subject, action, scope, now, self.settings().token_duration_in_minutes);
        token::issue(&self.signing_keys, &claims, now)
    }
}

/// Remembers answers for `CACHE_SECONDS` of the injected clock; only ever a copy of what the store said.
struct Cache<K, V>(Mutex<HashMap<K, (V, Timestamp)>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

/// More than this is not remembered, so that a flood of names does not fill the memory.
const MOST_REMEMBERED: usize = 10_000;

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (value, since) = map.get(key)?;
        // A clock that jumps back makes nothing younger than it is.
        (0..CACHE_SECONDS).contains(&(now.as_second() - since.as_second())).then(|| value.clone())
    }
    fn put(&self, key: K, value: V, now: Timestamp) {
        let mut map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if map.len() >= MOST_REMEMBERED {
            map.clear();
        }
        map.insert(key, (value, now));
    }
    fn forget(&self, key: &K) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(key);
    }
}
