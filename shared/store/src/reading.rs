//! A tenant's configuration as it stood at one moment.
//!
//! A `Query` gives page after page, and what a transaction writes may show in one item and not yet in the next
//! (DynamoDB calls it read-committed). Two readings that find the same versions had a moment between them at which all of
//! it stood, for no version comes back.

use aws_sdk_dynamodb::types::AttributeValue;
use countersign_domain::error::Error;

use super::{
    TenantStore,
    item::{Attributes, Row},
    keys::{
        self,
        attributes::{DOCUMENT, LIFE, SK, VERSION},
    },
};

/// Readings after which a configuration that changes all the time is given up.
const MOST_READINGS: usize = 8;

/// The versions that a reading found; two that are equal are of the same configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading(Vec<Found>);

#[derive(Clone, Debug, PartialEq)]
struct Found {
    sk: String,
    version: Option<AttributeValue>,
    life: Option<AttributeValue>,
    /// The document, of an item that has no version.
    document: Option<AttributeValue>,
}

impl Reading {
    /// What `items` are versions of. When an action was last tracked is no part of the configuration.
    pub(super) fn of(items: &[Attributes]) -> Result<Self, Error> {
        let found = items.iter().map(|item| {
            let version = item.get(VERSION.as_str()).cloned();
            let document = if version.is_none() { item.get(DOCUMENT.as_str()).cloned() } else { None };
            Ok(Found { sk: Row(item).text(SK)?.to_owned(), version, life: item.get(LIFE.as_str()).cloned(), document })
        });
        Ok(Self(found.collect::<Result<_, Error>>()?))
    }
}

impl TenantStore<'_> {
    /// Every item of the configuration as it stood at one moment, and its versions. `known` is what was read last: while it
    /// still holds, one reading is enough. 503 where it changed with every reading.
    pub(super) async fn of_one_moment(&self, known: Option<&Reading>) -> Result<(Vec<Attributes>, Reading), Error> {
        let mut before = known.cloned();
        for _ in 0..MOST_READINGS {
            let items = self.store.query(&keys::tenant_partition(self.tenant), None, usize::MAX).await?;
            let reading = Reading::of(&items)?;
            if before.as_ref() == Some(&reading) {
                return Ok((items, reading));
            }
            before = Some(reading);
        }
        Err(Error::unavailable("the configuration kept changing"))
    }
}
