//! Conditions that are refused: the message names the place and what to change, and nothing is written.

use countersign_tests::World;
use serde_json::{Value, json};

use super::{
    support::{check, create, with_amounts},
    whole::dump,
};

fn var(name: &str) -> Value {
    json!({ "var": name })
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(true), |inner, _| json!({"!": [inner]}))
}

#[test]
fn a_refusal_names_place_and_reason() {
    let many: Vec<Value> = (0..201).map(Value::from).collect();
    for (conditions, path, message) in [
        (json!(null), "conditions", "a condition is an object with one operator"),
        (json!("x"), "conditions", "a condition is an object"),
        (json!([]), "conditions", "a condition is an object"),
        (json!({}), "conditions", "exactly one operator"),
        (json!({"and": [], "or": []}), "conditions", "exactly one operator"),
        (json!({"map": [[1], true]}), "conditions", "\"map\" is not an operator that rules have"),
        (json!({"reduce": []}), "conditions", "is not an operator"),
        (json!({"+": [1, 2]}), "conditions", "\"+\" does not belong here"),
        (json!({"and": []}), "conditions.and", "at least one condition"),
        (json!({"and": [true, 1]}), "conditions.and[1]", "a condition is an object"),
        (json!({"!": [true, true]}), "conditions.!", "it takes 1 operands, not 2"),
        (json!({"==": [1]}), "conditions.==", "it takes 2 operands"),
        (json!({"==": [var("ip.adress"), "x"]}), "conditions.==[0].var", "of ip there are ip.address, "),
        (
            json!({"and": [true, {"==": [var("custom.nope"), 1]}]}),
            "conditions.and[1].==[0].var",
            "no custom data point \"nope\"",
        ),
        (json!({"==": [var("user.custom.amount"), 1]}), "conditions.==[0].var", "of model type user"),
        (json!({"==": [var("wheather"), 1]}), "conditions.==[0].var", "names begin with ip, device"),
        (
            json!({"==": [var("custom.amount"), "5"]}),
            "conditions.==[1]",
            "this is a text, and what it is compared with is a number",
        ),
        (json!({"==": [true, var("ip.asn")]}), "conditions.==[1]", "this is a number"),
        (json!({"==": [1, null]}), "conditions.==", "only a variable is compared with null"),
        (json!({"==": [var("custom.tags"), "a"]}), "conditions.==", "use {\"in\""),
        (json!({"==": [[1], 1]}), "conditions.==[0]", "write a variable, a text"),
        (
            json!({"or": [{"<": [var("custom.currency"), 5]}]}),
            "conditions.or[0].<[0]",
            "this is a text, where there should be a number",
        ),
        (json!({"<": [var("custom.amount"), null]}), "conditions.<[1]", "write a variable"),
        (json!({"<": [1, 2, 3, 4]}), "conditions.<", "it takes 2 to 3 operands"),
        (var("custom.amount"), "conditions.var", "compare it with something"),
        (json!({"var": ["device.isNew", false]}), "conditions.var", "a variable has no default"),
        (json!({"var": 1}), "conditions.var", "the name of a data point is a text"),
        (json!({"in": [var("custom.amount"), [1, "2"]]}), "conditions.in[1][1]", "every value of the list is a number"),
        (json!({"in": [5, var("custom.tags")]}), "conditions.in[0]", "only a text is looked for"),
        (json!({"in": ["a", var("custom.amount")]}), "conditions.in[1]", "write a list"),
        (json!({"in": [var("custom.amount"), many]}), "conditions.in[1][198]", "more than 200"),
        (json!({"in_list": [var("user.id"), "nope"]}), "conditions.in_list[1]", "no value list \"nope\""),
        (
            json!({"in_list": [var("custom.amount"), "vip-users"]}),
            "conditions.in_list[1]",
            "the list has texts, and custom.amount is a number",
        ),
        (json!({"in_list": ["ada", "vip-users"]}), "conditions.in_list[0]", "write a variable here"),
        (json!({"in_list": [var("user.id"), ["ada"]]}), "conditions.in_list[1]", "the alias"),
        (
            json!({"ip_in_cidr": [var("ip.address"), ["10.0.0.0/8", "10.0.0.0/33"]]}),
            "conditions.ip_in_cidr[1][1]",
            "this is no network",
        ),
        (json!({"ip_in_cidr": [var("ip.address"), []]}), "conditions.ip_in_cidr[1]", "a list of networks"),
        (json!({"ip_in_cidr": [var("ip.asn"), ["10.0.0.0/8"]]}), "conditions.ip_in_cidr[0]", "an address is a text"),
        (json!({"==": [{"local_hour": ["Europe/Bonn"]}, 5]}), "conditions.==[0].local_hour[0]", "no time zone"),
        (json!({"missing": ["custom.amount", "custom.nope"]}), "conditions.missing[1]", "no custom data point"),
        (json!({">": [{"+": []}, 5]}), "conditions.>[0].+", "operands, not 0"),
        (json!({">": [{"cat": ["a"]}, 5]}), "conditions.>[0]", "use one of var + -"),
        (json!({"in": ["a", ["x".repeat(20_000)]]}), "conditions", "at most 16384"),
    ] {
        let fault = check(&conditions).err().unwrap_or_else(|| panic!("accepted: {conditions}"));
        assert_eq!(fault.path, path, "{conditions}: {fault}");
        assert!(fault.message.contains(message), "{conditions}: {fault}");
    }
    assert!(check(&nested(16)).is_ok());
    let fault = check(&nested(17)).unwrap_err();
    assert!(fault.message.contains("more than 16 deep"), "{fault}");
    assert_eq!(fault.path, format!("conditions{}", ".![0]".repeat(16)));
}

#[tokio::test]
async fn over_http_it_is_400_and_nothing_is_written() {
    let world = with_amounts().await;
    let before = dump(&world);
    let refused = async |change: &[(&str, Value)]| {
        let mut body =
            json!({"name": "Big", "priority": 0, "type": "BLOCK", "conditions": {">": [var("custom.amount"), 5]}});
        for (name, value) in change {
            body[*name] = value.clone();
        }
        let answer = create(&world, "pay", body).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".into()));
        answer.json()["errorDescription"].as_str().unwrap().to_owned()
    };
    let nope = json!({"and": [{"==": [var("custom.nope"), 1]}]});
    assert_eq!(
        refused(&[("conditions", nope)]).await,
        "conditions.and[0].==[0].var: there is no custom data point \"nope\" of model type action; create it under \
         /v1/management/custom-data-points first, or correct the name."
    );
    for (name, value) in [
        ("name", json!("")),
        ("name", json!("n".repeat(101))),
        ("name", json!(null)),
        ("description", json!("d".repeat(501))),
        ("priority", json!(-1)),
        ("priority", json!(100)),
        ("priority", json!(1.5)),
        ("priority", json!("1")),
        ("priority", json!(null)),
        ("type", json!("MAYBE")),
        ("type", json!(null)),
        ("verificationMethods", json!(["PIGEON"])),
        ("conditions", json!(null)),
        ("conditions", json!({})),
    ] {
        refused(&[(name, value)]).await;
    }
    let text = refused(&[("verificationMethods", json!(["PUSH"])), ("defaultVerificationMethod", json!("SMS"))]).await;
    assert!(text.starts_with("defaultVerificationMethod: SMS is not among"), "{text}");
    assert!(dump(&world) == before, "something was written");
    let world = World::start().await;
    assert_eq!(
        create(&world, "none", json!({"name": "a", "priority": 0, "type": "BLOCK", "conditions": true}))
            .await
            .refusal()
            .0,
        404
    );
}
