//! What fifty active rules of twenty nodes add to a tracked action, apart from the store: collecting the data, asking every
//! rule, and naming those that matched. The aim is under 60 µs.

use std::hint::black_box;

use countersign_core::{
    clock::Timestamp,
    id::{ActionCode, RuleId, UserId},
    rule::{
        Outcome, Rule, RuleSet,
        catalogue::Catalogue,
        facts::{self, Given, Known, Lists, Place},
        recent::Recent,
    },
    user::{Profile, User},
};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

/// Twenty operators, variables and values, none of which is left out because of one before it.
fn conditions(at: usize) -> Value {
    json!({"or": [
        {"==": [{"var": "user.email"}, format!("somebody{at}@example.com")]},
        {"in": [{"var": "ip.address"}, ["198.51.100.1"]]},
        {"and": [
            {"<": [{"var": "velocity.actions1h"}, 100 + at]},
            {">": [{"var": "time.hour"}, 30]},
        ]},
        {"!=": [{"var": "action.code"}, "pay"]},
        {"==": [{"var": "device.isBot"}, true]},
    ]})
}

fn nodes(tree: &Value) -> usize {
    match tree {
        Value::Object(fields) if fields.contains_key("var") => 1,
        Value::Object(fields) => 1 + fields.values().map(nodes).sum::<usize>(),
        Value::Array(items) => items.iter().map(nodes).sum(),
        _ => 1,
    }
}

fn rule(at: usize) -> Rule {
    Rule {
        id: RuleId::generate(),
        action_code: ActionCode::parse("pay").expect("a code"),
        name: format!("Rule {at}"),
        description: None,
        is_active: true,
        is_shadow: false,
        priority: u8::try_from(at).expect("few"),
        outcome: Outcome::Challenge,
        verification_methods: None,
        prompt_to_enroll_verification_methods: None,
        default_verification_method: None,
        conditions: conditions(at),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn rules(criterion: &mut Criterion) {
    assert_eq!(nodes(&conditions(0)), 20);
    let now = Timestamp::from_second(1_795_255_215).expect("a time");
    let user = User::new(UserId::parse("ada").expect("an id"), now);
    let profile = Profile { email: Some("ada@example.com".into()), ..Profile::default() };
    let (recent, lists, place) = (Recent::default(), Lists::default(), Place::default());
    let code = ActionCode::parse("pay").expect("a code");
    let set = RuleSet::new((0..50).map(rule), &Catalogue::default());
    let known = || Known {
        given: Given {
            ip_address: Some("192.0.2.1"),
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            device_id: Some("6540cdb9-b032-4ed9-9d00-bfde2102378a"),
            ..Given::default()
        },
        place: &place,
        code: &code,
        user: &user,
        profile: &profile,
        recent: &recent,
        device: None,
        points: &[],
        lists: &lists,
        now,
    };
    let data = facts::data(&known());
    let decision = set.decide(data.clone(), &lists, Outcome::Challenge, now);
    assert!(decision.trace.failed.is_empty() && decision.trace.matched.is_empty(), "every rule is computed to its end");
    let mut group = criterion.benchmark_group("rules");
    group.bench_function("50 rules of 20 nodes, against none", |b| {
        b.iter(|| set.decide(facts::data(black_box(&known())), &lists, Outcome::Challenge, now));
    });
    group.bench_function("collect the data", |b| b.iter(|| facts::data(black_box(&known()))));
    group.bench_function("compile 50 rules, once for each reading of the configuration", |b| {
        b.iter(|| RuleSet::new((0..50).map(rule), &Catalogue::default()));
    });
    group.finish();
}

criterion_group!(benches, rules);
criterion_main!(benches);
