//! The last steps of authenticator apps that are gone. A secret that comes back, by a backend or an import, goes on from
//! the step that was accepted last: a code is accepted once, whatever happens to its authenticator and its user in
//! between (RFC 6238, section 5.2; I1).
//!
//! The id of an app is its secret's fingerprint under the tenant's data key and the life of the user. So removing an
//! app writes the step down without any key, and adding a secret finds the step under each life that is named here.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use countersign_domain::{
    clock::Timestamp,
    error::Error,
    id::{AuthenticatorId, UserId, UserUid},
    method::totp::Step,
    secret::random,
    user::User,
};

use super::{
    Expressions, TenantStore,
    item::{Attributes, Item, Row, document, n},
    keys::{
        self,
        attributes::{DOCUMENT, TTL, VERSION},
    },
    users::read_user,
};

/// How long a step is kept. The widest window ends four minutes after a step began: a period is at most two minutes
/// long, and one step of drift is accepted.
const KEPT_SECONDS: i64 = 3600;

/// The steps that apps of a user had spent when they were removed, as it was read.
#[derive(Clone, Debug, Default)]
pub struct SpentSteps {
    gone: BTreeMap<AuthenticatorId, Gone>,
    /// Absent where there is no item.
    version: Option<u64>,
}

/// An app that is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Gone {
    /// The life of the user that had it.
    uid: UserUid,
    step: Step,
    /// Unix seconds. Compared, and never awaited.
    until: i64,
}

impl SpentSteps {
    /// The last step that was accepted of a secret, by the id that it has in each life of the user; 0 for none.
    pub fn last_step(&self, id_of: impl Fn(&UserUid) -> AuthenticatorId, now: Timestamp) -> Step {
        let live = self.gone.iter().filter(|(_, gone)| now.as_second() < gone.until);
        live.filter(|(id, gone)| id_of(&gone.uid) == **id).map(|(_, gone)| gone.step).max().unwrap_or(0)
    }
}

pub(super) fn read_spent(item: Option<&Attributes>) -> Result<SpentSteps, Error> {
    let Some(item) = item else { return Ok(SpentSteps::default()) };
    let row = Row(item);
    Ok(SpentSteps { gone: row.document(DOCUMENT)?, version: Some(row.number(VERSION)?) })
}

impl TenantStore<'_> {
    /// The user and what apps that it had have spent, in one round trip.
    pub async fn user_and_spent(&self, id: &UserId) -> Result<(Option<User>, SpentSteps), Error> {
        let wanted = [&keys::user(self.tenant, id), &keys::spent(self.tenant, id)];
        let [user, spent] = self.store.get_all(wanted).await?;
        Ok((user.map(|item| read_user(id, &item)).transpose()?, read_spent(spent.as_ref())?))
    }

    pub(super) async fn spent(&self, id: &UserId) -> Result<SpentSteps, Error> {
        read_spent(self.store.get(&keys::spent(self.tenant, id)).await?.as_ref())
    }

    /// The condition of adding an app: none was removed since this was read.
    pub(super) fn none_went(&self, user: &UserId, seen: &SpentSteps) -> Result<TransactWriteItem, Error> {
        let same = match seen.version {
            Some(version) => Expressions::default().require("ver = :seen").value(":seen", n(version)),
            None => Expressions::default().require("attribute_not_exists(pk)"),
        };
        self.check(&keys::spent(self.tenant, user), &same)
    }

    /// Writes down what apps that are removed have spent, in place of what was read. `None` where they have spent
    /// nothing.
    pub(super) fn note_spent<'a>(
        &self,
        user: &User,
        going: impl IntoIterator<Item = &'a AuthenticatorId>,
        seen: &SpentSteps,
        now: Timestamp,
    ) -> Result<Option<TransactWriteItem>, Error> {
        let mut gone = seen.gone.clone();
        gone.retain(|_, one| now.as_second() < one.until);
        let until = now.as_second() + KEPT_SECONDS;
        let spent = going.into_iter().filter_map(|id| Some((id, user.totp.get(id)?.spent.step)));
        let spent: Vec<_> = spent.filter(|(_, step)| *step > 0).collect();
        if spent.is_empty() {
            return Ok(None);
        }
        for (id, step) in spent {
            gone.insert(id.clone(), Gone { uid: user.uid.clone(), step, until });
        }
        let mut item = Item::at(&keys::spent(self.tenant, &user.id));
        item.put(DOCUMENT, document(&gone)?);
        item.put(VERSION, n(u64::from_be_bytes(random::<8>()?)));
        item.put(TTL, n(until));
        let (condition, version) = match seen.version {
            Some(version) => ("ver = :v", Some(n(version))),
            None => ("attribute_not_exists(pk)", None),
        };
        self.put_if(item, condition, version).map(Some)
    }
}

impl Expressions {
    /// The condition that some apps of a user have spent no more than when the user was read.
    pub(super) fn spent_as_read<'a>(self, user: &User, going: impl IntoIterator<Item = &'a AuthenticatorId>) -> Self {
        let going = going.into_iter().filter_map(|id| Some((id, user.totp.get(id)?))).enumerate();
        going.fold(self, |all, (index, (id, app))| {
            all.require(format!("totp.#w{index}.s = :w{index}"))
                .name(format!("#w{index}"), id.as_str())
                .value(format!(":w{index}"), n(app.spent.step))
        })
    }
}
