//! The list of a tenant's users, for people who look: an index that says of each whether it is enrolled and on which
//! day it was last seen. It lags, so nothing about security is decided by it.
//!
//! The index is spread over shards, as one partition takes 1,000 writes a second, and is written to only where what it
//! holds changes: at a user's first sight, at its first and last authenticator, and once a day while it has none.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;

use countersign_domain::{
    clock::Timestamp,
    error::Error,
    id::{TenantId, UserId},
    policy::Census,
    user::User,
};

use super::{
    Expressions, TenantStore,
    item::{Item, Row, n, s},
    keys::{
        self,
        attributes::{IS_ENROLLED, SEEN, SHARD},
    },
    unavailable,
};

pub(super) const INDEX: &str = "users";

pub(super) const SHARDS: u8 = 8;

/// The day of a time, counted from 1970 in UTC.
pub fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(24 * 3600)
}

fn shard(tenant: &TenantId, user: &UserId) -> AttributeValue {
    s(keys::users_shard(tenant, shard_of(user)))
}

/// Which part of the index a user is in.
pub(super) fn shard_of(user: &UserId) -> u8 {
    // FNV-1a: any hash does, as long as it stays the same.
    let hash = user
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    u8::try_from(hash % u64::from(SHARDS)).unwrap_or(0)
}

/// Writes the attributes of a user's item that the index holds.
pub(super) fn write_indexed(item: &mut Item, tenant: &TenantId, user: &User) {
    item.put(SHARD, shard(tenant, &user.id));
    item.put(IS_ENROLLED, n(u8::from(user.can_answer())));
    if let Some(day) = user.seen {
        item.put(SEEN, n(day));
    }
}

impl Expressions {
    /// Says in the list whether the user is enrolled: has something that can be asked for, as an enforcement means it.
    pub(super) fn listed(self, tenant: &TenantId, user: &UserId, is_enrolled: bool) -> Self {
        self.set("ux = :shard, enr = :enrolled")
            .value(":shard", shard(tenant, user))
            .value(":enrolled", n(u8::from(is_enrolled)))
    }

    /// Says in the list that the user, who has nothing enrolled as far as anybody knows, was there on that day.
    pub(super) fn seen_on(self, tenant: &TenantId, user: &UserId, day: i64) -> Self {
        self.set("seen = :day, ux = if_not_exists(ux, :shard), enr = if_not_exists(enr, :enrolled)")
            .value(":day", n(day))
            .value(":shard", shard(tenant, user))
            .value(":enrolled", n(0))
    }
}

impl TenantStore<'_> {
    /// How many users there are, and of those with nothing enrolled, when they were last here. As the index has it.
    pub async fn census(&self, now: Timestamp) -> Result<Census, Error> {
        let parts = (0..SHARDS).map(|shard| self.census_of(keys::users_shard(self.tenant, shard), day(now)));
        Ok(try_join_all(parts).await?.into_iter().sum())
    }

    async fn census_of(&self, shard: String, today: i64) -> Result<Census, Error> {
        let (mut census, mut start) = (Census::default(), None);
        loop {
            let request = self.store.client.query().table_name(&self.store.table).index_name(INDEX);
            let request = request
                .key_condition_expression("ux = :shard")
                .projection_expression("enr, seen")
                .expression_attribute_values(":shard", s(&shard))
                .set_exclusive_start_key(start);
            let output = request.send().await.map_err(unavailable)?;
            for item in output.items.unwrap_or_default() {
                let row = Row(&item);
                let seen = row.has(SEEN).then(|| row.number::<i64>(SEEN)).transpose()?;
                census.count(row.number::<u8>(IS_ENROLLED)? == 1, seen.map(|seen| today - seen));
            }
            start = output.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(census);
            }
        }
    }
}
