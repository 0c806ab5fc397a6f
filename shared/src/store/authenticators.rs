//! Authenticators of a user: their descriptions, and those that a backend vouches for.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};

use crate::{
    authenticator::Authenticator,
    error::Error,
    id::{AuthenticatorId, UserId},
    user::{MAX_AUTHENTICATORS, MAX_TOTP, SpentStep, User},
};

use super::{
    Expressions, Refusal, Settlement, TenantStore, contended,
    item::{Row, document, keyed, n, s},
    keys,
    users::{totp_value, write_user},
};

/// An authenticator that the customer's backend vouches for (contract, S7).
pub struct NewAuthenticator {
    pub description: Authenticator,
    /// The sealed secret, for TOTP.
    pub sealed: Option<Vec<u8>>,
}

impl TenantStore<'_> {
    pub(super) fn put_description(
        &self,
        user: &UserId,
        description: &Authenticator,
    ) -> Result<TransactWriteItem, Error> {
        let mut item = keyed(&keys::authenticator(self.tenant, user, &description.id));
        item.insert("uid".into(), s(description.user_uid.as_str()));
        item.insert("doc".into(), document(description)?);
        self.put_if(item, "attribute_not_exists(pk)", None)
    }

    /// Adds an authenticator that the backend vouches for, and makes the user where it is new.
    pub async fn add_authenticator(
        &self,
        user: &User,
        is_new: bool,
        new: &NewAuthenticator,
        is_default: bool,
    ) -> Result<Settlement, Error> {
        let writes = || {
            let id = new.description.id.as_str();
            let mut add =
                Expressions::default().require("uid = :uid").value(":uid", s(user.uid.as_str())).name("#i", id);
            add = match &new.sealed {
                Some(sealed) => add
                    .set("totp.#i = :new")
                    .require("size(totp) < :max AND attribute_not_exists(totp.#i)")
                    .value(":new", totp_value(sealed, &SpentStep::default()))
                    .value(":max", n(MAX_TOTP)),
                None => add
                    .set("att.#i = :new")
                    .require("size(att) < :max")
                    .value(":new", s(new.description.method.as_str()))
                    .value(":max", n(MAX_AUTHENTICATORS - MAX_TOTP)),
            };
            if is_default {
                add = add.set("def = :def").value(":def", s(new.description.method.as_str()));
            }
            let user_write = if is_new {
                let mut item = write_user(self, user);
                let (map, value) = match &new.sealed {
                    Some(sealed) => ("totp", totp_value(sealed, &SpentStep::default())),
                    None => ("att", s(new.description.method.as_str())),
                };
                item.insert(map.into(), AttributeValue::M(HashMap::from([(id.to_owned(), value)])));
                if is_default {
                    item.insert("def".into(), s(new.description.method.as_str()));
                }
                self.put_if(item, "attribute_not_exists(pk)", None)?
            } else {
                self.update_user(&user.id, &add)?
            };
            Ok::<_, Error>(vec![user_write, self.put_description(&user.id, &new.description)?])
        };
        match contended(async || self.store.transact(writes()?).await).await {
            Ok(()) => Ok(Settlement::Accepted),
            Err(Refusal::Cancelled(_)) => Ok(Settlement::Refused),
            Err(other) => Err(other.into()),
        }
    }

    /// Removes an authenticator; `false` where the user does not have it.
    pub async fn remove_authenticator(&self, user: &User, id: &AuthenticatorId) -> Result<bool, Error> {
        let path = if user.totp.contains_key(id) { "totp.#i" } else { "att.#i" };
        let remove = Expressions::default()
            .set("uid = :uid")
            .remove(path)
            .require(format!("uid = :uid AND attribute_exists({path})"))
            .name("#i", id.as_str())
            .value(":uid", s(user.uid.as_str()));
        let key = keys::authenticator(self.tenant, &user.id, id);
        let delete = Delete::builder().table_name(&self.store.table).key("pk", s(key.pk)).key("sk", s(key.sk));
        let delete = TransactWriteItem::builder().delete(delete.build().map_err(Error::internal)?).build();
        let write = async || self.store.transact(vec![self.update_user(&user.id, &remove)?, delete.clone()]).await;
        match contended(write).await {
            Ok(()) => Ok(true),
            Err(Refusal::Cancelled(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The descriptions of the authenticators that the user has, oldest first.
    pub async fn authenticators(&self, user: &User) -> Result<Vec<Authenticator>, Error> {
        let partition = keys::user_partition(self.tenant, &user.id);
        let items = self.store.query(&partition, Some(keys::AUTHENTICATOR), usize::MAX).await?;
        let mut found = Vec::with_capacity(items.len());
        for item in &items {
            let description: Authenticator = Row(item).document("doc")?;
            if description.user_uid == user.uid && user.has_authenticator(&description.id) {
                found.push(description);
            }
        }
        found.sort_by(|one, two| (one.created_at, &one.id).cmp(&(two.created_at, &two.id)));
        Ok(found)
    }
}
