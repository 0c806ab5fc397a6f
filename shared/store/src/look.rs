//! How a tenant's pages look, in a partition of its own: only pages read it, and calls that ask nobody do not.

use serde_json::Value;

use countersign_domain::{error::Error, look::Look, theme::Theme, wording::Overrides};

use super::{
    TenantStore,
    item::Row,
    keys::{
        self,
        attributes::{DOCUMENT, SK},
    },
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
        let stored = self.document::<Value>(&keys::theme(self.tenant)).await?.document;
        stored.map(read_theme).transpose().map(Option::unwrap_or_default)
    }

    /// Changes the theme as it is now.
    pub async fn change_theme(&self, change: impl Fn(&Theme) -> Result<Theme, Error>) -> Result<Theme, Error> {
        let changed = |seen: Option<Value>| change(&seen.map(read_theme).transpose()?.unwrap_or_default());
        self.change_document(&keys::theme(self.tenant), "the look", changed).await
    }

    /// The tenant's own words as of this moment.
    pub async fn overrides(&self) -> Result<Overrides, Error> {
        Ok(self.document(&keys::messages(self.tenant)).await?.document.unwrap_or_default())
    }

    /// Puts other words in place of the tenant's own.
    pub async fn replace_overrides(&self, new: &Overrides) -> Result<Overrides, Error> {
        self.change_document(&keys::messages(self.tenant), "the look", |_: Option<Value>| Ok(new.clone())).await
    }
}

/// What was written was checked; what is no theme any more is our fault.
fn read_theme(value: Value) -> Result<Theme, Error> {
    Theme::read(value).map_err(Error::internal)
}
