//! Runs conditions. The one module that names the engine.
//!
//! Each condition becomes one JsonLogic tree in negation normal form over what it reads, every comparison guarded by
//! the presence of what it compares. It is evaluated in strict mode: nothing is converted, and what cannot be computed
//! (a division by zero) is an error and not a value.

use std::{fmt, sync::LazyLock};

use datalogic_rs::{DataValue, Engine, EvaluationConfig, Logic, bumpalo::Bump, datavalue::NumberValue};
use serde_json::{Value, json};

use super::{Condition, Term, Test};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::builder().with_config(EvaluationConfig::strict()).build());

/// A condition ready to run.
pub struct Program(Logic);

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program")
    }
}

impl Program {
    /// Compiles a condition to run over a list of values, in which `place` says where each of its reads stands. `None`
    /// where the engine refuses, which it does not for what was checked.
    pub fn new(condition: &Condition, place: &[usize]) -> Option<Self> {
        let tree = Writer { place }.test(&condition.root, true);
        ENGINE.compile(&tree).ok().map(Self)
    }
}

/// Runs programs over one list of values, in which what is absent is null: whether each matches; `None` where that could
/// not be computed.
pub fn run<'p>(programs: impl Iterator<Item = Option<&'p Program>>, values: &[&Value]) -> Vec<Option<bool>> {
    let arena = Bump::new();
    let list = arena.alloc_slice_fill_iter(values.iter().map(|value| borrowed(value, &arena)));
    let data: &DataValue<'_> = arena.alloc(DataValue::Array(list));
    let matches = |program: Option<&Program>| ENGINE.evaluate(&program?.0, data, &arena).ok()?.as_bool();
    // The programs live as long as what they compute may borrow from them.
    programs.map(matches).collect()
}

/// A value as the engine reads it; numbers beyond 64 bits are the nearest that a float can hold, as in JavaScript.
fn borrowed<'a>(value: &'a Value, arena: &'a Bump) -> DataValue<'a> {
    match value {
        Value::Bool(value) => DataValue::Bool(*value),
        Value::String(text) => DataValue::String(text),
        Value::Number(number) => DataValue::Number(match number.as_i64() {
            Some(whole) => NumberValue::from_i64(whole),
            None => NumberValue::from_f64(number.as_f64().unwrap_or(f64::NAN)),
        }),
        Value::Array(items) => {
            DataValue::Array(arena.alloc_slice_fill_iter(items.iter().map(|item| borrowed(item, arena))))
        }
        Value::Null | Value::Object(_) => DataValue::Null,
    }
}

/// Writes the tree that the engine runs.
struct Writer<'a> {
    place: &'a [usize],
}

impl Writer<'_> {
    /// A tree that is true exactly where the test is certainly true or, with `wanted` false, certainly false.
    fn test(&self, test: &Test, wanted: bool) -> Value {
        match test {
            Test::Always(always) => json!(*always == wanted),
            Test::All(tests) => self.joined(tests, wanted, wanted),
            Test::Any(tests) => self.joined(tests, wanted, !wanted),
            Test::Not(test) => self.test(test, !wanted),
            Test::Present(read) => json!({ if wanted { "!==" } else { "===" }: [self.read(*read), null] }),
            // Null is neither true nor false.
            Test::Holds(read) => json!({ "===": [self.read(*read), wanted] }),
            Test::Ordered(operator, terms) => {
                let operator = if wanted { operator } else { opposite(operator) };
                let pairs = terms.windows(2).map(|pair| {
                    let operands: Vec<Value> = pair.iter().map(|term| self.term(term)).collect();
                    self.guarded(pair, json!({ operator: operands }))
                });
                either(pairs.collect(), wanted)
            }
            Test::Same(left, right) => {
                let operator = if wanted { "===" } else { "!==" };
                let compared = json!({ operator: [self.term(left), self.term(right)] });
                self.guarded([left, right], compared)
            }
            Test::Within(needle, haystack) => {
                let found = json!({ "in": [self.term(needle), self.term(haystack)] });
                self.guarded([needle, haystack], if wanted { found } else { json!({ "!": [found] }) })
            }
        }
    }

    fn joined(&self, tests: &[Test], wanted: bool, all: bool) -> Value {
        either(tests.iter().map(|test| self.test(test, wanted)).collect(), all)
    }

    /// A comparison that is false where something that it compares is not there.
    fn guarded<'t>(&self, terms: impl IntoIterator<Item = &'t Term>, comparison: Value) -> Value {
        let mut reads = Vec::new();
        for term in terms {
            term.reads(&mut reads);
        }
        let mut all: Vec<Value> = reads.into_iter().map(|read| json!({ "!==": [self.read(read), null] })).collect();
        all.push(comparison);
        either(all, true)
    }

    fn read(&self, read: usize) -> Value {
        // A place beyond the end is absent.
        json!({ "var": self.place.get(read).copied().unwrap_or(usize::MAX >> 11) })
    }

    fn term(&self, term: &Term) -> Value {
        match term {
            Term::Read(read) => self.read(*read),
            Term::Literal(value) => value.clone(),
            Term::Computed(operator, terms) => {
                json!({ *operator: terms.iter().map(|term| self.term(term)).collect::<Vec<_>>() })
            }
        }
    }
}

impl Term {
    /// What a term reads, each once.
    fn reads(&self, found: &mut Vec<usize>) {
        match self {
            Self::Read(read) if !found.contains(read) => found.push(*read),
            Self::Computed(_, terms) => terms.iter().for_each(|term| term.reads(found)),
            Self::Read(_) | Self::Literal(_) => {}
        }
    }
}

fn opposite(operator: &str) -> &'static str {
    match operator {
        "<" => ">=",
        "<=" => ">",
        ">" => "<=",
        _ => "<",
    }
}

/// All of some, or one of them.
fn either(mut tests: Vec<Value>, all: bool) -> Value {
    match tests.len() {
        1 => tests.swap_remove(0),
        _ => json!({ if all { "and" } else { "or" }: tests }),
    }
}
