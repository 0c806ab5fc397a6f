//! Brings a tenant's rules to what files say. What is written is what the plan showed, and only while the rules are
//! still those that the plan was made from.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use countersign_domain::{
    enrolable,
    error::Error,
    id::ActionCode,
    rule::{DataPoint, Rule, list::ValueList},
    secret::random,
    tenant::{ActionConfig, Settings, Tenant},
};

use super::{
    Expressions, Refusal, TenantStore, contended,
    item::{Attributes, Item, Row, document, n},
    keys::{
        self, Key,
        attributes::{DOCUMENT, LIFE, SK, VERSION},
    },
    rules::{of_these_lives, read_rule},
    tenants::read_action_config,
};

/// What rules are made of, as it was read.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    pub points: Vec<DataPoint>,
    pub lists: Vec<ValueList>,
    pub actions: Vec<ActionConfig>,
    pub rules: Vec<Rule>,
    /// The settings under which two factors are asked of everybody, where they are.
    pub enforced: Option<Settings>,
    /// The items, for what a write must still find.
    items: BTreeMap<String, Attributes>,
    /// The tenant and its version, at which methods that rules and actions name were checked.
    tenant: Option<(Tenant, u64)>,
}

/// How far the changes were applied.
#[derive(Debug, PartialEq, Eq)]
pub enum Applied {
    All,
    /// Somebody else changed something since it was read; whether a part had been written by then.
    Changed {
        partly: bool,
    },
}

/// DynamoDB takes 100 writes and 4 MB at once.
const MOST_WRITES: usize = 100;
const MOST_BYTES: usize = 3_500_000;

/// A write, and about how many bytes it puts.
struct SizedWrite {
    write: TransactWriteItem,
    bytes: usize,
}

/// Writes that belong together.
#[derive(Default)]
struct Unit {
    writes: Vec<TransactWriteItem>,
    bytes: usize,
    /// Whether methods are named, so that the tenant's version moves with it ([`TenantStore::as_seen`]).
    is_bound: bool,
}

impl TenantStore<'_> {
    /// What rules of this tenant are made of; `None` where there is no such tenant.
    pub async fn configured(&self) -> Result<Option<Configured>, Error> {
        let (items, _) = self.of_one_moment(None).await?;
        let (mut found, mut stored) = (Configured::default(), Vec::new());
        let (mut tenant, mut is_enforced) = (None::<(Tenant, u64)>, false);
        for item in items {
            let row = Row(&item);
            let sk = row.text(SK)?.to_owned();
            match sk.as_str() {
                keys::TENANT => tenant = Some((row.document(DOCUMENT)?, row.number(VERSION)?)),
                keys::ENFORCEMENT => is_enforced = true,
                sk if sk.starts_with(keys::ACTION_CONFIG) => found.actions.push(read_action_config(&item)?),
                sk if sk.starts_with(keys::POINT) => found.points.push(row.document(DOCUMENT)?),
                sk if sk.starts_with(keys::RULE) => stored.push(read_rule(&item)?),
                sk if sk.starts_with(keys::LIST) => found.lists.push(row.document(DOCUMENT)?),
                _ => continue,
            }
            if sk != keys::TENANT && sk != keys::ENFORCEMENT {
                found.items.insert(sk, item);
            }
        }
        found.rules = of_these_lives(stored, &found.actions);
        Ok(tenant.map(|seen| {
            let enforced = is_enforced.then(|| seen.0.settings.clone());
            Configured { enforced, tenant: Some(seen), ..found }
        }))
    }

    /// Brings everything to where it is wanted. Up to 100 items that differ are written all or nothing; each is written
    /// only as it was seen, and what names methods only on the tenant that was seen.
    pub async fn apply(&self, seen: &Configured, wanted: &Configured) -> Result<Applied, Error> {
        let now = self.configured().await?.unwrap_or_default();
        if !same(&now.items, &seen.items) || now.enforced.is_some() != seen.enforced.is_some() {
            return Ok(Applied::Changed { partly: false });
        }
        let units = self.units(seen, wanted)?;
        let (mut partly, mut moves) = (false, 0);
        for Unit { mut writes, is_bound, .. } in packed(units)? {
            if is_bound {
                let (tenant, version) =
                    seen.tenant.as_ref().ok_or_else(|| Error::invalid("There is no such tenant."))?;
                writes.push(self.store.put_tenant(tenant, Some(version + moves))?);
                moves += 1;
            }
            match contended(async || self.store.transact(writes.clone()).await).await {
                Ok(()) => partly = true,
                Err(Refusal::Cancelled(_) | Refusal::Contended) => return Ok(Applied::Changed { partly }),
                Err(other) if partly => return Err(unfinished(&other.into())),
                Err(other) => return Err(other.into()),
            }
        }
        Ok(Applied::All)
    }

    /// A list or a data point is put before the rules that name it, and deleted after them.
    fn units(&self, seen: &Configured, wanted: &Configured) -> Result<Vec<Unit>, Error> {
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for point in &wanted.points {
            if !seen.points.contains(point) {
                let key = keys::point(self.tenant, &point.id);
                let mut item = Item::at(&key);
                item.put(DOCUMENT, document(point)?);
                first.push(Unit::of(self.put_seen(seen, &key, item)?));
            }
        }
        for list in &wanted.lists {
            if !seen.lists.contains(list) {
                let key = keys::list(self.tenant, &list.alias);
                let mut item = Item::at(&key);
                item.put(DOCUMENT, document(list)?);
                item.put(VERSION, n(u64::from_be_bytes(random::<8>()?)));
                first.push(Unit::of(self.put_seen(seen, &key, item)?));
            }
        }
        for config in &wanted.actions {
            first.push(self.action_unit(seen, wanted, config)?);
        }
        for gone in seen.lists.iter().filter(|list| !wanted.lists.iter().any(|kept| kept.alias == list.alias)) {
            last.push(Unit::of(self.delete_seen(seen, &keys::list(self.tenant, &gone.alias))?));
        }
        for gone in seen.points.iter().filter(|point| !wanted.points.iter().any(|kept| kept.id == point.id)) {
            last.push(Unit::of(self.delete_seen(seen, &keys::point(self.tenant, &gone.id))?));
        }
        first.extend(last);
        Ok(first)
    }

    /// A kind of action with its rules, by their priorities, in one write: two rules that exchange their priorities
    /// exchange them at once.
    fn action_unit(&self, seen: &Configured, wanted: &Configured, config: &ActionConfig) -> Result<Unit, Error> {
        let code = &config.action_code;
        let before = seen.actions.iter().find(|known| known.action_code == *code);
        let life = match before {
            Some(known) => known.life,
            None => u64::from_be_bytes(random::<8>()?),
        };
        let mut unit = Unit::default();
        let (old, new) = (by_place(&seen.rules, code), by_place(&wanted.rules, code));
        for (priority, rule) in &new {
            if old.get(priority) != Some(rule) {
                let item = self.rule_item(rule, life, u64::from_be_bytes(random::<8>()?))?;
                let key = keys::rule(self.tenant, code, *priority);
                let put = match old.contains_key(priority) {
                    true => self.put_seen(seen, &key, item)?,
                    // A rule that an earlier life of the action left there does not count.
                    false => {
                        let bytes = item.size();
                        let write = self.put_if(item, "attribute_not_exists(pk) OR cid <> :v", Some(n(life)))?;
                        SizedWrite { write, bytes }
                    }
                };
                unit.push(put);
                unit.is_bound |= enrolable::is_bound_rule(rule);
            }
        }
        for priority in old.keys().filter(|priority| !new.contains_key(*priority)) {
            unit.push(self.delete_seen(seen, &keys::rule(self.tenant, code, *priority))?);
        }
        let key = keys::action_config(self.tenant, code);
        if before != Some(config) {
            let item = self.action_config_item(config, seen.version(&key)?.unwrap_or(0) + 1, life)?;
            unit.push(self.put_seen(seen, &key, item)?);
            unit.is_bound |= enrolable::is_bound_action(config);
        } else if !unit.writes.is_empty() {
            let same = Expressions::default()
                .require("cid = :life AND ver = :seen")
                .value(":life", n(life))
                .value(":seen", n(seen.version(&key)?.unwrap_or(0)));
            unit.push(SizedWrite { write: self.check(&key, &same)?, bytes: 0 });
        }
        Ok(unit)
    }

    /// Puts an item in the place of what was seen there, or where nothing was.
    fn put_seen(&self, seen: &Configured, key: &Key, item: Item) -> Result<SizedWrite, Error> {
        let bytes = item.size();
        let (condition, value) = seen.condition(key);
        Ok(SizedWrite { write: self.put_if(item, condition, value)?, bytes })
    }

    fn delete_seen(&self, seen: &Configured, key: &Key) -> Result<SizedWrite, Error> {
        let (condition, value) = seen.condition(key);
        let when = Expressions::default().require(condition);
        let when = value.into_iter().fold(when, |when, value| when.value(":v", value));
        Ok(SizedWrite { write: self.delete_when(key, &when)?, bytes: 0 })
    }
}

impl Configured {
    /// Every write of an item changes its version; a data point has none, and is small.
    fn condition(&self, key: &Key) -> (&'static str, Option<AttributeValue>) {
        match self.items.get(&key.sk) {
            None => ("attribute_not_exists(pk)", None),
            Some(item) => match item.get(VERSION.as_str()) {
                Some(version) => ("ver = :v", Some(version.clone())),
                None => ("doc = :v", item.get(DOCUMENT.as_str()).cloned()),
            },
        }
    }

    fn version(&self, key: &Key) -> Result<Option<u64>, Error> {
        self.items.get(&key.sk).map(|item| Row(item).number(VERSION)).transpose()
    }
}

impl Unit {
    fn of(write: SizedWrite) -> Self {
        let mut unit = Self::default();
        unit.push(write);
        unit
    }
    fn push(&mut self, SizedWrite { write, bytes }: SizedWrite) {
        self.writes.push(write);
        self.bytes += bytes;
    }

    /// How many writes a transaction takes of it, beside the one of the tenant.
    fn most(is_bound: bool) -> usize {
        MOST_WRITES - usize::from(is_bound)
    }

    /// Whether another fits into the same transaction.
    fn takes(&self, other: &Self) -> bool {
        self.writes.len() + other.writes.len() <= Self::most(self.is_bound || other.is_bound)
            && self.bytes + other.bytes <= MOST_BYTES
    }
}

/// A failure after a part was written, which the operator has to know in order to apply once more.
fn unfinished(cause: &Error) -> Error {
    let cause = std::error::Error::source(cause).map_or_else(|| cause.to_string(), ToString::to_string);
    Error::unavailable(format!("a part had been written when the store failed: apply once more. {cause}"))
}

/// As few transactions as they fit into, in their order.
fn packed(units: Vec<Unit>) -> Result<Vec<Unit>, Error> {
    let mut all: Vec<Unit> = Vec::new();
    for unit in units.into_iter().filter(|unit| !unit.writes.is_empty()) {
        // One of the writes is of the action itself.
        let (rules, most) = (unit.writes.len() - 1, Unit::most(unit.is_bound) - 1);
        if rules > most {
            return Err(Error::Invalid(format!(
                "{rules} rules of one action were to change, and {most} can at a time; nothing was written. Apply a file with \
                 fewer of them first.",
            )));
        }
        match all.last_mut() {
            Some(last) if last.takes(&unit) => {
                last.writes.extend(unit.writes);
                last.bytes += unit.bytes;
                last.is_bound |= unit.is_bound;
            }
            _ => all.push(unit),
        }
    }
    Ok(all)
}

fn by_place<'a>(rules: &'a [Rule], code: &ActionCode) -> BTreeMap<u8, &'a Rule> {
    rules.iter().filter(|rule| rule.action_code == *code).map(|rule| (rule.priority, rule)).collect()
}

/// Whether nothing has changed that a plan is about. The time at which an action was last tracked does not count.
fn same(one: &BTreeMap<String, Attributes>, other: &BTreeMap<String, Attributes>) -> bool {
    let of = |items: &BTreeMap<String, Attributes>| {
        let marks = items
            .iter()
            .map(|(sk, item)| (sk.clone(), [VERSION, LIFE, DOCUMENT].map(|name| item.get(name.as_str()).cloned())));
        marks.collect::<Vec<_>>()
    };
    of(one) == of(other)
}
