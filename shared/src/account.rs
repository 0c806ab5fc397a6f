//! What users do about their own authenticators (capabilities P1-P10): each change needs a success of a short while ago,
//! which is a condition of its write, and is written down where its user sees it.

use crate::{
    action::{State, Verification},
    admission::{self, Admitted},
    app::{App, TenantContext, UserCaller},
    authenticator::Authenticator,
    challenge::Challenge,
    clock::Timestamp,
    error::Error,
    happened::Event,
    id::{ActionCode, AuthenticatorId},
    method::{
        Method,
        recovery::{self, RecoveryCode},
    },
    notice::{self, Concerned},
    store::{Change, Entitled, Entitlement, NewCodes, OwnChange, Removed, keys::Key},
    token::scope,
    user::User,
};

/// How much of what happened is shown.
const SHOWN: usize = 20;

/// A line of what happened lately.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub at: Timestamp,
    pub what: Occurrence,
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Occurrence {
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

/// A user who changes something of their own, as read now.
struct Owner<'a> {
    app: &'a App,
    caller: &'a UserCaller,
    user: User,
    action_key: Key,
    verification: Verification,
    now: Timestamp,
}

impl<'a> Owner<'a> {
    /// 403 where they have to confirm again, or the token lacks the scope.
    async fn of(app: &'a App, caller: &'a UserCaller, needs: &str, now: Timestamp) -> Result<Self, Error> {
        let Admitted { user, action, .. } = admission::open(app, caller).await?;
        let may = admission::may_change(caller, &action, now) && caller.claims.allows(needs);
        let verification = action.verification.filter(|_| may).ok_or_else(not_entitled)?;
        Ok(Self { app, caller, user, action_key: action_key(app, caller), verification, now })
    }

    fn entitled(&self) -> Entitled<'_> {
        let how = Entitlement::Success(&self.verification);
        Entitled { action: &self.action_key, id: &self.caller.claims.jti, how, now: self.now }
    }

    /// Sends the notice to the other devices; it is to be written with the change.
    async fn announce(&self, event: &Event, about: Option<&AuthenticatorId>) -> Option<Challenge> {
        let concerned = Concerned { user: &self.user, but: about };
        notice::announce(self.app, &self.caller.tenant, &concerned, event, self.now).await
    }

    fn change<'b>(&'b self, event: &'b Event, notice: Option<&'b Challenge>) -> OwnChange<'b> {
        OwnChange { by: self.entitled(), event, notice }
    }

    /// One of the user's own; 404 for any other.
    async fn authenticator(&self, id: &AuthenticatorId) -> Result<Authenticator, Error> {
        let all = self.app.store().tenant(self.caller.tenant.id()).authenticators(&self.user).await?;
        all.into_iter().find(|one| one.id == *id).ok_or_else(gone)
    }
}

fn action_key(app: &App, caller: &UserCaller) -> Key {
    let claims = &caller.claims.other;
    let store = app.store().tenant(caller.tenant.id());
    store.action_key(&claims.user_id, &claims.action_code, &claims.idempotency_key)
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
    let old = owner.authenticator(id).await?;
    let new = Authenticator { name: Some(name.to_owned()), ..old.clone() };
    let event = Event::Renamed { name: name.to_owned() };
    let notice = owner.announce(&event, Some(id)).await;
    let store = app.store().tenant(caller.tenant.id());
    let changed = store.rename_authenticator(&owner.user, &old, &new, &owner.change(&event, notice.as_ref())).await?;
    done(caller, changed, &event)
}

/// Makes an authenticator the one that is asked first. 403 and 404 as [`rename`].
pub async fn make_primary(
    app: &App,
    caller: &UserCaller,
    id: &AuthenticatorId,
    now: Timestamp,
) -> Result<Authenticator, Error> {
    let owner = Owner::of(app, caller, scope::UPDATE, now).await?;
    let one = owner.authenticator(id).await?;
    let event = Event::MadePrimary { name: one.called() };
    let notice = owner.announce(&event, Some(id)).await;
    let store = app.store().tenant(caller.tenant.id());
    let changed = store.choose_default(&owner.user, &one, &owner.change(&event, notice.as_ref())).await?;
    done(caller, changed, &event)?;
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
    let one = owner.authenticator(id).await?;
    let event = Event::Removed { name: one.called() };
    let keep_last = caller.tenant.policy().is_enforced(now);
    let notice = owner.announce(&event, Some(id)).await;
    let store = app.store().tenant(caller.tenant.id());
    let change = owner.change(&event, notice.as_ref());
    match store.remove_own_authenticator(&owner.user, id, keep_last, &change).await? {
        Removed::Yes => done(caller, Change::Done, &event)?,
        Removed::Gone => return Err(gone()),
        Removed::Kept => return Err(Error::Conflict("This is the last authenticator, and one is asked for.".into())),
    }
    Ok(one)
}

/// Forgets a device that rules remember. 403 as [`rename`]; 404 where the user has none of this name.
pub async fn forget_device(app: &App, caller: &UserCaller, device: &str, now: Timestamp) -> Result<(), Error> {
    let owner = Owner::of(app, caller, scope::UPDATE, now).await?;
    let event = Event::DeviceForgotten;
    let notice = owner.announce(&event, None).await;
    let store = app.store().tenant(caller.tenant.id());
    let changed = store.forget_device(&owner.user, device, &owner.change(&event, notice.as_ref())).await?;
    done(caller, changed, &event)
}

/// A new set of recovery codes, to be shown this once; the old ones are worth nothing from then on.
///
/// 403 as [`rename`], and where the tenant uses no recovery codes.
pub async fn regenerate_recovery_codes(app: &App, caller: &UserCaller, now: Timestamp) -> Result<Vec<String>, Error> {
    admission::is_active(&caller.tenant, Method::RecoveryCode)?;
    let owner = Owner::of(app, caller, scope::UPDATE, now).await?;
    let notice = owner.announce(&Event::NewRecoveryCodes, None).await;
    let codes = recovery::generate()?;
    let hashes = hashes(app, &caller.tenant, &owner.user, &codes).await?;
    let key = app.data_key(&caller.tenant).await?;
    let old = recovery::authenticator_id(&key, &owner.user.uid);
    let by = Some(owner.entitled());
    let new = NewCodes { hashes: &hashes, instead_of: Some(&old), by, notice: notice.as_ref(), now };
    let changed = app.store().tenant(caller.tenant.id()).put_recovery_codes(&owner.user, &new).await?;
    done(caller, changed, &Event::NewRecoveryCodes)?;
    Ok(codes.iter().map(RecoveryCode::shown).collect())
}

/// The first recovery codes of a user who has just set something up, to be shown this once; `None` where there are some
/// already, where the tenant uses none, or where the token's action neither succeeded a short while ago nor completed
/// the first enrolment itself. An enrolment by somebody else entitles nobody (security.md, T35).
pub async fn first_recovery_codes(
    app: &App,
    caller: &UserCaller,
    now: Timestamp,
) -> Result<Option<Vec<String>>, Error> {
    if !caller.tenant.settings().is_active(Method::RecoveryCode) {
        return Ok(None);
    }
    let Admitted { user, action, .. } = admission::open(app, caller).await?;
    let how = match (&action.verification, &action.enrolled) {
        (Some(verification), _) if action.state == State::ChallengeSucceeded => Entitlement::Success(verification),
        (None, Some(enrolled)) if action.state == State::Allow && user.has_authenticator(enrolled) => {
            Entitlement::Enrolment(enrolled)
        }
        _ => return Ok(None),
    };
    let key = action_key(app, caller);
    let entitled = Entitled { action: &key, id: &caller.claims.jti, how, now };
    let codes = first_of(app, &caller.tenant, &user, Some(entitled), now).await?;
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
    let skip = tenant.settings().recovery_codes.skip_recovery_codes_on_programmatic_enrollment;
    if skip || !tenant.settings().is_active(Method::RecoveryCode) {
        return Ok(Vec::new());
    }
    Ok(first_of(app, tenant, user, None, now).await?.unwrap_or_default())
}

/// A set for a user who has none. Of two calls at once, one makes it.
async fn first_of(
    app: &App,
    tenant: &TenantContext,
    user: &User,
    by: Option<Entitled<'_>>,
    now: Timestamp,
) -> Result<Option<Vec<String>>, Error> {
    let notice = notice::announce(app, tenant, &Concerned { user, but: None }, &Event::NewRecoveryCodes, now).await;
    let codes = recovery::generate()?;
    let hashes = hashes(app, tenant, user, &codes).await?;
    let new = NewCodes { hashes: &hashes, instead_of: None, by, notice: notice.as_ref(), now };
    Ok(match app.store().tenant(tenant.id()).put_recovery_codes(user, &new).await? {
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
        let what = Occurrence::Action { code: action.code, state: action.state, method, place };
        entries.push(Entry { at: action.state_changed_at, what });
    }
    let events = store.events(user, SHOWN).await?;
    entries.extend(events.into_iter().map(|(at, event)| Entry { at, what: Occurrence::Changed(event) }));
    let added = store.authenticators(user).await?;
    entries.extend(added.into_iter().map(|one| Entry { at: one.verified_at, what: Occurrence::Added(Box::new(one)) }));
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    entries.truncate(SHOWN);
    Ok(entries)
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
