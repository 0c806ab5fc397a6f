//! No method and no route without its row.

use std::collections::BTreeSet;

use countersign_core::method::Method;

use super::{
    scene::routes,
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
    ("redeemPairing", "nothing is enrolled until its page says so; the suite `pairing` has its cells"),
    ("getPairingStatus", "it says to the device that waits how its own pairing stands"),
    ("resetUser", "it takes all away, which is a reason and no way"),
    ("unlockUser", "the backend gives guesses back; nothing is proved by it"),
];

/// What an operator calls configures a tenant and knows no user.
const OF_OPERATOR: &str = "/v1/management/";

#[test]
fn every_operation_is_a_way_or_says_why_not() {
    let of_ways: BTreeSet<&str> = Way::ALL.iter().flat_map(|way| way.operations()).copied().collect();
    let all = routes();
    for route in &all {
        let name = route.operation.as_str();
        let excused = NO_WAY.iter().any(|(excused, _)| *excused == name) || route.path.starts_with(OF_OPERATOR);
        assert!(
            of_ways.contains(name) != excused,
            "{} {} ({name}): a way names it, or NO_WAY says why there is none",
            route.method,
            route.path
        );
    }
    for name in of_ways.into_iter().chain(NO_WAY.iter().map(|(name, _)| *name)) {
        assert!(all.iter().any(|route| route.operation == name), "there is no operation {name}");
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

/// Pages stand beside the API's description; each of them is where a way ends.
#[test]
fn every_page_is_a_way() {
    let on_pages: Vec<Way> = Way::ALL.iter().copied().filter(|way| way.is_on_page()).collect();
    for does in [Does::Succeeds, Does::HandsOut, Does::Adds, Does::Changes, Does::Shows] {
        assert!(on_pages.iter().any(|way| way.does() == does), "{does:?}");
    }
    for way in Way::ALL {
        assert!(way.is_on_page() || !way.operations().is_empty(), "{way:?} is neither a page nor an operation");
    }
}
