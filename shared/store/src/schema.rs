//! The table itself: two keys, one index for people who look, items that end by `ttl`.

use aws_sdk_dynamodb::{
    Client,
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
        GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
        TimeToLiveSpecification, TimeToLiveStatus,
    },
};

use countersign_domain::{clock::Timestamp, error::Error};

use super::{
    Store,
    census::INDEX,
    contended,
    item::{s, time},
    keys::attributes::{Attribute, IS_ENROLLED, PK, SEEN, SHARD, SK, TTL},
    refusal, unavailable,
};

fn text(name: Attribute) -> Result<AttributeDefinition, Error> {
    let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
    definition.build().map_err(Error::internal)
}

fn key(name: Attribute, kind: KeyType) -> Result<KeySchemaElement, Error> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(Error::internal)
}

fn projection() -> Projection {
    let some = Projection::builder().projection_type(ProjectionType::Include);
    some.non_key_attributes(IS_ENROLLED).non_key_attributes(SEEN).build()
}

/// Gives a table from before there was an index its index. Items that lack its attributes come into it when their
/// user is tracked again, or by `countersign users reindex`.
async fn add_index(client: &Client, table: &str) -> Result<(), Error> {
    let known = client.describe_table().table_name(table).send().await.map_err(unavailable)?;
    let has = known
        .table
        .is_some_and(|table| table.global_secondary_indexes().iter().any(|index| index.index_name() == Some(INDEX)));
    if has {
        return Ok(());
    }
    let create = CreateGlobalSecondaryIndexAction::builder().index_name(INDEX).projection(projection());
    let create = create.key_schema(key(SHARD, KeyType::Hash)?).build().map_err(Error::internal)?;
    let update = GlobalSecondaryIndexUpdate::builder().create(create).build();
    let mut request = client.update_table().table_name(table).global_secondary_index_updates(update);
    for name in [PK, SK, SHARD] {
        request = request.attribute_definitions(text(name)?);
    }
    request.send().await.map(|_| ()).map_err(unavailable)
}

/// Has items that are over removed, where that is not so yet.
async fn let_items_end(client: &Client, table: &str) -> Result<(), Error> {
    let known = client.describe_time_to_live().table_name(table).send().await.map_err(unavailable)?;
    let status = known.time_to_live_description.and_then(|ttl| ttl.time_to_live_status);
    if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        return Ok(());
    }
    let ttl = TimeToLiveSpecification::builder().attribute_name(TTL).enabled(true);
    let ttl = ttl.build().map_err(Error::internal)?;
    let request = client.update_time_to_live().table_name(table).time_to_live_specification(ttl);
    request.send().await.map(|_| ()).map_err(unavailable)
}

impl Store {
    /// Makes the table where it is missing, as template.yaml does on AWS. For the embedded store and for tests.
    pub async fn create_table(client: Client, table: &str) -> Result<Self, Error> {
        let mut request = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [(PK, KeyType::Hash), (SK, KeyType::Range)] {
            request = request.attribute_definitions(text(name)?).key_schema(key(name, kind)?);
        }
        let index = GlobalSecondaryIndex::builder().index_name(INDEX).projection(projection());
        let index = index.key_schema(key(SHARD, KeyType::Hash)?).build().map_err(Error::internal)?;
        let request = request.attribute_definitions(text(SHARD)?).global_secondary_indexes(index);
        match request.send().await {
            Ok(_) => {}
            Err(error) if matches!(error.as_service_error(), Some(CreateTableError::ResourceInUseException(_))) => {
                add_index(&client, table).await?;
            }
            Err(error) => return Err(unavailable(error)),
        }
        // In both cases: whoever made the table may have been cut short before this.
        let_items_end(&client, table).await?;
        Ok(Self::new(client, table))
    }

    /// Proves that the table can be written; 503 where it cannot. A store that answers reads alone, as on a full disk,
    /// would answer no user.
    ///
    /// One write unit of one item that nobody reads.
    pub async fn ready(&self, now: Timestamp) -> Result<(), Error> {
        let key = super::keys::ready();
        let prove = async || {
            let request = self.client.update_item().table_name(&self.table).key(PK, s(&key.pk)).key(SK, s(&key.sk));
            let request = request.update_expression("SET proved = :now").expression_attribute_values(":now", time(now));
            request.send().await.map(|_| ()).map_err(refusal)
        };
        contended(prove).await.map_err(Error::from)
    }
}
