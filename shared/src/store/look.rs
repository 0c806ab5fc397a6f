//! How a tenant's pages look, in a partition of its own: only pages read it, and calls that cost money do not.

use serde_json::Value;

use crate::{error::Error, look::Look, theme::Theme};

use super::{
    Refusal, TenantStore,
    item::{Row, document, keyed, n},
    keys, refusal,
};

impl TenantStore<'_> {
    /// All of it, in one query.
    pub async fn look(&self) -> Result<Look, Error> {
        let items = self.store.query(&keys::look_partition(self.tenant), None, usize::MAX).await?;
        let mut look = Look::default();
        for item in &items {
            let row = Row(item);
            if row.text("sk")? == keys::THEME {
                look.theme = read_theme(&row)?;
            }
        }
        Ok(look)
    }

    /// The theme as of this moment.
    pub async fn theme(&self) -> Result<Theme, Error> {
        Ok(self.versioned_theme().await?.0)
    }

    async fn versioned_theme(&self) -> Result<(Theme, u64), Error> {
        match self.store.get(&keys::theme(self.tenant)).await? {
            Some(item) => Ok((read_theme(&Row(&item))?, Row(&item).number("ver")?)),
            None => Ok((Theme::default(), 0)),
        }
    }

    /// Changes the theme as it is now.
    pub async fn change_theme(&self, change: impl Fn(&Theme) -> Result<Theme, Error>) -> Result<Theme, Error> {
        for _ in 0..5 {
            let (seen, version) = self.versioned_theme().await?;
            let theme = change(&seen)?;
            match self.put_theme(&theme, version).await {
                Ok(()) => return Ok(theme),
                Err(Refusal::Condition(_) | Refusal::Contended) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::unavailable("the theme kept changing"))
    }

    async fn put_theme(&self, theme: &Theme, seen: u64) -> Result<(), Refusal> {
        let mut item = keyed(&keys::theme(self.tenant));
        item.insert("doc".into(), document(theme)?);
        item.insert("ver".into(), n(seen + 1));
        let request = self.store.client.put_item().table_name(&self.store.table).set_item(Some(item));
        let request = match seen {
            0 => request.condition_expression("attribute_not_exists(pk)"),
            seen => request.condition_expression("ver = :seen").expression_attribute_values(":seen", n(seen)),
        };
        request.send().await.map(|_| ()).map_err(refusal)
    }
}

/// What was written was checked; what is not a theme any more is our fault.
fn read_theme(row: &Row<'_>) -> Result<Theme, Error> {
    Theme::read(row.document::<Value>("doc")?).map_err(Error::internal)
}
