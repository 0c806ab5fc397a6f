//! The one table, through aws-sdk-dynamodb, everywhere. Methods say what they mean, never `get_item`.
//!
//! Every promise of the product is the condition of one write here. Reads that decide anything are consistent,
//! and no index takes part.

mod accept;
mod account;
mod actions;
mod apply;
mod authenticators;
pub mod cause;
mod census;
mod challenges;
mod claims;
mod codes;
mod counted;
mod deletes;
mod devices;
mod documents;
mod enrolments;
mod expressions;
mod forms;
mod guesses;
mod import;
mod item;
pub mod keys;
mod lists;
mod look;
mod pairings;
mod past;
mod points;
mod policy;
mod profiles;
mod reading;
mod recent;
mod revoked;
mod rules;
pub mod schema;
mod sources;
mod spent;
mod tenants;
mod unlock;
mod users;

use std::{future::Future, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::Builder,
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, transact_write_items::TransactWriteItemsError,
        update_item::UpdateItemError,
    },
    types::{
        AttributeValue, ConditionCheck, KeysAndAttributes, Put, ReturnValue,
        ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
    },
};

pub use accept::{Acceptance, Accepted, Approval, FirstStep, Proof, Receipt};
pub use account::{Change, Entitled, Entitlement, OwnChange};
pub use actions::{Tracked, no_action};
pub use apply::{Applied, Configured};
pub use authenticators::{Added, NewAuthenticator, Removal, Removed, Remover};
pub use challenges::{Denial, Denied};
pub use codes::{NewCodes, StoredCodes};
pub use counted::Counted;
pub use devices::{Addressed, Credential, DeviceAddress, Enrolled, EnrollingAction, NewDevice, Recipient};
pub use guesses::Spent;
pub use import::Import;
pub use lists::no_list;
pub use pairings::{Of as PairingOf, Redeemed};
pub use past::{PAGE_USERS, PastPage};
pub use points::no_point;
pub use profiles::{ProfileChange, StoredProfile};
pub use reading::Reading;
pub use recent::{Noted, NotedDevice, SeenByRules, UserSeenByRules, no_device};
pub use rules::no_rule;
pub use spent::SpentSteps;
pub use tenants::{Versioned, no_action_config};
pub use users::{UserAndAction, UserAndSpent};

use countersign_domain::{
    error::Error,
    id::TenantId,
    metrics::{Counter, count},
};
use expressions::Expressions;
use item::{Attributes, Item, s};
use keys::{
    Key,
    attributes::{PK, SK},
};

/// The table cannot be used; the text says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TableError(String);

/// A table, and the client that speaks to it.
#[derive(Clone)]
pub struct Store {
    client: Client,
    table: String,
}

/// What one tenant has in the table; the only door to a row of a tenant.
#[derive(Clone, Copy)]
pub struct TenantStore<'a> {
    store: &'a Store,
    tenant: &'a TenantId,
}

/// How a write was refused.
#[derive(Debug)]
enum Refusal {
    /// Its condition was false; the item as it was, where there was one.
    Condition(Option<Attributes>),
    /// A transaction was cancelled: for each of its writes, whether that one's condition was false.
    Cancelled(Vec<Option<Option<Attributes>>>),
    /// Another write had the item at that moment; nothing was written.
    Contended,
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failed(error) => error,
            Refusal::Contended => Error::unavailable("the item stayed contended"),
            Refusal::Condition(_) | Refusal::Cancelled(_) => Error::unavailable("a write was refused unexpectedly"),
        }
    }
}

impl Store {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// A table as a function reaches it, with every call counted.
    pub fn connect(config: impl Into<Builder>, table: impl Into<String>) -> Self {
        let config = config.into().interceptor(Counted { calls: Counter::StoreCalls, errors: None }).build();
        Self::new(Client::from_conf(config), table)
    }

    /// Whether the table is there and may be read; what a function that starts asks. A table that does not answer
    /// now may do so in a moment: requests get 503 until then.
    pub async fn check(&self) -> Result<(), TableError> {
        let key = keys::api_key("ping");
        let request = self.client.get_item().table_name(&self.table).key(PK, s(&key.pk)).key(SK, s(&key.sk));
        let Err(error) = request.send().await else { return Ok(()) };
        let code = error.code().unwrap_or_default().to_owned();
        let settled = ["ResourceNotFound", "AccessDenied", "UnrecognizedClient", "InvalidSignature", "Validation"];
        if settled.iter().any(|prefix| code.starts_with(prefix)) {
            let Self { table, .. } = self;
            return Err(TableError(format!(
                "COUNTERSIGN_TABLE names a table that cannot be used: {table} ({code}); check its name, AWS_REGION and the role"
            )));
        }
        Ok(())
    }

    /// The door to one tenant's rows.
    pub fn tenant<'a>(&'a self, tenant: &'a TenantId) -> TenantStore<'a> {
        TenantStore { store: self, tenant }
    }

    /// One item, consistently.
    async fn get(&self, key: &Key) -> Result<Option<Attributes>, Error> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let output = request.key(PK, s(&key.pk)).key(SK, s(&key.sk)).send().await.map_err(unavailable)?;
        Ok(output.item)
    }

    /// Some items in one round trip, consistently, in the order asked for.
    async fn get_all<const N: usize>(&self, wanted: [&Key; N]) -> Result<[Option<Attributes>; N], Error> {
        let mut request = KeysAndAttributes::builder().consistent_read(true);
        for key in wanted {
            request = request.keys(Item::at(key).into());
        }
        let request = request.build().map_err(Error::internal)?;
        let output =
            self.client.batch_get_item().request_items(&self.table, request).send().await.map_err(unavailable)?;
        // A part left out is not an absent item: answering as if it were would fail open.
        if output.unprocessed_keys.is_some_and(|left| !left.is_empty()) {
            return Err(Error::unavailable("the table answered in part"));
        }
        let mut found = output.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
        Ok(wanted.map(|key| {
            let is = |item: &Attributes| {
                item.get(PK.as_str()) == Some(&s(&key.pk)) && item.get(SK.as_str()) == Some(&s(&key.sk))
            };
            found.iter().position(is).map(|at| found.swap_remove(at))
        }))
    }

    /// Every item of a partition whose sort key begins so, consistently, page by page, at most `most`.
    async fn query(&self, pk: &str, prefix: Option<&str>, most: usize) -> Result<Vec<Attributes>, Error> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let mut request = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .expression_attribute_values(":pk", s(pk))
                .set_exclusive_start_key(start);
            request = match prefix {
                Some(prefix) => request
                    .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                    .expression_attribute_values(":sk", s(prefix)),
                None => request.key_condition_expression("pk = :pk"),
            };
            let output = request.send().await.map_err(unavailable)?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() || items.len() >= most {
                items.truncate(most);
                return Ok(items);
            }
        }
    }

    /// Writes all or nothing. The SDK's request token makes its own repetition of a lost call the same call.
    async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<(), Refusal> {
        let sent = self.client.transact_write_items().set_transact_items(Some(writes)).send().await;
        sent.map(|_| ()).map_err(refusal)
    }
}

impl TenantStore<'_> {
    fn update(&self, key: &Key, expressions: &Expressions) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&self.store.table)
            .key(PK, s(&key.pk))
            .key(SK, s(&key.sk))
            .update_expression(expressions.update())
            .condition_expression(expressions.condition())
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// A condition on an item that the transaction leaves as it is.
    fn check(&self, key: &Key, expressions: &Expressions) -> Result<TransactWriteItem, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.store.table)
            .key(PK, s(&key.pk))
            .key(SK, s(&key.sk))
            .condition_expression(expressions.condition())
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn put_if(&self, item: Item, condition: &str, value: Option<AttributeValue>) -> Result<TransactWriteItem, Error> {
        let mut put =
            Put::builder().table_name(&self.store.table).set_item(Some(item.into())).condition_expression(condition);
        put = put.return_values_on_condition_check_failure(OnFailure::AllOld);
        if let Some(value) = value {
            put = put.expression_attribute_values(":v", value);
        }
        Ok(TransactWriteItem::builder().put(put.build().map_err(Error::internal)?).build())
    }

    /// One conditional update of one item, with the item after it.
    async fn update_one(&self, key: &Key, expressions: &Expressions) -> Result<Attributes, Refusal> {
        let send = async || {
            let request = self.store.client.update_item().table_name(&self.store.table);
            let request = request.key(PK, s(&key.pk)).key(SK, s(&key.sk));
            let sent = request
                .update_expression(expressions.update())
                .condition_expression(expressions.condition())
                .set_expression_attribute_names(expressions.names())
                .set_expression_attribute_values(expressions.values())
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .send()
                .await;
            sent.map(|output| output.attributes.unwrap_or_default()).map_err(refusal)
        };
        contended(send).await
    }
}

/// Tries again while another write has the item: contention is no answer. Four times, some tens of milliseconds.
async fn contended<T, F: Future<Output = Result<T, Refusal>>>(mut write: impl FnMut() -> F) -> Result<T, Refusal> {
    let mut pause = Duration::from_millis(4);
    for _ in 0..3 {
        match write().await {
            Err(Refusal::Contended) => {
                count(Counter::StoreConflicts);
                tokio::time::sleep(pause).await;
            }
            answered => return answered,
        }
        pause *= 3;
    }
    write().await
}

/// An error of a read: nothing is known, so nothing is decided.
fn unavailable<E>(error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    count(Counter::StoreErrors);
    Error::unavailable(DescribedError::from(error))
}

/// An SDK error in one line, as the log needs it: without the items that it is about.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct DescribedError(String);

impl<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static> From<SdkError<E>> for DescribedError {
    fn from(error: SdkError<E>) -> Self {
        Self(cause::cause(&error))
    }
}

/// What the SDK's error of a write means; only conditions and contention are told apart.
trait WriteError: ProvideErrorMetadata + std::error::Error + Send + Sync + Sized + 'static {
    /// The refused condition, or the cancelled transaction.
    fn refusal(&self) -> Option<Refusal>;
}

macro_rules! conditional {
    ($($error:ident),*) => { $(
        impl WriteError for $error {
            fn refusal(&self) -> Option<Refusal> {
                match self {
                    Self::ConditionalCheckFailedException(failed) => Some(Refusal::Condition(failed.item.clone())),
                    Self::TransactionConflictException(_) => Some(Refusal::Contended),
                    _ => None,
                }
            }
        }
    )* };
}
conditional!(PutItemError, UpdateItemError, DeleteItemError);

impl WriteError for TransactWriteItemsError {
    fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::TransactionCanceledException(cancelled) => {
                let reasons = cancelled.cancellation_reasons();
                let code = |of: &str| reasons.iter().any(|reason| reason.code() == Some(of));
                if code("ConditionalCheckFailed") {
                    let failed = reasons
                        .iter()
                        .map(|reason| (reason.code() == Some("ConditionalCheckFailed")).then(|| reason.item.clone()));
                    Some(Refusal::Cancelled(failed.collect()))
                } else if code("TransactionConflict") {
                    Some(Refusal::Contended)
                } else {
                    None
                }
            }
            Self::TransactionInProgressException(_) => Some(Refusal::Contended),
            _ => None,
        }
    }
}

fn refusal<E: WriteError>(error: SdkError<E>) -> Refusal {
    let known = error.as_service_error().and_then(WriteError::refusal);
    known.unwrap_or_else(|| Refusal::Failed(unavailable(error)))
}
