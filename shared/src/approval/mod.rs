//! A device approves or denies: by push, by a scanned code, or from its own app (contract, C38, C42, C43, C47).

mod in_app;
pub mod pending;
mod qr_code;

use data_encoding::BASE64;
use subtle::ConstantTimeEq;

use countersign_domain::action::About;

use crate::{
    action::{Action, Strength, Verification},
    admission::{self, Asker},
    app::{App, TenantContext},
    challenge::{self, Challenge, Decided, Kind, NUMBER_EXPECTED, State},
    clock::Timestamp,
    error::Error,
    happened::Happened,
    id::{ChallengeId, UserId, UserUid},
    limiter::{PushStarts, Slot},
    method::device::{DeviceKey, Statement},
    store::{Acceptance, Accepted, Approval, Credential, Denial, Denied, Proof, Receipt, Spent},
    tenant::Demand,
    token::Subject,
};

pub use in_app::{SignedIn, sign_in};
pub use qr_code::{Claimed, Scanned, Shown, about, claim, scanned};

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

/// The statement that the signature is of: with what the page says in words, or the older one without.
fn signed_statement(statement: &Statement<'_>, key: &DeviceKey, signature: &str) -> Result<Vec<u8>, Error> {
    let is_of = |bytes: &Vec<u8>| key.verify(bytes, signature).is_ok();
    match statement.canonical_in_words().filter(is_of) {
        Some(bytes) => Ok(bytes),
        None => Some(statement.canonical()).filter(is_of).ok_or(Error::InvalidCredential),
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
                let statement = signed_statement(&statement, &answer.key, signature)?;
                receipt.statement = Some(BASE64.encode(&statement));
                receipt.signature_v2 = Some(signature.to_owned());
            }
            // An app that answers its own question is shown nothing that it could sign, and sends no more (contract, C47).
            None if challenge.kind != Kind::InApp
                && tenant.settings().push.signature_v2 == Demand::Required
                && answer.approved =>
            {
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
        if self.answer.approved {
            // What was switched off since does not say again that it has answered.
            admission::is_answered_by(self.tenant, &about.code, self.credential.method)?;
        }
        if let Some(before) = self.answered_before(about)? {
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
    /// nobody tracked it. 403 also where the question shows no number and the tenant wants one by now.
    async fn admitted(&self, about: &About, strength: Strength) -> Result<Option<Action>, Error> {
        let Credential { user, uid, method, authenticator } = &self.credential;
        let wants_number = self.tenant.settings().push.number_matching == Demand::Required;
        if self.challenge.kind == Kind::Push && self.challenge.number.is_none() && wants_number {
            return Err(Error::Forbidden(
                "This question shows no number, and by now the tenant wants one typed. Ask by a new push.".into(),
            ));
        }
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

    /// A challenge that has come to an end: the same answer by the same device for the same action again is answered as
    /// it was. For another action it is over, whatever that one waits for.
    fn answered_before(&self, about: &About) -> Result<Option<(DeviceVerdict, Option<Timestamp>)>, Error> {
        let Self { credential, challenge, answer, now, .. } = self;
        let is_ours = |it: &&Decided| it.by == credential.authenticator && it.action.as_ref() == Some(&about.id);
        let by_us = challenge.decided.as_ref().filter(is_ours);
        match (challenge.state_at(*now), answer.approved, by_us) {
            (State::Pending, ..) => Ok(None),
            (State::Verified, true, Some(decided)) => Ok(Some((DeviceVerdict::Approved, Some(decided.at)))),
            (State::Rejected, false, Some(_)) => Ok(Some((DeviceVerdict::Denied, None))),
            _ => Err(over()),
        }
    }

    /// Compares the number, after the guess has been paid for. What can be no number costs none: 400.
    async fn guess(&self, number: &str) -> Result<Guess, Error> {
        let expected = || Error::Invalid(format!("verificationCode: {NUMBER_EXPECTED}"));
        let typed = self.answer.number.and_then(challenge::read_number).ok_or_else(expected)?;
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
