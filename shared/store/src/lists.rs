//! Value lists, an item each.

use countersign_domain::{error::Error, id::ListAlias, rule::list::ValueList, secret::random};

use super::{
    Refusal, TenantStore, contended,
    item::{Item, Row, document, n},
    keys::{
        self,
        attributes::{DOCUMENT, VERSION},
    },
    refusal,
};

impl TenantStore<'_> {
    pub async fn list(&self, alias: &ListAlias) -> Result<Option<ValueList>, Error> {
        self.store.get(&keys::list(self.tenant, alias)).await?.map(|item| Row(&item).document(DOCUMENT)).transpose()
    }

    /// Makes a list; 409 where its alias is taken.
    pub async fn create_list(&self, list: &ValueList) -> Result<(), Error> {
        match self.put_list(list, None).await {
            Ok(()) => Ok(()),
            // Written by a call whose answer was lost.
            Err(Refusal::Condition(Some(item))) if Row(&item).document::<ValueList>(DOCUMENT)? == *list => Ok(()),
            Err(Refusal::Condition(_)) => {
                Err(Error::Conflict(format!("There is a value list with the alias {} already.", list.alias)))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Changes a list as it is now; 404 where there is none.
    pub async fn change_list(
        &self,
        alias: &ListAlias,
        change: impl Fn(&mut ValueList) -> Result<(), Error>,
    ) -> Result<ValueList, Error> {
        for _ in 0..5 {
            let item = self.store.get(&keys::list(self.tenant, alias)).await?.ok_or_else(no_list)?;
            let mut list = Row(&item).document(DOCUMENT)?;
            change(&mut list)?;
            match self.put_list(&list, Some(Row(&item).number(VERSION)?)).await {
                Ok(()) => return Ok(list),
                Err(Refusal::Condition(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::unavailable("the value list kept changing"))
    }

    async fn put_list(&self, list: &ValueList, seen: Option<u64>) -> Result<(), Refusal> {
        let mut item = Item::at(&keys::list(self.tenant, &list.alias));
        item.put(DOCUMENT, document(list)?);
        item.put(VERSION, n(u64::from_be_bytes(random::<8>()?)));
        let put = async || {
            let request =
                self.store.client.put_item().table_name(&self.store.table).set_item(Some(item.clone().into()));
            let request = request.return_values_on_condition_check_failure(super::OnFailure::AllOld);
            let request = match seen {
                None => request.condition_expression("attribute_not_exists(pk)"),
                Some(seen) => request.condition_expression("ver = :v").expression_attribute_values(":v", n(seen)),
            };
            request.send().await.map(|_| ()).map_err(refusal)
        };
        contended(put).await
    }

    /// Removes a list; 404 where there is none. To rules that name it, it is absent from then on.
    pub async fn delete_list(&self, alias: &ListAlias) -> Result<(), Error> {
        match self.delete_existing(&keys::list(self.tenant, alias)).await? {
            true => Ok(()),
            false => Err(no_list()),
        }
    }
}

/// What a call on a value list that does not exist is told.
pub fn no_list() -> Error {
    Error::NotFound("There is no value list with this alias.".into())
}
