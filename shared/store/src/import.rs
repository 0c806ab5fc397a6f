//! Import of users from another system, each in one transaction; and the list of all users.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use countersign_domain::{
    action::Action,
    clock::Timestamp,
    error::Error,
    id::UserId,
    user::{MAX_TOTP, Profile, RequiredAction, User},
};

use super::{
    Expressions, NewAuthenticator, Refusal, SpentSteps, StoredProfile, TenantStore,
    actions::read_action,
    census, contended,
    item::{Item, Row, n, s},
    keys::{
        self, Key,
        attributes::{IS_ENROLLED, PK, SHARD, TOTP},
    },
    policy::finished,
    unavailable,
    users::{read_user, write_user},
};

/// What an import makes of a user.
pub struct Import<'a> {
    pub user: &'a User,
    pub is_new: bool,
    pub old: Option<&'a StoredProfile>,
    /// Where it changes.
    pub profile: Option<&'a Profile>,
    /// Apps that the user does not have yet, each once.
    pub apps: &'a [NewAuthenticator],
    /// The steps that apps of the user had spent when they were removed.
    pub spent: &'a SpentSteps,
    pub now: Timestamp,
}

impl TenantStore<'_> {
    /// Writes what is new of a user, all or nothing; `false` where what was read had changed by then.
    pub async fn import(&self, import: &Import<'_>) -> Result<bool, Error> {
        let writes = || {
            let mut writes = vec![match import.is_new {
                true => self.put_if(self.imported_item(import), "attribute_not_exists(pk)", None)?,
                false => self.update_user(&import.user.id, &self.imported_apps(import))?,
            }];
            if let Some(profile) = import.profile {
                writes.extend(self.put_profile(import.user, import.old, profile)?);
            }
            for app in import.apps {
                writes.push(self.put_description(&import.user.id, &app.description)?);
            }
            if !import.apps.is_empty() {
                writes.push(self.none_went(&import.user.id, import.spent)?);
            }
            Ok::<_, Error>(writes)
        };
        match contended(async || self.store.transact(writes()?).await).await {
            Ok(()) => Ok(true),
            Err(Refusal::Cancelled(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    fn imported_item(&self, import: &Import<'_>) -> Item {
        let mut item = write_user(self, import.user);
        if !import.apps.is_empty() {
            let apps = import.apps.iter().map(|app| (app.description.id.to_string(), app.totp()));
            item.put(TOTP, AttributeValue::M(apps.collect::<HashMap<_, _>>()));
            item.put(IS_ENROLLED, n(1));
            finished(&mut item, import.user, RequiredAction::AuthenticatorApplicationSetup);
        }
        item
    }

    fn imported_apps(&self, import: &Import<'_>) -> Expressions {
        let mut add =
            Expressions::default().set("uid = :uid").require("uid = :uid").value(":uid", s(import.user.uid.as_str()));
        for (index, app) in import.apps.iter().enumerate() {
            add = add
                .set(format!("totp.#i{index} = :t{index}"))
                .require(format!("attribute_not_exists(totp.#i{index})"))
                .name(format!("#i{index}"), app.description.id.as_str())
                .value(format!(":t{index}"), app.totp());
        }
        if let Some(first) = import.apps.first() {
            add = add
                .enrolling(import.user, &first.description.id, None, import.now)
                .require("size(totp) <= :room")
                .value(":room", n(MAX_TOTP.saturating_sub(import.apps.len())))
                .listed(self.tenant, &import.user.id, true)
                .done(RequiredAction::AuthenticatorApplicationSetup);
        }
        add
    }

    /// The ids of all users, in no order, from a scan of the whole table. It reads everything, so it is for the
    /// operator alone. With `unlisted`, only those from before there was an index of users.
    pub async fn scan_users(&self, unlisted: bool) -> Result<Vec<UserId>, Error> {
        let (mut users, mut start) = (Vec::new(), None);
        let prefix = keys::user_partition_prefix(self.tenant);
        let filter = "begins_with(pk, :prefix) AND sk = :user";
        let filter = if unlisted { format!("{filter} AND attribute_not_exists({SHARD})") } else { filter.into() };
        loop {
            let request = self.store.client.scan().table_name(&self.store.table).consistent_read(true);
            let request = request
                .filter_expression(&filter)
                .projection_expression(PK)
                .expression_attribute_values(":prefix", s(&prefix))
                .expression_attribute_values(":user", s(keys::USER))
                .set_exclusive_start_key(start);
            let output = request.send().await.map_err(unavailable)?;
            for item in output.items.unwrap_or_default() {
                users.extend(keys::partition_user(self.tenant, Row(&item).text(PK)?));
            }
            start = output.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(users);
            }
        }
    }

    /// Takes a user from before there was an index of users into it, as last seen at its newest action.
    pub async fn list_user(&self, id: &UserId) -> Result<(), Error> {
        for _ in 0..8 {
            let Some(item) = self.store.get(&keys::user(self.tenant, id)).await? else { return Ok(()) };
            let user = read_user(id, &item)?;
            let partition = keys::user_partition(self.tenant, id);
            let actions = self.store.query(&partition, Some(keys::ACTION), usize::MAX).await?;
            let actions = actions.iter().map(read_action).collect::<Result<Vec<Action>, _>>()?;
            let newest: Option<Timestamp> = actions
                .iter()
                .filter(|action| action.user_uid.is_of_same_life(&user.uid))
                .map(|action| action.created_at)
                .max();
            let mut list = Expressions::default()
                .require("uid = :uid AND size(totp) = :apps AND size(att) = :others")
                .value(":uid", s(user.uid.as_str()))
                .value(":apps", n(user.totp.len()))
                .value(":others", n(user.secretless.len()))
                .listed(self.tenant, id, user.can_answer());
            if let Some(day) = newest.map(census::day).max(user.seen) {
                list = list.set("seen = :day").value(":day", n(day));
            }
            let key: Key = keys::user(self.tenant, id);
            match self.update_one(&key, &list).await {
                Ok(_) => return Ok(()),
                Err(Refusal::Condition(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::unavailable("the user kept changing"))
    }
}
