//! What the store takes for granted of DynamoDB: conditions and the item that broke them, transactions and the reasons
//! they were cancelled for, consistent reads, order, and what time to live does not do.
//!
//! It is asked of the embedded DynamoDB, or, where `COUNTERSIGN_TEST_ENDPOINT` names one, of that DynamoDB over HTTP.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    operation::{transact_write_items::TransactWriteItemsError, update_item::UpdateItemError},
    types::{
        AttributeValue, CancellationReason, Delete, KeysAndAttributes, Put, ReturnValue,
        ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem, Update,
    },
};
use countersign_core::{aws::Aws, config::Environment, id::ActionId, store::Store};
use countersign_local::embedded::Embedded;

type Item = HashMap<String, AttributeValue>;

/// A table of its own, as the product makes it.
struct Table {
    client: Client,
    name: String,
    /// Absent where the table is reached over the network.
    embedded: Option<Embedded>,
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn item<const N: usize>(pk: &str, sk: &str, more: [(&str, AttributeValue); N]) -> Item {
    let more = more.into_iter().map(|(name, value)| (name.to_owned(), value));
    [("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))].into_iter().chain(more).collect()
}

impl Table {
    async fn new() -> Self {
        let name = format!("semantics-{}", ActionId::generate().as_str());
        let (client, embedded) = match std::env::var("COUNTERSIGN_TEST_ENDPOINT") {
            Ok(endpoint) => {
                let mut environment = Environment::default();
                let aws = Aws::from_env(&mut environment).expect("an HTTP client");
                environment.check().expect("region and credentials, as for a function");
                let config = aws.of("DYNAMODB").into_builder().endpoint_url(endpoint).build();
                (Client::new(&config), None)
            }
            Err(_) => {
                let embedded = Embedded::memory().expect("a store in memory");
                (embedded.client(), Some(embedded))
            }
        };
        Store::create_table(client.clone(), &name).await.expect("a table");
        Self { client, name, embedded }
    }

    async fn put(&self, item: Item) {
        self.client.put_item().table_name(&self.name).set_item(Some(item)).send().await.expect("put");
    }

    async fn get(&self, pk: &str, sk: &str) -> Option<Item> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        request.key("pk", s(pk)).key("sk", s(sk)).send().await.expect("get").item
    }

    /// Adds a named slot to the map `g`, of which there are at most `limit`: the guess budget's condition.
    async fn take_slot(&self, pk: &str, slot: &str, limit: i64) -> Result<Item, UpdateItemError> {
        let request = self.client.update_item().table_name(&self.name).key("pk", s(pk)).key("sk", s("-"));
        let request = request
            .update_expression("SET g.#a = :now, ft = ft + :one")
            .condition_expression("uid = :uid AND (size(g) < :limit OR attribute_exists(g.#a))")
            .expression_attribute_names("#a", slot)
            .expression_attribute_values(":now", n(1))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":uid", s("u"))
            .expression_attribute_values(":limit", n(limit))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(AllOld);
        let answer = request.send().await.map_err(|error| error.into_service_error())?;
        Ok(answer.attributes.expect("the item as it is now"))
    }

    fn put_if(&self, item: Item, condition: &str) -> TransactWriteItem {
        let put = Put::builder().table_name(&self.name).set_item(Some(item)).condition_expression(condition);
        let put = put.return_values_on_condition_check_failure(AllOld).build().expect("complete");
        TransactWriteItem::builder().put(put).build()
    }

    fn delete(&self, pk: &str, sk: &str) -> TransactWriteItem {
        let delete = Delete::builder().table_name(&self.name).key("pk", s(pk)).key("sk", s(sk)).build();
        TransactWriteItem::builder().delete(delete.expect("complete")).build()
    }

    /// Spends a step once: `last < :step`.
    fn spend(&self, pk: &str, step: i64) -> TransactWriteItem {
        let update = Update::builder().table_name(&self.name).key("pk", s(pk)).key("sk", s("-"));
        let update = update
            .update_expression("SET totp.#i = :step")
            .condition_expression("totp.#i < :step")
            .expression_attribute_names("#i", "app")
            .expression_attribute_values(":step", n(step))
            .return_values_on_condition_check_failure(AllOld);
        TransactWriteItem::builder().update(update.build().expect("complete")).build()
    }

    /// The reasons of a transaction that was cancelled; `None` where it was not.
    async fn transact(&self, writes: Vec<TransactWriteItem>) -> Option<Vec<CancellationReason>> {
        let sent = self.client.transact_write_items().set_transact_items(Some(writes)).send().await;
        match sent.map_err(|error| error.into_service_error()) {
            Ok(_) => None,
            Err(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                Some(cancelled.cancellation_reasons.expect("reasons"))
            }
            Err(other) => panic!("neither written nor cancelled: {other:?}"),
        }
    }

    async fn sort_keys(&self, pk: &str, prefix: &str, page: i32) -> Vec<String> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let request = self.client.query().table_name(&self.name).consistent_read(true).limit(page);
            let answer = request
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":pk", s(pk))
                .expression_attribute_values(":prefix", s(prefix))
                .set_exclusive_start_key(start)
                .send()
                .await
                .expect("query");
            found.extend(answer.items().iter().map(|item| item["sk"].as_s().expect("text").clone()));
            start = answer.last_evaluated_key;
            if start.is_none() {
                return found;
            }
        }
    }
}

#[tokio::test]
async fn a_put_that_is_refused_tells_what_was_there() {
    let table = Table::new().await;
    let put = |who: &str| {
        let request = table.client.put_item().table_name(&table.name).set_item(Some(item("p", "-", [("who", s(who))])));
        let request = request.condition_expression("attribute_not_exists(pk) OR who = :v");
        request.expression_attribute_values(":v", s("first")).return_values_on_condition_check_failure(AllOld).send()
    };
    put("first").await.expect("nothing is there");
    put("second").await.expect("the other half of the condition holds");
    let refused = put("third").await.expect_err("neither half holds").into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(refused) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refused.item, Some(item("p", "-", [("who", s("second"))])));
    assert_eq!(table.get("p", "-").await, refused.item);
}

#[tokio::test]
async fn an_update_of_a_map_keeps_to_its_size() {
    let table = Table::new().await;
    let empty = AttributeValue::M(HashMap::new());
    table.put(item("u", "-", [("uid", s("u")), ("g", empty), ("ft", n(0))])).await;
    for slot in ["a", "b", "a"] {
        table.take_slot("u", slot, 2).await.expect("room, or the slot that is there");
    }
    let seen = match table.take_slot("u", "c", 2).await {
        Err(UpdateItemError::ConditionalCheckFailedException(refused)) => refused.item.expect("the item"),
        other => panic!("{other:?}"),
    };
    assert_eq!(seen["g"].as_m().expect("a map").len(), 2);
    assert_eq!(seen["ft"], n(3));
    let nobody = table.take_slot("nobody", "a", 2).await;
    let Err(UpdateItemError::ConditionalCheckFailedException(refused)) = nobody else { panic!("{nobody:?}") };
    assert_eq!(refused.item, None, "nothing was there, and nothing was made");
    assert_eq!(table.get("nobody", "-").await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_updates_at_once_no_more_succeed_than_there_is_room_for() {
    let table = std::sync::Arc::new(Table::new().await);
    let empty = AttributeValue::M(HashMap::new());
    table.put(item("u", "-", [("uid", s("u")), ("g", empty), ("ft", n(0))])).await;
    let attempts = (0..32).map(|number| {
        let table = table.clone();
        tokio::spawn(async move { table.take_slot("u", &format!("slot{number}"), 10).await.is_ok() })
    });
    let mut taken = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        taken += i64::from(attempt.await.expect("no panic"));
    }
    assert_eq!(taken, 10);
    assert_eq!(table.get("u", "-").await.expect("the item")["ft"], n(10));
}

#[tokio::test]
async fn a_transaction_is_whole_or_not_at_all_and_says_which_write_was_refused() {
    let table = Table::new().await;
    table.put(item("taken", "-", [("who", s("first"))])).await;
    table.put(item("doomed", "-", [])).await;
    let writes = vec![
        table.put_if(item("new", "-", []), "attribute_not_exists(pk)"),
        table.put_if(item("taken", "-", [("who", s("second"))]), "attribute_not_exists(pk)"),
        table.delete("doomed", "-"),
    ];
    let reasons = table.transact(writes).await.expect("cancelled");
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code().unwrap_or("None")).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed", "None"]);
    assert_eq!(reasons[1].item, Some(item("taken", "-", [("who", s("first"))])));
    assert_eq!(reasons[0].item, None);
    assert_eq!(table.get("new", "-").await, None);
    assert!(table.get("doomed", "-").await.is_some());

    let writes = vec![table.put_if(item("new", "-", []), "attribute_not_exists(pk)"), table.delete("doomed", "-")];
    assert!(table.transact(writes).await.is_none());
    assert!(table.get("new", "-").await.is_some());
    assert_eq!(table.get("doomed", "-").await, None);
    assert!(table.transact(vec![table.delete("doomed", "-")]).await.is_none(), "deleting nothing is no failure");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_step_is_spent_by_one_of_many_transactions_at_once() {
    let table = std::sync::Arc::new(Table::new().await);
    let spent = AttributeValue::M(HashMap::from([("app".to_owned(), n(6))]));
    table.put(item("u", "-", [("totp", spent)])).await;
    let spenders = (0..16).map(|number| {
        let table = table.clone();
        tokio::spawn(async move {
            let action = table.put_if(item("action", &format!("act#{number}"), []), "attribute_not_exists(pk)");
            // A conflict is told apart from a refusal, and tried again, as the store does.
            loop {
                let Some(reasons) = table.transact(vec![table.spend("u", 7), action.clone()]).await else {
                    return true;
                };
                match reasons[0].code() {
                    Some("ConditionalCheckFailed") => return false,
                    Some("TransactionConflict") => continue,
                    other => panic!("{other:?}"),
                }
            }
        })
    });
    let mut succeeded = 0;
    for spender in spenders.collect::<Vec<_>>() {
        succeeded += i32::from(spender.await.expect("no panic"));
    }
    assert_eq!(succeeded, 1);
    assert_eq!(table.sort_keys("action", "act#", 100).await.len(), 1, "what was refused left no action behind");
}

#[tokio::test]
async fn a_query_is_in_order_of_its_prefix_alone_page_by_page() {
    let table = Table::new().await;
    for sk in ["act#2", "auth#1", "act#10", "act#1", "acu", "act"] {
        table.put(item("u", sk, [])).await;
    }
    table.put(item("other", "act#3", [])).await;
    for page in [1, 2, 100] {
        assert_eq!(table.sort_keys("u", "act#", page).await, ["act#1", "act#10", "act#2"], "pages of {page}");
    }
    assert!(table.sort_keys("nobody", "act#", 100).await.is_empty());
}

#[tokio::test]
async fn a_batch_gives_what_is_there_and_leaves_out_what_is_not() {
    let table = Table::new().await;
    table.put(item("a", "-", [("n", n(1))])).await;
    table.put(item("c", "-", [("n", n(3))])).await;
    let key = |pk: &str| item(pk, "-", []);
    let keys = KeysAndAttributes::builder().consistent_read(true).keys(key("a")).keys(key("b")).keys(key("c"));
    let wanted = keys.build().expect("complete");
    let answer = table.client.batch_get_item().request_items(&table.name, wanted).send().await.expect("batch");
    assert!(answer.unprocessed_keys().is_none_or(HashMap::is_empty));
    let mut found: Vec<_> = answer.responses.expect("responses")[&table.name].iter().map(|i| i["n"].clone()).collect();
    found.sort_by_key(|value| value.as_n().expect("a number").clone());
    assert_eq!(found, [n(1), n(3)]);
}

#[tokio::test]
async fn numbers_and_bytes_come_back_as_they_were() {
    let table = Table::new().await;
    let bytes = AttributeValue::B(vec![0, 255, 1, 254].into());
    let values = item("p", "-", [("n", n(i64::MAX)), ("b", bytes), ("e", s("")), ("t", AttributeValue::Bool(false))]);
    table.put(values.clone()).await;
    assert_eq!(table.get("p", "-").await, Some(values));
}

/// On AWS it may take days: whoever reads must look at the time itself.
#[tokio::test]
async fn what_is_over_is_there_until_it_is_swept() {
    let table = Table::new().await;
    table.put(item("over", "-", [("ttl", n(1))])).await;
    table.put(item("open", "-", [("ttl", n(i64::from(i32::MAX)))])).await;
    table.put(item("text", "-", [("ttl", s("1"))])).await;
    assert!(table.get("over", "-").await.is_some());
    if let Some(embedded) = &table.embedded {
        assert_eq!(embedded.sweep().expect("a sweep"), 1);
        assert_eq!(table.get("over", "-").await, None);
        assert!(table.get("open", "-").await.is_some() && table.get("text", "-").await.is_some());
    } else {
        let told = table.client.describe_time_to_live().table_name(&table.name).send().await.expect("described");
        let ttl = told.time_to_live_description.expect("a description");
        assert_eq!(
            (ttl.attribute_name(), ttl.time_to_live_status().map(|s| s.as_str())),
            (Some("ttl"), Some("ENABLED"))
        );
    }
}

/// The list of users: what lacks the index's key is not in it, what is in it is what is projected, and it follows.
#[tokio::test]
async fn an_index_holds_what_has_its_key_and_no_more_than_is_projected() {
    let table = Table::new().await;
    for (pk, shard) in [("a", Some("T#t#0")), ("b", Some("T#t#0")), ("c", Some("T#t#1")), ("d", None)] {
        let mut user = item(pk, "USER", [("enr", n(0)), ("seen", n(5)), ("secret", s("sealed"))]);
        user.extend(shard.map(|shard| ("ux".to_owned(), s(shard))));
        table.put(user).await;
    }
    let listed = async |shard: &str| {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let request = table.client.query().table_name(&table.name).index_name("users").limit(1);
            let request = request.key_condition_expression("ux = :ux").expression_attribute_values(":ux", s(shard));
            let page = request.set_exclusive_start_key(start).send().await.expect("a page");
            found.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                found.sort_by_key(|item| item["pk"].as_s().expect("a key").clone());
                return found;
            }
        }
    };
    let projected =
        |pk: &str, enrolled: i64| item(pk, "USER", [("ux", s("T#t#0")), ("enr", n(enrolled)), ("seen", n(5))]);
    assert_eq!(listed("T#t#0").await, [projected("a", 0), projected("b", 0)]);
    let update = Update::builder().table_name(&table.name).key("pk", s("a")).key("sk", s("USER"));
    let update = update.update_expression("SET enr = :one").expression_attribute_values(":one", n(1)).build();
    let delete = Delete::builder().table_name(&table.name).key("pk", s("b")).key("sk", s("USER")).build();
    let writes = vec![
        TransactWriteItem::builder().update(update.expect("an update")).build(),
        TransactWriteItem::builder().delete(delete.expect("a deletion")).build(),
    ];
    table.client.transact_write_items().set_transact_items(Some(writes)).send().await.expect("both");
    assert_eq!(listed("T#t#0").await, [projected("a", 1)]);
    assert_eq!(listed("T#t#2").await, Vec::<Item>::new());
}
