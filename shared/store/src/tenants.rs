//! Tenants: configuration, API keys by their hash, and kinds of action.

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem};
use serde::{Deserialize, Serialize};

use countersign_domain::{
    enrolable,
    error::Error,
    id::{ActionCode, TenantId},
    policy::Policy,
    rule::{DataPoint, Rule, list::ValueList},
    secret::random,
    tenant::{ActionConfig, ApiKey, KeyKind, Settings, Tenant},
};

use super::{
    Expressions, Refusal, Store, TenantStore, contended,
    item::{Attributes, Item, Row, document, n},
    keys::{
        self,
        attributes::{DOCUMENT, LAST_TRACKED, LIFE, SK, VERSION},
    },
    policy::read_policy,
    reading::Reading,
    refusal,
    rules::{of_these_lives, read_rule},
};

/// How often a change is checked and written that another one comes before.
pub(super) const MOST_CHECKS: usize = 8;

/// Whose key it is and what it may do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyOwner {
    pub tenant: TenantId,
    pub kind: KeyKind,
}

/// A tenant as read, with the version that a change must still find.
#[derive(Clone, Debug)]
pub struct Versioned {
    pub tenant: Tenant,
    pub actions: Vec<ActionConfig>,
    pub points: Vec<DataPoint>,
    pub policy: Policy,
    pub rules: Vec<Rule>,
    pub lists: Vec<ValueList>,
    /// What a later reading compares itself with.
    pub reading: Reading,
    pub(super) version: u64,
}

impl Versioned {
    /// The settings under which two factors are asked of everybody, now or soon. What is checked by them is written with
    /// [`TenantStore::as_seen`].
    pub fn enforced(&self) -> Option<&Settings> {
        self.policy.enforcement.as_ref().map(|_| &self.tenant.settings)
    }
}

pub(super) fn read_action_config(item: &Attributes) -> Result<ActionConfig, Error> {
    let row = Row(item);
    let last_action_created_at = row.has(LAST_TRACKED).then(|| row.number(LAST_TRACKED)).transpose()?;
    Ok(ActionConfig { last_action_created_at, life: row.number(LIFE)?, ..row.document(DOCUMENT)? })
}

impl Store {
    /// Whose API key has this SHA-256 (hex); `None` for a key that nobody has.
    pub async fn key_owner(&self, hash: &str) -> Result<Option<KeyOwner>, Error> {
        let found = self.get(&keys::api_key(hash)).await?;
        found.map(|item| Row(&item).document(DOCUMENT)).transpose()
    }

    /// Makes a tenant with its keys, all or nothing; 409 where the tenant or a key exists.
    pub async fn create_tenant(&self, tenant: &Tenant) -> Result<(), Error> {
        let mut writes = vec![self.put_tenant(tenant, None)?];
        for key in &tenant.api_keys {
            writes.push(self.put_key(&tenant.id, key)?);
        }
        match self.transact(writes).await {
            Err(Refusal::Cancelled(_)) => {
                Err(Error::Conflict(format!("The tenant {} or one of its keys exists already.", tenant.id)))
            }
            answered => Ok(answered?),
        }
    }

    pub(super) fn put_tenant(&self, tenant: &Tenant, seen: Option<u64>) -> Result<TransactWriteItem, Error> {
        let mut item = Item::at(&keys::tenant(&tenant.id));
        item.put(DOCUMENT, document(tenant)?);
        item.put(VERSION, n(seen.unwrap_or(0) + 1));
        let mut put = Put::builder().table_name(&self.table).set_item(Some(item.into()));
        put = match seen {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => put.condition_expression("ver = :seen").expression_attribute_values(":seen", n(seen)),
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(Error::internal)?).build())
    }

    fn put_key(&self, tenant: &TenantId, key: &ApiKey) -> Result<TransactWriteItem, Error> {
        let mut item = Item::at(&keys::api_key(&key.hash));
        item.put(DOCUMENT, document(&KeyOwner { tenant: tenant.clone(), kind: key.kind })?);
        let put = Put::builder().table_name(&self.table).set_item(Some(item.into()));
        let put = put.condition_expression("attribute_not_exists(pk)").build().map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

impl TenantStore<'_> {
    /// The tenant and its kinds of action, all as they stood at one moment; `None` where there is no such tenant.
    pub async fn load(&self) -> Result<Option<Versioned>, Error> {
        self.load_since(None).await
    }

    /// The same, in one round trip where it is still as `known` found it.
    pub async fn load_since(&self, known: Option<&Reading>) -> Result<Option<Versioned>, Error> {
        let (items, reading) = self.of_one_moment(known).await?;
        let (mut tenant, mut actions, mut points) = (None, Vec::new(), Vec::new());
        let mut policy = Policy::default();
        let (mut rules, mut lists) = (Vec::new(), Vec::new());
        for item in &items {
            let row = Row(item);
            match row.text(SK)? {
                keys::TENANT => tenant = Some((row.document(DOCUMENT)?, row.number(VERSION)?)),
                sk if sk.starts_with(keys::ACTION_CONFIG) => actions.push(read_action_config(item)?),
                sk if sk.starts_with(keys::POINT) => points.push(row.document(DOCUMENT)?),
                sk if sk.starts_with(keys::RULE) => rules.push(read_rule(item)?),
                sk if sk.starts_with(keys::LIST) => lists.push(row.document(DOCUMENT)?),
                sk => read_policy(&mut policy, sk, &row)?,
            }
        }
        let rules = of_these_lives(rules, &actions);
        Ok(tenant.map(|(tenant, version)| Versioned {
            tenant,
            actions,
            points,
            rules,
            lists,
            policy,
            reading,
            version,
        }))
    }

    /// The same; 404 where there is no such tenant.
    pub(super) async fn seen(&self) -> Result<Versioned, Error> {
        self.load().await?.ok_or_else(|| Error::NotFound("There is no such tenant.".into()))
    }

    /// The write that goes with whatever could leave users without anything to set up: which methods answer something,
    /// which methods are on, whether two factors are asked of everybody. It moves the tenant's version from the one at
    /// which that was checked. So of two such changes at once one is refused here, and is checked again with the other.
    pub(super) fn as_seen(&self, seen: &Versioned) -> Result<TransactWriteItem, Error> {
        self.store.put_tenant(&seen.tenant, Some(seen.version))
    }

    /// Changes the tenant and its API keys in one transaction, on the tenant as it is now. Once two factors are asked
    /// of everybody, a change after which nobody could set one up is refused.
    pub async fn change(&self, change: impl Fn(&mut Tenant) -> Result<(), Error>) -> Result<Tenant, Error> {
        for _ in 0..MOST_CHECKS {
            let seen = self.seen().await?;
            let mut tenant = seen.tenant.clone();
            change(&mut tenant)?;
            if seen.policy.enforcement.is_some() {
                enrolable::check_change(&seen.tenant.settings, &tenant.settings, &seen.actions, &seen.rules)?;
            }
            let mut writes = vec![self.store.put_tenant(&tenant, Some(seen.version))?];
            for gone in seen.tenant.api_keys.iter().filter(|key| !tenant.api_keys.contains(key)) {
                writes.push(self.delete_item(&keys::api_key(&gone.hash))?);
            }
            for new in tenant.api_keys.iter().filter(|key| !seen.tenant.api_keys.contains(key)) {
                writes.push(self.store.put_key(self.tenant, new)?);
            }
            match self.store.transact(writes).await {
                Ok(()) => return Ok(tenant),
                Err(Refusal::Cancelled(_) | Refusal::Contended) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::unavailable("the tenant kept changing"))
    }

    /// One kind of action as it is now, with the version that a change must still find.
    async fn versioned_action_config(&self, code: &ActionCode) -> Result<Option<(ActionConfig, u64)>, Error> {
        let found = self.store.get(&keys::action_config(self.tenant, code)).await?;
        found.map(|item| Ok((read_action_config(&item)?, Row(&item).number(VERSION)?))).transpose()
    }

    /// One kind of action as it is now.
    pub async fn action_config(&self, code: &ActionCode) -> Result<Option<ActionConfig>, Error> {
        Ok(self.versioned_action_config(code).await?.map(|(config, _)| config))
    }

    /// Makes a kind of action; one that exists already is left as it is and given back. One that names methods is made
    /// only on the tenant that `check` passed.
    pub async fn create_action_config(
        &self,
        config: &ActionConfig,
        check: impl Fn(&Versioned) -> Result<(), Error>,
    ) -> Result<Option<ActionConfig>, Error> {
        // Names this creation, so that a write repeated after a lost acknowledgement knows its own.
        let creation = u64::from_be_bytes(random::<8>()?);
        for _ in 0..MOST_CHECKS {
            let existing = if enrolable::is_bound_action(config) {
                let seen = self.seen().await?;
                check(&seen)?;
                match contended(|| self.put_bound_action(config, None, creation, &seen)).await {
                    Ok(()) => return Ok(None),
                    Err(Refusal::Cancelled(refused)) => match refused.into_iter().next().flatten() {
                        Some(existing) => existing,
                        None => continue,
                    },
                    Err(other) => return Err(other.into()),
                }
            } else {
                match contended(|| self.put_action_config(config, None, creation)).await {
                    Ok(()) => return Ok(None),
                    Err(Refusal::Condition(existing)) => existing,
                    Err(other) => return Err(other.into()),
                }
            };
            let existing = existing.ok_or_else(|| Error::unavailable("a write was refused unexpectedly"))?;
            let is_own = Row(&existing).number::<u64>(LIFE)? == creation;
            return if is_own { Ok(None) } else { read_action_config(&existing).map(Some) };
        }
        Err(Error::unavailable("the tenant kept changing"))
    }

    /// Changes a kind of action as it is now, and as the tenant is now where it names methods; 404 where there is none.
    pub async fn change_action_config(
        &self,
        code: &ActionCode,
        change: impl Fn(&Versioned, &mut ActionConfig) -> Result<(), Error>,
    ) -> Result<ActionConfig, Error> {
        for _ in 0..MOST_CHECKS {
            let seen = self.seen().await?;
            let (mut config, version) = self.versioned_action_config(code).await?.ok_or_else(no_action_config)?;
            change(&seen, &mut config)?;
            let written = if enrolable::is_bound_action(&config) {
                contended(|| self.put_bound_action(&config, Some(version), config.life, &seen)).await
            } else {
                self.put_action_config(&config, Some(version), config.life).await
            };
            match written {
                Ok(()) => return Ok(config),
                Err(Refusal::Condition(_) | Refusal::Cancelled(_) | Refusal::Contended) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::unavailable("the action configuration kept changing"))
    }

    /// Notes that an action of this kind was tracked; `false` where there is no such kind any more. Apart from the
    /// rest of the configuration, so that a busy action contends with nobody.
    pub async fn touch_action_config(&self, code: &ActionCode, now: i64) -> Result<bool, Error> {
        let touch = Expressions::default()
            .set("#last = :now")
            .require("attribute_exists(pk)")
            .name("#last", LAST_TRACKED)
            .value(":now", n(now));
        match self.update_one(&keys::action_config(self.tenant, code), &touch).await {
            Ok(_) => Ok(true),
            Err(Refusal::Condition(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    pub(super) fn action_config_item(&self, config: &ActionConfig, version: u64, life: u64) -> Result<Item, Error> {
        let mut item = Item::at(&keys::action_config(self.tenant, &config.action_code));
        item.put(DOCUMENT, document(config)?);
        item.put(VERSION, n(version));
        item.put(LIFE, n(life));
        if let Some(last) = config.last_action_created_at {
            item.put(LAST_TRACKED, n(last));
        }
        Ok(item)
    }

    async fn put_action_config(&self, config: &ActionConfig, seen: Option<u64>, creation: u64) -> Result<(), Refusal> {
        let item = self.action_config_item(config, seen.unwrap_or(0) + 1, creation)?;
        let request = self.store.client.put_item().table_name(&self.store.table).set_item(Some(item.into()));
        let request = request.return_values_on_condition_check_failure(OnFailure::AllOld);
        let request = match seen {
            None => request.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => request.condition_expression("ver = :seen").expression_attribute_values(":seen", n(seen)),
        };
        request.send().await.map(|_| ()).map_err(refusal)
    }

    /// The same for one that names methods, on the tenant as it was seen.
    async fn put_bound_action(
        &self,
        config: &ActionConfig,
        version: Option<u64>,
        creation: u64,
        seen: &Versioned,
    ) -> Result<(), Refusal> {
        let item = self.action_config_item(config, version.unwrap_or(0) + 1, creation)?;
        let put = match version {
            None => self.put_if(item, "attribute_not_exists(pk)", None)?,
            Some(version) => self.put_if(item, "ver = :v", Some(n(version)))?,
        };
        self.store.transact(vec![put, self.as_seen(seen)?]).await
    }

    /// Removes a kind of action with its rules; 404 where there is none. From the first write on the rules decide nothing.
    pub async fn delete_action_config(&self, code: &ActionCode) -> Result<(), Error> {
        if !self.delete_existing(&keys::action_config(self.tenant, code)).await? {
            return Err(no_action_config());
        }
        // The deletion is done: what could not be swept belongs to nothing, and goes with the next one.
        if let Err(error) = self.sweep_rules(code).await {
            tracing::warn!(event = "sweep_failed", tenant = %self.tenant, action = %code, cause = %error);
        }
        Ok(())
    }
}

/// What a call on a kind of action that does not exist is told.
pub fn no_action_config() -> Error {
    Error::NotFound("There is no action configuration with this code.".into())
}
