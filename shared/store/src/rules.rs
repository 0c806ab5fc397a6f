//! Rules, an item each. A rule stands under its priority, so that one conditional write keeps priorities unique.

use aws_sdk_dynamodb::types::TransactWriteItem;

use countersign_domain::{
    enrolable,
    error::Error,
    id::{ActionCode, RuleId},
    rule::Rule,
    secret::random,
    tenant::ActionConfig,
};

use super::{
    Expressions, Refusal, TenantStore, contended,
    item::{Attributes, Item, Row, document, n},
    keys::{
        self,
        attributes::{DOCUMENT, LIFE, VERSION},
    },
    no_action_config,
    tenants::{MOST_CHECKS, Versioned},
};

/// A rule as read.
pub(super) struct StoredRule {
    rule: Rule,
    /// The life of the action configuration that it belongs to.
    life: u64,
    /// Random, and another one with each write of the rule.
    version: u64,
}

pub(super) fn read_rule(item: &Attributes) -> Result<StoredRule, Error> {
    let row = Row(item);
    Ok(StoredRule { rule: row.document(DOCUMENT)?, life: row.number(LIFE)?, version: row.number(VERSION)? })
}

/// The rules of action configurations as they are now. Rules that an earlier configuration of the same code left behind
/// do not count.
pub(super) fn of_these_lives(rules: Vec<StoredRule>, actions: &[ActionConfig]) -> Vec<Rule> {
    let lives = |stored: &StoredRule| {
        actions.iter().any(|config| config.action_code == stored.rule.action_code && config.life == stored.life)
    };
    rules.into_iter().filter(lives).map(|stored| stored.rule).collect()
}

impl TenantStore<'_> {
    /// The rules of an action, by priority; 404 where there is no such action configuration.
    pub async fn rules(&self, code: &ActionCode) -> Result<Vec<Rule>, Error> {
        let (_, stored) = self.stored_rules(code).await?;
        Ok(stored.into_iter().map(|stored| stored.rule).collect())
    }

    async fn stored_rules(&self, code: &ActionCode) -> Result<(ActionConfig, Vec<StoredRule>), Error> {
        let config = self.action_config(code).await?.ok_or_else(no_action_config)?;
        let items = self.store.query(&keys::tenant_partition(self.tenant), Some(&keys::rules_of(code)), 1000).await?;
        let mut stored = items.iter().map(read_rule).collect::<Result<Vec<_>, _>>()?;
        stored.retain(|stored| stored.life == config.life);
        Ok((config, stored))
    }

    /// Makes a rule; 400 where another rule of the action has its priority, 404 where there is no such action. One that
    /// names methods is made only on the tenant that `check` passed.
    pub async fn create_rule(&self, rule: &Rule, check: impl Fn(&Versioned) -> Result<(), Error>) -> Result<(), Error> {
        let version = u64::from_be_bytes(random::<8>()?);
        for _ in 0..MOST_CHECKS {
            let seen = self.seen().await?;
            check(&seen)?;
            let config = seen.actions.iter().find(|config| config.action_code == rule.action_code);
            let config = config.ok_or_else(no_action_config)?;
            let write = async || {
                let mut writes = vec![self.put_rule(rule, config.life, version)?, self.lives(config)?];
                writes.extend(self.as_seen_by(rule, &seen)?);
                self.store.transact(writes).await
            };
            match contended(write).await {
                // The tenant alone has changed.
                Err(Refusal::Cancelled(refused)) if refused.iter().take(2).all(Option::is_none) => {}
                written => return self.placed(written, rule),
            }
        }
        Err(Error::unavailable("the tenant kept changing"))
    }

    /// What goes with the write of a rule that names methods.
    fn as_seen_by(&self, rule: &Rule, seen: &Versioned) -> Result<Option<TransactWriteItem>, Error> {
        enrolable::is_bound_rule(rule).then(|| self.as_seen(seen)).transpose()
    }

    /// Changes a rule as it is now, and as the tenant is now where it names methods; 404 where there is none, 400 where
    /// another has its new priority.
    pub async fn change_rule(
        &self,
        code: &ActionCode,
        id: &RuleId,
        change: impl Fn(&Versioned, &mut Rule) -> Result<(), Error>,
    ) -> Result<Rule, Error> {
        for _ in 0..MOST_CHECKS {
            let seen = self.seen().await?;
            let (config, stored) = self.stored_rules(code).await?;
            let old = stored.into_iter().find(|stored| stored.rule.id == *id).ok_or_else(no_rule)?;
            let mut rule = old.rule.clone();
            change(&seen, &mut rule)?;
            let version = u64::from_be_bytes(random::<8>()?);
            let write = async || {
                let mut writes = if rule.priority == old.rule.priority {
                    let item = self.rule_item(&rule, config.life, version)?;
                    vec![self.put_if(item, "ver = :v", Some(n(old.version)))?, self.lives(&config)?]
                } else {
                    vec![
                        self.put_rule(&rule, config.life, version)?,
                        self.delete_when(&keys::rule(self.tenant, code, old.rule.priority), &of_version(old.version))?,
                        self.lives(&config)?,
                    ]
                };
                writes.extend(self.as_seen_by(&rule, &seen)?);
                self.store.transact(writes).await
            };
            let written = contended(write).await;
            let moved = rule.priority != old.rule.priority;
            match written {
                Err(Refusal::Cancelled(_)) if !moved => {}
                // Only another rule in the place of the new priority is a refusal. Where this rule changed meanwhile,
                // or the tenant, it is tried again.
                Err(Refusal::Cancelled(refused)) if refused.first().is_none_or(Option::is_none) => {}
                other => return self.placed(other, &rule).map(|_| rule),
            }
        }
        Err(Error::unavailable("the rule kept changing"))
    }

    /// Removes a rule; 404 where there is none.
    pub async fn delete_rule(&self, code: &ActionCode, id: &RuleId) -> Result<(), Error> {
        for _ in 0..5 {
            let (_, stored) = self.stored_rules(code).await?;
            let old = stored.into_iter().find(|stored| stored.rule.id == *id).ok_or_else(no_rule)?;
            let key = keys::rule(self.tenant, code, old.rule.priority);
            if self.delete_if(&key, &of_version(old.version)).await? {
                return Ok(());
            }
        }
        Err(Error::unavailable("the rule kept changing"))
    }

    /// Removes what rules a deleted action configuration has left. They belong to nothing any more.
    pub(super) async fn sweep_rules(&self, code: &ActionCode) -> Result<(), Error> {
        let partition = keys::tenant_partition(self.tenant);
        let items = self.store.query(&partition, Some(&keys::rules_of(code)), 1000).await?;
        let life = self.action_config(code).await?.map(|config| config.life);
        for item in &items {
            let stored = read_rule(item)?;
            if Some(stored.life) != life {
                let key = keys::rule(self.tenant, code, stored.rule.priority);
                self.delete_if(&key, &of_version(stored.version)).await?;
            }
        }
        Ok(())
    }

    /// The result of a write whose first part puts a rule in the place of its priority.
    fn placed(&self, written: Result<(), Refusal>, rule: &Rule) -> Result<(), Error> {
        match written {
            Ok(()) => Ok(()),
            Err(Refusal::Cancelled(refused)) => match refused.into_iter().next().flatten() {
                // Written by a call whose answer was lost.
                Some(Some(item)) if read_rule(&item)?.rule == *rule => Ok(()),
                Some(_) => {
                    Err(Error::Invalid(format!("There is already another rule with priority: {}", rule.priority)))
                }
                None => Err(no_action_config()),
            },
            Err(other) => Err(other.into()),
        }
    }

    pub(super) fn rule_item(&self, rule: &Rule, life: u64, version: u64) -> Result<Item, Error> {
        let mut item = Item::at(&keys::rule(self.tenant, &rule.action_code, rule.priority));
        item.put(DOCUMENT, document(rule)?);
        item.put(LIFE, n(life));
        item.put(VERSION, n(version));
        Ok(item)
    }

    /// Puts a rule where none of this life of the action stands.
    fn put_rule(&self, rule: &Rule, life: u64, version: u64) -> Result<TransactWriteItem, Error> {
        self.put_if(self.rule_item(rule, life, version)?, "attribute_not_exists(pk) OR cid <> :v", Some(n(life)))
    }

    /// The action configuration is still the one that was read.
    fn lives(&self, config: &ActionConfig) -> Result<TransactWriteItem, Error> {
        let same = Expressions::default().require("cid = :life").value(":life", n(config.life));
        self.check(&keys::action_config(self.tenant, &config.action_code), &same)
    }
}

/// The condition that an item is as it was read.
fn of_version(version: u64) -> Expressions {
    Expressions::default().require("ver = :v").value(":v", n(version))
}

/// What a call on a rule that does not exist is told.
pub fn no_rule() -> Error {
    Error::NotFound("There is no rule with this id for this action configuration.".into())
}
