//! What users do about their own authenticators (capabilities P1-P10): each change needs a success of a short while ago,
//! which is a condition of its write, and is written down where its user sees it.

use crate::{
    action::{Action, FRESH_SECONDS, State},
    app::{App, TenantContext, UserCaller},
    authenticator::Authenticator,
    clock::Timestamp,
    enrolment,
    error::Error,
    happened::Event,
    id::{ActionCode, AuthenticatorId},
    method::{
        Method,
        recovery::{self, RecoveryCode},
    },
    notice,
    store::{Change, Entitled, Removed},
    token::scope,
    user::User,
};

/// How much of what happened is shown.
const SHOWN: usize = 20;

/// A line of what happened lately.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub at: Timestamp,
    pub what: Happened,
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// An action was tracked, and came to this.
    Action {
        code: ActionCode,
        state: State,
        method: Option<Method>,
        place: Option<String>,
    },
    /// An authenticator was enrolled.
    Added(Box<Authenticator>),
    Changed(Event),
}

/// A name for an authenticator: 1 to 64 characters, none of them a control character, trimmed. 400 for another.
pub fn name(text: &str) -> Result<String, Error> {
    let name = text.trim();
    if !(1..=64).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Error::invalid("A name has 1 to 64 characters, and none that cannot be seen."));
    }
    Ok(name.to_owned())
}

/// Whether who holds this token has confirmed who it is a short while ago.
pub fn may_change(caller: &UserCaller, action: &Action, now: Timestamp) -> bool {
    let verified = action.verification.as_ref().map(|verification| verification.at.as_second());
    action.state == State::ChallengeSucceeded
        && verified.is_some_and(|at| now.as_second() < at + FRESH_SECONDS)
        && caller.claims.allows(scope::UPDATE)
}

/// Who may make changes, as of now; 403 where it has to confirm again.
struct Owner {
    user: User,
    action_key: crate::store::keys::Key,
}

impl Owner {
    async fn of(app: &App, caller: &UserCaller, needs: &str, now: Timestamp) -> Result<Self, Error> {
        let (user, _, action) = enrolment::read(app, caller).await?;
        if !may_change(caller, &action, now) || !caller.claims.allows(needs) {
            return Err(not_entitled());
        }
        let claims = &caller.claims.other;
        let store = app.store().tenant(caller.tenant.id());
        let action_key = store.action_key(&claims.user_id, &claims.action_code, &claims.idempotency_key);
        Ok(Self { user, action_key })
    }

    fn entitled<'a>(&'a self, caller: &'a UserCaller, now: Timestamp) -> Entitled<'a> {
        Entitled { action: &self.action_key, id: &caller.claims.jti, state: State::ChallengeSucceeded, now }
    }

    /// One of the user's own; 404 for any other.
    async fn authenticator(
        &self,
        app: &App,
        caller: &UserCaller,
        id: &AuthenticatorId,
    ) -> Result<Authenticator, Error> {
        let all = app.store().tenant(caller.tenant.id()).authenticators(&self.user).await?;
        all.into_iter().find(|one| one.id == *id).ok_or_else(gone)
    }
}

fn not_entitled() -> Error {
    Error::Forbidden("Confirm again that it is you: track an action, answer it, and use its token.".into())
}

fn gone() -> Error {
    Error::NotFound("The user has no authenticator with this id.".into())
}

/// Gives an authenticator another name. 403 without a recent success, 404 where there is no such authenticator.
pub async fn rename(
    app: &App,
    caller: &UserCaller,
    id: &AuthenticatorId,
    name: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let owner = Owner::of(app, caller, scope::UPDATE, now).await?;
    let old = owner.authenticator(app, caller, id).await?;
    let new = Authenticator { name: Some(name.to_owned()), ..old.clone() };
    let event = Event::Renamed { name: name.to_owned() };
    let store = app.store().tenant(caller.tenant.id());
    let by = (owner.entitled(caller, now), &event);
    done(caller, store.rename_authenticator(&owner.user, (&old, &new), by).await?, &event)?;
    notice::tell_others(app, caller, &owner.user, Some(id), now).await;
    Ok(())
}

/// Makes an authenticator the one that is asked first. 403 and 404 as [`rename`].
pub async fn make_primary(
    app: &App,
    caller: &UserCaller,
    id: &AuthenticatorId,
    now: Timestamp,
) -> Result<Authenticator, Error> {
    let owner = Owner::of(app, caller, scope::UPDATE, now).await?;
    let one = owner.authenticator(app, caller, id).await?;
    let event = Event::MadePrimary { name: called(&one) };
    let store = app.store().tenant(caller.tenant.id());
    let change = store.choose_default(&owner.user, &one, (owner.entitled(caller, now), &event)).await?;
    done(caller, change, &event)?;
    notice::tell_others(app, caller, &owner.user, Some(id), now).await;
    Ok(one)
}

/// Removes an authenticator, and tells the user's other devices. 403 and 404 as [`rename`]; 409 for the last one where the
/// tenant asks everybody for one.
pub async fn remove(
    app: &App,
    caller: &UserCaller,
    id: &AuthenticatorId,
    now: Timestamp,
) -> Result<Authenticator, Error> {
    let owner = Owner::of(app, caller, scope::REMOVE, now).await?;
    let one = owner.authenticator(app, caller, id).await?;
    let event = Event::Removed { name: called(&one) };
    let keep_last = caller.tenant.policy().is_enforced(now);
    let store = app.store().tenant(caller.tenant.id());
    match store.remove_own_authenticator(&owner.user, id, keep_last, (owner.entitled(caller, now), &event)).await? {
        Removed::Yes => done(caller, Change::Done, &event)?,
        Removed::Gone => return Err(gone()),
        Removed::Kept => return Err(Error::Conflict("This is the last authenticator, and one is asked for.".into())),
    }
    notice::tell_others(app, caller, &owner.user, Some(id), now).await;
    Ok(one)
}

/// Forgets a device that rules remember. 403 as [`rename`]; 404 where the user has none of this name.
pub async fn forget_device(app: &App, caller: &UserCaller, device: &str, now: Timestamp) -> Result<(), Error> {
    let owner = Owner::of(app, caller, scope::UPDATE, now).await?;
    let store = app.store().tenant(caller.tenant.id());
    let event = Event::DeviceForgotten;
    let change = store.forget_device(&owner.user, device, (owner.entitled(caller, now), &event)).await?;
    done(caller, change, &event)?;
    notice::tell_others(app, caller, &owner.user, None, now).await;
    Ok(())
}

/// A new set of recovery codes, to be shown this once; the old ones are worth nothing from then on.
///
/// 403 as [`rename`], and where the tenant uses no recovery codes.
pub async fn regenerate_recovery_codes(app: &App, caller: &UserCaller, now: Timestamp) -> Result<Vec<String>, Error> {
    if caller.tenant.settings().recovery_codes.disable_recovery_codes {
        return Err(Error::Forbidden("Recovery codes are switched off.".into()));
    }
    let owner = Owner::of(app, caller, scope::UPDATE, now).await?;
    let codes = recovery::generate()?;
    let hashes = hashes(app, &caller.tenant, &owner.user, &codes).await?;
    let event = Event::NewRecoveryCodes;
    let store = app.store().tenant(caller.tenant.id());
    let by = (false, Some(owner.entitled(caller, now)));
    done(caller, store.put_recovery_codes(&owner.user, &hashes, by, (&event, now)).await?, &event)?;
    notice::tell_others(app, caller, &owner.user, None, now).await;
    Ok(codes.iter().map(RecoveryCode::shown).collect())
}

/// The first recovery codes of a user who has just set something up, to be shown this once; `None` where there are some
/// already, where the tenant uses none, or where the token has not proved or set up all that there is.
pub async fn first_recovery_codes(
    app: &App,
    caller: &UserCaller,
    now: Timestamp,
) -> Result<Option<Vec<String>>, Error> {
    if caller.tenant.settings().recovery_codes.disable_recovery_codes {
        return Ok(None);
    }
    let (user, _, action) = enrolment::read(app, caller).await?;
    let store = app.store().tenant(caller.tenant.id());
    let is_entitled = match action.state {
        State::ChallengeSucceeded => true,
        State::Allow if now < action.expires_at => {
            // Nobody has proved anything; but whoever set up everything there is may have what goes with it.
            store.authenticators(&user).await?.iter().all(|one| one.created_at >= action.created_at)
        }
        _ => false,
    };
    if !is_entitled || !user.is_enrolled() {
        return Ok(None);
    }
    let other = &caller.claims.other;
    let key = store.action_key(&other.user_id, &other.action_code, &other.idempotency_key);
    let entitled = Entitled { action: &key, id: &caller.claims.jti, state: action.state, now };
    let codes = first_of(app, &caller.tenant, &user, (Some(entitled), now)).await?;
    if codes.is_some() {
        done(caller, Change::Done, &Event::NewRecoveryCodes)?;
    }
    Ok(codes)
}

/// The first recovery codes of a user for the backend that enrolled it (contract, S7); none where there are some already,
/// or the tenant wants none there.
pub async fn recovery_codes_of_backend(
    app: &App,
    tenant: &TenantContext,
    user: &User,
    now: Timestamp,
) -> Result<Vec<String>, Error> {
    let settings = tenant.settings().recovery_codes;
    if settings.disable_recovery_codes || settings.skip_recovery_codes_on_programmatic_enrollment {
        return Ok(Vec::new());
    }
    Ok(first_of(app, tenant, user, (None, now)).await?.unwrap_or_default())
}

/// A set for a user who has none; of two at once, one is made.
async fn first_of(
    app: &App,
    tenant: &TenantContext,
    user: &User,
    (entitled, now): (Option<Entitled<'_>>, Timestamp),
) -> Result<Option<Vec<String>>, Error> {
    let codes = recovery::generate()?;
    let hashes = hashes(app, tenant, user, &codes).await?;
    let event = (&Event::NewRecoveryCodes, now);
    Ok(match app.store().tenant(tenant.id()).put_recovery_codes(user, &hashes, (true, entitled), event).await? {
        Change::Stale => None,
        Change::Done => Some(codes.iter().map(RecoveryCode::shown).collect()),
    })
}

/// How many recovery codes are left; `None` where the tenant uses none.
pub async fn recovery_codes_left(app: &App, caller: &UserCaller, user: &User) -> Result<Option<usize>, Error> {
    if caller.tenant.settings().recovery_codes.disable_recovery_codes || !user.is_enrolled() {
        return Ok(None);
    }
    let codes = app.store().tenant(caller.tenant.id()).recovery_codes(user).await?;
    Ok(Some(codes.map_or(0, |codes| codes.len())))
}

async fn hashes(app: &App, tenant: &TenantContext, user: &User, codes: &[RecoveryCode]) -> Result<Vec<String>, Error> {
    let key = app.data_key(tenant).await?;
    Ok(codes.iter().map(|code| code.hash(&key, &user.uid)).collect())
}

/// What happened lately, newest first: the user's actions, and changes of their authenticators.
pub async fn activity(app: &App, caller: &UserCaller, user: &User, now: Timestamp) -> Result<Vec<Entry>, Error> {
    let store = app.store().tenant(caller.tenant.id());
    let month = Timestamp::from_second(now.as_second() - 30 * 24 * 3600).map_err(Error::internal)?;
    let mut entries = Vec::new();
    for action in store.actions_since(user, month).await?.into_iter().take(SHOWN) {
        let input: serde_json::Value = serde_json::from_str(&action.input).unwrap_or_default();
        let address = input.get("ipAddress").and_then(|address| address.as_str());
        let place = address.map(|address| app.places().name_of(address).unwrap_or_else(|| address.to_owned()));
        let method = action.verification.as_ref().map(|verification| verification.method);
        let what = Happened::Action { code: action.code, state: action.state, method, place };
        entries.push(Entry { at: action.state_changed_at, what });
    }
    let events = store.events(user, SHOWN).await?;
    entries.extend(events.into_iter().map(|(at, event)| Entry { at, what: Happened::Changed(event) }));
    let added = store.authenticators(user).await?;
    entries.extend(added.into_iter().map(|one| Entry { at: one.verified_at, what: Happened::Added(Box::new(one)) }));
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    entries.truncate(SHOWN);
    Ok(entries)
}

/// What an authenticator is called in what happened.
fn called(one: &Authenticator) -> String {
    let model = one.device.as_ref().and_then(|device| device.model.clone());
    one.name.clone().or(model).unwrap_or_else(|| one.method.as_str().to_owned())
}

/// Writes the event into the log; 404 where the change found nothing to change.
fn done(caller: &UserCaller, change: Change, event: &Event) -> Result<(), Error> {
    if change == Change::Stale {
        return Err(gone());
    }
    let user = &caller.claims.other.user_uid;
    tracing::info!(event = event.name(), tenant = %caller.tenant.id(), user = %user, action = %caller.claims.jti);
    Ok(())
}
