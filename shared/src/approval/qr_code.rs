//! A scanned code: a device claims it, and the page that shows it asks how it stands (contract, C42, C48, C49).

use countersign_domain::action::About;
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

use super::{Answer, Answering, subject};
use crate::{
    action::Strength,
    admission::{self, Beginning},
    app::{App, TenantContext},
    challenge::{Challenge, Kind, State},
    clock::Timestamp,
    error::Error,
    id::{ActionCode, ActionId, ChallengeId, IdempotencyKey, digest},
    method::{Method, device::Context},
    push::{self, Standing},
    secret::random,
    source::Source,
    store::Credential,
    strangers,
};

/// How long a code is shown: as long as the SDKs show one before they ask for another (security.md, T24). The device that
/// claims it has two minutes at most.
const SHOWN_SECONDS: i64 = 540;

/// A code to be shown.
pub struct Shown {
    pub challenge: Challenge,
    /// What its page polls with, and shows to nobody.
    pub device_code: String,
}

impl Shown {
    pub fn new(now: Timestamp) -> Result<Self, Error> {
        let device_code = BASE64URL_NOPAD.encode(&random::<32>()?);
        let mut challenge = Challenge::new(Kind::QrCode, now, SHOWN_SECONDS);
        challenge.poll_hash = Some(digest(&[device_code.as_bytes()]));
        Ok(Self { challenge, device_code })
    }

    /// The same for a sign-in of somebody of whom nothing is known. 403 where nobody may begin such an action.
    pub fn to_anybody(
        tenant: &TenantContext,
        code: ActionCode,
        context: Context,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let mut shown = Self::new(now)?;
        shown.challenge.context = Context { is_claimed: true, ..context };
        let (method, may_be_tracked) = (Method::QrCode, false);
        let beginning = Beginning { code: &code, method, context: &shown.challenge.context, may_be_tracked };
        admission::may_begin(tenant, &beginning)?;
        shown.challenge.about = Some(about(code, None));
        Ok(shown)
    }

    /// Writes it, where its source has not begun too much: 429 otherwise. `address` is where the page is, as far as this
    /// server sees; where the backend has said it, that counts.
    pub async fn begin(
        &mut self,
        app: &App,
        tenant: &TenantContext,
        source: &Source,
        address: Option<&String>,
    ) -> Result<(), Error> {
        let context = &mut self.challenge.context;
        context.ip_address = context.ip_address.take().or_else(|| address.cloned());
        if context.place.is_none() {
            context.place = context.ip_address.as_ref().and_then(|address| app.places().name_of(address));
        }
        strangers::admit(app, tenant, source, self.challenge.created_at).await?;
        app.store().tenant(tenant.id()).ask(&self.challenge).await
    }
}

/// A code that a device has claimed, with what it is shown of it.
pub struct Claimed {
    pub credential: Credential,
    pub challenge: Challenge,
}

/// Gives a scanned challenge to the device that asks first (contract, C42), and shows it what it is about. 403 where what it
/// is about is not open to this user by a code, as things stand now.
pub async fn claim(app: &App, tenant: &TenantContext, answer: &Answer<'_>, now: Timestamp) -> Result<Claimed, Error> {
    let answering = Answering::of(app, tenant, Kind::QrCode, answer, now).await?;
    let Answering { credential, challenge, .. } = &answering;
    // A challenge that another device has claimed is about that device's user by now; the write below refuses it.
    let is_free = challenge.claimed_by.is_none();
    if is_free && challenge.subject.as_ref().is_some_and(|subject| subject.uid != credential.uid) {
        return Err(Error::InvalidCredential);
    }
    let about = challenge.about.as_ref().ok_or(Error::InvalidCredential)?;
    if is_free {
        answering.admitted(about, Strength::default()).await?;
    }
    let store = app.store().tenant(tenant.id());
    let claimed = store.claim(challenge, credential, now).await?;
    let challenge = claimed
        .ok_or_else(|| Error::Conflict("The code was scanned by another device, or its time has passed.".into()))?;
    tracing::info!(event = "challenge_claimed", tenant = %tenant.id(), user = %credential.uid, challenge = %challenge.id);
    Ok(Claimed { credential: answering.credential, challenge })
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
    id: &ChallengeId,
    device_code: &str,
    now: Timestamp,
) -> Result<Scanned, Error> {
    let keys = app.signing_keys(tenant).await?;
    let store = app.store().tenant(tenant.id());
    let hash = digest(&[device_code.as_bytes()]);
    let is_ours = |one: &Challenge| {
        let known = one.poll_hash.as_deref().unwrap_or_default();
        one.kind == Kind::QrCode && bool::from(known.as_bytes().ct_eq(hash.as_bytes()))
    };
    let challenge = store.challenge(id).await?.filter(is_ours).ok_or(Error::InvalidCredential)?;
    let challenge = push::settled(app, tenant.id(), challenge, now).await?;
    let is_claimed = challenge.claimed_by.is_some();
    let standing = match (challenge.state, challenge.subject, challenge.about, challenge.decided) {
        (State::Pending, ..) => Standing::Pending { number: None, expires_at: challenge.expires_at },
        (State::Rejected, ..) => Standing::Rejected,
        (State::Verified, Some(owner), Some(about), Some(decided)) => {
            // The user is known only now. One that was reset, or lost the device, since the approval is given nothing.
            let user = store.user(&owner.user).await?.filter(|user| user.uid == owner.uid);
            let user = user.filter(|user| !user.revoked.ended(&decided.by, decided.at, &about.id));
            let subject = subject(tenant, &owner.user, &owner.uid, &about);
            match user {
                Some(_) => tenant.success_token(keys, subject, about.id, decided.at, now)?,
                None => None,
            }
            .map_or(Standing::Expired, |token| Standing::Approved { token })
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
