//! What every handler has: the store, the keys, the clock, and the tenants it knows.

mod cache;
mod context;

use std::sync::Arc;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;

use crate::{
    clock::{Clock, Timestamp},
    courier::web_push::Vapid,
    error::Error,
    id::TenantId,
    keyring::Keyring,
    look::Look,
    outbox::Outbox,
    places::Places,
    secret::DataKey,
    store::Store,
    tenant::KeyKind,
    token::{self, Claims, SigningKey},
};

pub use context::TenantContext;

use cache::Cache;

/// How long configuration and keys are cached: a revoked key is dead everywhere after that (T33: 60 s).
pub const CACHE_SECONDS: i64 = 30;

/// How long an opened data key is kept, so that a key service is asked seldom and its short outage is not felt.
const DATA_KEY_SECONDS: i64 = 300;

/// While configuration cannot be read, a copy of this age may still say how an action is to fail.
pub const COPY_SECONDS: i64 = 3600;

/// What the one process has that no function in AWS has: things are tried out there.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// Whether the demo shop is served at `/demo`.
    pub has_demo: bool,
}

/// The state behind every route. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    store: Store,
    keyring: Keyring,
    clock: Clock,
    public_url: String,
    outbox: Outbox,
    places: Places,
    local: Option<Local>,
    tenants: Cache<TenantId, Arc<TenantContext>>,
    keys: Cache<String, (TenantId, KeyKind)>,
    looks: Cache<TenantId, Arc<Look>>,
    data_keys: Cache<(TenantId, String), Arc<DataKey>>,
    web_push_keys: Cache<(TenantId, String), Arc<Vapid>>,
}

impl App {
    /// `public_url` is the origin of the hosted pages, without a slash at its end; `outbox` takes the pushes.
    pub fn new(store: Store, keyring: Keyring, clock: Clock, public_url: impl Into<String>, outbox: Outbox) -> Self {
        Self(Arc::new(Inner {
            outbox,
            store,
            keyring,
            clock,
            public_url: public_url.into(),
            places: Places::default(),
            local: None,
            tenants: Cache::for_seconds(CACHE_SECONDS),
            keys: Cache::for_seconds(CACHE_SECONDS),
            looks: Cache::for_seconds(CACHE_SECONDS),
            data_keys: Cache::for_seconds(DATA_KEY_SECONDS),
            web_push_keys: Cache::for_seconds(DATA_KEY_SECONDS),
        }))
    }

    /// The same with databases of where addresses are; of an app that nobody else holds yet.
    #[must_use]
    pub fn with_places(mut self, places: Places) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.places = places;
        }
        self
    }

    /// The same as the one process; of an app that nobody else holds yet.
    #[must_use]
    pub fn with_local(mut self, local: Local) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.local = Some(local);
        }
        self
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
    pub fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }
    pub fn public_url(&self) -> &str {
        &self.0.public_url
    }
    pub fn places(&self) -> &Places {
        &self.0.places
    }
    /// Where this is the one process.
    pub fn local(&self) -> Option<Local> {
        self.0.local
    }

    /// A tenant, at most `CACHE_SECONDS` old; `None` where there is none.
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<TenantContext>>, Error> {
        match self.0.tenants.get(id, self.now()) {
            Some(known) => Ok(Some(known)),
            None => self.tenant_anew(id).await,
        }
    }

    /// A tenant as it is now, all of it from one reading.
    pub async fn tenant_anew(&self, id: &TenantId) -> Result<Option<Arc<TenantContext>>, Error> {
        let now = self.now();
        let known = self.0.tenants.last(id);
        let known = known.as_ref().map(|context| context.reading());
        let Some(loaded) = self.store().tenant(id).load_since(known).await? else { return Ok(None) };
        let context = Arc::new(TenantContext::new(loaded));
        self.0.tenants.put(id.clone(), context.clone(), now);
        Ok(Some(context))
    }

    /// Has a tenant read again when it is next used. The copy stays for the case that this fails, because nothing
    /// important has changed.
    pub fn expire_tenant(&self, id: &TenantId) {
        self.0.tenants.expire(id);
    }

    /// Forgets what is cached of a tenant, because it was changed here.
    pub fn forget_tenant(&self, id: &TenantId) {
        self.0.tenants.forget(id);
    }

    /// How the tenant's pages look, at most `CACHE_SECONDS` old.
    pub async fn look(&self, tenant: &TenantContext) -> Result<Arc<Look>, Error> {
        let now = self.now();
        if let Some(known) = self.0.looks.get(tenant.id(), now) {
            return Ok(known);
        }
        let look = Arc::new(self.store().tenant(tenant.id()).look().await?);
        self.0.looks.put(tenant.id().clone(), look.clone(), now);
        Ok(look)
    }

    /// Forgets what is cached of a tenant's look, because it was changed here.
    pub fn forget_look(&self, id: &TenantId) {
        self.0.looks.forget(id);
    }

    /// The tenant whose API key this is; 401 for a key of another kind, a revoked one, and one that never was.
    ///
    /// Keys are looked up by their SHA-256: no secret is compared byte by byte (T28).
    pub async fn authenticate(&self, secret: &str, kind: KeyKind) -> Result<Arc<TenantContext>, Error> {
        let owner = self.key_owner(secret, kind).await?;
        self.tenant(&owner).await?.ok_or(Error::Unauthorized)
    }

    /// The same; where the key is good and the tenant's configuration cannot be read, the last copy of it, if it is
    /// recent, and why.
    pub async fn authenticate_by_copy(
        &self,
        secret: &str,
        kind: KeyKind,
    ) -> Result<(Arc<TenantContext>, Option<Error>), Error> {
        let owner = self.key_owner(secret, kind).await?;
        match self.tenant(&owner).await {
            Err(failure @ Error::Unavailable(_)) => match self.0.tenants.copy(&owner, self.now(), COPY_SECONDS) {
                Some(copy) => Ok((copy, Some(failure))),
                None => Err(failure),
            },
            found => Ok((found?.ok_or(Error::Unauthorized)?, None)),
        }
    }

    async fn key_owner(&self, secret: &str, kind: KeyKind) -> Result<TenantId, Error> {
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
        if owner.1 == kind { Ok(owner.0) } else { Err(Error::Unauthorized) }
    }

    /// The key that seals a tenant's secrets; 503 where the keyring cannot be asked.
    pub async fn data_key(&self, tenant: &TenantContext) -> Result<Arc<DataKey>, Error> {
        let now = self.now();
        let name = (tenant.id().clone(), tenant.tenant.sealed_data_key.clone());
        if let Some(known) = self.0.data_keys.get(&name, now) {
            return Ok(known);
        }
        let key = Arc::new(self.keyring().open_data_key(&name.0, &name.1).await?);
        self.0.data_keys.put(name, key.clone(), now);
        Ok(key)
    }

    /// The tenant's key to the push services of browsers, where it has one; 503 where the keyring cannot be asked.
    pub async fn web_push_key(&self, tenant: &TenantContext) -> Result<Option<Arc<Vapid>>, Error> {
        let Some(web) = &tenant.settings().push.web else { return Ok(None) };
        let now = self.now();
        let name = (tenant.id().clone(), web.sealed_key.clone());
        if let Some(known) = self.0.web_push_keys.get(&name, now) {
            return Ok(Some(known));
        }
        let secret = self.keyring().open_web_push_key(&name.0, &name.1).await?;
        let key = Arc::new(Vapid::new(&secret, &web.subject)?);
        self.0.web_push_keys.put(name, key.clone(), now);
        Ok(Some(key))
    }

    /// The keys that make and open a tenant's user tokens. Whoever means to issue a token asks for them before it
    /// writes anything: without its keys a server changes nothing.
    pub async fn signing_keys<'a>(&self, tenant: &'a TenantContext) -> Result<&'a [SigningKey], Error> {
        let derive = async || {
            let tenant = &tenant.tenant;
            let mut keys = Vec::with_capacity(tenant.token_keys.len());
            for key in &tenant.token_keys {
                let bytes = self.keyring().token_key(&tenant.id, &key.kid, &key.master).await?;
                keys.push(SigningKey::new(&tenant.id, &key.kid, key.signs_from, bytes.as_ref()));
            }
            Ok::<_, Error>(keys)
        };
        tenant.signing_keys.get_or_try_init(derive).await.map(Vec::as_slice)
    }

    /// The user of a token; 401 where it is not one of ours, or over.
    pub async fn open_token(&self, token: &str) -> Result<UserCaller, Error> {
        let claimed = token::claimed_tenant(token)?;
        let tenant = self.tenant(&claimed).await?.ok_or_else(token::not_ours)?;
        let claims = token::open(self.signing_keys(&tenant).await?, tenant.id(), token, self.now())?;
        Ok(UserCaller { tenant, claims })
    }

    /// The user of a token that may be over, to say where it came from; it may do nothing.
    pub async fn open_token_of_the_past(&self, token: &str) -> Result<UserCaller, Error> {
        let claimed = token::claimed_tenant(token)?;
        let tenant = self.tenant(&claimed).await?.ok_or_else(token::not_ours)?;
        let mut claims = token::open_over(self.signing_keys(&tenant).await?, tenant.id(), token)?;
        claims.scope.clear();
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
