//! Questions to the person, and what becomes of them.

use std::{process::ExitCode, time::Duration};

use serde_json::{Value, json};

use crate::{
    api::{Choice, Line, Said},
    keyboard::{Keyboard, Typed},
    now,
    screen::{Screen, question},
    trouble::{Trouble, Why},
};

/// How often it is looked whether something waits, or still waits.
const LOOK: Duration = Duration::from_secs(1);

/// What a question came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Said(Said),
    /// The person left it, and it still waits.
    Left,
    /// It was answered elsewhere, or its time has passed.
    Over,
    /// There is nobody to ask.
    NoInput,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        match end {
            End::Said(Said::Approved | Said::Denied) | End::Left => Self::SUCCESS,
            End::Said(Said::WrongNumber | Said::NoMoreNumbers) => Why::Number.into(),
            End::Over => Why::Over.into(),
            End::NoInput => Why::Wrong.into(),
        }
    }
}

/// One question, on its way from the server to the person and back.
pub struct Asking<'a> {
    pub line: &'a Line,
    pub shown: &'a Value,
    pub screen: &'a Screen,
    pub keyboard: &'a Keyboard,
}

impl Asking<'_> {
    /// Shows who asks, and does as the person says.
    pub fn ask(&self) -> Result<End, Trouble> {
        self.screen.show(self.shown, &question(self.screen, self.shown, now()))?;
        self.keyboard.forget();
        loop {
            let typed = match self.typed("[a]pprove, [d]eny, [n]ot me, or Enter to leave it: ")? {
                Ok(typed) => typed,
                Err(end) => return Ok(end),
            };
            return match typed.chars().next().map(|first| first.to_ascii_lowercase()) {
                None => {
                    self.screen.say("Left as it is.")?;
                    Ok(End::Left)
                }
                Some('a' | 'y') => self.approve(None),
                Some('d') => self.give(Choice::Deny, None),
                Some('n') => self.give(Choice::Report, None),
                Some(_) => continue,
            };
        }
    }

    /// Approves it, with the number where one is wanted: the one that is given, or else what the person types, until it
    /// is right or they leave it.
    pub fn approve(&self, number: Option<&str>) -> Result<End, Trouble> {
        if number.is_some() || self.shown["numberMatching"] != true {
            return self.give(Choice::Approve, number);
        }
        loop {
            let typed = match self.typed("The number on the other screen: ")? {
                Ok(typed) => typed,
                Err(end) => return Ok(end),
            };
            if typed.is_empty() {
                self.screen.say("Left as it is.")?;
                return Ok(End::Left);
            }
            // How it may be written is the server's to say: it is sent as it was typed.
            match self.give(Choice::Approve, Some(&typed)) {
                Ok(End::Said(Said::WrongNumber)) => {}
                Ok(end) => return Ok(end),
                Err(error) if error.why == Why::Number => self.screen.say(&error.to_string())?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends the answer, and says what became of it.
    pub fn give(&self, decision: Choice, number: Option<&str>) -> Result<End, Trouble> {
        let said = match self.line.answer(self.shown, decision, number) {
            Ok(said) => said,
            Err(error) if error.why == Why::Over => {
                self.over()?;
                return Ok(End::Over);
            }
            Err(error) => return Err(error),
        };
        let (plainly, reason) = match (said, decision) {
            (Said::Approved, _) => ("Approved.", Value::Null),
            (Said::Denied, Choice::Report) => {
                ("Denied and reported. You are sent no pushes for a quarter of an hour.", Value::Null)
            }
            (Said::Denied, _) => ("Denied.", Value::Null),
            (Said::WrongNumber, _) => ("That is not the number on the other screen.", "CODE_INVALID_OR_EXPIRED".into()),
            (Said::NoMoreNumbers, _) => ("Too many wrong numbers. Wait five minutes.", "MAX_ATTEMPTS_EXCEEDED".into()),
        };
        let outcome = json!({"isVerified": said == Said::Approved, "failureReason": reason});
        self.screen.show(&outcome, &self.screen.bold(plainly))?;
        Ok(End::Said(said))
    }

    fn over(&self) -> Result<(), Trouble> {
        let plainly = "It is over: it was answered elsewhere, or its time has passed.";
        self.screen.show(&json!({"isOver": true, "challengeId": self.shown["challengeId"]}), plainly)
    }

    /// What the person types; or what the question came to meanwhile.
    fn typed(&self, asked: &str) -> Result<Result<String, End>, Trouble> {
        self.screen.ask(asked)?;
        loop {
            match self.keyboard.wait(LOOK) {
                Typed::Line(typed) => return Ok(Ok(typed)),
                Typed::NothingYet if self.is_open() => {}
                Typed::NothingYet => {
                    self.screen.say("")?;
                    self.over()?;
                    return Ok(Err(End::Over));
                }
                Typed::End => {
                    self.screen.say("")?;
                    eprintln!("phone: there is no more input; it still waits: `phone approve` or `phone deny`");
                    return Ok(Err(End::NoInput));
                }
            }
        }
    }

    /// Whether the question still waits, as far as can be seen: of pushes the server shows the newest; of a code that
    /// was scanned it only says when it ends.
    fn is_open(&self) -> bool {
        if self.line.device.kind == "push" {
            return !matches!(self.line.pending(), Ok(None));
        }
        self.shown["expiresAt"].as_u64().is_none_or(|end| now() < end)
    }
}

/// The keys that take pushes, and what waits for them.
pub struct Watch<'a> {
    pub lines: Vec<Line>,
    pub screen: &'a Screen,
    pub keyboard: &'a Keyboard,
    seen: Vec<Value>,
    was_away: bool,
}

impl<'a> Watch<'a> {
    pub fn new(lines: Vec<Line>, screen: &'a Screen, keyboard: &'a Keyboard) -> Self {
        Self { lines, screen, keyboard, seen: Vec::new(), was_away: false }
    }

    /// Looks again and again, shows each question once, and answers as the person says; `once` ends it after the first.
    pub fn run(mut self, once: bool) -> Result<ExitCode, Trouble> {
        let whom: Vec<_> = self.lines.iter().map(|line| line.device.user_id.as_str()).collect();
        self.screen.say(&format!("Waiting for sign-ins of {}. Ctrl-C ends it.", whom.join(", ")))?;
        loop {
            for index in (0..self.lines.len()).rev() {
                let Some(shown) = self.next(index) else { continue };
                let Some(line) = self.lines.get(index) else { continue };
                let asking = Asking { line, shown: &shown, screen: self.screen, keyboard: self.keyboard };
                match asking.ask() {
                    Ok(end) if once || end == End::NoInput => return Ok(end.into()),
                    Ok(_) => {}
                    Err(error) if once || error.why == Why::NoReader => return Err(error),
                    Err(error) => {
                        eprintln!("phone: {error}");
                        if error.why == Why::Unreachable {
                            self.seen.pop(); // Nothing was answered: it is shown again.
                        }
                    }
                }
            }
            if self.lines.is_empty() {
                return Err(Trouble::because(Why::Forgotten, "no key is left that a server knows"));
            }
            if self.keyboard.idle(LOOK) {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }

    /// What waits for this line and was not shown yet. A line whose key was removed is dropped; a server that does not
    /// answer is asked again.
    fn next(&mut self, index: usize) -> Option<Value> {
        let line = self.lines.get(index)?;
        match line.pending() {
            Ok(shown) => {
                if std::mem::take(&mut self.was_away) {
                    eprintln!("phone: the server is there again");
                }
                let new = shown.filter(|shown| !self.seen.contains(&shown["challengeId"]))?;
                self.seen.push(new["challengeId"].clone());
                Some(new)
            }
            Err(error) if error.why == Why::Forgotten => {
                eprintln!("phone: the key of {} was removed; it is not watched any more", line.device.user_id);
                self.lines.remove(index);
                None
            }
            Err(error) => {
                if !std::mem::replace(&mut self.was_away, true) {
                    eprintln!("phone: {error}; it is tried again every second");
                }
                None
            }
        }
    }
}
