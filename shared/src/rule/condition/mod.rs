//! Conditions: a JSON tree in JsonLogic (contract, section 5), checked when it is saved and compiled when it is loaded.
//!
//! What is stored is what was sent. What runs is made of it so that data which is absent never matches: a condition is
//! true only where it is true whatever the absent data might be (Kleene's strong logic). So `{"!": {"==": [x, 1]}}` does
//! not match where there is no x, and only a test of existence does: `{"==": [x, null]}` or `{"missing": ["x"]}`.
//! Nothing else of the product knows which engine evaluates it.

mod check;
mod program;
mod terms;

use serde_json::Value;

use super::{catalogue::Catalogue, list::Networks};

pub use program::{Program, run};

/// A tree is at most so large: bytes, levels, and operators, variables and literals.
pub const MAX_BYTES: usize = 16 * 1024;
pub const MAX_DEPTH: usize = 16;
pub const MAX_NODES: usize = 200;

/// What is wrong with a tree, and where: `conditions.and[1].==[0]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}.")]
pub struct Fault {
    pub path: String,
    pub message: String,
}

/// A checked condition. Every operand has a type, and those of one operator fit together.
#[derive(Clone, Debug)]
pub struct Condition {
    root: Test,
    /// What it reads, each once; tests name them by their place.
    reads: Vec<Read>,
}

/// Something a condition reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A data point.
    Point(String),
    /// Whether a data point is in a value list.
    InList { point: String, alias: String },
    /// Whether a data point is an address in one of some networks.
    InCidr { point: String, networks: Networks },
    /// Part of the time of day in a zone.
    Local { part: LocalPart, zone: String },
}

impl Read {
    /// The data point that it is about.
    pub fn point(&self) -> Option<&str> {
        match self {
            Self::Point(point) | Self::InList { point, .. } | Self::InCidr { point, .. } => Some(point),
            Self::Local { .. } => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalPart {
    Hour,
    Minute,
    DayOfWeek,
}

/// What is true or false.
#[derive(Clone, Debug)]
enum Test {
    Always(bool),
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    /// Whether something that is read is there.
    Present(usize),
    /// Something that is read and is itself true or false.
    Holds(usize),
    /// `<`, `<=`, `>` or `>=`, each operand with the next.
    Ordered(&'static str, Vec<Term>),
    Same(Term, Term),
    Within(Term, Term),
}

/// What has a value.
#[derive(Clone, Debug)]
enum Term {
    Read(usize),
    Literal(Value),
    Computed(&'static str, Vec<Term>),
}

impl Condition {
    /// Checks a tree against the limits, the operators and a tenant's data points and lists.
    pub fn check(tree: &Value, catalogue: &Catalogue) -> Result<Self, Fault> {
        check::check(tree, catalogue)
    }

    pub fn reads(&self) -> &[Read] {
        &self.reads
    }
}

/// Whether a tree names a value list. Trees that are stored have been checked, so their depth is bounded.
pub fn names_list(tree: &Value, alias: &str) -> bool {
    any(tree, &|operator, operands| operator == "in_list" && operands.get(1).is_some_and(|named| named == alias))
}

/// The data points that a tree looks for in a value list.
pub fn points_in_list<'a>(tree: &'a Value, alias: &str) -> Vec<&'a str> {
    let mut points = Vec::new();
    each(tree, &mut |operator, operands| {
        if operator == "in_list" && operands.get(1).is_some_and(|named| named == alias) {
            let name = operands.first().and_then(|point| point.get("var"));
            points.extend(name.and_then(|name| name.as_str().or_else(|| name.get(0)?.as_str())));
        }
    });
    points
}

/// Whether a tree names a data point.
pub fn names_point(tree: &Value, name: &str) -> bool {
    any(tree, &|operator, operands| ["var", "missing"].contains(&operator) && operands.iter().any(|one| one == name))
}

fn any(tree: &Value, is_it: &impl Fn(&str, &[Value]) -> bool) -> bool {
    let mut found = false;
    each(tree, &mut |operator, operands| found |= is_it(operator, operands));
    found
}

/// Goes to every operator of a tree, with its operands.
fn each<'a>(tree: &'a Value, see: &mut impl FnMut(&'a str, &'a [Value])) {
    match tree {
        Value::Array(items) => items.iter().for_each(|item| each(item, see)),
        Value::Object(fields) => {
            for (operator, operands) in fields {
                see(operator, operands.as_array().map_or(std::slice::from_ref(operands), Vec::as_slice));
                each(operands, see);
            }
        }
        _ => {}
    }
}
