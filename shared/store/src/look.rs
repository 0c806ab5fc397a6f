//! How a tenant's pages look, in a partition of its own: only pages read it, and calls that ask nobody do not.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use countersign_domain::{error::Error, look::Look, theme::Theme, wording::Overrides};

use super::{
    Refusal, TenantStore,
    item::{Item, Row, document, n},
    keys::attributes::{DOCUMENT, SK, VERSION},
    keys::{self, Key},
    refusal,
};

impl TenantStore<'_> {
    /// All of it, in one query.
    pub async fn look(&self) -> Result<Look, Error> {
        let items = self.store.query(&keys::look_partition(self.tenant), None, usize::MAX).await?;
        let mut look = Look::default();
        for item in &items {
            let row = Row(item);
            match row.text(SK)? {
                keys::THEME => look.theme = read_theme(row.document(DOCUMENT)?)?,
                keys::MESSAGES => look.overrides = row.document(DOCUMENT)?,
                _ => {}
            }
        }
        Ok(look)
    }

    /// The theme as of this moment.
    pub async fn theme(&self) -> Result<Theme, Error> {
        read_theme(
            self.part::<Value>(&keys::theme(self.tenant))
                .await?
                .0
                .unwrap_or_else(|| Value::Object([].into_iter().collect())),
        )
    }

    /// Changes the theme as it is now.
    pub async fn change_theme(&self, change: impl Fn(&Theme) -> Result<Theme, Error>) -> Result<Theme, Error> {
        let changed = |seen: Option<Value>| change(&seen.map(read_theme).transpose()?.unwrap_or_default());
        self.change_part(&keys::theme(self.tenant), changed).await
    }

    /// The tenant's own words as of this moment.
    pub async fn overrides(&self) -> Result<Overrides, Error> {
        Ok(self.part(&keys::messages(self.tenant)).await?.0.unwrap_or_default())
    }

    /// Puts other words in place of the tenant's own.
    pub async fn replace_overrides(&self, new: &Overrides) -> Result<Overrides, Error> {
        self.change_part(&keys::messages(self.tenant), |_: Option<Value>| Ok(new.clone())).await
    }

    async fn part<T: DeserializeOwned>(&self, key: &Key) -> Result<(Option<T>, u64), Error> {
        match self.store.get(key).await? {
            Some(item) => Ok((Some(Row(&item).document(DOCUMENT)?), Row(&item).number(VERSION)?)),
            None => Ok((None, 0)),
        }
    }

    async fn change_part<T: DeserializeOwned, U: Serialize>(
        &self,
        key: &Key,
        change: impl Fn(Option<T>) -> Result<U, Error>,
    ) -> Result<U, Error> {
        for _ in 0..5 {
            let (seen, version) = self.part(key).await?;
            let new = change(seen)?;
            match self.put_part(key, &new, version).await {
                Ok(()) => return Ok(new),
                Err(Refusal::Condition(_) | Refusal::Contended) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::unavailable("the look kept changing"))
    }

    async fn put_part(&self, key: &Key, new: &impl Serialize, seen: u64) -> Result<(), Refusal> {
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

/// What was written was checked; what is no theme any more is our fault.
fn read_theme(value: Value) -> Result<Theme, Error> {
    Theme::read(value).map_err(Error::internal)
}
