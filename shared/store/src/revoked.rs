//! What ended with the authenticator that had succeeded it, on the item of its user.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use countersign_domain::{
    action::Verification,
    clock::Timestamp,
    error::Error,
    id::{ActionId, AuthenticatorId},
    revoked::{Ended, Revoked, TakenAway},
    user::{PendingTotp, User},
};

use super::{
    Expressions,
    item::{Row, n, s, time},
    keys::attributes::{GOES_ON, PENDING, REVOKED},
};

/// The name of [`Revoked::all`], which no authenticator has.
const ALL: &str = "*";

pub(super) fn read_revoked(row: &Row<'_>) -> Result<Revoked, Error> {
    let going = row.map_opt(GOES_ON);
    let mut revoked = Revoked::default();
    for (id, at) in row.map_opt(REVOKED).iter().flat_map(|revoked| revoked.0) {
        let at = at.as_n().ok().and_then(|at| at.parse().ok());
        let but = going.as_ref().and_then(|going| going.0.get(id)?.as_s().ok()).map(ActionId::parse).transpose()?;
        let ended = Ended { at: at.ok_or_else(|| Error::internal("a stored removal is damaged"))?, but };
        if id == ALL {
            revoked.all = Some(ended);
        } else {
            revoked.of.insert(AuthenticatorId::parse(id)?, ended);
        }
    }
    Ok(revoked)
}

fn named(revoked: &Revoked) -> BTreeMap<&str, &Ended> {
    let all = revoked.all.iter().map(|ended| (ALL, ended));
    revoked.of.iter().map(|(id, ended)| (id.as_str(), ended)).chain(all).collect()
}

fn times(revoked: &Revoked) -> AttributeValue {
    AttributeValue::M(named(revoked).into_iter().map(|(id, ended)| (id.to_owned(), n(ended.at))).collect())
}

fn actions(revoked: &Revoked) -> AttributeValue {
    let going =
        named(revoked).into_iter().filter_map(|(id, ended)| Some((id.to_owned(), s(ended.but.as_ref()?.as_str()))));
    AttributeValue::M(going.collect())
}

impl Expressions {
    /// On the user's item: what is revoked was this, and becomes that.
    pub(super) fn revoked(self, before: &Revoked, next: &Revoked) -> Self {
        if before == next {
            return self;
        }
        let set = self
            .set(format!("{REVOKED} = :revoked"))
            .require(format!("attribute_not_exists({REVOKED}) OR {REVOKED} = :before"))
            .value(":revoked", times(next))
            .value(":before", times(before));
        match actions(next) {
            AttributeValue::M(none) if none.is_empty() => set.remove(GOES_ON),
            going => set.set(format!("{GOES_ON} = :going")).value(":going", going),
        }
    }

    /// On the user's item: an authenticator is taken away while its user goes on. What it had succeeded ends, and so does a
    /// secret that was given out on such a success.
    pub(super) fn taken_away(self, user: &User, gone: &TakenAway<'_>) -> Self {
        let ends = |by: &AuthenticatorId| gone.is_last || by == gone.id;
        let is_entitled =
            |one: &PendingTotp| one.entitled_by.as_ref().is_some_and(ends) && Some(&one.action) != gone.by;
        let mut ended = self.revoked(&user.revoked, &user.revoked.with(gone));
        // The same secret may be given out and not confirmed: enrolled later, it would not know its last step.
        if user.pending.as_ref().is_some_and(|one| one.id == *gone.id || is_entitled(one)) {
            return ended.remove(PENDING);
        }
        let mut stays = vec!["attribute_not_exists(pend.v)"];
        if !gone.is_last {
            stays.push("pend.v <> :gone_id");
            ended = ended.value(":gone_id", s(gone.id.as_str()));
        }
        if let Some(by) = gone.by {
            stays.push("pend.a = :taker");
            ended = ended.value(":taker", s(by.as_str()));
        }
        ended.require(stays.join(" OR "))
    }

    /// On the user's item: a secret that was given out is not confirmed any more.
    pub(super) fn without_pending(self, user: &User) -> Self {
        if user.pending.is_some() { self.remove(PENDING) } else { self }
    }

    /// On the user's item: this is enrolled now, by an action or by the customer's backend.
    pub(super) fn enrolling(self, user: &User, id: &AuthenticatorId, by: Option<&ActionId>, now: Timestamp) -> Self {
        let next = user.revoked.enrolling(id, !user.can_answer(), by, now);
        self.revoked(&user.revoked, &next)
    }

    /// On the user's item: the success of this action has not come to its end since.
    pub(super) fn not_ended(self, verification: &Verification, action: &ActionId) -> Self {
        let is_alive = |place: &str| {
            format!("attribute_not_exists({REVOKED}.{place}) OR {REVOKED}.{place} < :va OR {GOES_ON}.{place} = :own")
        };
        self.require(is_alive("#va"))
            .require(is_alive("#all"))
            .name("#va", verification.authenticator.as_str())
            .name("#all", ALL)
            .value(":va", time(verification.at))
            .value(":own", s(action.as_str()))
    }
}
