//! What every handler has: the store, the keys, the clock, and the tenants it knows.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, OnceLock},
};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::{
    clock::{Clock, Timestamp},
    courier::web_push::Vapid,
    error::Error,
    id::{ActionCode, TenantId, UserId},
    keyring::Keyring,
    look::Look,
    method::Method,
    outbox::Outbox,
    places::Places,
    policy::Policy,
    rule::{DataPoint, Rule, RuleSet, catalogue::Catalogue, facts::Lists},
    secret::DataKey,
    store::{Store, Versioned},
    tenant::{ActionConfig, KeyKind, Settings, Tenant},
    token::{self, Claims, SigningKey, Subject, scope},
    user::User,
};

/// Configuration and keys are believed for so long: a revoked key is dead everywhere after it (T33: 60 s).
pub const CACHE_SECONDS: i64 = 30;

/// An opened data key is kept for so long, so that a key service is asked seldom and its short outage is not felt.
const DATA_KEY_SECONDS: i64 = 300;

/// While configuration cannot be read, a copy of this age may still say how an action is to fail.
pub const COPY_SECONDS: i64 = 3600;

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
        let Some(loaded) = self.store().tenant(id).load().await? else { return Ok(None) };
        let context = Arc::new(TenantContext::new(loaded));
        self.0.tenants.put(id.clone(), context.clone(), now);
        Ok(Some(context))
    }

    /// Has a tenant read again; the copy stays at hand for when that fails, as nothing of weight has changed.
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

/// A tenant as the handlers use it.
pub struct TenantContext {
    tenant: Tenant,
    actions: HashMap<ActionCode, ActionConfig>,
    points: Vec<DataPoint>,
    policy: Policy,
    rules: HashMap<ActionCode, UncompiledRules>,
    catalogue: Catalogue,
    lists: Lists,
    /// Derived when they are first needed: who sees API keys alone needs no keyring.
    signing_keys: OnceCell<Vec<SigningKey>>,
}

impl TenantContext {
    fn new(Versioned { tenant, actions, points, rules, lists, policy, .. }: Versioned) -> Self {
        let actions = actions.into_iter().map(|config| (config.action_code.clone(), config)).collect();
        let mut stored: HashMap<ActionCode, Vec<Rule>> = HashMap::new();
        for rule in rules {
            stored.entry(rule.action_code.clone()).or_default().push(rule);
        }
        Self {
            tenant,
            actions,
            rules: stored.into_iter().map(|(code, rules)| (code, UncompiledRules::new(rules))).collect(),
            catalogue: Catalogue::new(&points, &lists),
            lists: Lists::new(&lists),
            points,
            policy,
            signing_keys: OnceCell::new(),
        }
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

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// A user of this tenant that nobody has seen before.
    pub fn new_user(&self, id: UserId, now: Timestamp) -> User {
        User { required: self.policy.of_new_users().collect(), ..User::new(id, now) }
    }

    pub fn points(&self) -> &[DataPoint] {
        &self.points
    }
    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    /// The rules of a kind of action; `None` where there are none to evaluate.
    pub fn rules(&self, code: &ActionCode) -> Option<&RuleSet> {
        self.rules.get(code).map(|rules| rules.compiled(&self.catalogue)).filter(|rules| !rules.is_empty())
    }

    /// The methods that answer actions of a kind: those of its configuration, and those that one of its rules names.
    pub fn methods_of(&self, code: &ActionCode) -> Vec<Method> {
        let own = self.actions.get(code).map_or_else(Method::answering, ActionConfig::allowed_methods);
        let rules = self.rules.get(code).into_iter().flat_map(|stored| &stored.rules);
        let deciding = rules.filter(|rule| rule.is_active && !rule.is_shadow);
        own.into_iter().chain(deciding.filter_map(|rule| rule.verification_methods.clone()).flatten()).collect()
    }

    /// Of some data points those that a device may be shown (contract, C37: flagged `isPublic`).
    pub fn public_points(&self, given: Option<&Map<String, Value>>, of_user: bool) -> Map<String, Value> {
        let is_public = |name: &String| {
            self.points.iter().any(|point| point.is_public && point.is_of_user() == of_user && point.name == *name)
        };
        given.into_iter().flatten().filter(|(name, _)| is_public(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
    }

    /// Until when a success that was decided then is handed out, and its token good.
    pub fn success_ends(&self, decided_at: Timestamp) -> i64 {
        decided_at.as_second() + i64::from(self.settings().token_duration_in_minutes) * 60
    }

    /// The token of a success: the same for each who asks, and good until its decision is as old as tokens get. `None`
    /// once it is over.
    pub fn success_token(
        &self,
        keys: &[SigningKey],
        subject: Subject,
        action: crate::id::ActionId,
        decided_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        if now.as_second() >= self.success_ends(decided_at) {
            return Ok(None);
        }
        self.issue_token(keys, subject, action, scope::ALL.into(), decided_at).map(Some)
    }

    /// A user token of this tenant, good for as long as the tenant says.
    pub fn issue_token(
        &self,
        keys: &[SigningKey],
        subject: Subject,
        action: crate::id::ActionId,
        scope: String,
        now: Timestamp,
    ) -> Result<String, Error> {
        let claims = Claims::new(subject, action, scope, now, self.settings().token_duration_in_minutes);
        token::issue(keys, &claims, now)
    }
}

/// Rules as they were read, compiled when they are first asked: most functions never do.
struct UncompiledRules {
    rules: Vec<Rule>,
    compiled: OnceLock<RuleSet>,
}

impl UncompiledRules {
    fn new(rules: Vec<Rule>) -> Self {
        Self { rules, compiled: OnceLock::new() }
    }
    fn compiled(&self, catalogue: &Catalogue) -> &RuleSet {
        self.compiled.get_or_init(|| RuleSet::new(self.rules.iter().cloned(), catalogue))
    }
}

/// Remembers answers for some seconds of the injected clock; only ever a copy of what the store or the keyring said.
struct Cache<K, V> {
    seconds: i64,
    map: Mutex<HashMap<K, (V, Timestamp)>>,
}

/// More than this is not remembered, so that a flood of names does not fill the memory.
const MOST_REMEMBERED: usize = 10_000;

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    fn for_seconds(seconds: i64) -> Self {
        Self { seconds, map: Mutex::new(HashMap::new()) }
    }
    fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        self.copy(key, now, self.seconds)
    }
    fn copy(&self, key: &K, now: Timestamp, seconds: i64) -> Option<V> {
        let map = self.map.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (value, since) = map.get(key)?;
        // A clock that jumps back makes nothing younger than it is.
        (0..seconds).contains(&(now.as_second() - since.as_second())).then(|| value.clone())
    }
    fn put(&self, key: K, value: V, now: Timestamp) {
        let mut map = self.map.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if map.len() >= MOST_REMEMBERED {
            map.clear();
        }
        map.insert(key, (value, now));
    }
    fn expire(&self, key: &K) {
        let mut map = self.map.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, since)) = map.get_mut(key) {
            *since = Timestamp::from_second(since.as_second() - self.seconds).unwrap_or(Timestamp::MIN);
        }
    }
    fn forget(&self, key: &K) {
        self.map.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(key);
    }
}
