//! Deletions, most of them under a condition.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, builders::DeleteBuilder};

use countersign_domain::error::Error;

use super::{
    Expressions, Refusal, Store, TenantStore, contended,
    item::s,
    keys::{
        Key,
        attributes::{PK, SK},
    },
    refusal,
};

impl Store {
    fn delete(&self, key: &Key) -> DeleteBuilder {
        Delete::builder().table_name(&self.table).key(PK, s(&key.pk)).key(SK, s(&key.sk))
    }
}

impl TenantStore<'_> {
    /// Deletes an item; `false` where the condition is false.
    pub(super) async fn delete_if(&self, key: &Key, when: &Expressions) -> Result<bool, Error> {
        let delete = async || {
            let request = self.store.client.delete_item().table_name(&self.store.table);
            let request = request.key(PK, s(&key.pk)).key(SK, s(&key.sk)).condition_expression(when.condition());
            let request = request.set_expression_attribute_names(when.names());
            request.set_expression_attribute_values(when.values()).send().await.map(|_| ()).map_err(refusal)
        };
        match contended(delete).await {
            Ok(()) => Ok(true),
            Err(Refusal::Condition(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Deletes an item that is there; `false` where there is none.
    pub(super) async fn delete_existing(&self, key: &Key) -> Result<bool, Error> {
        self.delete_if(key, &Expressions::default().require("attribute_exists(pk)")).await
    }

    /// The same as [`Self::delete_if`], as a part of a transaction.
    pub(super) fn delete_when(&self, key: &Key, when: &Expressions) -> Result<TransactWriteItem, Error> {
        let delete = self.store.delete(key).condition_expression(when.condition());
        let delete = delete.set_expression_attribute_names(when.names());
        let delete = delete.set_expression_attribute_values(when.values()).build().map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Deletes an item if it is there, as a part of a transaction.
    pub(super) fn delete_item(&self, key: &Key) -> Result<TransactWriteItem, Error> {
        let delete = self.store.delete(key).build().map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}
