//! Reads a tree: limits, operators, names and types.

use serde_json::{Map, Value};

use super::{Catalogue, Condition, Fault, MAX_BYTES, MAX_DEPTH, MAX_NODES, Networks, Read, Term, Test};
use crate::rule::{
    catalogue::{Form, Type},
    list::ItemType,
};

/// The operators that conditions are made of; nothing that loops.
const TESTS: [&str; 17] = [
    "and",
    "or",
    "!",
    "!!",
    "==",
    "===",
    "!=",
    "!==",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "missing",
    "in_list",
    "ip_in_cidr",
    "var",
];
pub(super) const TERMS: [&str; 11] =
    ["var", "+", "-", "*", "/", "%", "min", "max", "local_hour", "local_minute", "local_day_of_week"];

pub(super) fn check(tree: &Value, catalogue: &Catalogue) -> Result<Condition, Fault> {
    let mut checker = Checker { catalogue, reads: Vec::new(), nodes: 0, depth: 0, path: "conditions".into() };
    let bytes = tree.to_string().len();
    if bytes > MAX_BYTES {
        return Err(checker.fault(format!("it has {bytes} bytes, and at most {MAX_BYTES}; use value lists")));
    }
    let root = checker.test(tree)?;
    Ok(Condition { root, reads: checker.reads })
}

pub(super) struct Checker<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) reads: Vec<Read>,
    nodes: usize,
    depth: usize,
    path: String,
}

/// The operands of an operator: a list, or the one that stands alone.
pub(super) enum Operands<'a> {
    List(&'a [Value]),
    One(&'a Value),
}

impl<'a> Operands<'a> {
    pub(super) fn all(&self) -> &'a [Value] {
        match self {
            Self::List(all) => all,
            Self::One(one) => std::slice::from_ref(one),
        }
    }
}

impl<'a> Checker<'a> {
    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault { path: self.path.clone(), message: message.into() }
    }

    pub(super) fn count(&mut self) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.fault(format!(
                "the condition has more than {MAX_NODES} operators, variables and values; use value lists, or two rules"
            )));
        }
        Ok(())
    }

    /// Goes on at an operand.
    fn at<T>(&mut self, part: &str, go_on: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let length = self.path.len();
        self.path.push_str(part);
        let result = go_on(self)?;
        self.path.truncate(length);
        Ok(result)
    }

    /// Goes on below an operator, one level deeper.
    pub(super) fn below<T>(
        &mut self,
        operator: &str,
        go_on: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault(format!("operators are nested more than {MAX_DEPTH} deep; make it flatter")));
        }
        let result = self.at(&format!(".{operator}"), go_on)?;
        self.depth -= 1;
        Ok(result)
    }

    /// Goes on at each operand in turn.
    pub(super) fn each<T>(
        &mut self,
        operands: &Operands<'_>,
        mut go_on: impl FnMut(&mut Self, &Value) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        match operands {
            Operands::One(one) => Ok(vec![go_on(self, one)?]),
            Operands::List(all) => {
                let indexed = all.iter().enumerate();
                indexed.map(|(index, one)| self.at(&format!("[{index}]"), |checker| go_on(checker, one))).collect()
            }
        }
    }

    /// The one operator of an object.
    pub(super) fn operator<'v>(
        &self,
        fields: &'v Map<String, Value>,
        known: &[&'static str],
    ) -> Result<(&'static str, Operands<'v>), Fault> {
        let mut entries = fields.iter();
        let (Some((name, value)), None) = (entries.next(), entries.next()) else {
            return Err(self.fault(format!("an object has exactly one operator as its name, not {}", fields.len())));
        };
        let Some(operator) = known.iter().find(|operator| *operator == name) else {
            let others = TESTS.contains(&name.as_str()) || TERMS.contains(&name.as_str());
            let why = if others { "does not belong here" } else { "is not an operator that rules have" };
            let shown: String = name.chars().take(40).collect();
            return Err(self.fault(format!("\"{shown}\" {why}; use one of {}", known.join(" "))));
        };
        let operands = match value {
            Value::Array(all) => Operands::List(all),
            one => Operands::One(one),
        };
        Ok((operator, operands))
    }

    fn test(&mut self, tree: &Value) -> Result<Test, Fault> {
        self.count()?;
        let fields = match tree {
            Value::Bool(always) => return Ok(Test::Always(*always)),
            Value::Object(fields) => fields,
            _ => return Err(self.fault("a condition is an object with one operator, such as {\"==\": [{\"var\": \"action.code\"}, \"signIn\"]}")),
        };
        let (operator, operands) = self.operator(fields, &TESTS)?;
        self.below(operator, |checker| checker.test_of(operator, &operands))
    }

    fn test_of(&mut self, operator: &'static str, operands: &Operands<'_>) -> Result<Test, Fault> {
        let all = operands.all();
        match operator {
            "and" | "or" => {
                if all.is_empty() {
                    return Err(self.fault("put at least one condition in the list"));
                }
                let tests = self.each(operands, Self::test)?;
                Ok(if operator == "and" { Test::All(tests) } else { Test::Any(tests) })
            }
            "!" | "!!" => {
                self.takes(all, 1..=1)?;
                let test = self.each(operands, Self::test)?.pop().unwrap_or(Test::Always(false));
                Ok(if operator == "!" { Test::Not(Box::new(test)) } else { test })
            }
            "==" | "===" => self.same(operands),
            "!=" | "!==" => Ok(Test::Not(Box::new(self.same(operands)?))),
            "<" | "<=" | ">" | ">=" => {
                self.takes(all, 2..=3)?;
                let terms = self.each(operands, |checker, one| checker.term_of(one, Type::Number))?;
                Ok(Test::Ordered(operator, terms))
            }
            "in" => self.within(all),
            "missing" => self.missing(operands),
            "in_list" => self.in_list(all),
            "ip_in_cidr" => self.in_cidr(all),
            _ => match self.variable(all)? {
                (read, Type::Boolean) => Ok(Test::Holds(read)),
                (_, other) => Err(self.fault(format!(
                    "a condition is true or false, and this is {}; compare it with something",
                    other.name()
                ))),
            },
        }
    }

    pub(super) fn takes(&self, all: &[Value], count: std::ops::RangeInclusive<usize>) -> Result<(), Fault> {
        if count.contains(&all.len()) {
            return Ok(());
        }
        let (least, most) = (count.start(), count.end());
        let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
        Err(self.fault(format!("it takes {wanted} operands, not {}", all.len())))
    }

    /// Strict equality: nothing is converted, so the types must be the same. With null it tests existence, and of a
    /// condition with true or false it is the condition or its opposite.
    fn same(&mut self, operands: &Operands<'_>) -> Result<Test, Fault> {
        let all = operands.all();
        self.takes(all, 2..=2)?;
        let [left, right] = all else { return Err(self.fault("it takes 2 operands")) };
        for (value, other, place) in [(left, right, "[1]"), (right, left, "[0]")] {
            if value.is_null() {
                self.count()?;
                let (term, _) = self.at(place, |checker| checker.term(other))?;
                let Term::Read(read) = term else {
                    return Err(self.fault("only a variable is compared with null, to test whether it is there"));
                };
                return Ok(Test::Not(Box::new(Test::Present(read))));
            }
            if let (Value::Bool(wanted), true) = (value, is_test(other)) {
                self.count()?;
                let test = self.at(place, |checker| checker.test(other))?;
                return Ok(if *wanted { test } else { Test::Not(Box::new(test)) });
            }
        }
        let (left, of_left) = self.at("[0]", |checker| checker.term(left))?;
        let (right, of_right) = self.at("[1]", |checker| checker.term(right))?;
        if of_left == Type::Texts || of_right == Type::Texts {
            return Err(self.fault("a list of texts is not compared; use {\"in\": [\"text\", list]}"));
        }
        if of_left != of_right {
            return Err(Fault {
                path: format!("{}[1]", self.path),
                message: format!(
                    "this is {}, and what it is compared with is {}; nothing is converted",
                    of_right.name(),
                    of_left.name()
                ),
            });
        }
        self.at("[1]", |checker| checker.can_be(&left, &right))?;
        self.at("[0]", |checker| checker.can_be(&right, &left))?;
        Ok(Test::Same(left, right))
    }

    fn within(&mut self, all: &[Value]) -> Result<Test, Fault> {
        self.takes(all, 2..=2)?;
        let [needle, haystack] = all else { return Err(self.fault("it takes 2 operands")) };
        let (needle, of_needle) = self.at("[0]", |checker| checker.term(needle))?;
        if let Value::Array(items) = haystack {
            let literals = self.at("[1]", |checker| {
                checker.each(&Operands::List(items), |checker, item| {
                    let literal = checker.literal_of(item, of_needle)?;
                    checker.can_be(&needle, &Term::Literal(literal.clone())).map(|()| literal)
                })
            })?;
            return Ok(Test::Within(needle, Term::Literal(Value::Array(literals))));
        }
        let (haystack, of_haystack) = self.at("[1]", |checker| checker.term(haystack))?;
        match (of_needle, of_haystack) {
            (Type::Text, Type::Texts) => {
                self.at("[0]", |checker| checker.can_be(&haystack, &needle))?;
                Ok(Test::Within(needle, haystack))
            }
            // A part of a text need not have the form of the whole.
            (Type::Text, Type::Text) => Ok(Test::Within(needle, haystack)),
            (of, Type::Text | Type::Texts) => Err(Fault {
                path: format!("{}[0]", self.path),
                message: format!("only a text is looked for in texts, and this is {}", of.name()),
            }),
            (_, other) => Err(Fault {
                path: format!("{}[1]", self.path),
                message: format!("write a list, a text or a list of texts to look in; this is {}", other.name()),
            }),
        }
    }

    fn literal_of(&mut self, item: &Value, wanted: Type) -> Result<Value, Fault> {
        self.count()?;
        match literal(item) {
            Some(of) if of == wanted => Ok(item.clone()),
            _ => Err(self.fault(format!("every value of the list is {}, like what is looked for", wanted.name()))),
        }
    }

    /// True where one of some variables is not there.
    fn missing(&mut self, operands: &Operands<'_>) -> Result<Test, Fault> {
        if operands.all().is_empty() {
            return Err(self.fault("name at least one variable"));
        }
        let tests = self.each(operands, |checker, name| {
            let (read, _) = checker.named(name)?;
            Ok(Test::Not(Box::new(Test::Present(read))))
        })?;
        Ok(Test::Any(tests))
    }

    fn in_list(&mut self, all: &[Value]) -> Result<Test, Fault> {
        self.takes(all, 2..=2)?;
        let [point, alias] = all else { return Err(self.fault("it takes 2 operands")) };
        let (point, of) = self.at("[0]", |checker| checker.point(point))?;
        let alias = self.at("[1]", |checker| {
            checker.count()?;
            let Value::String(alias) = alias else { return Err(checker.fault("write the alias of a value list")) };
            let listed = checker.catalogue.list(alias).map_err(|message| checker.fault(message))?;
            let fits = matches!(
                (of, listed.items),
                (Type::Text | Type::Texts, ItemType::String) | (Type::Number, ItemType::Number)
            );
            if !fits {
                let items = if listed.items == ItemType::String { "texts" } else { "numbers" };
                return Err(checker.fault(format!("the list has {items}, and {point} is {}", of.name())));
            }
            if let Some(form) = Form::of(&point).filter(|form| !listed.has(*form)) {
                let wanted = form.wanted_item();
                return Err(checker.fault(format!("not every item of the list can be {point}; each is {wanted}")));
            }
            Ok(alias.clone())
        })?;
        Ok(Test::Holds(self.read(Read::InList { point, alias })))
    }

    fn in_cidr(&mut self, all: &[Value]) -> Result<Test, Fault> {
        self.takes(all, 2..=2)?;
        let [point, networks] = all else { return Err(self.fault("it takes 2 operands")) };
        let point = self.at("[0]", |checker| match checker.point(point)? {
            (point, Type::Text) => Ok(point),
            (_, other) => Err(checker.fault(format!("an address is a text, and this is {}", other.name()))),
        })?;
        let networks = self.at("[1]", |checker| {
            let operands = match networks {
                Value::Array(all) if !all.is_empty() => Operands::List(all),
                one @ Value::String(_) => Operands::One(one),
                _ => return Err(checker.fault("write a list of networks, such as [\"10.0.0.0/8\", \"2001:db8::/32\"]")),
            };
            let texts = checker.each(&operands, |checker, one| {
                checker.count()?;
                let text = one.as_str().filter(|text| Networks::parse([*text]).is_ok());
                text.map(str::to_owned)
                    .ok_or_else(|| checker.fault("this is no network; write 10.0.0.0/8 or 2001:db8::/32"))
            })?;
            Networks::parse(texts.iter().map(String::as_str)).map_err(|_| checker.fault("these are no networks"))
        })?;
        Ok(Test::Holds(self.read(Read::InCidr { point, networks })))
    }
}

pub(super) fn literal(value: &Value) -> Option<Type> {
    match value {
        Value::String(_) => Some(Type::Text),
        Value::Number(_) => Some(Type::Number),
        Value::Bool(_) => Some(Type::Boolean),
        _ => None,
    }
}

/// Whether an operand is itself a condition, other than a variable.
fn is_test(value: &Value) -> bool {
    let name = value.as_object().and_then(|fields| fields.keys().next());
    name.is_some_and(|name| name != "var" && TESTS.contains(&name.as_str()))
}
