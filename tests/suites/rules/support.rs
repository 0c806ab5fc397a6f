//! A tenant with data points and lists, and conditions asked over data of one's own.

use countersign_core::{
    clock::Timestamp,
    id::{ActionCode, ListAlias, PointId, RuleId},
    rule::{
        DataPoint, DataType, ModelType, Outcome, Rule, RuleSet, Ruling,
        catalogue::Catalogue,
        condition::{Condition, Fault},
        facts::{Data, Lists},
        list::{ItemType, ValueList},
    },
};
use countersign_tests::{START, World, http::Answer};
use serde_json::{Value, json};

pub const ACTIONS: &str = "/v1/management/action-configurations";
pub const LISTS: &str = "/v1/management/value-lists";
pub const POINTS: &str = "/v1/management/custom-data-points";

pub fn now() -> Timestamp {
    Timestamp::from_second(START).unwrap()
}

fn point(name: &str, data_type: DataType, model_type: ModelType) -> DataPoint {
    let id = PointId::generate();
    DataPoint {
        id,
        name: name.into(),
        data_type,
        model_type,
        description: None,
        is_public: false,
        shown: Default::default(),
    }
}

pub fn points() -> Vec<DataPoint> {
    vec![
        point("amount", DataType::Number, ModelType::Action),
        point("currency", DataType::Text, ModelType::Action),
        point("isTransfer", DataType::Boolean, ModelType::Action),
        point("tags", DataType::Multiselect, ModelType::Action),
        point("plan", DataType::Text, ModelType::User),
        point("limit", DataType::Number, ModelType::User),
    ]
}

pub fn list(alias: &str, item_type: ItemType, items: Value) -> ValueList {
    ValueList {
        alias: ListAlias::parse(alias).unwrap(),
        name: alias.into(),
        item_type,
        is_active: true,
        items: items.as_array().unwrap().clone(),
        created_at: now(),
    }
}

pub fn lists() -> Vec<ValueList> {
    vec![
        list("vip-users", ItemType::String, json!(["ada", "grace@example.com"])),
        list("offices", ItemType::String, json!(["192.0.2.7", "10.0.0.0/8", "2001:db8::/32"])),
        list("odd-amounts", ItemType::Number, json!([13, 0.5, -1])),
        ValueList { is_active: false, ..list("retired", ItemType::String, json!(["ada"])) },
    ]
}

pub fn catalogue() -> Catalogue {
    Catalogue::new(&points(), &lists())
}

pub fn check(conditions: &Value) -> Result<Condition, Fault> {
    Condition::check(conditions, &catalogue())
}

pub fn rule(priority: u8, outcome: Outcome, conditions: Value) -> Rule {
    Rule {
        id: RuleId::parse(format!("r{priority}")).unwrap(),
        action_code: ActionCode::parse("pay").unwrap(),
        name: format!("Rule {priority}"),
        description: None,
        is_active: true,
        is_shadow: false,
        priority,
        outcome,
        verification_methods: None,
        prompt_to_enroll_verification_methods: None,
        default_verification_method: None,
        conditions,
        created_at: now(),
    }
}

pub fn decide(rules: Vec<Rule>, data: &Value, at: Timestamp) -> Ruling {
    let data: Data = data.as_object().unwrap().clone().into_iter().collect();
    RuleSet::new(rules, &catalogue()).decide(data, &Lists::new(&lists()), Outcome::Review, at)
}

/// What a condition says of data, `None` where it cannot be computed.
#[track_caller]
pub fn says_at(conditions: &Value, data: &Value, at: Timestamp) -> Option<bool> {
    check(conditions).unwrap_or_else(|fault| panic!("{conditions}: {fault}"));
    let decision = decide(vec![rule(0, Outcome::Block, conditions.clone())], data, at);
    decision.trace.failed.is_empty().then_some(!decision.trace.matched.is_empty())
}

#[track_caller]
pub fn says(conditions: &Value, data: &Value) -> Option<bool> {
    says_at(conditions, data, now())
}

/// Makes a rule over HTTP.
pub async fn create(world: &World, action: &str, body: Value) -> Answer {
    world.http.post(&format!("{ACTIONS}/{action}/rules"), &world.management(), body).await
}

/// A world with an action `pay` and a number `amount` that it is about.
pub async fn with_amounts() -> World {
    let world = World::start().await;
    let body = json!({"actionCode": "pay", "defaultUserActionResult": "ALLOW"});
    world.http.post(ACTIONS, &world.management(), body).await.ok();
    let body = json!({"name": "amount", "dataType": "number", "modelType": "action"});
    world.http.post(POINTS, &world.management(), body).await.ok();
    world
}
