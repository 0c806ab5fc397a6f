//! What came to its end of late with the authenticator that had succeeded it.

use std::collections::BTreeMap;

use crate::{
    clock::Timestamp,
    id::{ActionId, AuthenticatorId},
    token::MAX_TOKEN_MINUTES,
};

/// Authenticators, recovery codes too, that were taken away of late while the era of their user went on. What one of them
/// had succeeded until then ends with it, whoever took it away. Kept for as long as a token can live.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Revoked {
    pub of: BTreeMap<AuthenticatorId, Ended>,
    /// What anything had succeeded until then: none was left, or those that went are too many to be told apart.
    pub all: Option<Ended>,
}

/// When something was taken away.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Milliseconds since 1970.
    pub at: i64,
    /// The action that took it away goes on, also where it was succeeded by it.
    pub but: Option<ActionId>,
}

impl Ended {
    fn ended(&self, at: Timestamp, action: &ActionId) -> bool {
        at.as_millisecond() <= self.at && self.but.as_ref() != Some(action)
    }

    fn is_kept(&self, now: i64) -> bool {
        self.at + i64::from(MAX_TOKEN_MINUTES) * 60_000 > now
    }

    /// A clock that was ahead took away what is there now.
    fn bring_back(&mut self, now: i64) {
        if self.at > now {
            self.at = now - 1;
        }
    }
}

/// An authenticator that is taken away, for [`Revoked::with`].
#[derive(Clone, Copy)]
pub struct TakenAway<'a> {
    pub id: &'a AuthenticatorId,
    /// The user has nothing left to answer with.
    pub is_last: bool,
    /// The action of the user that takes it away; absent where the customer or the device itself does.
    pub by: Option<&'a ActionId>,
    pub now: Timestamp,
}

impl Revoked {
    /// So many are told apart. Where one more goes within an hour, all that had succeeded until the oldest of them went ends
    /// with it: whoever is concerned confirms again, and no authenticator is lost.
    pub const MOST: usize = 5;

    /// Those that still count, with one that is taken away now.
    #[must_use]
    pub fn with(&self, gone: &TakenAway<'_>) -> Self {
        let now = gone.now.as_millisecond();
        let ended = |at: i64| Ended { at, but: gone.by.cloned() };
        let mut kept = self.clone();
        kept.of.retain(|_, one| one.is_kept(now));
        kept.all = kept.all.filter(|all| all.is_kept(now));
        kept.of.insert(gone.id.clone(), ended(now));
        if gone.is_last {
            kept.all = Some(ended(now));
        }
        while kept.of.len() > Self::MOST {
            let oldest = kept.of.iter().filter(|(id, _)| *id != gone.id).min_by_key(|(_, one)| one.at);
            let Some((oldest, at)) = oldest.map(|(id, one)| (id.clone(), one.at)) else { break };
            kept.of.remove(&oldest);
            kept.all = Some(ended(kept.all.map_or(at, |all| all.at.max(at))));
        }
        kept
    }

    /// As it is once this is enrolled. Where there was nothing to answer with, only the action that enrols it goes on, and no
    /// longer the one that took the last away.
    #[must_use]
    pub fn enrolling(&self, id: &AuthenticatorId, is_first: bool, by: Option<&ActionId>, now: Timestamp) -> Self {
        let now = now.as_millisecond();
        let mut next = self.clone();
        if let Some(one) = next.of.get_mut(id) {
            one.bring_back(now);
        }
        if is_first {
            if let Some(all) = &mut next.all {
                all.bring_back(now);
            }
            for one in next.of.values_mut().chain(&mut next.all) {
                one.but = one.but.take().filter(|action| Some(action) == by);
            }
        }
        next
    }

    /// As it is without what a clock has written that was ahead by more than this: it would end every success until that time
    /// comes.
    #[must_use]
    pub fn of_the_past(&self, now: Timestamp, apart_seconds: i64) -> Self {
        let now = now.as_millisecond();
        let mut next = self.clone();
        for one in next.of.values_mut().chain(&mut next.all).filter(|one| one.at > now + apart_seconds * 1000) {
            one.bring_back(now);
        }
        next
    }

    /// Whether the success of this action, by this authenticator at this time, has come to its end.
    pub fn ended(&self, by: &AuthenticatorId, at: Timestamp, action: &ActionId) -> bool {
        self.of.get(by).into_iter().chain(&self.all).any(|one| one.ended(at, action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn gone<'a>(id: &'a AuthenticatorId, by: Option<&'a ActionId>, second: i64) -> TakenAway<'a> {
        TakenAway { id, is_last: false, by, now: at(second) }
    }

    #[test]
    fn what_it_had_succeeded_ends_but_for_the_action_that_took_it_away() {
        let (id, own, other) = (AuthenticatorId::generate(), ActionId::generate(), ActionId::generate());
        let revoked = Revoked::default().with(&gone(&id, Some(&own), 1000));
        assert!(revoked.ended(&id, at(1000), &other) && !revoked.ended(&id, at(1000), &own));
        assert!(!revoked.ended(&id, at(1001), &other), "it was enrolled again");
        assert!(!revoked.ended(&AuthenticatorId::generate(), at(1000), &other), "another one's");
    }

    #[test]
    fn the_sixth_within_an_hour_ends_what_came_before_the_first() {
        let ids: Vec<AuthenticatorId> = (0..=Revoked::MOST).map(|_| AuthenticatorId::generate()).collect();
        let (stays, action) = (AuthenticatorId::generate(), ActionId::generate());
        let mut revoked = Revoked::default();
        for (id, second) in ids.iter().zip(1000..) {
            revoked = revoked.with(&gone(id, None, second));
        }
        assert_eq!(revoked.of.len(), Revoked::MOST);
        for (id, second) in ids.iter().zip(1000..) {
            assert!(revoked.ended(id, at(second), &action), "removed at {second}");
        }
        assert!(revoked.ended(&stays, at(1000), &action) && !revoked.ended(&stays, at(1001), &action));
        let later = revoked.with(&gone(&ids[0], None, 1100 + 60 * i64::from(MAX_TOKEN_MINUTES)));
        assert_eq!((later.of.len(), later.all), (1, None), "no token lives as long");
    }

    #[test]
    fn with_the_last_one_everything_ends_and_with_the_next_first_one_its_remover_too() {
        let (id, own, other) = (AuthenticatorId::generate(), ActionId::generate(), ActionId::generate());
        let revoked = Revoked::default().with(&TakenAway { is_last: true, ..gone(&id, Some(&own), 1000) });
        let code = AuthenticatorId::generate();
        assert!(revoked.ended(&code, at(999), &other) && !revoked.ended(&id, at(999), &own));
        let next = AuthenticatorId::generate();
        assert!(!revoked.enrolling(&next, true, Some(&own), at(1001)).ended(&id, at(999), &own));
        assert!(revoked.enrolling(&next, true, Some(&other), at(1001)).ended(&id, at(999), &own));
        assert!(!revoked.enrolling(&next, false, None, at(1001)).ended(&id, at(999), &own));
    }

    #[test]
    fn what_a_clock_ahead_took_away_is_good_once_it_is_enrolled_again() {
        let (id, action) = (AuthenticatorId::generate(), ActionId::generate());
        let revoked = Revoked::default().with(&TakenAway { is_last: true, ..gone(&id, None, 90_000) });
        let revoked = revoked.enrolling(&id, true, None, at(1000));
        assert!(revoked.ended(&id, at(999), &action) && !revoked.ended(&id, at(1000), &action));
    }
}
