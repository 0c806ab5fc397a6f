//! Judging a code: take a slot of the guess budget, compare, then accept it in one write.

use crate::{
    app::{App, UserCaller},
    authenticator::{
        Authenticator, Method, UseSoFar,
        recovery::{self, RecoveryCode},
        totp::{self, Owner, Step, TotpSecret},
    },
    clock::Timestamp,
    error::Error,
    id::AuthenticatorId,
    keyring::DataKey,
    limiter::Slot,
    metrics::{Counter, count},
    notice,
    store::{Completion, Recovery, Settlement, Spent},
    token::{self, scope},
    user::{PendingTotp, User},
};

/// What a code was worth.
pub enum Verdict {
    /// Accepted, once for ever. `enrolled` where it completed an enrolment.
    Accepted { token: String, enrolled: Option<Box<Authenticator>> },
    /// Wrong, used before, or too late (`CODE_INVALID_OR_EXPIRED`).
    Rejected,
    /// Not looked at: the guess budget is spent (`MAX_ATTEMPTS_EXCEEDED`).
    Exhausted,
}

/// A code that matched, and what it matched.
enum Match<'a> {
    Pending(&'a PendingTotp, Step),
    Enrolled(&'a AuthenticatorId, Step),
    /// Accepted before, for this very action: the same request again, or one whose answer was lost.
    Repeated(&'a AuthenticatorId),
    /// Accepted before, for another action; or older than one that was.
    Replayed,
}

/// Judges a TOTP code for the action of the caller's token (contract, C17).
///
/// Two round trips for a right code, one for a wrong one. Errors decide nothing: 503 where the store or a key
/// cannot be reached, in which case nothing is accepted that the store did not acknowledge.
pub async fn verify_totp(app: &App, caller: &UserCaller, code: &str, now: Timestamp) -> Result<Verdict, Error> {
    // What can be no code cannot match: it is wrong without being compared, so it costs no guess.
    let Some(code) = totp::read_code(code) else { return Ok(judged(caller, Verdict::Rejected)) };
    let claims = &caller.claims;
    let store = app.store().tenant(caller.tenant.id());
    // Before the slot is taken: a key service that is down costs the user no guess.
    let key = app.data_key(&caller.tenant).await?;
    let attempt = Slot::totp()?;
    let user = match store.spend_attempt(&claims.sub, &claims.other.user_uid, &attempt, now).await? {
        Spent::Taken(user) => user,
        Spent::Exhausted => return Ok(judged(caller, Verdict::Exhausted)),
        Spent::NoSuchUser => return Err(token::not_ours()),
    };
    let matched = find_match(&key, caller, &user, &code, now)?;
    let action = store.action_key(&claims.sub, &claims.other.action_code, &claims.other.idempotency_key);
    let completion = |authenticator, step| Completion {
        attempt: &attempt,
        authenticator,
        step,
        action: &action,
        action_id: &claims.jti,
        now,
    };
    let (settled, enrolled) = match matched {
        None => (Settlement::Refused, None),
        Some(Match::Replayed) => {
            count(Counter::ReplaysRefused);
            (Settlement::Refused, None)
        }
        Some(Match::Repeated(id)) => {
            (Settlement::Accepted, enrolled_by_it(&store.authenticators(&user).await?, &user, id))
        }
        Some(Match::Enrolled(id, step)) => (store.settle(&user, &completion(id, step)).await?, None),
        Some(Match::Pending(pending, step)) => {
            let new = description(pending, &user, now);
            (store.complete_enrolment(&user, pending, &completion(&pending.id, step), &new).await?, Some(Box::new(new)))
        }
    };
    let verdict = match settled {
        Settlement::Refused => Verdict::Rejected,
        Settlement::Accepted => succeeded(app, caller, enrolled, now).await?,
    };
    Ok(judged(caller, verdict))
}

/// Judges a recovery code for the action of the caller's token: spent once for ever, whichever action it is for.
///
/// Two round trips, whether it is right or wrong. Errors decide nothing, as for [`verify_totp`].
pub async fn verify_recovery_code(
    app: &App,
    caller: &UserCaller,
    code: &str,
    now: Timestamp,
) -> Result<Verdict, Error> {
    // What can be no code is not among them, so it costs no guess.
    let Some(code) = RecoveryCode::parse(code) else { return Ok(judged(caller, Verdict::Rejected)) };
    let claims = &caller.claims;
    let store = app.store().tenant(caller.tenant.id());
    let key = app.data_key(&caller.tenant).await?;
    let attempt = Slot::recovery()?;
    let user = match store.spend_attempt(&claims.sub, &claims.other.user_uid, &attempt, now).await? {
        Spent::Taken(user) => user,
        Spent::Exhausted => return Ok(judged(caller, Verdict::Exhausted)),
        Spent::NoSuchUser => return Err(token::not_ours()),
    };
    if caller.tenant.settings().recovery_codes.disable_recovery_codes {
        return Ok(judged(caller, Verdict::Rejected));
    }
    let used = Recovery {
        attempt: &attempt,
        hash: &code.hash(&key, &user.uid),
        authenticator: &recovery::authenticator_id(&key, &user.uid),
        action: &store.action_key(&claims.sub, &claims.other.action_code, &claims.other.idempotency_key),
        action_id: &claims.jti,
        now,
    };
    let verdict = match store.settle_recovery(&user, &used).await? {
        Settlement::Refused => Verdict::Rejected,
        Settlement::Accepted => {
            // Whoever has found the paper is not who wrote it.
            notice::tell_others(app, caller, &user, None, now).await;
            succeeded(app, caller, None, now).await?
        }
    };
    Ok(judged(caller, verdict))
}

/// The token of a success.
async fn succeeded(
    app: &App,
    caller: &UserCaller,
    enrolled: Option<Box<Authenticator>>,
    now: Timestamp,
) -> Result<Verdict, Error> {
    let (keys, claims) = (app.signing_keys(&caller.tenant).await?, &caller.claims);
    let token = caller.tenant.issue_token(keys, claims.other.clone(), claims.jti.clone(), scope::ALL.into(), now)?;
    Ok(Verdict::Accepted { token, enrolled })
}

/// What the code matches. Every secret is tried, whichever matches first.
fn find_match<'a>(
    key: &DataKey,
    caller: &UserCaller,
    user: &'a User,
    code: &str,
    now: Timestamp,
) -> Result<Option<Match<'a>>, Error> {
    let window = caller.tenant.settings().totp_window;
    let step_of = |authenticator: &AuthenticatorId, sealed: &[u8]| {
        let owner = Owner { tenant: caller.tenant.id(), user: &caller.claims.sub, authenticator };
        Ok::<_, Error>(TotpSecret::open(key, &owner, sealed)?.matching_step(code, now, window))
    };
    let (mut found, mut replayed) = (None, None);
    if let Some(pending) = user.pending.as_ref().filter(|p| p.action == caller.claims.jti && !p.is_over(now)) {
        found = step_of(&pending.id, &pending.sealed)?.map(|step| Match::Pending(pending, step));
    }
    for (id, credential) in &user.totp {
        let matched = match step_of(id, &credential.sealed)? {
            Some(step) if step > credential.spent.step => Some(Match::Enrolled(id, step)),
            Some(step) if credential.spent.is(step, &caller.claims.jti) => Some(Match::Repeated(id)),
            Some(_) => {
                replayed = Some(Match::Replayed);
                None
            }
            None => None,
        };
        found = found.or(matched);
    }
    Ok(found.or(replayed))
}

/// The authenticator, where the code that is repeated was the one that enrolled it.
fn enrolled_by_it(all: &[Authenticator], user: &User, id: &AuthenticatorId) -> Option<Box<Authenticator>> {
    let accepted_at = user.totp.get(id)?.spent.at;
    let found = all.iter().find(|one| one.id == *id && one.verified_at.as_second() == accepted_at)?;
    Some(Box::new(found.clone()))
}

fn description(pending: &PendingTotp, user: &User, now: Timestamp) -> Authenticator {
    Authenticator {
        id: pending.id.clone(),
        user_uid: user.uid.clone(),
        method: Method::AuthenticatorApp,
        created_at: pending.begun_at,
        verified_at: now,
        name: pending.name.clone().or_else(|| {
            let others = user.totp.len();
            Some(if others == 0 { "Authenticator app".into() } else { format!("Authenticator app {}", others + 1) })
        }),
        email: None,
        phone_number: None,
        device: None,
        use_so_far: UseSoFar::default(),
    }
}

/// Writes the event down: who and how it ended, never the code.
fn judged(caller: &UserCaller, verdict: Verdict) -> Verdict {
    let (outcome, counter) = match &verdict {
        Verdict::Accepted { enrolled: Some(_), .. } => ("enrolled", Counter::EnrolmentsCompleted),
        Verdict::Accepted { .. } => ("accepted", Counter::ChallengesSucceeded),
        Verdict::Rejected => ("rejected", Counter::GuessesRejected),
        Verdict::Exhausted => ("exhausted", Counter::Lockouts),
    };
    count(counter);
    let claims = &caller.claims;
    tracing::info!(event = "code_judged", outcome, tenant = %caller.tenant.id(), user = %claims.other.user_uid, action = %claims.jti);
    verdict
}
