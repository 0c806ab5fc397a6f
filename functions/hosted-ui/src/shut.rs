//! Whether a way to confirm is open now, and what is said of one that is not: a page shows no form that can do nothing, and
//! promises no way that is shut.

use std::time::Duration;

use countersign_core::{account, app::App, clock::Timestamp, error::Error, id::ChallengeId, push, user::User};

use crate::{visit::Visit, way::Way};

/// A way that takes nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// It opens by itself.
    For(Duration),
    /// Time alone does not open it.
    Closed,
}

/// A stretch of time as people read it, and for the script that counts it down.
#[derive(Clone, Debug)]
pub(crate) struct Countdown {
    pub(crate) seconds: u64,
    /// `m:ss`.
    pub(crate) shown: String,
}

/// A sentence with a time in it, which the script counts down in its place.
pub(crate) struct Sentence {
    pub(crate) before: String,
    pub(crate) time: Option<Countdown>,
    pub(crate) after: String,
}

/// What stands in place of a form.
pub(crate) struct Locked {
    pub(crate) sentence: Sentence,
    /// What else there is to do.
    pub(crate) hint: Option<String>,
    /// The address at which the form is again.
    pub(crate) again: String,
}

/// How the ways of a visit stand.
pub(crate) struct Ways {
    all: Vec<(Way, Option<Shut>)>,
}

impl Countdown {
    pub(crate) fn of(time: Duration) -> Self {
        let seconds = u64::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
        Self { seconds, shown: format!("{}:{:02}", seconds / 60, seconds % 60) }
    }
}

impl Way {
    /// Why it takes nothing of this user now.
    pub(crate) fn shut(self, visit: &Visit, user: &User, now: Timestamp) -> Option<Shut> {
        let space = self.space(&visit.action.id);
        let budget = user.guesses.of(space);
        let guessing = match budget.left(space, now) {
            _ if budget.is_closed() => Some(Shut::Closed),
            0 => Some(budget.retry_after(now).map_or(Shut::Closed, Shut::For)),
            _ => None,
        };
        let settings = &visit.caller.tenant.settings().push;
        match self {
            Self::App | Self::Recovery => guessing,
            // The number is typed on the device, and is a guess there.
            Self::Phone if guessing.is_some() && push::asks(&visit.caller.tenant, user).1 => guessing,
            Self::Phone => {
                let quiet = user.quiet_until - now.as_second();
                let often = user.pushes.with(&ChallengeId::generate(), now, i64::from(settings.seconds)).err();
                let quiet = (quiet > 0).then(|| Duration::from_secs(quiet.unsigned_abs()));
                quiet.max(often).map(Shut::For)
            }
        }
    }
}

impl Ways {
    /// The ways of a visit as they stand for this user; recovery codes of which none is left are no way.
    pub(crate) async fn of(app: &App, visit: &Visit, user: &User, now: Timestamp) -> Result<Self, Error> {
        let mut all = Vec::new();
        let of_visit = visit.ways();
        let is_any_shut = of_visit.iter().any(|way| way.shut(visit, user, now).is_some());
        for way in of_visit {
            // Whether any is left takes another read, so it is asked only where somebody is sent to them.
            if way == Way::Recovery && is_any_shut {
                let left = account::recovery_codes_left(app, &visit.caller, user).await?;
                if left.is_none_or(|left| left == 0) {
                    continue;
                }
            }
            all.push((way, way.shut(visit, user, now)));
        }
        Ok(Self { all })
    }

    pub(crate) fn first(&self) -> Option<Way> {
        self.all.first().map(|(way, _)| *way)
    }

    pub(crate) fn has(&self, way: Way) -> bool {
        self.all.iter().any(|(one, _)| *one == way)
    }

    pub(crate) fn shut(&self, way: Way) -> Option<Shut> {
        self.all.iter().find(|(one, _)| *one == way).and_then(|(_, shut)| *shut)
    }

    /// The others: those that are open; or, where none is, those that open by themselves, with when.
    pub(crate) fn beside(&self, way: Way) -> Vec<(Way, Option<Countdown>)> {
        let others = || self.all.iter().filter(|(one, _)| *one != way);
        let open: Vec<_> = others().filter(|(_, shut)| shut.is_none()).map(|(one, _)| (*one, None)).collect();
        if !open.is_empty() || self.shut(way).is_none() {
            return open;
        }
        let opening = others().filter_map(|(one, shut)| match shut {
            Some(Shut::For(time)) => Some((*one, Some(Countdown::of(*time)))),
            _ => None,
        });
        opening.collect()
    }

    /// What is said of a way that is shut.
    pub(crate) fn locked(&self, visit: &Visit, way: Way, shut: Shut) -> Locked {
        let t = visit.messages();
        let others = self.beside(way);
        let hint = match shut {
            _ if others.iter().any(|(_, opening)| opening.is_none()) => Some(t.text("another-way-hint")),
            Shut::Closed if others.is_empty() => Some(t.with("locked-out-hint", "tenant", visit.tenant())),
            _ => None,
        };
        Locked::new(visit, way, shut, hint, visit.link("/challenge", &[("way", way.name())]))
    }
}

impl Locked {
    pub(crate) fn new(visit: &Visit, way: Way, shut: Shut, hint: Option<String>, again: String) -> Self {
        let t = visit.messages();
        let sentence = match shut {
            Shut::For(time) => Sentence::around(&t.with(way.locked(), "time", PLACE), time),
            Shut::Closed => {
                let before = t.with(way.closed(), "tenant", visit.tenant());
                Sentence { before, time: None, after: String::new() }
            }
        };
        Self { sentence, hint, again }
    }
}

impl Sentence {
    /// A text in which [`PLACE`] stands for the time.
    pub(crate) fn around(text: &str, time: Duration) -> Self {
        let (before, after) = text.split_once(PLACE).unwrap_or((text, ""));
        Self { before: before.to_owned(), time: Some(Countdown::of(time)), after: after.to_owned() }
    }
}

/// Stands for the time in a sentence; no text has it.
pub(crate) const PLACE: &str = "\u{fffc}";
