//! Which removals by the backend are resets: those of the last authenticator. What runs at the same time leaves it open,
//! so there are those that may be one, and those that surely are.

use super::check::{Event, Said, What};

/// What it enrols, where it may have happened.
fn enrols(event: &Event) -> Option<(&String, bool)> {
    match &event.what {
        What::Verified { said, enrols: Some(id), .. } if matches!(said, Said::Right | Said::Unknown) => {
            Some((id, *said == Said::Right))
        }
        What::Added { authenticator, done } if *done != Some(false) => Some((authenticator, *done == Some(true))),
        _ => None,
    }
}

/// What it takes away, where it may have happened.
fn removes(event: &Event) -> Option<(&String, bool)> {
    match &event.what {
        What::Removed { authenticator, done } if *done != Some(false) => Some((authenticator, *done == Some(true))),
        _ => None,
    }
}

/// Whether it may have taken everything away.
fn empties(event: &Event) -> bool {
    matches!(event.what, What::Deleted { done } | What::Reset { done } if done != Some(false))
}

/// Whether an authenticator was surely the user's during all of this event.
fn surely_has_another(removal: &Event, removed: &String, of_user: &[&Event]) -> bool {
    of_user.iter().any(|enrolment| {
        let Some((id, true)) = enrols(enrolment) else { return false };
        let may_be_lost = of_user.iter().any(|other| {
            let takes_it = empties(other) || removes(other).is_some_and(|(gone, _)| gone == id);
            takes_it && other.start < removal.end && other.end > enrolment.start
        });
        id != removed && enrolment.end < removal.start && !may_be_lost
    })
}

/// Every event that may have begun another era of the user.
pub fn that_may_be<'a>(of_user: &[&'a Event]) -> Vec<&'a Event> {
    let may_be = |event: &&Event| {
        matches!(event.what, What::Reset { done } if done != Some(false))
            || removes(event).is_some_and(|(removed, _)| !surely_has_another(event, removed, of_user))
    };
    of_user.iter().copied().filter(may_be).collect()
}

/// A deletion or a reset that was acknowledged, or the removal of what was surely the last authenticator.
pub fn surely_ends_an_era(event: &Event, of_user: &[&Event]) -> bool {
    if matches!(event.what, What::Deleted { done: Some(true) } | What::Reset { done: Some(true) }) {
        return true;
    }
    let Some((removed, true)) = removes(event) else { return false };
    of_user.iter().filter(|enrolment| enrolment.start < event.end).all(|enrolment| {
        let Some((id, _)) = enrols(enrolment) else { return true };
        let was_lost = of_user.iter().any(|other| {
            let took_it = matches!(other.what, What::Deleted { done: Some(true) } | What::Reset { done: Some(true) })
                || removes(other).is_some_and(|(gone, is_done)| gone == id && is_done);
            took_it && enrolment.end < other.start && other.end < event.start
        });
        id == removed || was_lost
    })
}

/// Whether what succeeded this action may have been taken away by the backend before: its token is worth nothing then.
pub fn may_be_taken_back(of_action: &[&Event], of_user: &[&Event], before: u64) -> bool {
    of_action.iter().any(|event| {
        let (What::Verified { said: Said::Right | Said::Unknown, proof: Some((by, _)), .. }
        | What::Decided { approved: true, said: Said::Right | Said::Unknown, device: by, .. }) = &event.what
        else {
            return false;
        };
        of_user.iter().any(|other| removes(other).is_some_and(|(gone, _)| gone == by) && other.start < before)
    })
}
