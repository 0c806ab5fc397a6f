//! Judging what a user submits: pay a slot of its budget, prove, then accept in one write.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    action::{Action, State},
    admission,
    app::{App, UserCaller},
    authenticator::{Authenticator, UseSoFar},
    clock::Timestamp,
    error::Error,
    happened::{Event, Happened},
    limiter::Slot,
    method::{
        Method,
        recovery::{self, RecoveryCode},
        totp::{self, Candidate, Proved, Step},
    },
    notice::{self, Concerned},
    store::{Acceptance, Accepted, FirstStep, Proof, Spent},
    token,
    user::{PendingTotp, User},
};

/// What a code was worth.
pub enum Verdict {
    /// Accepted, once for ever.
    Accepted(Success),
    /// Wrong, used before, or too late (`CODE_INVALID_OR_EXPIRED`). `attempts_left` is absent where no guess was paid for,
    /// because the text can be no code.
    Rejected { attempts_left: Option<usize> },
    /// Not looked at: the guess budget is spent (`MAX_ATTEMPTS_EXCEEDED`). `retry_after` is absent where time alone does not
    /// open it again.
    Exhausted { retry_after: Option<Duration> },
}

/// What an accepted code gives.
pub struct Success {
    pub token: String,
    /// The authenticator whose enrolment the code completed.
    pub enrolled: Option<Box<Authenticator>>,
}

/// Whether a guess was paid for.
enum Payment {
    /// It was: the user, with the slot that it took.
    Paid(Box<User>),
    /// The budget is spent.
    Refused(Verdict),
}

/// Somebody who proves something, once it was paid for.
struct Paid<'a> {
    app: &'a App,
    caller: &'a UserCaller,
    user: &'a User,
    attempt: &'a Slot,
    now: Timestamp,
}

/// Judges a TOTP code for the action of the caller's token (contract, C17).
///
/// Two round trips for a right code, one for a wrong one. 403 where such actions are not answered by an app. Errors decide
/// nothing: 503 where the store or a key cannot be reached, in which case nothing is accepted that the store did not
/// acknowledge.
pub async fn verify_totp(app: &App, caller: &UserCaller, code: &str, now: Timestamp) -> Result<Verdict, Error> {
    admission::is_answered_by(&caller.tenant, &caller.claims.other.action_code, Method::AuthenticatorApp)?;
    // What can be no code cannot match: it is wrong without being compared, so it costs no guess.
    let Some(code) = totp::read_code(code) else {
        return Ok(judged(caller, Verdict::Rejected { attempts_left: None }));
    };
    // Before the slot is taken: a key service that is down costs the user no guess.
    let key = app.data_key(&caller.tenant).await?;
    let attempt = Slot::code(Method::AuthenticatorApp, &caller.claims.jti)?;
    let user = match pay(app, caller, &attempt, now).await? {
        Payment::Paid(user) => user,
        Payment::Refused(verdict) => return Ok(judged(caller, verdict)),
    };
    let paid = Paid { app, caller, user: &user, attempt: &attempt, now };
    let candidates = candidates(&paid);
    // No app of the user has codes of this length: nothing was compared, so nothing was guessed.
    let lengths = totp::lengths(&key, caller.tenant.id(), &user.id, &candidates)?;
    if !lengths.is_empty() && !lengths.contains(&code.len()) {
        app.store().tenant(caller.tenant.id()).give_back(&user, &attempt).await?;
        return Ok(judged(caller, Verdict::Rejected { attempts_left: None }));
    }
    let (tenant, window) = (caller.tenant.id(), caller.tenant.settings().totp_window);
    let success = match totp::prove(&key, tenant, &user.id, &candidates, &code, window, now)? {
        None => None,
        Some(Proved::Replayed) => {
            Happened::ReplayRefused.count();
            None
        }
        Some(Proved::Repeated(id)) => repeated(&paid, id).await?,
        Some(Proved::Again(id, step)) => paid.accept(id, Proof::Step(step), None).await?,
        Some(Proved::First(_, step)) => match &user.pending {
            Some(pending) => enrol(&paid, pending, step).await?,
            None => None,
        },
    };
    Ok(judged(caller, paid.verdict(success)))
}

/// Judges a recovery code for the action of the caller's token: spent once for ever, whichever action it is for.
///
/// Two round trips, whether it is right or wrong. Errors as for [`verify_totp`].
pub async fn verify_recovery_code(
    app: &App,
    caller: &UserCaller,
    code: &str,
    now: Timestamp,
) -> Result<Verdict, Error> {
    admission::is_answered_by(&caller.tenant, &caller.claims.other.action_code, Method::RecoveryCode)?;
    let Some(code) = RecoveryCode::parse(code) else {
        return Ok(judged(caller, Verdict::Rejected { attempts_left: None }));
    };
    let key = app.data_key(&caller.tenant).await?;
    let attempt = Slot::recovery()?;
    let user = match pay(app, caller, &attempt, now).await? {
        Payment::Paid(user) => user,
        Payment::Refused(verdict) => return Ok(judged(caller, verdict)),
    };
    let paid = Paid { app, caller, user: &user, attempt: &attempt, now };
    let (hash, by) = (code.hash(&key, &user.uid), recovery::authenticator_id(&key, &user.uid));
    // A used code may be stolen, so the user's devices are told.
    let success = paid.accept(&by, Proof::RecoveryCode(&hash), Some(&Event::RecoveryCodeUsed)).await?;
    Ok(judged(caller, paid.verdict(success)))
}

/// Takes a slot of the budget.
async fn pay(app: &App, caller: &UserCaller, attempt: &Slot, now: Timestamp) -> Result<Payment, Error> {
    let claims = &caller.claims;
    let store = app.store().tenant(caller.tenant.id());
    match store.spend_attempt(&claims.sub, &claims.other.user_uid, attempt, now).await? {
        Spent::Taken(user) => Ok(Payment::Paid(user)),
        Spent::Exhausted { retry_after } => Ok(Payment::Refused(Verdict::Exhausted { retry_after })),
        Spent::NoSuchUser => Err(token::not_ours()),
    }
}

/// How many digits the codes have that the user's apps show, the shortest first; nothing where the user has none.
pub async fn code_lengths(app: &App, caller: &UserCaller, user: &User) -> Result<BTreeSet<usize>, Error> {
    let key = app.data_key(&caller.tenant).await?;
    let apps = user.totp.iter();
    let candidates: Vec<Candidate<'_>> =
        apps.map(|(id, one)| Candidate { authenticator: id, sealed: &one.sealed, spent: None }).collect();
    totp::lengths(&key, caller.tenant.id(), &user.id, &candidates)
}

/// The secrets that a code may be of: those of the user, and the one that was given out to this action.
fn candidates<'a>(paid: &Paid<'a>) -> Vec<Candidate<'a>> {
    let (user, action) = (paid.user, &paid.caller.claims.jti);
    let pending = user.pending.as_ref().filter(|pending| pending.action == *action && !pending.is_over(paid.now));
    let given_out = pending.map(|one| Candidate { authenticator: &one.id, sealed: &one.sealed, spent: None });
    let enrolled = user.totp.iter().map(|(id, one)| {
        let for_this_action = one.spent.by.as_ref() == Some(action);
        let spent = Some(totp::Spent { step: one.spent.step, for_this_action });
        Candidate { authenticator: id, sealed: &one.sealed, spent }
    });
    given_out.into_iter().chain(enrolled).collect()
}

/// Enrols the app whose first code it is.
async fn enrol(paid: &Paid<'_>, pending: &PendingTotp, step: Step) -> Result<Option<Success>, Error> {
    let new = description(pending, paid.user, paid.now);
    let first = FirstStep { user: paid.user, pending, step, attempt: paid.attempt, description: &new };
    let event = Event::Added { name: new.called() };
    let success = paid.accept(&pending.id, Proof::FirstStep(first), Some(&event)).await?;
    Ok(success.map(|success| Success { enrolled: Some(Box::new(new)), ..success }))
}

/// The answer of the first time, as long as that success is handed out.
async fn repeated(paid: &Paid<'_>, id: &crate::id::AuthenticatorId) -> Result<Option<Success>, Error> {
    let store = paid.app.store().tenant(paid.caller.tenant.id());
    let admitted = admission::open(paid.app, paid.caller).await?;
    let verified = admitted.action.verification.filter(|one| one.authenticator == *id);
    let Some(verification) = verified else { return Ok(None) };
    let all = store.authenticators(&admitted.user).await?;
    let has_others = all.len() > 1;
    // It was the code that enrolled it.
    let is_new = |one: &Authenticator| one.id == *id && one.verified_at.as_second() == verification.at.as_second();
    let enrolled = all.into_iter().find(is_new).map(Box::new);
    let token = paid.token(verification.at, paid.worth(enrolled.is_some() && has_others)).await?;
    Ok(token.map(|token| Success { token, enrolled }))
}

/// The token of the success that a first code gave this action, for a form that comes again; `None` where the action was
/// succeeded otherwise or not at all, or that success is not handed out any more.
pub async fn success_again(
    app: &App,
    caller: &UserCaller,
    user: &User,
    action: &Action,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let enrolled = action.verification.as_ref().filter(|_| action.state == State::ChallengeSucceeded).filter(|one| {
        let spent = user.totp.get(&one.authenticator).map(|app| &app.spent);
        spent.is_some_and(|spent| spent.by.as_ref() == Some(&action.id))
    });
    let Some(verification) = enrolled else { return Ok(None) };
    let scope =
        if user.totp.len() + user.secretless.len() > 1 { caller.claims.scope.as_str() } else { token::scope::ALL };
    let keys = app.signing_keys(&caller.tenant).await?;
    let (subject, id) = (caller.claims.other.clone(), caller.claims.jti.clone());
    caller.tenant.success_token_for(keys, subject, id, scope, verification.at, now)
}

impl Paid<'_> {
    /// What the guess came to: its budget is that of the user once the guess was paid for.
    fn verdict(&self, success: Option<Success>) -> Verdict {
        let space = self.attempt.space();
        let left = self.user.guesses.of(space).left(space, self.now);
        success.map_or(Verdict::Rejected { attempts_left: Some(left) }, Verdict::Accepted)
    }

    /// Accepts a proof, and gives the token of the success; `None` where it is refused. `event` is what the user's other
    /// devices are told.
    async fn accept(
        &self,
        by: &crate::id::AuthenticatorId,
        proof: Proof<'_>,
        event: Option<&Event>,
    ) -> Result<Option<Success>, Error> {
        let Self { app, caller, user, now, .. } = *self;
        // The keys of the token are asked for first, because without them nothing may be written.
        app.signing_keys(&caller.tenant).await?;
        let notice = match event {
            Some(event) => notice::announce(app, &caller.tenant, &Concerned { user, but: Some(by) }, event, now).await,
            None => None,
        };
        let about = admission::about(&caller.claims);
        let scope = self.worth(matches!(proof, Proof::FirstStep(_)) && user.is_enrolled());
        let freed = user.guesses.freed_by(self.attempt);
        let acceptance = Acceptance {
            user: &user.id,
            uid: &user.uid,
            action: &about,
            by,
            proof,
            freed: &freed,
            notice: notice.as_ref(),
            now,
        };
        let at = match app.store().tenant(caller.tenant.id()).accept(&acceptance).await? {
            Accepted::At(at) => at,
            Accepted::Spent | Accepted::Refused => return Ok(None),
        };
        Ok(self.token(at, scope).await?.map(|token| Success { token, enrolled: None }))
    }

    /// What a success allows. The first code of an app that is added to others proves nothing of those: it allows what its
    /// token did, which is all where the action had succeeded before.
    fn worth(&self, is_added: bool) -> &str {
        if is_added { &self.caller.claims.scope } else { token::scope::ALL }
    }

    async fn token(&self, decided_at: Timestamp, scope: &str) -> Result<Option<String>, Error> {
        let (tenant, claims) = (&self.caller.tenant, &self.caller.claims);
        let keys = self.app.signing_keys(tenant).await?;
        tenant.success_token_for(keys, claims.other.clone(), claims.jti.clone(), scope, decided_at, self.now)
    }
}

fn description(pending: &PendingTotp, user: &User, now: Timestamp) -> Authenticator {
    Authenticator {
        id: pending.id.clone(),
        user_uid: user.uid.clone(),
        method: Method::AuthenticatorApp,
        created_at: pending.begun_at,
        verified_at: now,
        name: pending.name.clone().or_else(|| {
            let (label, others) = (Method::AuthenticatorApp.facts().label, user.totp.len());
            Some(if others == 0 { label.into() } else { format!("{label} {}", others + 1) })
        }),
        email: None,
        phone_number: None,
        device: None,
        use_so_far: UseSoFar::default(),
    }
}

/// Writes the event down: who and how it ended, never the code.
fn judged(caller: &UserCaller, verdict: Verdict) -> Verdict {
    let happened = match &verdict {
        Verdict::Accepted(Success { enrolled: Some(_), .. }) => Happened::Enrolled,
        Verdict::Accepted(_) => Happened::Succeeded,
        Verdict::Rejected { .. } => Happened::GuessRejected,
        Verdict::Exhausted { .. } => Happened::LockedOut,
    };
    happened.count();
    let (claims, outcome) = (&caller.claims, happened.outcome());
    tracing::info!(event = "code_judged", outcome, tenant = %caller.tenant.id(), user = %claims.other.user_uid, action = %claims.jti);
    verdict
}
