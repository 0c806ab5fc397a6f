//! Documents of a tenant, an item each, that are changed as they are now: each write must find the version that was read.

use serde::{Serialize, de::DeserializeOwned};

use countersign_domain::error::Error;

use super::{
    Refusal, TenantStore,
    item::{Item, Row, document, n},
    keys::{
        Key,
        attributes::{DOCUMENT, VERSION},
    },
    refusal,
};

/// A document as read.
pub(super) struct Versioned<T> {
    /// Absent where there is no item yet.
    pub(super) document: Option<T>,
    version: u64,
}

impl TenantStore<'_> {
    /// One document, consistently.
    pub(super) async fn document<T: DeserializeOwned>(&self, key: &Key) -> Result<Versioned<T>, Error> {
        Ok(match self.store.get(key).await? {
            Some(item) => {
                let row = Row(&item);
                Versioned { document: Some(row.document(DOCUMENT)?), version: row.number(VERSION)? }
            }
            None => Versioned { document: None, version: 0 },
        })
    }

    /// Changes a document as it is now. `what` is said in the log where it keeps changing.
    pub(super) async fn change_document<T: DeserializeOwned, U: Serialize>(
        &self,
        key: &Key,
        what: &'static str,
        change: impl Fn(Option<T>) -> Result<U, Error>,
    ) -> Result<U, Error> {
        for _ in 0..5 {
            let seen = self.document(key).await?;
            let new = change(seen.document)?;
            match self.put_document(key, &new, seen.version).await {
                Ok(()) => return Ok(new),
                Err(Refusal::Condition(_) | Refusal::Contended) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::unavailable(format!("{what} kept changing")))
    }

    async fn put_document(&self, key: &Key, new: &impl Serialize, seen: u64) -> Result<(), Refusal> {
        let mut item = Item::at(key);
        item.put(DOCUMENT, document(new)?);
        item.put(VERSION, n(seen + 1));
        let request = self.store.client.put_item().table_name(&self.store.table).set_item(Some(item.into()));
        let request = match seen {
            0 => request.condition_expression("attribute_not_exists(pk)"),
            seen => request.condition_expression("ver = :seen").expression_attribute_values(":seen", n(seen)),
        };
        request.send().await.map(|_| ()).map_err(refusal)
    }
}
