//! The modules of a function import each other in one direction: what leads back is a value that `lib.rs` dispatches.

use std::collections::{BTreeMap, BTreeSet};

use super::{files, none};

/// Of each crate below a folder, its modules and those that each names. `lib.rs` is above them all.
fn modules(folder: &str) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut crates: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (file, source) in files(folder, "rs") {
        if let Some((of, rest)) = file.split_once("/src/") {
            let module = rest.trim_end_matches(".rs").split('/').next().unwrap_or_default();
            if !["lib", "main"].contains(&module) {
                crates.entry(of.to_owned()).or_default().entry(module.to_owned()).or_default().push_str(&source);
            }
        }
    }
    let imports = |sources: &BTreeMap<String, String>| {
        let of = |(module, source): (&String, &String)| {
            let named = imported(source).into_iter().filter(|name| name != module && sources.contains_key(name));
            (module.clone(), named.collect())
        };
        sources.iter().map(of).collect()
    };
    crates.iter().map(|(of, sources)| (of.clone(), imports(sources))).collect()
}

/// The modules of its own crate that a source names: in `crate::a` and in `crate::{a, b::c}`.
fn imported(source: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    for rest in source.split("crate::").skip(1) {
        let group = rest.strip_prefix('{').and_then(|rest| rest.split_once("};")).map_or_else(
            || rest.split(|c| !is_part(c)).next().unwrap_or_default().to_owned(),
            |(group, _)| group.to_owned(),
        );
        found.extend(group.split(|c| !is_part(c)).map(str::to_owned));
    }
    found
}

/// A way from a module back to itself.
fn ring(of: &str, imports: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut ways: Vec<Vec<String>> = vec![vec![of.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in way.last().and_then(|last| imports.get(last)).into_iter().flatten() {
            let longer = [way.as_slice(), std::slice::from_ref(next)].concat();
            if next == of {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                ways.push(longer);
            }
        }
    }
    None
}

#[test]
fn no_function_has_a_ring_of_modules() {
    let mut wrong = Vec::new();
    let (mut modules_seen, mut imports_seen) = (0, 0);
    for (of, imports) in modules("functions") {
        modules_seen += imports.len();
        imports_seen += imports.values().map(BTreeSet::len).sum::<usize>();
        let rings = imports.keys().filter_map(|module| ring(module, &imports));
        wrong.extend(rings.map(|ring| format!("{of}: {}", ring.join(" -> "))));
    }
    none(&wrong);
    assert!(modules_seen >= 35 && imports_seen >= 35, "{modules_seen} modules, {imports_seen} imports");
}

/// The rule above sees what it should see.
#[test]
fn the_finder_of_rings_finds() {
    let imports = |pairs: &[(&str, &str)]| {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (one, other) in pairs {
            all.entry((*one).to_owned()).or_default().insert((*other).to_owned());
        }
        all
    };
    let way = ring("a", &imports(&[("a", "b"), ("b", "c"), ("c", "a")]));
    assert_eq!(way.map(|way| way.join(" ")).as_deref(), Some("a b c a"));
    assert_eq!(ring("a", &imports(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    let found = imported("use crate::{\n    Once, challenge,\n    ends::{End, end},\n};\nlet a = crate::frame::b();");
    for name in ["challenge", "ends", "frame"] {
        assert!(found.contains(name), "{name}: {found:?}");
    }
}
