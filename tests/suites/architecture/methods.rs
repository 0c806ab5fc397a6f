//! A new method touches few files: what tells one method from another stands in one table, and the other places where methods
//! are told apart are counted here. CONTRIBUTING.md lists what a new method needs.

use std::collections::{BTreeMap, BTreeSet};

use super::{code, files, none, root};

/// Each place that tells methods apart, and why the table cannot. A new method adds to those of the first kind.
const PLACES: [(&str, Kind); 10] = [
    ("functions/hosted-ui/src/way.rs", Kind::OfEach),
    ("shared/src/proof.rs", Kind::OfEach),
    ("shared/store/src/accept.rs", Kind::OfEach),
    // What kinds of question a device is asked, and the routes of each.
    ("functions/challenge/src/lib.rs", Kind::OfDevices),
    ("functions/push-approve/src/kinds.rs", Kind::OfDevices),
    ("shared/domain/src/challenge.rs", Kind::OfDevices),
    // What a backend has to send of an authenticator that it vouches for.
    ("functions/enroll/src/attested.rs", Kind::Attested),
    // Settings that one method has: the issuer of apps, the switch of recovery codes.
    ("functions/management/src/authenticator_configurations.rs", Kind::OfOne),
    ("shared/domain/src/tenant.rs", Kind::OfOne),
    // Guess budgets that one method has for itself: numbers on devices, and recovery codes.
    ("shared/domain/src/limiter.rs", Kind::OfOne),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    OfEach,
    OfDevices,
    Attested,
    OfOne,
}

/// The methods that a source names: `Method::` with a variant, which is in camel case; HTTP's are not.
fn named(source: &str) -> BTreeSet<String> {
    let code = code(source);
    let variant = |rest: &str| -> String { rest.chars().take_while(char::is_ascii_alphanumeric).collect() };
    let variants = code.split("Method::").skip(1).map(variant);
    let is_method =
        |name: &String| name.starts_with(|c: char| c.is_uppercase()) && name.chars().any(char::is_lowercase);
    variants.filter(is_method).collect()
}

#[test]
fn methods_are_told_apart_in_few_places() {
    let mut sources: BTreeMap<String, String> = files("shared", "rs");
    sources.extend(files("functions", "rs"));
    sources.remove("shared/domain/src/method/mod.rs");
    let found: BTreeSet<&str> =
        sources.iter().filter(|(_, source)| named(source).len() > 1).map(|(file, _)| file.as_str()).collect();
    let listed: BTreeSet<&str> = PLACES.iter().map(|(file, _)| *file).collect();
    let more = found.difference(&listed).map(|file| {
        format!(
            "{file} tells methods apart: put what it asks into `Facts` or `Way`, or list it here and in CONTRIBUTING.md"
        )
    });
    let less =
        listed.difference(&found).map(|file| format!("{file} tells no methods apart any more: take it off the list"));
    none(&more.chain(less).collect::<Vec<_>>());
}

/// The section of CONTRIBUTING.md names files that are there, at most twelve, and each that has a part of every method.
#[test]
fn what_a_new_method_touches_is_listed_truly() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).expect("CONTRIBUTING.md");
    let section = text.split("## A new method").nth(1).expect("a section").split("\n## ").next().expect("its text");
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    assert!((9..=12).contains(&rows.len()), "{} files", rows.len());
    let listed: Vec<&str> = rows.iter().filter_map(|row| row.split('`').nth(1)).collect();
    for file in &listed {
        let is_there = root().join(file).exists();
        assert!(is_there || file.contains('<'), "{file}, which CONTRIBUTING.md lists, is not there");
    }
    for (file, kind) in PLACES {
        assert!(kind != Kind::OfEach || listed.contains(&file), "CONTRIBUTING.md does not list {file}");
    }
}

/// The rule above sees what it should see.
#[test]
fn the_reader_of_methods_reads() {
    let source =
        "match m { Method::Push => 1, Method::QrCode => 2 }\nlet a = [Method::GET];\n// Method::Sms\nMethod::parse(b)";
    assert_eq!(named(source), BTreeSet::from(["Push".to_owned(), "QrCode".to_owned()]));
}
