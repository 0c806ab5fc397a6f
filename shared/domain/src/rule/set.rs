//! The rules of one kind of action, compiled: what they make of the data.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    Named, Outcome, Rule, Trace,
    catalogue::{Catalogue, Type},
    condition::{Condition, LocalPart, Program, Read, run},
    facts::{Data, Lists},
    list,
};
use crate::{clock::Timestamp, method::Method};

/// Compiled once for each time that a tenant's configuration is read.
#[derive(Debug)]
pub struct RuleSet {
    /// Active and shadow rules, by priority.
    rules: Vec<Compiled>,
    /// What all of them read, each once, and of which type the data point is that it is read of.
    reads: Vec<(Read, Option<Type>)>,
}

#[derive(Debug)]
struct Compiled {
    rule: Rule,
    /// Which of the reads are its own.
    reads: Vec<usize>,
    /// Absent where the tree does not fit the tenant's data points and lists any more.
    program: Option<Program>,
}

/// What the rules say of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling {
    /// Absent where no rule matched: the action's own outcome.
    pub outcome: Option<Outcome>,
    pub methods: Option<Vec<Method>>,
    pub trace: Trace,
}

impl RuleSet {
    /// Compiles those of some rules that are to be evaluated.
    pub fn new(rules: impl IntoIterator<Item = Rule>, catalogue: &Catalogue) -> Self {
        let mut rules: Vec<Rule> = rules.into_iter().filter(|rule| rule.is_active || rule.is_shadow).collect();
        rules.sort_by_key(|rule| rule.priority);
        let mut reads: Vec<(Read, Option<Type>)> = Vec::new();
        let compiled = rules.into_iter().map(|rule| {
            let Ok(condition) = Condition::check(&rule.conditions, catalogue) else {
                return Compiled { rule, reads: Vec::new(), program: None };
            };
            let places: Vec<usize> = condition.reads().iter().map(|read| place(&mut reads, read, catalogue)).collect();
            let program = Program::new(&condition, &places);
            Compiled { rule, reads: places, program }
        });
        Self { rules: compiled.collect(), reads }
    }

    /// Whether there is nothing to evaluate.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The data points that the rules ask about.
    pub fn asks(&self) -> impl Iterator<Item = &str> {
        self.reads.iter().filter_map(|(read, _)| read.point())
    }

    /// Active rules that ask about a data point which is not known, each with that point.
    pub fn unknown<'a>(&'a self, is_known: impl Fn(&str) -> bool) -> impl Iterator<Item = (&'a Rule, &'a str)> {
        let unknown = move |one: &'a Compiled| Some((&one.rule, self.asks_of(one).find(|point| !is_known(point))?));
        self.rules.iter().filter(|one| !one.rule.is_shadow).filter_map(unknown)
    }

    fn asks_of<'a>(&'a self, one: &'a Compiled) -> impl Iterator<Item = &'a str> {
        one.reads.iter().filter_map(|read| self.reads.get(*read)?.0.point())
    }

    /// As [`Self::decide`], of an action of which not every data point is known: a rule that asks about another one does
    /// not match, whatever it asks. Whether such a rule may be passed over is for the caller to ask first (`unknown`).
    pub fn decide_known(
        &self,
        data: Data,
        lists: &Lists,
        on_error: Outcome,
        now: Timestamp,
        is_known: impl Fn(&str) -> bool,
    ) -> Ruling {
        let mut results = self.results(&data, lists, on_error, now);
        for (one, result) in self.rules.iter().zip(&mut results) {
            if self.asks_of(one).any(|point| !is_known(point)) {
                *result = Some(false);
            }
        }
        self.decision(&results, data, on_error)
    }

    /// The first active rule that matches decides. Where a rule before it cannot be computed, that one might have
    /// decided otherwise: then the outcome for errors counts, or a stricter one of a later rule.
    pub fn decide(&self, data: Data, lists: &Lists, on_error: Outcome, now: Timestamp) -> Ruling {
        let results = self.results(&data, lists, on_error, now);
        self.decision(&results, data, on_error)
    }

    /// Whether each rule matches; `None` where that could not be computed.
    fn results(&self, data: &Data, lists: &Lists, on_error: Outcome, now: Timestamp) -> Vec<Option<bool>> {
        let mut computed = HashMap::new();
        let (mut unread, mut has_unread) = (vec![false; self.reads.len()], false);
        for (at, (read, of)) in self.reads.iter().enumerate() {
            if is_unread(read, *of, data) {
                (unread[at], has_unread) = (true, true);
            } else if let Some(value) = value(read, data, lists, now) {
                computed.insert(at, value);
            }
        }
        let values: Vec<&Value> = self
            .reads
            .iter()
            .enumerate()
            .map(|(at, (read, _))| match read {
                _ if unread[at] => None,
                Read::Point(name) => data.get(name),
                _ => computed.get(&at),
            })
            .map(|value| value.unwrap_or(&Value::Null))
            .collect();
        let mut results = run(self.rules.iter().map(|one| one.program.as_ref()), &values);
        if has_unread {
            // Whether a rule that asks about such data matches is not known. If it matches with the data taken as
            // absent, it counts only where it is no weaker than the outcome for errors, because it may match for the
            // very reason that the data is missing.
            for (one, result) in self.rules.iter().zip(&mut results) {
                let counts = |matches: &bool| *matches && strictness(one.rule.outcome) >= strictness(on_error);
                if one.reads.iter().any(|read| unread[*read]) {
                    *result = result.filter(counts);
                }
            }
        }
        results
    }

    fn decision(&self, results: &[Option<bool>], data: Data, on_error: Outcome) -> Ruling {
        let mut trace = Trace { data, ..Trace::default() };
        let (mut deciding, mut has_failed) = (None, false);
        for (Compiled { rule, .. }, result) in self.rules.iter().zip(results) {
            match (result, rule.is_shadow) {
                (Some(true), true) => trace.shadow.push(rule.id.clone()),
                (Some(true), false) => {
                    trace.matched.push(Named::from(rule));
                    deciding = deciding.or(Some((rule, has_failed)));
                }
                (None, is_shadow) => {
                    trace.failed.push(rule.id.clone());
                    has_failed |= !is_shadow;
                }
                (Some(false), _) => {}
            }
        }
        match deciding {
            Some((rule, false)) => of_rule(rule, trace),
            Some((rule, true)) if strictness(rule.outcome) > strictness(on_error) => of_rule(rule, trace),
            _ => Ruling { outcome: has_failed.then_some(on_error), methods: None, trace },
        }
    }
}

fn of_rule(rule: &Rule, mut trace: Trace) -> Ruling {
    trace.decided_by = Some(rule.id.clone());
    trace.default_method = rule.default_verification_method;
    Ruling { outcome: Some(rule.outcome), methods: rule.verification_methods.clone(), trace }
}

fn strictness(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Allow => 0,
        Outcome::Challenge => 1,
        Outcome::Review => 2,
        Outcome::Block => 3,
    }
}

fn place(reads: &mut Vec<(Read, Option<Type>)>, read: &Read, catalogue: &Catalogue) -> usize {
    reads.iter().position(|(known, _)| known == read).unwrap_or_else(|| {
        let of = read.point().and_then(|point| catalogue.point(point).ok());
        reads.push((read.clone(), of));
        reads.len() - 1
    })
}

/// Whether there is data that is not understood: it has another type, or is no address where an address is compared.
fn is_unread(read: &Read, of: Option<Type>, data: &Data) -> bool {
    let Some(value) = read.point().and_then(|point| data.get(point)).filter(|value| !value.is_null()) else {
        return false;
    };
    let is_address = || value.as_str().and_then(list::address).is_some();
    of.is_some_and(|of| !of.has(value)) || matches!(read, Read::InCidr { .. }) && !is_address()
}

/// What is computed for a read that is not itself a data point; absent where what it is computed from is.
fn value(read: &Read, data: &Data, lists: &Lists, now: Timestamp) -> Option<Value> {
    let get = |point: &str| data.get(point).filter(|value| !value.is_null());
    match read {
        Read::Point(_) => None,
        Read::InList { point, alias } => {
            let members = lists.get(alias)?;
            let found = match get(point)? {
                Value::Array(items) => items.iter().any(|item| members.contains(item)),
                Value::String(text) if point == "ip.address" => {
                    list::address(text).is_some_and(|address| members.contains_address(address))
                }
                one => members.contains(one),
            };
            Some(found.into())
        }
        Read::InCidr { point, networks } => {
            let address = list::address(get(point)?.as_str()?)?;
            Some(networks.contains(address).into())
        }
        Read::Local { part, zone } => {
            let local = now.to_zoned(TimeZone::get(zone).ok()?);
            Some(match part {
                LocalPart::Hour => local.hour().into(),
                LocalPart::Minute => local.minute().into(),
                LocalPart::DayOfWeek => local.weekday().to_monday_one_offset().into(),
            })
        }
    }
}
