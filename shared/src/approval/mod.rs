//! A device approves or denies: by push, by a scanned code, or from its own app (contract, C38, C42, C43, C47).

mod qr_code;

use data_encoding::BASE64;
use subtle::ConstantTimeEq;

use countersign_domain::action::About;

use crate::{
    action::{Action, State as ActionState, Strength, Verification},
    admission::{self, Asker},
    app::{App, TenantContext},
    challenge::{Challenge, Kind, State},
    clock::Timestamp,
    error::Error,
    happened::Happened,
    id::{ChallengeId, UserId, UserUid},
    limiter::{PushStarts, Slot},
    method::device::{DeviceKey, Statement},
    store::{Acceptance, Accepted, Approval, Credential, Denial, Denied, Proof, Receipt, Spent},
    tenant::Demand,
    token::{Claims, Subject},
};

pub use qr_code::{Claimed, Scanned, about, claim, scanned};

/// What a device sends.
pub struct Answer<'a> {
    pub challenge: &'a ChallengeId,
    pub key: DeviceKey,
    pub approved: bool,
    /// The user says that somebody else asked.
    pub report: bool,
    /// Over the challenge's id.
    pub signature: &'a str,
    /// Over the whole [`Statement`].
    pub signature_v2: Option<&'a str>,
    /// The number, as it was typed.
    pub number: Option<&'a str>,
}

impl<'a> Answer<'a> {
    /// Yes, by a key that signs the challenge's id and nothing more.
    pub fn yes(challenge: &'a ChallengeId, key: DeviceKey, signature: &'a str) -> Self {
        Self { challenge, key, approved: true, report: false, signature, signature_v2: None, number: None }
    }
}

/// What the answer came to.
#[derive(Debug, PartialEq, Eq)]
pub enum DeviceVerdict {
    Approved,
    Denied,
    /// The number was wrong; the question stays open.
    WrongNumber,
    /// Not looked at: the user's guess budget is spent.
    Exhausted,
}

/// A device that answers, known by its key.
struct Answering<'a> {
    app: &'a App,
    tenant: &'a TenantContext,
    answer: &'a Answer<'a>,
    credential: Credential,
    challenge: Challenge,
    now: Timestamp,
}

/// What was signed, and when an approval of it counted.
struct Signed {
    receipt: Receipt,
    strength: Strength,
}

/// Decides a challenge as a device of its user says.
///
/// Two round trips; one more where a number is compared, because the guess is paid for first, and where the action has to be
/// made and its kind has rules. 403 where key, signature and challenge do not belong together, or the action may not be
/// answered so as things stand now, which changes nothing; 409 where the challenge is over.
pub async fn decide(
    app: &App,
    tenant: &TenantContext,
    kind: Kind,
    answer: &Answer<'_>,
    now: Timestamp,
) -> Result<DeviceVerdict, Error> {
    let answering = Answering::of(app, tenant, kind, answer, now).await?;
    let Answering { credential, challenge, .. } = &answering;
    if !challenge.may_be_answered_by(&credential.uid, &credential.authenticator) {
        return Err(Error::InvalidCredential);
    }
    let about = challenge.about.clone().ok_or(Error::InvalidCredential)?;
    let (verdict, _) = answering.finish(&about).await?;
    Ok(verdict)
}

/// A sign-in that a device made or answered.
pub struct SignedIn {
    pub credential: Credential,
    pub token: String,
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
) -> Result<SignedIn, Error> {
    let keys = app.signing_keys(tenant).await?;
    let answering = Answering::of(app, tenant, Kind::InApp, answer, now).await?;
    let Answering { credential, challenge, .. } = &answering;
    let is_theirs = challenge.subject.as_ref().is_none_or(|subject| subject.uid == credential.uid);
    let about = match claims {
        // A challenge that was begun with a token is for that token's action alone. One that was begun without, as the
        // SDKs do, is for the action of the token that answers.
        Some(claims) if claims.other.user_uid == credential.uid && is_theirs && is_for(challenge, claims) => {
            admission::about(claims)
        }
        None if is_theirs && challenge.about.as_ref().is_none_or(|about| !about.is_tracked) => {
            named(app, tenant, credential, challenge.about.clone().ok_or(Error::InvalidCredential)?).await?
        }
        _ => return Err(Error::InvalidCredential),
    };
    let (_, at) = answering.finish(&about).await?;
    let subject = subject(tenant, &credential.user, &credential.uid, &about);
    let token = tenant.success_token(keys, subject, about.id, at.unwrap_or(now), now)?;
    let token = token.ok_or_else(over)?;
    Ok(SignedIn { credential: answering.credential, token })
}

fn is_for(challenge: &Challenge, claims: &Claims) -> bool {
    challenge.about.as_ref().is_none_or(|about| about.id == claims.jti)
}

/// The user, the action and its life, as a token names them.
fn subject(tenant: &TenantContext, user: &UserId, uid: &UserUid, about: &About) -> Subject {
    Subject {
        tenant_id: tenant.id().clone(),
        user_id: user.clone(),
        user_uid: uid.clone(),
        action_code: about.code.clone(),
        idempotency_key: about.key.clone(),
    }
}

/// The action that an app named, as it was tracked before, or else to be made.
async fn named(app: &App, tenant: &TenantContext, credential: &Credential, about: About) -> Result<About, Error> {
    let store = app.store().tenant(tenant.id());
    let found = store.action(&store.action_key(&credential.user, &about.code, &about.key)).await?;
    // An action that an earlier life of the user, or the time before a reset, left under this name does not count.
    let Some(found) = found.filter(|found| found.user_uid == credential.uid) else { return Ok(about) };
    match found.state {
        ActionState::ChallengeRequired => Ok(About { id: found.id, is_tracked: true, ..about }),
        // The same answer again, after a lost reply.
        ActionState::ChallengeSucceeded if found.id == about.id => Ok(about),
        _ => Err(Error::Forbidden("The action needs no challenge, or it is over. Use a new idempotency key.".into())),
    }
}

fn over() -> Error {
    Error::Conflict("The challenge is over: it was answered, or its time has passed.".into())
}

impl<'a> Answering<'a> {
    /// Finds the key's owner and the challenge, which must be of this kind, and checks the signature over the
    /// challenge's id.
    async fn of(
        app: &'a App,
        tenant: &'a TenantContext,
        kind: Kind,
        answer: &'a Answer<'a>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let store = app.store().tenant(tenant.id());
        let fingerprint = answer.key.fingerprint();
        let found = store.credential_and_challenge(kind.method(), &fingerprint, answer.challenge).await?;
        let (Some(credential), Some(challenge)) = found else { return Err(Error::InvalidCredential) };
        answer.key.verify(answer.challenge.as_str().as_bytes(), answer.signature)?;
        if challenge.kind != kind {
            return Err(Error::InvalidCredential);
        }
        Ok(Self { app, tenant, answer, credential, challenge, now })
    }

    /// Checks what was signed beyond the challenge's id; `signatureV2` where there is one, or where the tenant wants it.
    fn signed(&self, about: &About) -> Result<Signed, Error> {
        let Self { tenant, answer, credential, challenge, .. } = self;
        let mut receipt = Receipt {
            public_key: answer.key.to_base64(),
            signature: answer.signature.to_owned(),
            ..Receipt::default()
        };
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
        let strength =
            Strength { number_matching: challenge.number.is_some(), signature_v2: answer.signature_v2.is_some() };
        Ok(Signed { receipt, strength })
    }

    /// What the answer comes to, and when an approval counted.
    async fn finish(&self, about: &About) -> Result<(DeviceVerdict, Option<Timestamp>), Error> {
        let signed = self.signed(about)?;
        if let Some(before) = self.answered_before()? {
            return Ok(before);
        }
        if !self.answer.approved {
            return self.deny(about, &signed).await.map(|verdict| (verdict, None));
        }
        let made = self.admitted(about, signed.strength).await?;
        let freed = match &self.challenge.number {
            Some(number) => match self.guess(number).await? {
                Guess::Right(slots) => slots,
                Guess::Not(verdict) => return Ok((self.judged(verdict), None)),
            },
            None => Vec::new(),
        };
        let approval = Approval {
            challenge: &self.challenge,
            method: self.credential.method,
            strength: signed.strength,
            receipt: &signed.receipt,
            made: made.as_ref(),
        };
        let acceptance = Acceptance {
            user: &self.credential.user,
            uid: &self.credential.uid,
            action: about,
            by: &self.credential.authenticator,
            proof: Proof::Approval(approval),
            freed: &freed,
            notice: None,
            now: self.now,
        };
        match self.app.store().tenant(self.tenant.id()).accept(&acceptance).await? {
            Accepted::At(at) => Ok((self.judged(DeviceVerdict::Approved), Some(at))),
            Accepted::Spent => Err(over()),
            Accepted::Refused => Err(no_longer()),
        }
    }

    /// Checks that the device may answer the action as the configuration stands now; gives the action to be made, where
    /// nobody tracked it.
    async fn admitted(&self, about: &About, strength: Strength) -> Result<Option<Action>, Error> {
        let Credential { user, uid, method, authenticator, .. } = &self.credential;
        if about.is_tracked {
            admission::is_answered_by(self.tenant, &about.code, *method)?;
            return Ok(None);
        }
        let asker = Asker { user, uid, about, context: &self.challenge.context, method: *method };
        let verification =
            Verification { method: *method, authenticator: authenticator.clone(), at: self.now, strength };
        admission::made_by_device(self.app, self.tenant, &asker, verification).await.map(Some)
    }

    async fn deny(&self, about: &About, signed: &Signed) -> Result<DeviceVerdict, Error> {
        let denial = Denial {
            credential: &self.credential,
            about,
            receipt: &signed.receipt,
            quiet_until: self.answer.report.then_some(self.now.as_second() + PushStarts::QUIET_SECONDS),
            now: self.now,
        };
        match self.app.store().tenant(self.tenant.id()).deny(&self.challenge, &denial).await? {
            Denied::Yes => {}
            Denied::AlreadyOver => return Err(over()),
            Denied::Refused => return Err(no_longer()),
        }
        if self.answer.report {
            Happened::Reported.count();
            let (tenant, user, challenge) = (self.tenant.id(), &self.credential.uid, &self.challenge.id);
            tracing::warn!(event = "push_reported", %tenant, %user, %challenge, "the user says: not me");
        }
        Ok(self.judged(DeviceVerdict::Denied))
    }

    /// A challenge that has come to an end: the same answer by the same device again is answered as it was.
    fn answered_before(&self) -> Result<Option<(DeviceVerdict, Option<Timestamp>)>, Error> {
        let Self { credential, challenge, answer, now, .. } = self;
        let by_us = challenge.decided.as_ref().filter(|decided| decided.by == credential.authenticator);
        match (challenge.state_at(*now), answer.approved, by_us) {
            (State::Pending, ..) => Ok(None),
            (State::Verified, true, Some(decided)) => Ok(Some((DeviceVerdict::Approved, Some(decided.at)))),
            (State::Rejected, false, Some(_)) => Ok(Some((DeviceVerdict::Denied, None))),
            _ => Err(over()),
        }
    }

    /// Compares the number, after the guess has been paid for.
    async fn guess(&self, number: &str) -> Result<Guess, Error> {
        let typed = self
            .answer
            .number
            .map(str::trim)
            .filter(|typed| !typed.is_empty())
            .ok_or_else(|| Error::invalid("verificationCode: send the number that stands on the other screen."))?;
        let attempt = Slot::number()?;
        let store = self.app.store().tenant(self.tenant.id());
        match store.spend_attempt(&self.credential.user, &self.credential.uid, &attempt, self.now).await? {
            Spent::NoSuchUser => Err(Error::InvalidCredential),
            Spent::Exhausted { .. } => Ok(Guess::Not(DeviceVerdict::Exhausted)),
            Spent::Taken(user) if bool::from(number.as_bytes().ct_eq(typed.as_bytes())) => {
                Ok(Guess::Right(user.guesses.freed_by(&attempt)))
            }
            Spent::Taken(_) => Ok(Guess::Not(DeviceVerdict::WrongNumber)),
        }
    }

    /// Writes the event down: who and how it ended, never the number.
    fn judged(&self, verdict: DeviceVerdict) -> DeviceVerdict {
        let happened = match verdict {
            DeviceVerdict::Approved => Happened::Approved,
            DeviceVerdict::Denied => Happened::Denied,
            DeviceVerdict::WrongNumber => Happened::WrongNumber,
            DeviceVerdict::Exhausted => Happened::LockedOut,
        };
        happened.count();
        let (tenant, user, challenge) = (self.tenant.id(), &self.credential.uid, &self.challenge.id);
        tracing::info!(event = "challenge_judged", outcome = happened.outcome(), %tenant, %user, %challenge);
        verdict
    }
}

enum Guess {
    Right(Vec<Slot>),
    Not(DeviceVerdict),
}

fn no_longer() -> Error {
    Error::Forbidden("The action is over, or this device may no longer answer it.".into())
}
