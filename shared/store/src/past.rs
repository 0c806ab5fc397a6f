//! Past actions, for asking what other rules would have made of them.

use futures_util::future::try_join_all;

use countersign_domain::{
    action::Action,
    clock::Timestamp,
    error::Error,
    id::{ActionCode, UserId},
};

use super::{
    Store, TenantStore,
    actions::read_action,
    census::{INDEX, SHARDS, shard_of},
    item::{Attributes, Item, Row, n, s},
    keys::{
        self,
        attributes::{PK, SHARD, TTL},
    },
    unavailable,
};

/// A page reads the actions of at most so many users, and stops once it has so many actions.
pub const PAGE_USERS: usize = 100;
const PAGE_ACTIONS: usize = 1000;
const AT_A_TIME: usize = 10;

/// Actions of some users.
#[derive(Debug, Default)]
pub struct PastPage {
    pub actions: Vec<(UserId, Action)>,
    pub users: usize,
    /// Where the next page begins; absent after the last.
    pub last: Option<UserId>,
}

impl Store {
    /// How many items the table has: as of the last hours, for AWS counts them now and then.
    pub async fn about_how_many_items(&self) -> Result<u64, Error> {
        let found = self.client.describe_table().table_name(&self.table).send().await.map_err(unavailable)?;
        let count = found.table.and_then(|table| table.item_count).unwrap_or_default();
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

impl TenantStore<'_> {
    /// The actions of a kind since a time, of at most so many users after `after` in the order of the index of users.
    /// It stops after about 1,000 actions, and of one user there are at most 1,000.
    pub async fn past_actions(
        &self,
        code: &ActionCode,
        since: Timestamp,
        after: Option<&UserId>,
        most_users: usize,
    ) -> Result<PastPage, Error> {
        let mut page = PastPage::default();
        let (mut shard, mut start) = match after {
            Some(user) => (shard_of(user), Some(self.index_key(user))),
            None => (0, None),
        };
        while shard < SHARDS {
            let (users, next) = self.some_users(shard, start, most_users - page.users).await?;
            for some in users.chunks(AT_A_TIME) {
                let each = try_join_all(some.iter().map(|user| self.past_of(user, code, since))).await?;
                for (user, actions) in some.iter().zip(each) {
                    page.actions.extend(actions.into_iter().map(|action| (user.clone(), action)));
                    page.last = Some(user.clone());
                }
                page.users += some.len();
                if page.users >= most_users || page.actions.len() >= PAGE_ACTIONS {
                    return Ok(page);
                }
            }
            start = next;
            if start.is_none() {
                shard += 1;
            }
        }
        page.last = None;
        Ok(page)
    }

    async fn some_users(
        &self,
        shard: u8,
        start: Option<Attributes>,
        most: usize,
    ) -> Result<(Vec<UserId>, Option<Attributes>), Error> {
        let request = self.store.client.query().table_name(&self.store.table).index_name(INDEX);
        let request = request
            .key_condition_expression("ux = :shard")
            .projection_expression(PK)
            .expression_attribute_values(":shard", s(keys::users_shard(self.tenant, shard)))
            .limit(i32::try_from(most).unwrap_or(1))
            .set_exclusive_start_key(start);
        let output = request.send().await.map_err(unavailable)?;
        let mut users = Vec::new();
        for item in output.items.unwrap_or_default() {
            users.extend(keys::partition_user(self.tenant, Row(&item).text(PK)?));
        }
        Ok((users, output.last_evaluated_key.filter(|key| !key.is_empty())))
    }

    fn index_key(&self, user: &UserId) -> Attributes {
        let key = keys::user(self.tenant, user);
        let mut item = Item::at(&key);
        item.put(SHARD, s(keys::users_shard(self.tenant, shard_of(user))));
        item.into()
    }

    async fn past_of(&self, user: &UserId, code: &ActionCode, since: Timestamp) -> Result<Vec<Action>, Error> {
        let partition = keys::user_partition(self.tenant, user);
        let items = self.store.query(&partition, Some(&keys::actions_of(code)), PAGE_ACTIONS).await?;
        let mut actions = items.iter().map(read_action).collect::<Result<Vec<_>, _>>()?;
        actions.retain(|action| action.created_at >= since);
        Ok(actions)
    }

    /// Every action of the tenant since a time, in no order, from `part` of `of` parts of a scan of the whole table. It
    /// reads everything, so it is for the operator alone. `read` is told how many items were read, page by page.
    pub async fn scan_actions(
        &self,
        part: i32,
        of: i32,
        since: Timestamp,
        mut each: impl FnMut(UserId, Action),
        read: impl Fn(u64),
    ) -> Result<(), Error> {
        let (prefix, mut start) = (keys::user_partition_prefix(self.tenant), None);
        loop {
            let request = self.store.client.scan().table_name(&self.store.table);
            // In one part the embedded store goes by its key, and in several it sorts the whole table for every page.
            let (segment, segments) = if of > 1 { (Some(part), Some(of)) } else { (None, None) };
            let request = request
                .set_segment(segment)
                .set_total_segments(segments)
                .filter_expression("begins_with(pk, :prefix) AND begins_with(sk, :action) AND #ttl >= :oldest")
                .expression_attribute_names("#ttl", TTL)
                .expression_attribute_values(":prefix", s(&prefix))
                .expression_attribute_values(":action", s(keys::ACTION))
                .expression_attribute_values(":oldest", n(since.as_second() + super::actions::KEPT_SECONDS))
                // About a page of 1 MB; without it the embedded store reads the rest of the table for every page.
                .limit(1000)
                .set_exclusive_start_key(start);
            let output = request.send().await.map_err(unavailable)?;
            for item in output.items.unwrap_or_default() {
                if let Some(user) = keys::partition_user(self.tenant, Row(&item).text(PK)?) {
                    let action = read_action(&item)?;
                    if action.created_at >= since {
                        each(user, action);
                    }
                }
            }
            read(u64::try_from(output.scanned_count).unwrap_or_default());
            start = output.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(());
            }
        }
    }
}
