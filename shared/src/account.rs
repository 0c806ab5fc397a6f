//! What users do about their own authenticators (capabilities P1-P10): each change needs a success of a short while ago,
//! which is a condition of its write, and is written down where its user sees it.

mod anew;
mod codes;

use crate::{
    action::{State, Verification},
    admission::{self, Admitted},
    app::{App, UserCaller},
    authenticator::Authenticator,
    challenge::Challenge,
    clock::Timestamp,
    error::Error,
    happened::Event,
    id::{ActionCode, AuthenticatorId},
    method::Method,
    notice::{self, Concerned},
    store::{Change, Entitled, Entitlement, OwnChange, Removed, keys::Key},
    token::scope,
    typed,
    user::User,
};

pub use anew::{ask_anew, may_ask_anew};
pub use codes::{
    Codes, first_recovery_codes, keep_recovery_codes, recovery_codes_left, recovery_codes_of_backend,
    regenerate_recovery_codes,
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
    if typed::is_blank(name) || name.chars().count() > 64 || name.chars().any(char::is_control) {
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

/// Removes an authenticator, and tells the user's other devices. 403 and 404 as [`rename`], and 403 where the tenant lets
/// users remove nothing; 409 for the last one where the tenant asks everybody for one, or lets nobody do without.
pub async fn remove(
    app: &App,
    caller: &UserCaller,
    id: &AuthenticatorId,
    now: Timestamp,
) -> Result<Authenticator, Error> {
    let owner = Owner::of(app, caller, scope::REMOVE, now).await?;
    if !caller.tenant.settings().pages.allow_deleting_user_authenticators {
        return Err(Error::Forbidden("The tenant lets users remove nothing (allowDeletingUserAuthenticators).".into()));
    }
    let one = owner.authenticator(id).await?;
    let event = Event::Removed { name: one.called() };
    let keep_last = caller.tenant.keeps_last(now);
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
