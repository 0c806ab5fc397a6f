//! Enrolling an authenticator: who may begin, and what is given out.

use zeroize::Zeroizing;

use crate::{
    admission::{self, Admitted},
    app::{App, UserCaller},
    authenticator::{Authenticator, UseSoFar},
    clock::Timestamp,
    error::Error,
    happened::{Event, Happened},
    id::{AuthenticatorId, length_prefixed},
    method::{
        Method,
        device::{Device, DeviceKey, DevicePlatform},
        totp::{Owner, TotpSecret},
    },
    notice::{self, Concerned},
    pairing::PairingId,
    store::{Enrolled, EnrollingAction, NewDevice},
    user::{MAX_AUTHENTICATORS, MAX_TOTP, PendingTotp, Profile, User},
};

/// A secret given out, to be confirmed by its first code.
pub struct Offer {
    pub authenticator: AuthenticatorId,
    /// `otpauth://totp/…`, for a QR code.
    pub uri: Zeroizing<String>,
    /// Base32, for typing in by hand.
    pub secret: Zeroizing<String>,
    /// What its owner called it so far.
    pub name: Option<String>,
}

/// Gives out a new secret in place of one that was not confirmed (contract, C16).
///
/// 403 where the token may not enrol: a user who has an authenticator needs a token from a succeeded challenge,
/// or the scope `add:authenticators` from track.
pub async fn begin(app: &App, caller: &UserCaller, name: Option<String>, now: Timestamp) -> Result<Offer, Error> {
    begin_anew(app, caller, &admission::open(app, caller).await?, name, now).await
}

/// The secret that this action's token was given before, or else a new one: a page may be loaded again.
pub async fn begin_or_resume(app: &App, caller: &UserCaller, now: Timestamp) -> Result<Offer, Error> {
    let admitted = admission::open(app, caller).await?;
    admission::may_enrol(caller, &admitted, Method::AuthenticatorApp, now)?;
    let Admitted { user, profile, action } = &admitted;
    has_room_for_an_app(user)?;
    match user.pending.as_ref().filter(|pending| pending.action == action.id && !pending.is_over(now)) {
        Some(pending) => {
            let key = app.data_key(&caller.tenant).await?;
            let secret = TotpSecret::open(&key, &owner(caller, &pending.id), &pending.sealed)?;
            offer(caller, profile, pending.id.clone(), &secret, pending.name.clone())
        }
        None => begin_anew(app, caller, &admitted, None, now).await,
    }
}

fn has_room_for_an_app(user: &User) -> Result<(), Error> {
    match user.totp.len() < MAX_TOTP {
        true => Ok(()),
        false => Err(Error::Conflict(format!("The user has {MAX_TOTP} authenticator apps already; remove one first."))),
    }
}

async fn begin_anew(
    app: &App,
    caller: &UserCaller,
    admitted: &Admitted,
    name: Option<String>,
    now: Timestamp,
) -> Result<Offer, Error> {
    admission::may_enrol(caller, admitted, Method::AuthenticatorApp, now)?;
    let Admitted { user, profile, action } = admitted;
    has_room_for_an_app(user)?;
    let secret = TotpSecret::generate()?;
    let key = app.data_key(&caller.tenant).await?;
    let id = secret.authenticator_id(&key, &user.uid);
    let sealed = secret.seal(&key, &owner(caller, &id))?;
    let pending = PendingTotp {
        id: id.clone(),
        sealed,
        action: action.id.clone(),
        entitled_by: action.verification.as_ref().map(|verification| verification.authenticator.clone()),
        is_first: !caller.tenant.policy().has_second_factor(user, now),
        begun_at: now,
        name: name.clone(),
    };
    if !app.store().tenant(caller.tenant.id()).begin_enrolment(user, &pending, action.verification.as_ref()).await? {
        return Err(Error::Conflict("The user changed in the meantime. Track the action again.".into()));
    }
    Happened::EnrolmentBegun.count();
    tracing::info!(event = "enrolment_begun", tenant = %caller.tenant.id(), user = %user.uid, authenticator = %id);
    offer(caller, profile, id, &secret, name)
}

/// Says what the owner calls the secret that this action's token was given.
pub async fn name_pending(app: &App, caller: &UserCaller, user: &User, name: &str) -> Result<(), Error> {
    match user.pending.as_ref().filter(|pending| pending.action == caller.claims.jti) {
        Some(pending) if pending.name.as_deref() != Some(name) => {
            app.store().tenant(caller.tenant.id()).name_pending(user, &pending.id, name).await
        }
        _ => Ok(()),
    }
}

/// A device that wants to be enrolled.
pub struct Asking {
    /// `Push`, `QrCode` or `InApp`.
    pub method: Method,
    pub key: DeviceKey,
    pub name: Option<String>,
    pub platform: DevicePlatform,
    pub model: Option<String>,
    pub device_id: Option<String>,
    pub push_token: Option<String>,
    /// Whether its app lets its user type a number (contract, C38: `verificationCode`).
    pub takes_numbers: bool,
}

/// Enrols the key of a device (contract, C32, C40, C45). The same key again for the same user is the same authenticator.
///
/// 403 where the token may not enrol, as for [`begin`]; 409 where the key is somebody else's or there is no room.
pub async fn enrol_device(
    app: &App,
    caller: &UserCaller,
    asking: &Asking,
    now: Timestamp,
) -> Result<(User, Authenticator), Error> {
    enrol(app, caller, asking, None, now).await
}

/// The same for a device that used this link, once the page says that it is the user's; the token is the page's. One
/// write enrols the device and confirms the pairing. 409 where the key is enrolled already, there is no room, or the
/// device no longer waits.
pub async fn enrol_paired(
    app: &App,
    caller: &UserCaller,
    asking: &Asking,
    pairing: &PairingId,
    now: Timestamp,
) -> Result<(User, Authenticator), Error> {
    enrol(app, caller, asking, Some(pairing), now).await
}

/// Checks that the token may enrol a device for this method now, as [`enrol_device`] does, before there is a device;
/// gives what the token is about.
pub async fn may_enrol_device(
    app: &App,
    caller: &UserCaller,
    method: Method,
    now: Timestamp,
) -> Result<Admitted, Error> {
    let admitted = admission::open(app, caller).await?;
    admission::may_enrol(caller, &admitted, method, now)?;
    has_room_for_a_device(&admitted.user)?;
    Ok(admitted)
}

fn has_room_for_a_device(user: &User) -> Result<(), Error> {
    match user.secretless.len() < MAX_AUTHENTICATORS - MAX_TOTP {
        true => Ok(()),
        false => Err(Error::Conflict("The user has as many devices as there is room for; remove one first.".into())),
    }
}

async fn enrol(
    app: &App,
    caller: &UserCaller,
    asking: &Asking,
    pairing: Option<&PairingId>,
    now: Timestamp,
) -> Result<(User, Authenticator), Error> {
    let store = app.store().tenant(caller.tenant.id());
    let claims = &caller.claims;
    let action_key = store.action_key(&claims.sub, &claims.other.action_code, &claims.other.idempotency_key);
    let mut notice = None;
    for _ in 0..4 {
        let admitted = admission::open(app, caller).await?;
        let Admitted { user, action, .. } = &admitted;
        let description = describe_device(asking, user, now);
        if user.has_authenticator(&description.id) {
            if pairing.is_some() {
                return Err(Error::Conflict("This device is paired already.".into()));
            }
            // Most likely the same call again, after a lost answer. Nothing is changed, so it does not matter who
            // calls.
            let known = store.authenticators(user).await?.into_iter().find(|one| one.id == description.id);
            return known
                .map(|known| (admitted.user, known))
                .ok_or_else(|| Error::unavailable("the user kept changing"));
        }
        admission::may_enrol(caller, &admitted, asking.method, now)?;
        has_room_for_a_device(user)?;
        if notice.is_none() {
            let concerned = Concerned { user, but: Some(&description.id) };
            let event = Event::Added { name: description.called() };
            notice = notice::announce(app, &caller.tenant, &concerned, &event, now).await;
        }
        let new = NewDevice {
            description: &description,
            key: &asking.key,
            push_token: asking.push_token.as_deref(),
            takes_numbers: asking.takes_numbers,
            action: EnrollingAction { key: &action_key, id: &action.id, success: action.verification.as_ref() },
            is_first: !caller.tenant.policy().has_second_factor(user, now),
            notice: notice.as_ref(),
            pairing,
            now,
        };
        match store.enrol_device(user, &new).await? {
            Enrolled::Yes => {
                Happened::Enrolled.count();
                tracing::info!(event = "device_enrolled", tenant = %caller.tenant.id(), user = %user.uid, authenticator = %description.id);
                return Ok((admitted.user, description));
            }
            Enrolled::KeyTaken => {
                // A lost acknowledgement of this very enrolment shows in the user's list the next time.
                let owner = store.credential(asking.method, &asking.key.fingerprint()).await?;
                if owner.is_some_and(|owner| owner.uid != user.uid) {
                    return Err(Error::Conflict("This key is enrolled for another user. Make a new one.".into()));
                }
            }
            Enrolled::Stale if pairing.is_some() => {
                return Err(Error::Conflict("The device or its user changed in the meantime.".into()));
            }
            Enrolled::Stale => {}
        }
    }
    Err(Error::unavailable("the user kept changing"))
}

fn describe_device(asking: &Asking, user: &User, now: Timestamp) -> Authenticator {
    let fingerprint = asking.key.fingerprint();
    let parts = [user.uid.as_str(), asking.method.as_str(), &fingerprint];
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &length_prefixed(&parts.map(str::as_bytes)));
    let mut half = [0; 16];
    half.copy_from_slice(&digest.as_ref()[..16]);
    Authenticator {
        id: AuthenticatorId::of(half),
        user_uid: user.uid.clone(),
        method: asking.method,
        created_at: now,
        verified_at: now,
        name: asking.name.clone(),
        email: None,
        phone_number: None,
        device: Some(Device {
            platform: asking.platform,
            public_key: asking.key.to_base64(),
            model: asking.model.clone(),
            device_id: asking.device_id.clone(),
        }),
        use_so_far: UseSoFar::default(),
    }
}

fn owner<'a>(caller: &'a UserCaller, authenticator: &'a AuthenticatorId) -> Owner<'a> {
    Owner { tenant: caller.tenant.id(), user: &caller.claims.sub, authenticator }
}

fn offer(
    caller: &UserCaller,
    profile: &Profile,
    id: AuthenticatorId,
    secret: &TotpSecret,
    name: Option<String>,
) -> Result<Offer, Error> {
    let known = [&profile.email, &profile.username, &profile.display_name];
    let account = known.into_iter().flatten().next().map_or(caller.claims.sub.as_str(), String::as_str);
    let uri = secret.uri(caller.tenant.settings().issuer(), account)?;
    Ok(Offer { authenticator: id, uri, secret: secret.to_base32(), name })
}
