//! What a history may not show of what devices decide.

use std::collections::BTreeMap;

use super::check::{Event, Invariant, Said, Violations, What};

/// Whether a device may have succeeded the action by this.
pub fn may_have_approved(event: &Event) -> bool {
    matches!(event.what, What::Decided { approved: true, said: Said::Right | Said::Unknown, .. })
}

/// A question is answered once.
pub fn decided_once(events: &[&Event], found: &mut Violations) {
    let mut said: BTreeMap<&String, bool> = BTreeMap::new();
    for event in events {
        let What::Decided { challenge, approved, said: Said::Right, .. } = &event.what else { continue };
        if said.insert(challenge, *approved).is_some_and(|before| before != *approved) {
            found.push((Invariant::I2, format!("{challenge} was approved and denied")));
        }
    }
}

/// No device that was removed before decides.
pub fn by_what_is_there(events: &[&Event], found: &mut Violations) {
    for removal in events {
        let What::Removed { authenticator, done: Some(true) } = &removal.what else { continue };
        let late = events.iter().filter(|later| later.start > removal.end);
        let decides = |later: &&&Event| matches!(&later.what, What::Decided { device, said: Said::Right, .. } if device == authenticator);
        // The same answer again gets the same answer, and changes nothing.
        let was_first = |later: &&&Event| {
            let What::Decided { challenge: this, .. } = &later.what else { return false };
            !events.iter().any(|before| {
                before.start < later.start
                    && matches!(&before.what, What::Decided { challenge, .. } if challenge == this)
            })
        };
        if late.filter(decides).filter(was_first).count() > 0 {
            found.push((Invariant::I7, format!("the removed {authenticator} still decides")));
        }
    }
}
