//! Recovery codes. The set of a page follows from the form that asked for it (`CodeSet::of_form`): the same form sent again,
//! after a lost answer, a reload or a dropped tab, shows the same ten codes, and another form shows none of them.

use super::{Owner, action_key, done, gone};
use crate::{
    action::State,
    admission::{self, Admitted},
    app::{App, TenantContext, UserCaller},
    clock::Timestamp,
    error::Error,
    form::Sent,
    happened::Event,
    id::ActionId,
    method::{
        Method,
        recovery::{self, CodeSet},
    },
    notice::{self, Concerned},
    store::{Change, Entitled, Entitlement, NewCodes, StoredCodes},
    user::User,
};

/// A set to be shown.
pub struct Codes {
    pub shown: Vec<String>,
    /// What the set is known by, for the word that it is kept. It tells nothing of the codes.
    pub set: String,
}

impl From<&CodeSet> for Codes {
    fn from(set: &CodeSet) -> Self {
        Self { shown: set.shown(), set: set.id.clone() }
    }
}

/// What a form asks for: its set, and what is there.
struct Asked {
    action: ActionId,
    set: CodeSet,
    hashes: Vec<String>,
    found: Option<StoredCodes>,
}

impl Asked {
    async fn by(app: &App, caller: &UserCaller, user: &User, sent: &Sent<'_>) -> Result<Self, Error> {
        let key = app.data_key(&caller.tenant).await?;
        let set = CodeSet::of_form(&key, &user.uid, &caller.claims.jti, sent.seal)?;
        let found = app.store().tenant(caller.tenant.id()).recovery_codes(user).await?;
        Ok(Self { action: caller.claims.jti.clone(), hashes: set.hashes(&key, &user.uid), set, found })
    }

    /// The codes, where this very form has made them and they were not said to be kept.
    fn made(&self, now: Timestamp) -> Option<Codes> {
        let is_ours = |found: &&StoredCodes| {
            found.id.as_ref() == Some(&self.set.id) && found.by.as_ref() == Some(&self.action) && found.awaits_word(now)
        };
        self.found.as_ref().filter(is_ours).map(|_| Codes::from(&self.set))
    }

    /// Whether a set was made since the form was sent first, which the form does not undo when it comes again.
    fn is_too_late(&self, sent: &Sent<'_>) -> bool {
        let first = sent.before.unwrap_or(Timestamp::MAX);
        self.found.as_ref().is_some_and(|found| found.id.as_ref() == Some(&self.set.id) || found.made_at >= first)
    }
}

/// A new set of recovery codes. The old ones are good until [`keep_recovery_codes`], for ten minutes at most; what they had
/// succeeded ends at once. The same form again shows the same set.
///
/// 403 as [`super::rename`], and where the tenant uses no recovery codes; 409 where the form was sent before, and its set
/// is kept or another took its place.
pub async fn regenerate_recovery_codes(
    app: &App,
    caller: &UserCaller,
    sent: &Sent<'_>,
    now: Timestamp,
) -> Result<Codes, Error> {
    admission::is_active(&caller.tenant, Method::RecoveryCode)?;
    let mut notice = None;
    // Each turn that finds its reading stale means that a code was used or a set was made, so there are few.
    for _ in 0..4 {
        let owner = Owner::of(app, caller, crate::token::scope::UPDATE, now).await?;
        let asked = Asked::by(app, caller, &owner.user, sent).await?;
        if let Some(codes) = asked.made(now) {
            return Ok(codes);
        }
        if asked.is_too_late(sent) {
            return Err(Error::Conflict("This form was sent before, and its codes are not shown again.".into()));
        }
        if notice.is_none() {
            notice = owner.announce(&Event::NewRecoveryCodes, None).await;
        }
        let key = app.data_key(&caller.tenant).await?;
        let old = recovery::authenticator_id(&key, &owner.user.uid);
        let new = NewCodes {
            id: &asked.set.id,
            hashes: &asked.hashes,
            over: asked.found.as_ref(),
            ends: Some(&old),
            by: Some(owner.entitled()),
            notice: notice.as_ref(),
            now,
        };
        if app.store().tenant(caller.tenant.id()).put_recovery_codes(&owner.user, &new).await? == Change::Done {
            done(caller, Change::Done, &Event::NewRecoveryCodes)?;
            return Ok(Codes::from(&asked.set));
        }
    }
    Err(gone())
}

/// The first recovery codes of a user who has just set something up; `None` where there are some already, where the tenant
/// uses none, or where the token's action neither succeeded a short while ago nor completed the first enrolment itself. An
/// enrolment by somebody else entitles nobody (security.md, T35).
///
/// The same form again shows the same set. Another form of the same action makes another one, as long as nobody has said
/// that the first is kept: its page may have been lost.
pub async fn first_recovery_codes(
    app: &App,
    caller: &UserCaller,
    sent: &Sent<'_>,
    now: Timestamp,
) -> Result<Option<Codes>, Error> {
    if !caller.tenant.settings().is_active(Method::RecoveryCode) {
        return Ok(None);
    }
    let key = action_key(app, caller);
    for _ in 0..4 {
        let Admitted { user, action, .. } = admission::open(app, caller).await?;
        let how = match (&action.verification, &action.enrolled) {
            (Some(verification), _) if action.state == State::ChallengeSucceeded => Entitlement::Success(verification),
            (None, Some(enrolled)) if action.state == State::Allow && user.has_authenticator(enrolled) => {
                Entitlement::Enrolment(enrolled)
            }
            _ => return Ok(None),
        };
        let asked = Asked::by(app, caller, &user, sent).await?;
        if let Some(codes) = asked.made(now) {
            return Ok(Some(codes));
        }
        let is_open = |found: &StoredCodes| found.by.as_ref() == Some(&caller.claims.jti) && found.awaits_word(now);
        if asked.found.as_ref().is_some_and(|found| !is_open(found)) || asked.is_too_late(sent) {
            return Ok(None);
        }
        let concerned = Concerned { user: &user, but: None };
        let notice = match asked.found {
            // They were told of this action's first set.
            Some(_) => None,
            None => notice::announce(app, &caller.tenant, &concerned, &Event::NewRecoveryCodes, now).await,
        };
        let new = NewCodes {
            id: &asked.set.id,
            hashes: &asked.hashes,
            over: asked.found.as_ref(),
            ends: None,
            by: Some(Entitled { action: &key, id: &caller.claims.jti, how, now }),
            notice: notice.as_ref(),
            now,
        };
        if app.store().tenant(caller.tenant.id()).put_recovery_codes(&user, &new).await? == Change::Done {
            done(caller, Change::Done, &Event::NewRecoveryCodes)?;
            return Ok(Some(Codes::from(&asked.set)));
        }
    }
    Ok(None)
}

/// Takes the user's word that a set is kept: the one before it lets nobody in from then on, and nobody is shown this one
/// again. 409 where another set has taken its place, so that nobody keeps codes that let nobody in.
pub async fn keep_recovery_codes(app: &App, caller: &UserCaller, user: &User, set: &str) -> Result<(), Error> {
    if set.is_empty() {
        return Ok(());
    }
    match app.store().tenant(caller.tenant.id()).keep_recovery_codes(user, set).await? {
        Change::Done => Ok(()),
        Change::Stale => Err(Error::Conflict("These codes were replaced by newer ones.".into())),
    }
}

/// The first recovery codes of a user for the backend that enrolled it (contract, S7); none where there are some already,
/// or the tenant wants none there. Of two calls at once, one makes them.
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
    let notice = notice::announce(app, tenant, &Concerned { user, but: None }, &Event::NewRecoveryCodes, now).await;
    let (set, key) = (CodeSet::generate()?, app.data_key(tenant).await?);
    let hashes = set.hashes(&key, &user.uid);
    let notice = notice.as_ref();
    let new = NewCodes { id: &set.id, hashes: &hashes, over: None, ends: None, by: None, notice, now };
    Ok(match app.store().tenant(tenant.id()).put_recovery_codes(user, &new).await? {
        Change::Stale => Vec::new(),
        Change::Done => set.shown(),
    })
}

/// How many recovery codes are left; `None` where the tenant uses none.
pub async fn recovery_codes_left(app: &App, caller: &UserCaller, user: &User) -> Result<Option<usize>, Error> {
    if caller.tenant.settings().recovery_codes.disable_recovery_codes || !user.is_enrolled() {
        return Ok(None);
    }
    let codes = app.store().tenant(caller.tenant.id()).recovery_codes(user).await?;
    Ok(Some(codes.map_or(0, |codes| codes.left())))
}
