//! What a code proves.

use std::collections::BTreeSet;

use super::{Owner, Step, TotpSecret, TotpWindow};
use crate::{
    clock::Timestamp,
    error::Error,
    id::{AuthenticatorId, TenantId, UserId},
    secret::DataKey,
};

/// A secret that a code may be of.
pub struct Candidate<'a> {
    pub authenticator: &'a AuthenticatorId,
    pub sealed: &'a [u8],
    /// The last step that was accepted of it; absent where it was given out and not confirmed yet.
    pub spent: Option<Spent>,
}

/// The last accepted step of a secret.
#[derive(Clone, Copy)]
pub struct Spent {
    pub step: Step,
    /// It was accepted for the very action that the code is for.
    pub for_this_action: bool,
}

/// What a code is of.
pub enum Proved<'a> {
    /// A secret that was given out: the step enrols it.
    First(&'a AuthenticatorId, Step),
    /// An enrolled secret, and a step that was not accepted yet.
    Again(&'a AuthenticatorId, Step),
    /// Accepted before, for this very action: the same request again, or one whose answer was lost.
    Repeated(&'a AuthenticatorId),
    /// Accepted before, for another action; or older than one that was.
    Replayed,
}

/// How many digits the codes of these secrets have. 503 where a sealed secret is not its owner's.
pub fn lengths(
    key: &DataKey,
    tenant: &TenantId,
    user: &UserId,
    candidates: &[Candidate<'_>],
) -> Result<BTreeSet<usize>, Error> {
    let length = |Candidate { authenticator, sealed, .. }: &Candidate<'_>| {
        TotpSecret::open(key, &Owner { tenant, user, authenticator }, sealed).map(|secret| secret.digits())
    };
    candidates.iter().map(length).collect()
}

/// What a code proves. Every secret is tried, whichever matches first. 503 where a sealed secret is not its owner's.
pub fn prove<'a>(
    key: &DataKey,
    tenant: &TenantId,
    user: &UserId,
    candidates: &[Candidate<'a>],
    code: &str,
    window: TotpWindow,
    now: Timestamp,
) -> Result<Option<Proved<'a>>, Error> {
    let (mut found, mut replayed) = (None, None);
    for Candidate { authenticator, sealed, spent } in candidates {
        let owner = Owner { tenant, user, authenticator };
        let step = TotpSecret::open(key, &owner, sealed)?.matching_step(code, now, window);
        let proved = match (step, spent) {
            (None, _) => None,
            (Some(step), None) => Some(Proved::First(authenticator, step)),
            (Some(step), Some(spent)) if step > spent.step => Some(Proved::Again(authenticator, step)),
            (Some(step), Some(spent)) if step == spent.step && spent.for_this_action => {
                Some(Proved::Repeated(authenticator))
            }
            (Some(_), Some(_)) => {
                replayed = Some(Proved::Replayed);
                None
            }
        };
        found = found.or(proved);
    }
    Ok(found.or(replayed))
}
