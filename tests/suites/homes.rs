//! One set of routes, three homes: the code (one process), the watch router (`cargo lambda watch`) and template.yaml
//! (AWS). What one of them lacks is named.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// `POST /v1/validate` to the function that answers it.
type Routes = BTreeMap<String, String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(fs::read_to_string(&path).expect("UTF-8"));
        }
    }
    found
}

/// What the sources of each function route: `#[utoipa::path(get, path = "…")]` and
/// `.route("…", routing::get(show).post(answer))`.
fn of_the_code() -> Routes {
    let mut routes = Routes::new();
    for entry in fs::read_dir(root().join("functions")).expect("functions") {
        let folder = entry.expect("an entry").path();
        let function = folder.file_name().expect("a name").to_string_lossy().into_owned();
        for source in sources(&folder.join("src")) {
            for annotation in source.split("#[utoipa::path(").skip(1) {
                let (method, rest) = annotation.split_once(',').expect("a method");
                let path = rest.split('"').nth(1).expect("a path");
                routes.insert(format!("{} {path}", method.trim().to_uppercase()), function.clone());
            }
            for plain in source.split(".route(\"").skip(1) {
                let (path, handlers) = plain.split_once('"').expect("a path");
                let line = handlers.lines().next().unwrap_or_default();
                for method in ["get", "post", "patch", "delete"] {
                    if line.contains(&format!("::{method}(")) || line.contains(&format!(".{method}(")) {
                        routes.insert(format!("{} {path}", method.to_uppercase()), function.clone());
                    }
                }
            }
        }
    }
    assert!(routes.len() > 20, "{routes:?}");
    routes
}

fn of_the_watch_router() -> Routes {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--no-deps"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let router = metadata["metadata"]["lambda"]["watch"]["router"].as_object().expect("a watch router");
    let mut routes = Routes::new();
    for (path, targets) in router {
        for target in targets.as_array().expect("a list of methods") {
            let text = |name: &str| target[name].as_str().expect(name).to_owned();
            routes.insert(format!("{} {path}", text("method")), text("function"));
        }
    }
    routes
}

/// Each `RouteKey: "…", Target: !Sub "integrations/${VerifyIntegration}"`, and of each `VerifyFunction:` its `Binary: verify`.
fn of_the_template() -> Routes {
    let template = fs::read_to_string(root().join("template.yaml")).expect("template.yaml");
    let between = |text: &str, start: &str, end: &str| {
        let rest = text.split_once(start)?.1;
        rest.split_once(end).map(|(found, _)| found.to_owned())
    };
    let mut functions = BTreeMap::new();
    let mut resource = String::new();
    for line in template.lines() {
        if let Some(name) = line.strip_prefix("  ").and_then(|line| line.strip_suffix("Function:")) {
            resource = name.to_owned();
        }
        if let Some(binary) = between(line, "BuildProperties: {Binary: ", "}") {
            functions.insert(resource.clone(), binary);
        }
    }
    let mut routes = Routes::new();
    for line in template.lines().filter(|line| line.contains("RouteKey: ")) {
        let route = between(line, "RouteKey: \"", "\"").expect("a route key on its line");
        let resource = between(line, "integrations/${", "Integration}").expect("a target on the same line");
        routes.insert(route, functions[&resource].clone());
    }
    assert_eq!(routes.remove("$default").as_deref(), Some("hosted-ui"), "what no route takes is answered by us");
    routes
}

fn differences(what: &str, code: &Routes, other: &Routes) -> Vec<String> {
    let all: BTreeSet<_> = code.keys().chain(other.keys()).collect();
    let of = |route: &&String| match (code.get(*route), other.get(*route)) {
        (Some(function), None) => Some(format!("{what} lacks {route} ({function})")),
        (None, Some(function)) => Some(format!("{what} has {route} ({function}), which the code has not")),
        (Some(here), Some(there)) if here != there => {
            Some(format!("{what} sends {route} to {there}; the code has it in {here}"))
        }
        _ => None,
    };
    all.iter().filter_map(of).collect()
}

#[test]
fn the_watch_router_has_the_routes_of_the_code() {
    let different = differences("the watch router (Cargo.toml)", &of_the_code(), &of_the_watch_router());
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}

#[test]
fn the_template_has_the_routes_of_the_code() {
    let different = differences("template.yaml", &of_the_code(), &of_the_template());
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}

#[test]
fn a_route_that_is_missing_or_elsewhere_is_named() {
    let code = Routes::from([("GET /a".into(), "x".into()), ("GET /b".into(), "x".into())]);
    let other = Routes::from([("GET /b".into(), "y".into()), ("GET /c".into(), "x".into())]);
    let named = differences("it", &code, &other);
    let expected = [
        "it lacks GET /a (x)",
        "it sends GET /b to y; the code has it in x",
        "it has GET /c (x), which the code has not",
    ];
    assert_eq!(named, expected);
}
