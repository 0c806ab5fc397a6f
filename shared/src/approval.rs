//! A device approves or denies: by push, by a scanned code, or from its own app (contract, C38, C42, C43, C47).

use data_encoding::BASE64;
use subtle::ConstantTimeEq;

use crate::{
    action::{About, State as ActionState, Strength},
    app::{App, TenantContext},
    challenge::{Challenge, Kind, State},
    clock::Timestamp,
    error::Error,
    id::{ActionCode, ActionId, ChallengeId, IdempotencyKey, UserId, UserUid, digest},
    limiter::Slot,
    method::device::{DeviceKey, Statement},
    metrics::{Counter, count},
    push::{self, Standing},
    store::{Credential, Decided, Decision, Receipt, Spent},
    tenant::Demand,
    token::{Claims, Subject, scope},
};

/// How long no pushes are sent after "not me": the attacker has the password, and would ask again.
const QUIET_SECONDS: i64 = 900;

/// What a device sends.
pub struct Answer<'a> {
    pub challenge: &'a ChallengeId,
    pub key: DeviceKey,
    pub approved: bool,
    /// It was not the user who asked.
    pub report: bool,
    /// Over the challenge's id.
    pub signature: &'a str,
    /// Over the whole [`Statement`].
    pub signature_v2: Option<&'a str>,
    /// The number, as it was typed.
    pub number: Option<&'a str>,
}

/// What the answer came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Approved,
    Denied,
    /// The number was another one; the question stays open.
    WrongNumber,
    /// Not looked at: the user's guess budget is spent.
    Exhausted,
}

/// An answer that has been checked: who gives it, to what.
struct Checked {
    credential: Credential,
    challenge: Challenge,
    about: About,
    receipt: Receipt,
    signature_v2: bool,
}

/// Decides a challenge as a device of its user says.
///
/// Two round trips; one more where a number is compared, because the guess is paid for first. 403 where key, signature
/// and challenge do not belong together, which changes nothing; 409 where the challenge is over.
pub async fn decide(
    app: &App,
    tenant: &TenantContext,
    kind: Kind,
    answer: &Answer<'_>,
    now: Timestamp,
) -> Result<Verdict, Error> {
    let (credential, challenge) = known(app, tenant, kind, answer).await?;
    if !challenge.may_be_answered_by(&credential.uid, &credential.authenticator) {
        return Err(Error::InvalidCredential);
    }
    let about = challenge.about.clone().ok_or(Error::InvalidCredential)?;
    let checked = check(tenant, answer, credential, challenge, about)?;
    finish(app, tenant, &checked, answer, now).await
}

/// Approves a challenge that the app on the device began itself (contract, C47), and gives a token for its action.
///
/// With `claims` the user is known and so is the action; without, the device says who signs in, and the approval
/// makes the action. 403 as for [`decide`].
pub async fn sign_in(
    app: &App,
    tenant: &TenantContext,
    claims: Option<&Claims>,
    answer: &Answer<'_>,
    now: Timestamp,
) -> Result<(Credential, String), Error> {
    let keys = app.signing_keys(tenant).await?;
    let (credential, challenge) = known(app, tenant, Kind::InApp, answer).await?;
    let is_theirs = |one: &Challenge| one.subject.as_ref().is_none_or(|subject| subject.uid == credential.uid);
    let about = match claims {
        Some(claims) if claims.other.user_uid == credential.uid && is_theirs(&challenge) => push::about(claims),
        None if is_theirs(&challenge) => {
            named(app, tenant, &credential, challenge.about.clone().ok_or(Error::InvalidCredential)?).await?
        }
        _ => return Err(Error::InvalidCredential),
    };
    let checked = check(tenant, answer, credential, challenge, about)?;
    finish(app, tenant, &checked, answer, now).await?;
    let Checked { credential, about, .. } = checked;
    let subject = subject(tenant, (&credential.user, &credential.uid), &about);
    let token = tenant.issue_token(keys, subject, about.id, scope::ALL.into(), now)?;
    Ok((credential, token))
}

/// The user, the action and its life, as a token names them.
fn subject(tenant: &TenantContext, (user, uid): (&UserId, &UserUid), about: &About) -> Subject {
    Subject {
        tenant_id: tenant.id().clone(),
        user_id: user.clone(),
        user_uid: uid.clone(),
        action_code: about.code.clone(),
        idempotency_key: about.key.clone(),
    }
}

/// The key's owner and the challenge, both known and of this kind, and the signature over the challenge's id good.
async fn known(
    app: &App,
    tenant: &TenantContext,
    kind: Kind,
    answer: &Answer<'_>,
) -> Result<(Credential, Challenge), Error> {
    let store = app.store().tenant(tenant.id());
    let fingerprint = answer.key.fingerprint();
    let found = store.credential_and_challenge(kind.method(), &fingerprint, answer.challenge).await?;
    let (Some(credential), Some(challenge)) = found else { return Err(Error::InvalidCredential) };
    answer.key.verify(answer.challenge.as_str().as_bytes(), answer.signature)?;
    if challenge.kind != kind {
        return Err(Error::InvalidCredential);
    }
    Ok((credential, challenge))
}

/// The action that an app named, as it was tracked before, or else to be made.
async fn named(app: &App, tenant: &TenantContext, credential: &Credential, about: About) -> Result<About, Error> {
    let found = app.store().tenant(tenant.id()).action_named(&credential.user, &about).await?;
    match found {
        None => Ok(about),
        Some((id, ActionState::ChallengeRequired)) => Ok(About { id, is_tracked: true, ..about }),
        // The same answer again, after a lost reply.
        Some((id, ActionState::ChallengeSucceeded)) if id == about.id => Ok(about),
        Some(_) => {
            Err(Error::Forbidden("The action needs no challenge, or it is over. Use a new idempotency key.".into()))
        }
    }
}

/// Checks what was signed beyond the challenge's id; `signatureV2` where there is one, or where the tenant wants it.
fn check(
    tenant: &TenantContext,
    answer: &Answer<'_>,
    credential: Credential,
    challenge: Challenge,
    about: About,
) -> Result<Checked, Error> {
    let mut receipt =
        Receipt { public_key: answer.key.to_base64(), signature: answer.signature.to_owned(), ..Receipt::default() };
    match answer.signature_v2 {
        Some(signature) => {
            let statement = Statement {
                tenant: tenant.id(),
                user: &credential.user,
                challenge: &challenge.id,
                action: &about.code,
                key: &about.key,
                approved: answer.approved,
                number: answer.number.unwrap_or_default(),
                context: &challenge.context,
                expires_at: challenge.expires_at,
            };
            let statement = statement.canonical();
            answer.key.verify(&statement, signature)?;
            receipt.statement = Some(BASE64.encode(&statement));
            receipt.signature_v2 = Some(signature.to_owned());
        }
        None if tenant.settings().push.signature_v2 == Demand::Required && answer.approved => {
            return Err(Error::Forbidden(
                "signatureV2: this tenant wants a signature over all that is shown; update the app.".into(),
            ));
        }
        None => {}
    }
    let signature_v2 = answer.signature_v2.is_some();
    Ok(Checked { credential, challenge, about, receipt, signature_v2 })
}

async fn finish(
    app: &App,
    tenant: &TenantContext,
    checked: &Checked,
    answer: &Answer<'_>,
    now: Timestamp,
) -> Result<Verdict, Error> {
    let Checked { credential, challenge, about, receipt, signature_v2 } = checked;
    if let Some(verdict) = answered_before(credential, challenge, answer, now)? {
        return Ok(verdict);
    }
    let mut freed = Vec::new();
    if let (Some(number), true) = (&challenge.number, answer.approved) {
        match guess(app, tenant, credential, (number, answer.number), now).await? {
            Guess::Right(slots) => freed = slots,
            Guess::Not(verdict) => return Ok(judged(tenant, checked, verdict)),
        }
    }
    let decision = Decision {
        credential,
        approved: answer.approved,
        about,
        strength: Strength { number_matching: challenge.number.is_some(), signature_v2: *signature_v2 },
        receipt,
        freed: &freed,
        quiet_until: (answer.report && !answer.approved).then_some(now.as_second() + QUIET_SECONDS),
        now,
    };
    match app.store().tenant(tenant.id()).decide(challenge, &decision).await? {
        Decided::Yes if answer.report => {
            count(Counter::PushesReported);
            tracing::warn!(event = "push_reported", tenant = %tenant.id(), user = %credential.uid, challenge = %challenge.id, "the user says: not me");
            Ok(judged(tenant, checked, Verdict::Denied))
        }
        Decided::Yes if answer.approved => Ok(judged(tenant, checked, Verdict::Approved)),
        Decided::Yes => Ok(judged(tenant, checked, Verdict::Denied)),
        Decided::AlreadyOver => Err(over()),
        Decided::Refused => Err(Error::Forbidden("The action is over, or this device may no longer answer it.".into())),
    }
}

fn over() -> Error {
    Error::Conflict("The challenge is over: it was answered, or its time has passed.".into())
}

/// A challenge that has come to an end: the same answer by the same device again is answered as it was.
fn answered_before(
    credential: &Credential,
    challenge: &Challenge,
    answer: &Answer<'_>,
    now: Timestamp,
) -> Result<Option<Verdict>, Error> {
    let by_us = challenge.decided.as_ref().is_some_and(|decided| decided.by == credential.authenticator);
    match (challenge.state_at(now), answer.approved) {
        (State::Pending, _) => Ok(None),
        (State::Verified, true) if by_us => Ok(Some(Verdict::Approved)),
        (State::Rejected, false) if by_us => Ok(Some(Verdict::Denied)),
        _ => Err(over()),
    }
}

enum Guess {
    Right(Vec<Slot>),
    Not(Verdict),
}

/// Compares the number, after the guess has been paid for.
async fn guess(
    app: &App,
    tenant: &TenantContext,
    credential: &Credential,
    (number, typed): (&str, Option<&str>),
    now: Timestamp,
) -> Result<Guess, Error> {
    let typed = typed
        .map(str::trim)
        .filter(|typed| !typed.is_empty())
        .ok_or_else(|| Error::invalid("verificationCode: send the number that stands on the other screen."))?;
    let attempt = Slot::number()?;
    let store = app.store().tenant(tenant.id());
    match store.spend_attempt(&credential.user, &credential.uid, &attempt, now).await? {
        Spent::NoSuchUser => Err(Error::InvalidCredential),
        Spent::Exhausted => Ok(Guess::Not(Verdict::Exhausted)),
        Spent::Taken(user) if bool::from(number.as_bytes().ct_eq(typed.as_bytes())) => {
            Ok(Guess::Right(user.guesses.freed_by(&attempt)))
        }
        Spent::Taken(_) => Ok(Guess::Not(Verdict::WrongNumber)),
    }
}

/// Writes the event down: who and how it ended, never the number.
fn judged(tenant: &TenantContext, checked: &Checked, verdict: Verdict) -> Verdict {
    let (outcome, counter) = match verdict {
        Verdict::Approved => ("approved", Counter::ChallengesSucceeded),
        Verdict::Denied => ("denied", Counter::PushesDenied),
        Verdict::WrongNumber => ("wrong_number", Counter::GuessesRejected),
        Verdict::Exhausted => ("exhausted", Counter::Lockouts),
    };
    count(counter);
    let Checked { credential, challenge, .. } = checked;
    tracing::info!(event = "challenge_judged", outcome, tenant = %tenant.id(), user = %credential.uid, challenge = %challenge.id);
    verdict
}

/// Gives a scanned challenge to the device that asks first (contract, C42), and shows it what it is about.
pub async fn claim(
    app: &App,
    tenant: &TenantContext,
    answer: &Answer<'_>,
    now: Timestamp,
) -> Result<(Credential, Challenge), Error> {
    let (credential, challenge) = known(app, tenant, Kind::QrCode, answer).await?;
    // One that another device has claimed is about that device's user since; the write below says so.
    let is_free = challenge.claimed_by.is_none();
    if is_free && challenge.subject.as_ref().is_some_and(|subject| subject.uid != credential.uid) {
        return Err(Error::InvalidCredential);
    }
    let store = app.store().tenant(tenant.id());
    let claimed = store.claim(&challenge, &credential, now).await?;
    let claimed = claimed
        .ok_or_else(|| Error::Conflict("The code was scanned by another device, or its time has passed.".into()))?;
    tracing::info!(event = "challenge_claimed", tenant = %tenant.id(), user = %credential.uid, challenge = %claimed.id);
    Ok((credential, claimed))
}

/// How a scanned code stands, for the page that shows it.
pub struct Scanned {
    pub standing: Standing,
    /// A device has it; stays so when it is denied.
    pub is_claimed: bool,
}

/// How the code that a page shows stands (contract, C49). 403 for one who does not know what the page polls with: the
/// code itself is for everybody to see (security.md, T24).
pub async fn scanned(
    app: &App,
    tenant: &TenantContext,
    (id, device_code): (&ChallengeId, &str),
    now: Timestamp,
) -> Result<Scanned, Error> {
    let keys = app.signing_keys(tenant).await?;
    let found = app.store().tenant(tenant.id()).challenge(id).await?;
    let hash = digest(&[device_code.as_bytes()]);
    let is_ours = |one: &Challenge| {
        let known = one.poll_hash.as_deref().unwrap_or_default();
        one.kind == Kind::QrCode && bool::from(known.as_bytes().ct_eq(hash.as_bytes()))
    };
    let challenge = found.filter(is_ours).ok_or(Error::InvalidCredential)?;
    let challenge = push::settled(app, tenant.id(), challenge, now).await?;
    let is_claimed = challenge.claimed_by.is_some();
    let standing = match (challenge.state, challenge.subject, challenge.about) {
        (State::Pending, ..) => Standing::Pending { number: None },
        (State::Rejected, ..) => Standing::Rejected,
        (State::Verified, Some(user), Some(about)) => {
            let subject = subject(tenant, (&user.user, &user.uid), &about);
            Standing::Approved { token: tenant.issue_token(keys, subject, about.id, scope::ALL.into(), now)? }
        }
        _ => Standing::Expired,
    };
    Ok(Scanned { standing, is_claimed })
}

/// What an anonymous challenge will be about, once a device answers it.
pub fn about(code: ActionCode, key: Option<IdempotencyKey>) -> About {
    let key = key.unwrap_or_else(IdempotencyKey::generate);
    About { code, key, id: ActionId::generate(), is_tracked: false }
}
