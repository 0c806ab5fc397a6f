//! Where addresses are: country, autonomous system and impossible travel, from databases that the operator brings.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf};

use countersign_core::{places::Places, rule::recent::Coordinates};
use countersign_tests::{START, World};
use serde_json::{Value, json};

use super::support::{LISTS, create, with_amounts};

/// Writes a database in MaxMind's format (version 2.0): a tree over 128 bits, data, and a description of itself.
#[derive(Default)]
struct Writer {
    nodes: Vec<[Option<Next>; 2]>,
    data: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Next {
    Node(usize),
    Data(usize),
}

impl Writer {
    fn add(&mut self, address: &str, bits: usize, record: &Value) {
        let address: IpAddr = address.parse().unwrap();
        let (path, bits) = match address {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), bits + 96),
            IpAddr::V6(v6) => (u128::from(v6), bits),
        };
        let offset = self.data.len();
        encode(record, &mut self.data);
        if self.nodes.is_empty() {
            self.nodes.push([None; 2]);
        }
        let mut at = 0;
        for bit in 0..bits {
            let side = usize::from(path >> (127 - bit) & 1 == 1);
            if bit == bits - 1 {
                self.nodes[at][side] = Some(Next::Data(offset));
                return;
            }
            at = match self.nodes[at][side] {
                Some(Next::Node(next)) => next,
                _ => {
                    self.nodes.push([None; 2]);
                    let next = self.nodes.len() - 1;
                    self.nodes[at][side] = Some(Next::Node(next));
                    next
                }
            };
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let count = self.nodes.len();
        let mut all = Vec::new();
        for record in self.nodes.iter().flatten() {
            let value = match record {
                None => count,
                Some(Next::Node(node)) => *node,
                Some(Next::Data(offset)) => count + 16 + offset,
            };
            all.extend(&u32::try_from(value).unwrap().to_be_bytes()[1..]);
        }
        all.extend([0; 16]);
        all.extend(&self.data);
        all.extend(b"\xab\xcd\xefMaxMind.com");
        all.push(7 << 5 | 9);
        let mut field = |name: &str, value: &[u8]| {
            encode(&json!(name), &mut all);
            all.extend(value);
        };
        field("node_count", &[&[6 << 5 | 4][..], &u32::try_from(count).unwrap().to_be_bytes()].concat());
        field("record_size", &[5 << 5 | 1, 24]);
        field("ip_version", &[5 << 5 | 1, 6]);
        field("database_type", b"\x44Test");
        field("languages", &[0, 4]);
        field("binary_format_major_version", &[5 << 5 | 1, 2]);
        field("binary_format_minor_version", &[5 << 5]);
        field("build_epoch", &[1, 2, 1]);
        field("description", &[7 << 5]);
        all
    }

    fn write(&self, name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("countersign-{}-{name}.mmdb", std::process::id()));
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}

fn head(kind: u8, size: usize, out: &mut Vec<u8>) {
    assert!(size < 29);
    out.push(kind << 5 | u8::try_from(size).unwrap());
}

fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::String(text) => {
            head(2, text.len(), out);
            out.extend(text.as_bytes());
        }
        Value::Number(number) if number.is_u64() => {
            head(6, 4, out);
            out.extend(u32::try_from(number.as_u64().unwrap()).unwrap().to_be_bytes());
        }
        Value::Number(number) => {
            head(3, 8, out);
            out.extend(number.as_f64().unwrap().to_be_bytes());
        }
        Value::Object(fields) => {
            head(7, fields.len(), out);
            for (name, value) in fields.iter().collect::<BTreeMap<_, _>>() {
                encode(&json!(name), out);
                encode(value, out);
            }
        }
        other => panic!("{other}"),
    }
}

fn city(country: &str, city: &str, latitude: f64, longitude: f64) -> Value {
    json!({"country": {"iso_code": country}, "city": {"names": {"en": city}}, "location": {"latitude": latitude, "longitude": longitude}})
}

fn databases(name: &str) -> Places {
    let mut cities = Writer::default();
    cities.add("192.0.2.0", 24, &city("DE", "Berlin", 52.52, 13.4));
    cities.add("198.51.100.0", 24, &city("AU", "Sydney", -33.87, 151.21));
    cities.add("203.0.113.0", 24, &city("DE", "Potsdam", 52.4, 13.06));
    cities.add("2001:db8::", 32, &city("KP", "Pyongyang", 39.03, 125.75));
    let mut networks = Writer::default();
    networks.add("192.0.2.0", 25, &json!({"autonomous_system_number": 64_500}));
    // The flat form of ip-location-db.
    networks.add("100.64.0.0", 10, &json!({"country_code": "FR"}));
    let files = [cities.write(&format!("{name}-city")), networks.write(&format!("{name}-asn"))];
    let places = Places::open(&files).expect("databases");
    files.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    places
}

#[test]
fn databases_are_asked_in_turn() {
    let places = databases("turn");
    let place = |address: &str| places.place(address.parse().unwrap());
    let berlin = place("192.0.2.7");
    assert_eq!(
        (berlin.country.as_deref(), berlin.city.as_deref(), berlin.asn),
        (Some("DE"), Some("Berlin"), Some(64_500))
    );
    assert_eq!(berlin.location, Some(Coordinates { latitude: 52.52, longitude: 13.4 }));
    assert_eq!(place("192.0.2.200").asn, None);
    assert_eq!(place("100.100.0.1").country.as_deref(), Some("FR"));
    assert_eq!(place("2001:db8::1").country.as_deref(), Some("KP"));
    assert_eq!(place("8.8.8.8"), countersign_core::rule::facts::Place::default());
    assert_eq!(Places::default().place("192.0.2.7".parse().unwrap()), countersign_core::rule::facts::Place::default());
    let missing = Places::open(["/nowhere/at/all.mmdb"]).err().expect("a message").to_string();
    assert!(missing.contains("COUNTERSIGN_MMDB") && missing.contains("/nowhere/at/all.mmdb"), "{missing}");
}

async fn world(name: &str) -> World {
    // The databases are given before anybody else holds the app: a server of its own over the same store.
    let world = with_amounts().await;
    world.with_places(databases(name)).await
}

async fn shadow(world: &World, priority: u8, conditions: Value) -> String {
    let body = json!({"name": "r", "priority": priority, "type": "BLOCK", "conditions": conditions});
    create(world, "pay", body).await.ok()["ruleId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn countries_and_networks_are_known_to_rules() {
    let world = world("countries").await;
    let list = json!({"name": "OFAC countries", "itemType": "string", "valueListItems": ["KP", "SY"]});
    world.http.post(LISTS, &world.management(), list).await.ok();
    let outside = shadow(&world, 0, json!({"!": {"in": [{"var": "ip.countryCode"}, ["DE", "FR"]]}})).await;
    let network = shadow(&world, 1, json!({"==": [{"var": "ip.asn"}, 64_500]})).await;
    let embargoed = shadow(&world, 2, json!({"==": [{"var": "ip.countryCodeInOfacList"}, true]})).await;
    for (address, expected) in [
        ("192.0.2.7", json!([network])),
        ("203.0.113.1", json!([])),
        ("198.51.100.1", json!([outside])),
        ("2001:db8::5", json!([outside, embargoed])),
        ("8.8.8.8", json!([])),
    ] {
        let tracked = world.track("ada", "pay", json!({"ipAddress": address})).await.ok();
        assert_eq!(tracked["ruleIds"], expected, "{address}");
    }
}

#[tokio::test]
async fn travel_is_impossible_by_speed_and_distance() {
    let world = world("travel").await;
    shadow(&world, 0, json!({"==": [{"var": "ip.impossibleTravel"}, true]})).await;
    let from =
        async |address: &str| world.track("ada", "pay", json!({"ipAddress": address})).await.ok()["state"].clone();
    assert_eq!(from("198.51.100.1").await, "ALLOW", "nothing is known before the first");
    world.clock.set(START + 3600);
    assert_eq!(from("192.0.2.7").await, "BLOCK", "from Sydney in an hour");
    assert_eq!(from("192.0.2.7").await, "BLOCK", "being blocked takes nobody anywhere");
    assert_eq!(from("8.8.8.8").await, "ALLOW", "nobody knows where that is");
    assert_eq!(from("198.51.100.9").await, "ALLOW", "still in Sydney");
    world.clock.set(START + 3600 + 24 * 3600);
    assert_eq!(from("192.0.2.7").await, "ALLOW", "in a day");
    assert_eq!(from("203.0.113.1").await, "ALLOW", "Potsdam is next door, at any speed");
}

/// What you see is what you sign (infra/decisions/0015): the place is part of it.
#[tokio::test]
async fn a_device_is_shown_where_the_browser_is_and_signs_that() {
    let world = world("shown").await;
    let device = world.device("ada", "push").await;
    let tracked = world.track("ada", "signIn", json!({"ipAddress": "192.0.2.7"})).await.ok();
    world.push(tracked["token"].as_str().unwrap(), json!({})).await.ok();
    let shown = world.pending(&device).await.ok();
    assert_eq!(shown["place"], "Berlin, DE");
    let mut elsewhere = shown.clone();
    elsewhere["place"] = "Sydney, AU".into();
    let tenant = world.tenant.tenant_id.to_string();
    let answered = async |seen: &Value| world.answer(&device, device.full_answer(&tenant, seen, true, "")).await;
    assert_eq!(answered(&elsewhere).await.refusal(), (403, "invalid_credential".into()));
    assert_eq!(answered(&shown).await.ok()["isVerified"], true);
}
