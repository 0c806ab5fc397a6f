//! The table itself: two keys, no index, items that end by `ttl`.

use aws_sdk_dynamodb::{
    Client,
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
    },
};

use crate::error::Error;

use super::{Store, unavailable};

impl Store {
    /// Makes the table where it is missing, as template.yaml does on AWS. For the embedded store and for tests.
    pub async fn create_table(client: Client, table: &str) -> Result<Self, Error> {
        let mut request = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
            let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
            request = request
                .attribute_definitions(definition.build().map_err(Error::internal)?)
                .key_schema(key.build().map_err(Error::internal)?);
        }
        match request.send().await {
            Ok(_) => {
                let ttl = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(true);
                let ttl = ttl.build().map_err(Error::internal)?;
                let request = client.update_time_to_live().table_name(table).time_to_live_specification(ttl);
                request.send().await.map_err(unavailable)?;
            }
            Err(error) if matches!(error.as_service_error(), Some(CreateTableError::ResourceInUseException(_))) => {}
            Err(error) => return Err(unavailable(error)),
        }
        Ok(Self::new(client, table))
    }

    /// Answers once the table does; 503 where it cannot be reached.
    pub async fn ping(&self) -> Result<(), Error> {
        self.get(&super::keys::api_key("ping")).await.map(|_| ())
    }
}
