//! No method and no route without its row.

use std::collections::BTreeSet;

use countersign_core::method::Method;

use super::{
    scene::{Route, pages, routes},
    way::{Does, Way, ways_of},
};

/// Operations that can neither succeed an action nor issue a token, nor add, remove, rename or show anything of a user.
const NO_WAY: &[(&str, &str)] = &[
    ("getNdef", "it repeats the id that the caller gave, and says whether it is open"),
    ("getWebPushKey", "a public key of the tenant"),
    ("updateUser", "the backend's own words about a person: no authenticator, no action"),
    ("postUser", "as updateUser"),
    ("deleteUser", "it ends a life, which is a reason and no way"),
    ("updateDevice", "the backend's own memory of a browser, which rules ask"),
    ("invalidateDevice", "it takes such a memory away"),
    ("assignRequiredAction", "it asks more of a user"),
    ("unassignRequiredAction", "the backend asks less; nothing is proved by it"),
    ("getPairingStatus", "it says to the device that waits how its own pairing stands"),
    ("resetUser", "it takes all away, which is a reason and no way"),
    ("unlockUser", "the backend gives guesses back; nothing is proved by it"),
    // Pages, and what belongs to no operation.
    ("showFront", "what the server says to everybody"),
    ("getAsset", "a file for everybody"),
    ("showPairing", "it looks nothing up"),
    ("getDescription", "a file for everybody"),
    ("getHealth", "it says whether the table takes a write"),
];

/// Forms of pages that can do nothing of the kind.
const NO_WAY_BY_FORM: &[(&str, &str)] = &[("refuse", "it ends a pairing, and adds nothing")];

/// What an operator calls configures a tenant and knows no user.
const OF_OPERATOR: &str = "/v1/management/";

#[test]
fn every_operation_is_a_way_or_says_why_not() {
    let of_ways: BTreeSet<&str> = Way::ALL.iter().flat_map(|way| way.operations()).copied().collect();
    let calls = routes();
    let is_of_tenant = |route: &&Route| !route.path.starts_with(OF_OPERATOR);
    let all: BTreeSet<String> =
        calls.iter().filter(is_of_tenant).map(|route| route.operation.clone()).chain(pages()).collect();
    for name in all.iter().map(String::as_str) {
        let excused = NO_WAY.iter().any(|(excused, _)| *excused == name);
        assert!(of_ways.contains(name) != excused, "{name}: a way names it, or NO_WAY says why there is none");
    }
    for name in of_ways.into_iter().chain(NO_WAY.iter().map(|(name, _)| *name)) {
        assert!(all.contains(name), "there is no operation {name}");
    }
    assert!(NO_WAY.iter().all(|(_, why)| !why.is_empty()));
}

#[test]
fn every_method_that_answers_has_its_ways() {
    for method in Method::answering() {
        let ways = ways_of(method);
        let can = |does: Does| ways.iter().any(|way| way.does() == does);
        assert!(can(Does::Succeeds), "{method:?}: how does it succeed an action?");
        assert!(can(Does::Adds) || can(Does::Changes), "{method:?}: how is it enrolled or made?");
        assert!(ways.iter().all(|way| way.method() == Some(method)), "{method:?}: it has a way of another");
    }
    assert_eq!(Way::Patch.method(), None);
}

/// A page has one route for many forms, which the field `act` tells apart.
#[test]
fn every_form_is_a_way_or_says_why_not() {
    let templates =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/hosted-ui/templates")).expect("templates");
    let mut forms = BTreeSet::new();
    for template in templates {
        let text = std::fs::read_to_string(template.expect("a file").path()).expect("text");
        let acts = text.split("name=\"act\" value=\"").skip(1);
        forms.extend(acts.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()));
    }
    let mut known: BTreeSet<String> = Way::ALL.iter().filter_map(|way| way.act()).map(str::to_owned).collect();
    known.extend(NO_WAY_BY_FORM.iter().map(|(act, _)| (*act).to_owned()));
    assert_eq!(forms, known, "a way names it, or NO_WAY_BY_FORM says why there is none");
}

/// Of each kind of thing that a way does there are pages that do it.
#[test]
fn every_page_is_a_way() {
    let on_pages: Vec<Way> = Way::ALL.iter().copied().filter(|way| way.is_on_page()).collect();
    for does in [Does::Succeeds, Does::HandsOut, Does::Adds, Does::Changes, Does::Shows] {
        assert!(on_pages.iter().any(|way| way.does() == does), "{does:?}");
    }
    for way in Way::ALL {
        assert!(!way.operations().is_empty(), "{way:?} is neither a page nor an operation");
    }
}
