//! Who may begin or answer which action, by which method, now: asked here, and nowhere else.
//!
//! What is asked before a write is repeated in the condition of the write wherever it can change in between (`store::accept`,
//! `store::enrolments`, `store::account`). What only an operator changes, the configuration, is as old as its cache at most.

mod device_made;
mod judgement;
mod made_by_page;

use countersign_domain::action::About;

use crate::{
    action::{Action, FRESH_SECONDS, State},
    app::{App, TenantContext, UserCaller},
    clock::{Timestamp, is_of_the_future},
    error::Error,
    id::ActionCode,
    method::Method,
    store::UserAndAction,
    token::{self, Claims, scope},
    user::{Profile, User},
};

pub use device_made::{Asker, Beginning, made_by_device, may_begin};
pub use judgement::{Case, Judgement, Reading};
pub use made_by_page::made_by_page;

/// What a token is about, as it is now.
pub struct Admitted {
    pub user: User,
    pub profile: Profile,
    pub action: Action,
}

/// What a token is about. 401 where its user or its action is gone, where the user was reset since, where what had
/// succeeded the action was taken away, and where the time of its success has not come. One round trip.
pub async fn open(app: &App, caller: &UserCaller) -> Result<Admitted, Error> {
    let claims = &caller.claims;
    let store = app.store().tenant(caller.tenant.id());
    let key = store.action_key(&claims.sub, &claims.other.action_code, &claims.other.idempotency_key);
    let UserAndAction { user, profile, action } = store.user_profile_and_action(&claims.sub, &key).await?;
    let (user, action) = user.zip(action).ok_or_else(token::not_ours)?;
    if !is_live(claims, &user, &action) {
        return Err(token::not_ours());
    }
    if has_not_come(&action, app.now()) {
        return Err(Error::InvalidToken(NOT_COME.into()));
    }
    Ok(Admitted { user, profile: profile.map(|stored| stored.profile).unwrap_or_default(), action })
}

/// Whether a token is of this action and of this era of the user, and what succeeded the action was not taken away since.
pub fn is_live(claims: &Claims, user: &User, action: &Action) -> bool {
    let was_revoked = |one: &crate::action::Verification| user.revoked.ended(&one.authenticator, one.at, &action.id);
    action.id == claims.jti
        && user.uid == claims.other.user_uid
        && action.user_uid == user.uid
        && !action.verification.as_ref().is_some_and(was_revoked)
}

/// Whether a clock that was ahead wrote when the action succeeded. Until that time has come the success is worth nothing,
/// because it would be fresh for as long as the clock was ahead.
pub fn has_not_come(action: &Action, now: Timestamp) -> bool {
    action.verification.as_ref().is_some_and(|verification| is_of_the_future(verification.at, now))
}

/// What the holder of such a success is told.
pub const NOT_COME: &str =
    "The success is of a time that has not come yet: the server's clock was ahead. Track another action.";

/// 403 where actions of this kind are not answered by the method: it is switched off, or neither the kind nor one of its
/// rules names it. What the very action allows is the condition of the write that succeeds it.
pub fn is_answered_by(tenant: &TenantContext, code: &ActionCode, method: Method) -> Result<(), Error> {
    is_active(tenant, method)?;
    match tenant.methods_of(code).contains(&method) {
        true => Ok(()),
        false => Err(not_by(method)),
    }
}

/// 403 where the action needs no answer, or may not be answered by the method as things stand now.
pub fn may_answer(tenant: &TenantContext, action: &Action, method: Method, now: Timestamp) -> Result<(), Error> {
    if !State::ANSWERABLE.contains(&action.state) || now >= action.expires_at {
        return Err(Error::Forbidden("The action needs no challenge, or it is over. Track it again.".into()));
    }
    if !action.allowed_methods.contains(&method) {
        return Err(not_by(method));
    }
    is_answered_by(tenant, &action.code, method)
}

/// 403 where the tenant has switched a method off.
pub fn is_active(tenant: &TenantContext, method: Method) -> Result<(), Error> {
    if tenant.settings().is_active(method) {
        return Ok(());
    }
    let name = method.as_str();
    Err(Error::Forbidden(format!("{name} is switched off; set isActive of its authenticator configuration.")))
}

fn not_by(method: Method) -> Error {
    let name = method.as_str();
    Error::Forbidden(format!("The action may not be answered by {name}; use one of its allowed methods."))
}

/// 403 where the token may not enrol by this method: it is switched off, the action is over, or the user has a second factor
/// already and the token does not say that it may add, or the success that says so is older than [`FRESH_SECONDS`]. Whether the user has is a condition of the write too.
pub fn may_enrol(caller: &UserCaller, admitted: &Admitted, method: Method, now: Timestamp) -> Result<(), Error> {
    let action = &admitted.action;
    is_active(&caller.tenant, method)?;
    if method.facts().first_proof_succeeds {
        // It succeeds the action, so the action has to allow the method.
        is_answered_by(&caller.tenant, &action.code, method)?;
        if !action.allowed_methods.contains(&method) {
            return Err(not_by(method));
        }
    }
    if !State::ENROLLABLE.contains(&action.state) || now >= action.expires_at {
        return Err(Error::Forbidden("The action is over. Track it again to get a token that may enrol.".into()));
    }
    if caller.tenant.policy().has_second_factor(&admitted.user, now) && !caller.claims.allows(scope::ADD) {
        return Err(Error::Forbidden(
            "The user is enrolled already. Use the token of a succeeded challenge, or track with scope add:authenticators."
                .into(),
        ));
    }
    // A success entitles for as long as it does to any other change, and not for as long as its token lives.
    let has_enrolled = caller.tenant.policy().has_second_factor(&admitted.user, now);
    if has_enrolled && action.state == State::ChallengeSucceeded && !is_fresh(action, now) {
        return Err(Error::Forbidden(
            "The success is more than ten minutes old. Track the action again, and have it answered.".into(),
        ));
    }
    Ok(())
}

/// Whether the holder of this token has confirmed a short while ago that they are the user.
pub fn may_change(caller: &UserCaller, action: &Action, now: Timestamp) -> bool {
    action.state == State::ChallengeSucceeded && is_fresh(action, now) && caller.claims.allows(scope::UPDATE)
}

/// Whether the action was answered a short while ago.
pub fn is_fresh(action: &Action, now: Timestamp) -> bool {
    let verified = action.verification.as_ref().map(|verification| verification.at.as_second());
    verified.is_some_and(|at| now.as_second() < at + FRESH_SECONDS)
}

/// The action that a token names.
pub fn about(claims: &Claims) -> About {
    About {
        code: claims.other.action_code.clone(),
        key: claims.other.idempotency_key.clone(),
        id: claims.jti.clone(),
        is_tracked: true,
    }
}
