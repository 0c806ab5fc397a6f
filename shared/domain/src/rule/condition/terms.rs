//! Operands: variables, values, and what is computed of numbers.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    Fault, LocalPart, MAX_NODES, Read, Term,
    check::{Checker, Operands, TERMS, literal},
};
use crate::rule::{
    catalogue::{Form, Type},
    list,
};

impl Checker<'_> {
    pub(super) fn term_of(&mut self, tree: &Value, wanted: Type) -> Result<Term, Fault> {
        let (term, of) = self.term(tree)?;
        if of == wanted {
            return Ok(term);
        }
        Err(self.fault(format!("this is {}, where there should be {}", of.name(), wanted.name())))
    }

    pub(super) fn term(&mut self, tree: &Value) -> Result<(Term, Type), Fault> {
        self.count()?;
        let fields = match tree {
            Value::Object(fields) => fields,
            other => {
                let of =
                    literal(other).ok_or_else(|| self.fault("write a variable, a text, a number, true or false"))?;
                return Ok((Term::Literal(other.clone()), of));
            }
        };
        let (operator, operands) = self.operator(fields, &TERMS)?;
        self.below(operator, |checker| checker.value_of(operator, &operands))
    }

    fn value_of(&mut self, operator: &'static str, operands: &Operands<'_>) -> Result<(Term, Type), Fault> {
        let all = operands.all();
        let part = match operator {
            "var" => {
                let (read, of) = self.variable(all)?;
                return Ok((Term::Read(read), of));
            }
            "local_hour" => LocalPart::Hour,
            "local_minute" => LocalPart::Minute,
            "local_day_of_week" => LocalPart::DayOfWeek,
            _ => {
                let count = if matches!(operator, "-" | "/" | "%") { 2..=2 } else { 1..=MAX_NODES };
                self.takes(all, count)?;
                let terms = self.each(operands, |checker, one| checker.term_of(one, Type::Number))?;
                return Ok((Term::Computed(operator, terms), Type::Number));
            }
        };
        self.takes(all, 1..=1)?;
        let zone = self.each(operands, |checker, one| {
            let zone = one.as_str().filter(|zone| TimeZone::get(zone).is_ok());
            zone.map(str::to_owned)
                .ok_or_else(|| checker.fault("this is no time zone; write one such as Europe/Berlin"))
        })?;
        let read = Read::Local { part, zone: zone.into_iter().next().unwrap_or_default() };
        Ok((Term::Read(self.read(read)), Type::Number))
    }

    /// The variable that stands as an operand, by its name.
    pub(super) fn point(&mut self, tree: &Value) -> Result<(String, Type), Fault> {
        let (term, of) = self.term(tree)?;
        match term {
            Term::Read(read) => match self.reads.get(read) {
                Some(Read::Point(name)) => Ok((name.clone(), of)),
                _ => Err(self.fault("write a variable here: {\"var\": \"ip.address\"}")),
            },
            _ => Err(self.fault("write a variable here: {\"var\": \"ip.address\"}")),
        }
    }

    pub(super) fn variable(&mut self, operands: &[Value]) -> Result<(usize, Type), Fault> {
        match operands {
            [name] => self.named(name),
            [_, _] => {
                Err(self
                    .fault("a variable has no default here; test whether it is there with {\"missing\": [\"name\"]}"))
            }
            _ => Err(self.fault("write the name of one data point")),
        }
    }

    pub(super) fn named(&mut self, name: &Value) -> Result<(usize, Type), Fault> {
        let Value::String(name) = name else { return Err(self.fault("the name of a data point is a text")) };
        if name.len() > 128 {
            return Err(self.fault("the name of a data point is shorter"));
        }
        let of = self.catalogue.point(name).map_err(|message| self.fault(message))?;
        Ok((self.read(Read::Point(name.clone())), of))
    }

    pub(super) fn read(&mut self, read: Read) -> usize {
        self.reads.iter().position(|known| *known == read).unwrap_or_else(|| {
            self.reads.push(read);
            self.reads.len() - 1
        })
    }

    /// Checks that a text in the tree can equal what is read, where that has a form.
    pub(super) fn can_be(&self, read: &Term, written: &Term) -> Result<(), Fault> {
        let (Term::Read(read), Term::Literal(Value::String(text))) = (read, written) else { return Ok(()) };
        let form = match self.reads.get(*read) {
            Some(Read::Point(name)) => Form::of(name),
            _ => None,
        };
        match (form, list::address(text)) {
            (None, _) => Ok(()),
            (Some(form), _) if form.has(text) => Ok(()),
            (Some(Form::Address), Some(address)) => Err(self.fault(format!("write this address as {address}"))),
            (Some(form), _) => Err(self.fault(format!("this is never found there; write {}", form.wanted()))),
        }
    }
}
