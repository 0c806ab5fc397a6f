//! Pairing a phone by a link: a page makes it, a device uses it with a new key, and the page says whether the device is
//! the user's. Only then is it enrolled.

use crate::{
    admission::{self, Admitted},
    app::{App, TenantContext, UserCaller},
    challenge::Subject,
    clock::Timestamp,
    enrolment::{self, Asking},
    error::Error,
    method::{Method, device::DeviceKey},
    pairing::{Newcomer, Pairing, PairingId, Purpose, State, Statement},
    source::Source,
    store::{PairingOf, Redeemed},
    strangers,
};

/// Makes a link for a page. 403 where its token may not enrol, as for [`enrolment::enrol_device`]; 409 without room; 429
/// where the page of this action has made too many.
pub async fn begin(app: &App, caller: &UserCaller, now: Timestamp) -> Result<PairingId, Error> {
    let Admitted { user, action, .. } = enrolment::may_enrol_device(app, caller, Method::Push, now).await?;
    strangers::admit(app, &caller.tenant, &Source::Links(action.id.clone()), now).await?;
    let id = PairingId::generate()?;
    let subject = Subject { user: user.id, uid: user.uid };
    let pairing = Pairing::new(subject, action.id, caller.claims.exp, now);
    app.store().tenant(caller.tenant.id()).begin_pairing(&id, &pairing).await?;
    tracing::info!(event = "pairing_begun", tenant = %caller.tenant.id(), user = %pairing.subject.uid);
    Ok(id)
}

/// How the pairing of a page stands; `None` for one of another page, and for one that never was.
pub async fn of_page(app: &App, caller: &UserCaller, id: &PairingId, now: Timestamp) -> Result<Option<Pairing>, Error> {
    let found = app.store().tenant(caller.tenant.id()).pairing(id).await?;
    let is_its = |one: &Pairing| one.action == caller.claims.jti && one.subject.uid == caller.claims.other.user_uid;
    Ok(found.filter(is_its).map(|one| one.at(now)))
}

/// A device that speaks of a link, by its key.
pub struct Device<'a> {
    pub pairing: &'a PairingId,
    pub key: &'a DeviceKey,
    /// ECDSA-SHA256 over the [`Statement`] of what it wants: DER, base64.
    pub signature: &'a str,
}

impl Device<'_> {
    /// Whether it has the key, and means this; its fingerprint. 403 where not.
    fn proves(&self, tenant: &TenantContext, purpose: Purpose) -> Result<String, Error> {
        let fingerprint = self.key.fingerprint();
        let statement = Statement { purpose, tenant: tenant.id(), pairing: self.pairing, fingerprint: &fingerprint };
        self.key.verify(&statement.canonical(), self.signature)?;
        Ok(fingerprint)
    }
}

/// A pairing, for the device that used its link.
pub struct DevicePairing {
    pub pairing: Pairing,
    /// What the device shows: its page shows the same.
    pub code: String,
}

/// A device uses the link; with the code that it shows. The same key again is the same answer.
///
/// 403 `invalid_credential` for a link or signature that is none, 409 where another device was first or its time is over.
pub async fn redeem(
    app: &App,
    tenant: &TenantContext,
    device: &Device<'_>,
    newcomer: &Newcomer,
    now: Timestamp,
) -> Result<DevicePairing, Error> {
    let fingerprint = device.proves(tenant, Purpose::Redeem)?;
    admission::is_active(tenant, Method::Push)?;
    let store = app.store().tenant(tenant.id());
    match store.redeem_pairing(device.pairing, &fingerprint, newcomer, now).await? {
        Redeemed::ByIt(pairing) => {
            tracing::info!(event = "pairing_redeemed", tenant = %tenant.id(), user = %pairing.subject.uid);
            Ok(DevicePairing { pairing: pairing.at(now), code: device.pairing.code(&fingerprint) })
        }
        Redeemed::Over => Err(Error::Conflict(
            "This link is over: another device has used it, or its time has passed. Have the page show a new one."
                .into(),
        )),
        Redeemed::NoSuch => Err(Error::InvalidCredential),
    }
}

/// What the page has said of a device, for the device that used the link; 403 for any other.
pub async fn status(
    app: &App,
    tenant: &TenantContext,
    device: &Device<'_>,
    now: Timestamp,
) -> Result<DevicePairing, Error> {
    let fingerprint = device.proves(tenant, Purpose::Status)?;
    let found = app.store().tenant(tenant.id()).pairing(device.pairing).await?;
    let is_its = |one: &Pairing| one.fingerprint.as_deref() == Some(fingerprint.as_str());
    let pairing = found.filter(is_its).ok_or(Error::InvalidCredential)?;
    Ok(DevicePairing { pairing: pairing.at(now), code: device.pairing.code(&fingerprint) })
}

/// What became of the word of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The device is enrolled, by this word or the same one before.
    Paired,
    Refused,
    /// Its key is enrolled already, or there is no room for it; it is refused with that.
    Taken,
    /// No device waits for it: its time has passed, or it was refused before.
    Over,
}

/// The page says that the device which waits is the user's: enrols it, once.
///
/// 403 where the token may no longer enrol, as for [`enrolment::enrol_device`].
pub async fn confirm(app: &App, caller: &UserCaller, id: &PairingId, now: Timestamp) -> Result<Word, Error> {
    for _ in 0..4 {
        let device = match of_page(app, caller, id, now).await?.map(|one| one.state) {
            // The same click again, or one whose answer was lost.
            Some(State::Confirmed { .. }) => return Ok(Word::Paired),
            Some(State::Waiting(device)) => device,
            _ => return Ok(Word::Over),
        };
        match enrolment::enrol_paired(app, caller, &asking(*device)?, id, now).await {
            Ok(_) => return Ok(Word::Paired),
            // What it was shows when the pairing is read again.
            Err(Error::Conflict(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(match refuse(app, caller, id, now).await? {
        Word::Refused => Word::Taken,
        other => other,
    })
}

/// The page says that the device is not the user's: it is forgotten.
pub async fn refuse(app: &App, caller: &UserCaller, id: &PairingId, now: Timestamp) -> Result<Word, Error> {
    let of = PairingOf { pairing: id, uid: &caller.claims.other.user_uid, action: &caller.claims.jti, now };
    let refused = app.store().tenant(caller.tenant.id()).refuse_pairing(of).await?;
    if refused {
        tracing::warn!(event = "pairing_refused", tenant = %caller.tenant.id(), user = %of.uid);
    }
    Ok(if refused { Word::Refused } else { Word::Over })
}

fn asking(device: Newcomer) -> Result<Asking, Error> {
    Ok(Asking {
        method: Method::Push,
        key: DeviceKey::parse(&device.public_key)?,
        name: device.name,
        platform: device.platform,
        model: device.model,
        device_id: device.device_id,
        push_token: device.push_token,
        takes_numbers: device.takes_numbers,
    })
}
