//! Data points of a tenant, an item each.

use aws_sdk_dynamodb::types::AttributeValue;

use countersign_domain::{error::Error, id::PointId, rule::DataPoint};

use super::{
    Refusal, TenantStore, contended,
    item::{Item, Row, document},
    keys::{self, attributes::DOCUMENT},
    refusal,
};

impl TenantStore<'_> {
    pub async fn point(&self, id: &PointId) -> Result<Option<DataPoint>, Error> {
        self.store.get(&keys::point(self.tenant, id)).await?.map(|item| Row(&item).document(DOCUMENT)).transpose()
    }

    pub async fn create_point(&self, point: &DataPoint) -> Result<(), Error> {
        // Its id is random: whatever stands there is this very point, written by a call whose answer was lost.
        Ok(self.put_point(point, None).await?)
    }

    /// Changes a point; 404 where there is none.
    pub async fn replace_point(&self, point: &DataPoint) -> Result<(), Error> {
        match self.put_point(point, Some("attribute_exists(pk)")).await {
            Err(Refusal::Condition(_)) => Err(no_point()),
            answered => Ok(answered?),
        }
    }

    async fn put_point(&self, point: &DataPoint, condition: Option<&str>) -> Result<(), Refusal> {
        let mut item = Item::at(&keys::point(self.tenant, &point.id));
        let written: AttributeValue = document(point)?;
        item.put(DOCUMENT, written);
        let put = async || {
            let request =
                self.store.client.put_item().table_name(&self.store.table).set_item(Some(item.clone().into()));
            let request = request.set_condition_expression(condition.map(str::to_owned));
            request.send().await.map(|_| ()).map_err(refusal)
        };
        contended(put).await
    }

    /// Removes a point; 404 where there is none.
    pub async fn delete_point(&self, id: &PointId) -> Result<(), Error> {
        match self.delete_existing(&keys::point(self.tenant, id)).await? {
            true => Ok(()),
            false => Err(no_point()),
        }
    }
}

/// What a call on a data point that does not exist is told.
pub fn no_point() -> Error {
    Error::NotFound("There is no custom data point with this id.".into())
}
