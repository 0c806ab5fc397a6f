//! Which function answers what, and the two places that are made of it: the routes in `template.yaml` (AWS) and the watch
//! router in `Cargo.toml` (`cargo lambda watch`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use countersign_core::app::App;
use utoipa::openapi::path::PathItem;
use utoipa_axum::router::OpenApiRouter;

use crate::first_run::Trouble;

/// Show which function answers what, or bring template.yaml and Cargo.toml of this repository in line with it.
#[derive(clap::Args)]
pub struct RoutesCommand {
    /// Write the routes into template.yaml and Cargo.toml.
    #[arg(long, conflicts_with = "check")]
    write: bool,
    /// Fail where one of the two files lacks a route, has one too many, or sends it elsewhere.
    #[arg(long)]
    check: bool,
    /// Where the repository is.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repository: PathBuf,
}

impl RoutesCommand {
    pub fn run(&self) -> Result<ExitCode, Trouble> {
        if self.write {
            for file in files(&self.repository)? {
                fs::write(&file.path, &file.wanted).map_err(|error| trouble(&file.path, &error))?;
            }
        } else if self.check {
            let different = differences(&self.repository)?;
            if !different.is_empty() {
                println!("{}\nRun `cargo run -- routes --write`.", different.join("\n"));
                return Ok(ExitCode::FAILURE);
            }
        } else {
            for Route { path, function, methods } in all() {
                println!("{function:<20} {:<20} {path}", methods.join(" "));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What a function answers at a path.
struct Route {
    path: String,
    function: &'static str,
    methods: Vec<&'static str>,
}

/// The routes of the code, function by function.
fn all() -> Vec<Route> {
    let of_a_function = |(function, routes): (&'static str, OpenApiRouter<App>)| {
        let paths = routes.into_openapi().paths.paths.into_iter();
        paths.map(move |(path, item)| Route { path, function, methods: methods(&item) })
    };
    crate::functions().into_iter().flat_map(of_a_function).collect()
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    let all = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    all.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method).collect()
}

/// A method, or every one of a path, and the function that answers it.
type Target = (Option<&'static str>, &'static str);

/// Where each path goes: all of its methods to one function, which then answers 405 itself, or each to its own.
fn targets() -> Vec<(String, Vec<Target>)> {
    let all = all();
    let mut functions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for route in &all {
        functions.entry(&route.path).or_default().insert(route.function);
    }
    let mut targets: Vec<(String, Vec<Target>)> = Vec::new();
    for route in &all {
        let is_shared = functions.get(route.path.as_str()).is_some_and(|functions| functions.len() > 1);
        let own: Vec<Target> = if is_shared {
            route.methods.iter().map(|method| (Some(*method), route.function)).collect()
        } else {
            vec![(None, route.function)]
        };
        match targets.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, known)) => known.extend(own),
            None => targets.push((route.path.clone(), own)),
        }
    }
    targets
}

/// A file of the repository, as it is and as it should be.
struct File {
    path: PathBuf,
    text: String,
    wanted: String,
}

fn files(repository: &Path) -> Result<[File; 2], Trouble> {
    Ok([
        read(repository.join("template.yaml"), &of_the_template())?,
        read(repository.join("Cargo.toml"), &of_the_watch_router())?,
    ])
}

/// The differences between each file and the code, a line each.
pub fn differences(repository: &Path) -> Result<Vec<String>, Trouble> {
    let mut different = Vec::new();
    for File { path, text, wanted } in files(repository)? {
        let (has, should): (BTreeSet<_>, BTreeSet<_>) = (text.lines().collect(), wanted.lines().collect());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        different.extend(should.difference(&has).map(|line| format!("{name} lacks: {}", line.trim())));
        different.extend(has.difference(&should).map(|line| format!("{name} has:   {}", line.trim())));
        if different.is_empty() && text != wanted {
            different.push(format!("{name} has the routes in another order"));
        }
    }
    Ok(different)
}

const BEGIN: &str = "# Routes, made by `countersign routes --write`.";
const END: &str = "# End of routes.";

/// Puts the routes between the two lines that say where they are.
fn read(path: PathBuf, routes: &str) -> Result<File, Trouble> {
    let text = fs::read_to_string(&path).map_err(|error| trouble(&path, &error))?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| {
        let indent = before.rsplit('\n').next()?;
        let (_, after) = rest.split_once(END)?;
        Some(format!("{before}{BEGIN}\n{routes}{indent}{END}{after}"))
    });
    let wanted = parts.ok_or_else(|| trouble(&path, &format!("the lines \"{BEGIN}\" and \"{END}\" are missing")))?;
    Ok(File { path, text, wanted })
}

fn trouble(path: &Path, error: &impl ToString) -> Trouble {
    Trouble(format!("{}: {}", path.display(), error.to_string()))
}

/// Each function, how the API calls it, and its routes.
fn of_the_template() -> String {
    let (mut lines, targets) = (String::new(), targets());
    for (function, _) in crate::functions() {
        lines += &integration(&pascal(function));
        for (path, targets) in &targets {
            for (method, _) in targets.iter().filter(|(_, target)| *target == function) {
                let name = pascal(&format!("{}/{path}", method.unwrap_or_default().to_lowercase()));
                lines += &route(&name, &format!("{} {path}", method.unwrap_or("ANY")), function);
            }
        }
    }
    // What no route takes is answered by us: 401 with a bad key, 404 otherwise.
    lines + &route("Default", "$default", "hosted-ui")
}

fn integration(function: &str) -> String {
    let caller = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*";
    format!(
        "  {function}Permission: {{Type: AWS::Lambda::Permission, Properties: {{FunctionName: !Ref {function}Function, \
         Action: lambda:InvokeFunction, Principal: apigateway.amazonaws.com, SourceArn: !Sub \"{caller}\"}}}}\n  \
         {function}Integration: {{Type: AWS::ApiGatewayV2::Integration, Properties: {{ApiId: !Ref Api, \
         IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt {function}Function.Arn, PayloadFormatVersion: \"2.0\"}}}}\n"
    )
}

fn route(name: &str, key: &str, function: &str) -> String {
    let integration = pascal(function);
    format!(
        "  {name}Route: {{Type: AWS::ApiGatewayV2::Route, Properties: {{ApiId: !Ref Api, AuthorizationType: NONE, \
         RouteKey: \"{key}\", Target: !Sub \"integrations/${{{integration}Integration}}\"}}}}\n"
    )
}

/// `/v1/users/{userId}` as the name of a resource, which has letters and digits alone.
fn pascal(path: &str) -> String {
    let path = path.trim_start_matches("/v1/").replace("//v1/", "/").replace('_', "-underscore-");
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

fn of_the_watch_router() -> String {
    let mut lines = String::new();
    for (path, targets) in targets() {
        let to = |(method, function): &Target| match method {
            Some(method) => format!("{{ method = \"{method}\", function = \"{function}\" }}"),
            None => format!("\"{function}\""),
        };
        lines += &match targets.as_slice() {
            [(None, function)] => format!("\"{path}\" = \"{function}\"\n"),
            several => format!("\"{path}\" = [{}]\n", several.iter().map(to).collect::<Vec<_>>().join(", ")),
        };
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_names_of_resources() {
        assert_eq!(pascal("/"), "");
        assert_eq!(pascal("//v1/users/{userId}/required-actions/{id}"), "UsersUserIdRequiredActionsId");
        assert_eq!(pascal("get//v1/management/action_configurations"), "GetManagementActionUnderscoreConfigurations");
        assert_eq!(pascal("//openapi.json"), "OpenapiJson");
    }
}
