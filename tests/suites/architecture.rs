//! Who may import whom (design.md), and the rules of style that a machine can hold.

mod attributes;
mod methods;
mod rings;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// Files below a folder with this ending, with their paths from the root.
fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() && path.file_name().is_none_or(|name| name != "target" && name != "node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(&path).expect("UTF-8"));
            }
        }
    }
    assert!(!found.is_empty(), "no .{ending} below {folder}");
    found
}

/// Everything that is shipped.
fn sources() -> BTreeMap<String, String> {
    ["shared", "functions", "infra"].into_iter().flat_map(|folder| files(folder, "rs")).collect()
}

/// The code of a source: no comments, no texts, and nothing from its unit tests on.
fn code(source: &str) -> String {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = source.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    lines.map(without_texts).collect::<Vec<_>>().join("\n")
}

fn without_texts(line: &str) -> String {
    let mut kept = String::new();
    let (mut in_text, mut escaped) = (false, false);
    for c in line.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            _ => kept.push(c),
        }
    }
    kept.split(" // ").next().unwrap_or_default().to_owned()
}

/// The crates and modules that a source names: each word that `::` follows, and what `use crate::` reaches.
fn names(source: &str) -> BTreeSet<String> {
    let code = code(source);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = code.match_indices("::").map(|(at, _)| code[..at].rsplit(|c| !is_part(c)).next().unwrap_or_default());
    let used = code.split("use ").skip(1).map(|rest| rest.split(|c| !is_part(c)).next().unwrap_or_default());
    before.chain(used).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn breaches(all: &BTreeMap<String, String>, is_bad: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let of = |(file, source): (&String, &String)| {
        let bad: Vec<String> = names(source).into_iter().filter(|name| is_bad(file, name)).collect();
        (!bad.is_empty()).then(|| format!("{file} names {}", bad.join(", ")))
    };
    all.iter().filter_map(of).collect()
}

#[track_caller]
fn none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

fn is_aws(name: &str) -> bool {
    name.starts_with("aws_") && name != "aws_lc_rs"
}

/// Rule 1: the compiler holds that the domain knows neither the store nor the network, and the store no use case: each is a
/// crate, and this is all that their manifests name of what does input or output, or of ours.
#[test]
fn the_domain_and_the_store_are_built_from_what_is_below_them() {
    let named = |folder: &str| -> BTreeSet<String> {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
        let shipped = manifest.split("[dev-dependencies]").next().unwrap_or_default().to_owned();
        shipped.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).map(str::to_owned).collect()
    };
    let outer = |name: &String| {
        let is_sdk = name.starts_with("aws-") && name != "aws-lc-rs";
        let io = ["axum", "tokio", "tower", "tower-http", "hyper", "lambda_http", "lambda_runtime", "reqwest", "ureq"];
        is_sdk || io.contains(&name.as_str()) || name.starts_with("countersign-")
    };
    let none_of = |found: BTreeSet<String>| found.into_iter().filter(outer).collect::<Vec<_>>();
    assert!(none_of(named("shared/domain")).is_empty(), "{:?}", none_of(named("shared/domain")));
    let store = none_of(named("shared/store"));
    let below = ["aws-sdk-dynamodb", "aws-smithy-runtime-api", "aws-smithy-types", "countersign-domain", "tokio"];
    assert_eq!(store, below);
}

/// Rule 2: the SDK is named where the store, the keys and the pushes are, and where a process begins.
#[test]
fn only_the_store_and_the_edges_name_the_aws_sdk() {
    let allowed = ["src/keyring/kms.rs", "src/courier", "src/outbox.rs", "src/aws/", "src/lambda.rs", "store/src/"]
        .map(|of| format!("shared/{of}"));
    let local = ["infra/local/src/embedded.rs", "infra/local/src/operator/"].map(str::to_owned);
    none(&breaches(&sources(), |file, name| {
        is_aws(name) && !allowed.iter().chain(&local).any(|place| file.starts_with(place.as_str()))
    }));
}

/// Rule 3: one file knows that there is such a thing as Lambda.
#[test]
fn only_lambda_names_the_lambda_runtime() {
    none(&breaches(&sources(), |file, name| {
        ["lambda_http", "lambda_runtime"].contains(&name) && file != "shared/src/lambda.rs"
    }));
}

/// Rule 4: a function is the core, a router and its types.
#[test]
fn functions_depend_on_the_core_alone() {
    let mut wrong = Vec::new();
    for (file, manifest) in files("functions", "toml") {
        let dependencies = manifest.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        for name in dependencies {
            let is_other = name.starts_with("countersign-") && name != "countersign-core";
            if is_other || name.starts_with("aws-") || name.starts_with("lambda_") || name.starts_with("dynoxide") {
                wrong.push(format!("{file} depends on {name}"));
            }
        }
    }
    none(&wrong);
}

/// What a command prints, run at the root with the tools that build the tests.
fn printed(variable: &str, tool: &str, arguments: &[&str]) -> String {
    let tool = std::env::var(variable).unwrap_or_else(|_| tool.into());
    let output = Command::new(tool).args(arguments).current_dir(root()).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What cargo resolves: of each workspace member, the packages it is built from. For the platform of the tests alone: what
/// other platforms need was never downloaded by a build.
fn graph() -> (BTreeMap<String, String>, BTreeMap<String, Vec<String>>) {
    let version = printed("RUSTC", "rustc", &["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host triple");
    let arguments = ["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&printed("CARGO", "cargo", &arguments)).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    let named = packages.iter().map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes").iter().map(|node| {
        let built = node["deps"].as_array().expect("deps").iter().filter(|dependency| {
            dependency["dep_kinds"].as_array().expect("kinds").iter().any(|kind| kind["kind"] != "dev")
        });
        (text(&node["id"]), built.map(|dependency| text(&dependency["pkg"])).collect())
    });
    (named, nodes.collect())
}

fn built_from(name: &str, named: &BTreeMap<String, String>, graph: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let (mut seen, mut next) = (BTreeSet::new(), Vec::new());
    next.extend(named.iter().filter(|(_, known)| *known == name).map(|(id, _)| id.clone()));
    assert_eq!(next.len(), 1, "{name}");
    while let Some(id) = next.pop() {
        if seen.insert(named[&id].clone()) {
            next.extend(graph.get(&id).into_iter().flatten().cloned());
        }
    }
    seen
}

/// Rule 5: the emulator is in the local server and in no function.
#[test]
fn the_emulator_is_in_no_function() {
    let (named, graph) = graph();
    assert!(built_from("countersign-local", &named, &graph).contains("dynoxide-rs"));
    let functions: Vec<String> = files("functions", "toml")
        .values()
        .filter_map(|manifest| manifest.lines().find_map(|line| line.strip_prefix("name = \"countersign-")))
        .map(|rest| format!("countersign-{}", rest.trim_end_matches('"')))
        .collect();
    assert!(functions.len() >= 7, "{functions:?}");
    for function in functions {
        let built = built_from(&function, &named, &graph);
        for forbidden in ["dynoxide-rs", "rusqlite", "libsqlite3-sys", "clap", "countersign-local"] {
            assert!(!built.contains(forbidden), "{function} is built from {forbidden}");
        }
        let others = built.iter().filter(|name| name.starts_with("countersign-") && **name != function);
        assert_eq!(
            others.collect::<Vec<_>>(),
            ["countersign-core", "countersign-domain", "countersign-store"],
            "{function}"
        );
    }
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let all = sources();
    let long = all.iter().map(|(file, source)| (file, source.lines().count())).filter(|(_, lines)| *lines > 400);
    none(&long.map(|(file, lines)| format!("{file} has {lines} lines")).collect::<Vec<_>>());
}

/// The lints of the workspace refuse what panics on purpose and what silences a lint without a reason: every crate that is
/// shipped takes them.
#[test]
fn every_shipped_crate_takes_the_lints_of_the_workspace() {
    let mut manifests = files("functions", "toml");
    manifests.extend(["shared", "infra"].into_iter().flat_map(|folder| files(folder, "toml")));
    assert!(manifests.len() >= 15, "{:?}", manifests.keys());
    manifests.retain(|file, _| file.ends_with("Cargo.toml"));
    let without = manifests.iter().filter(|(_, manifest)| !manifest.contains("[lints]\nworkspace = true\n"));
    none(&without.map(|(file, _)| file.clone()).collect::<Vec<_>>());
}

/// What a source writes down: each `tracing::info!(…);`, as it stands there.
fn log_lines(source: &str) -> Vec<&str> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let begun = source.match_indices("tracing::").filter(|(at, _)| {
        let word = source[at + "tracing::".len()..].split('(').next().unwrap_or_default();
        ["error!", "warn!", "info!", "debug!", "trace!", "event!", "span!"].contains(&word)
    });
    begun.map(|(at, _)| &source[at..at + source[at..].find(");").unwrap_or(source[at..].len())]).collect()
}

/// `Debug` prints all that a value has, and `DisplayErrorContext` an error by it: items of the table, answers of KMS, push
/// tokens (infra/decisions/0026). A log line names its fields, each by `Display`.
#[test]
fn nothing_is_written_down_by_debug() {
    let by_debug = |line: &&str| {
        let tight: String = line.split_whitespace().collect();
        tight.contains("=?") || tight.contains(",?") || tight.contains("(?") || tight.contains(":?}")
    };
    assert_eq!(log_lines("tracing::info!(event = \"a\", ?b);\ntracing::level();").len(), 1);
    assert!(
        by_debug(&"tracing::info!(a, b = ?c")
            && by_debug(&"tracing::info!(a, ?c")
            && !by_debug(&"tracing::info!(a = %b")
    );
    let mut wrong = Vec::new();
    let mut lines = 0;
    for (file, source) in sources() {
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        if code.contains("DisplayErrorContext") && file != "shared/store/src/cause.rs" {
            wrong.push(format!("{file} names DisplayErrorContext; use aws::cause"));
        }
        lines += log_lines(&source).len();
        wrong.extend(log_lines(&source).iter().filter(|line| by_debug(line)).map(|line| format!("{file}: {line}")));
    }
    none(&wrong);
    assert!(lines >= 30, "only {lines} log lines were seen");
}

/// A route that is added plainly would be missing in the description, and in template.yaml and the watch router, which are
/// made of it.
#[test]
fn every_route_is_described() {
    let plain: Vec<String> = files("functions", "rs")
        .iter()
        .flat_map(|(file, source)| source.lines().map(move |line| (file, line)))
        .filter(|(_, line)| line.contains(".route(\""))
        .map(|(file, line)| format!("{file}: {}; use routes!", line.trim()))
        .collect();
    none(&plain);
}

/// The rules above see what they should see.
#[test]
fn the_reader_of_sources_reads() {
    let source = "use aws_sdk_x::{A, B};\nuse crate::{store::Store, id::{self, X}};\n// tokio::spawn\nlet a = \"axum::b\"; \
                  hyper::c();\n#[cfg(test)]\nmod tests { tower::d(); }";
    let found = names(source);
    assert!(found.contains("aws_sdk_x") && found.contains("hyper"), "{found:?}");
    assert!(!["tokio", "axum", "tower"].iter().any(|name| found.contains(*name)), "{found:?}");
}
