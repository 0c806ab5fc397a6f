//! Opening a user's methods again, for the customer's backend.

use countersign_domain::{
    clock::Timestamp,
    error::Error,
    id::UserId,
    limiter::PushStarts,
    method::totp::TotpWindow,
    user::{SpentStep, User},
};

use super::{
    Expressions, Refusal, TenantStore,
    challenges::starts,
    item::{n, s},
    keys::{
        self,
        attributes::{PUSHES, QUIET_UNTIL},
    },
    users::{no_user, read_user},
};

/// A step that is no further in the future than this is left as it is, and its owner waits. Taken back, a code that was
/// accepted could be accepted again within minutes, and whoever saw it may still be there.
const WAITED_FOR_SECONDS: i64 = 600;

/// Every turn that loses means that a code was accepted meanwhile, or a push sent.
const TURNS: usize = 5;

impl TenantStore<'_> {
    /// Opens each closed space again, empties the budgets, and brings back what a clock that was ahead has written, which
    /// would lock the user out until that time comes: a step that was spent or a removal that was made more than ten minutes
    /// in the future, pushes that were sent in the future, and a quiet that lasts longer than any.
    ///
    /// One round trip, and one more where something is brought back.
    pub async fn reopen(&self, id: &UserId, window: TotpWindow, now: Timestamp) -> Result<(), Error> {
        let key = keys::user(self.tenant, id);
        let mut change = Expressions::reopened();
        for _ in 0..TURNS {
            let user = match self.update_one(&key, &change).await {
                Ok(item) => read_user(id, &item)?,
                // The steps are not those that were seen, or the user is gone.
                Err(Refusal::Condition(Some(item))) => read_user(id, &item)?,
                Err(Refusal::Condition(None)) => return Err(no_user()),
                Err(other) => return Err(other.into()),
            };
            match bring_back(&user, window, now) {
                Some(next) => change = next,
                None => return Ok(()),
            }
        }
        Err(Error::unavailable("the user's steps stayed contended"))
    }
}

/// The update that takes every step of the future back to the newest that could be accepted now and every removal of the
/// future to now, and forgets pushes and the quiet of the future; `None` where there is nothing of it. A code that a right clock may have accepted does not become
/// good again by that.
fn bring_back(user: &User, window: TotpWindow, now: Timestamp) -> Option<Expressions> {
    let mut change = Expressions::default().require("uid = :uid").value(":uid", s(user.uid.as_str()));
    let mut is_needed = false;
    for (index, (id, credential)) in user.totp.iter().enumerate() {
        let Some(newest) = newest_step(&credential.spent, window, now) else { continue };
        is_needed = true;
        change = change
            .set(format!("totp.#i{index}.s = :newest{index}, totp.#i{index}.t = :now"))
            .require(format!("totp.#i{index}.s = :seen{index}"))
            .name(format!("#i{index}"), id.as_str())
            .value(":now", n(now.as_second()))
            .value(format!(":newest{index}"), n(newest))
            .value(format!(":seen{index}"), n(credential.spent.step));
    }
    let pushes = user.pushes.of_the_past(now);
    if pushes != user.pushes {
        is_needed = true;
        change = change
            .set(format!("{PUSHES} = :pushes"))
            .require(format!("{PUSHES} = :sent"))
            .value(":pushes", starts(&pushes))
            .value(":sent", starts(&user.pushes));
    }
    let revoked = user.revoked.of_the_past(now, WAITED_FOR_SECONDS);
    if revoked != user.revoked {
        is_needed = true;
        change = change.revoked(&user.revoked, &revoked);
    }
    if user.quiet_until > now.as_second() + PushStarts::QUIET_SECONDS {
        is_needed = true;
        change = change
            .remove(QUIET_UNTIL.to_string())
            .require(format!("{QUIET_UNTIL} = :quiet"))
            .value(":quiet", n(user.quiet_until));
    }
    is_needed.then_some(change)
}

/// The newest step that could be accepted now, where one of the future is spent.
fn newest_step(spent: &SpentStep, window: TotpWindow, now: Timestamp) -> Option<u64> {
    if spent.step == 0 || spent.at - now.as_second() <= WAITED_FOR_SECONDS {
        return None;
    }
    // The period is sealed with the secret. When a step is spent it is the time divided by the period, give or take one.
    let step = i64::try_from(spent.step).ok()?;
    let period = (spent.at + step / 2) / step;
    let newest = now.as_second() / period.max(1) + window.offsets().last().copied().unwrap_or(0);
    u64::try_from(newest).ok().filter(|newest| *newest < spent.step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_step_is_of_the_secrets_own_period() {
        let now = Timestamp::from_second(1_795_255_215).unwrap();
        for period in [15, 30, 60, 120] {
            for ahead in [601, 86_400, 365 * 86_400] {
                for offset in [-1, 0, 1] {
                    let at = now.as_second() + ahead;
                    let spent = SpentStep { step: u64::try_from(at / period + offset).unwrap(), by: None, at };
                    let newest = newest_step(&spent, TotpWindow::Drift, now);
                    assert_eq!(newest, u64::try_from(now.as_second() / period + 1).ok(), "{period} {ahead} {offset}");
                }
            }
        }
    }

    #[test]
    fn a_step_of_the_past_or_of_this_moment_stays_spent() {
        let now = Timestamp::from_second(1_795_255_215).unwrap();
        for (step, at) in [
            (0, 0),
            (59_841_800, 1_795_254_000),
            (59_841_840, 1_795_255_215),
            (59_841_841, 1_795_255_230),
            (59_841_860, 1_795_255_815),
        ] {
            assert_eq!(newest_step(&SpentStep { step, by: None, at }, TotpWindow::Delay, now), None, "{step}");
        }
    }
}
