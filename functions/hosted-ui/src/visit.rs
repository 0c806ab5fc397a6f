//! Somebody at a page: with which token, about what, in which language, and in what kind of window.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use countersign_core::{
    account,
    action::{Action, State},
    admission::{self, Admitted},
    app::{App, TenantContext, UserCaller},
    clock::Timestamp,
    error::Error,
    look::Look,
    messages::{Language, Messages},
    method::Method,
    redirect,
    token::{self, scope},
    user::{Profile, RequiredAction, User},
};

use crate::way::Way;

pub(crate) use crate::fields::{After, Fields, Flags};

/// In which words and looks a page is shown.
#[derive(Clone)]
pub(crate) struct Manner {
    pub(crate) tenant: Option<Arc<TenantContext>>,
    pub(crate) language: Language,
    pub(crate) look: Arc<Look>,
    pub(crate) flags: Flags,
}

impl Manner {
    /// For somebody without a good token. It may still name a tenant, whose looks are no secret.
    pub(crate) async fn of_stranger(app: &App, fields: &Fields, headers: &HeaderMap) -> Self {
        let tenant = match token::claimed_tenant(fields.get("token")) {
            Ok(id) => app.tenant(&id).await.ok().flatten(),
            Err(_) => None,
        };
        Self::of_tenant(app, tenant, fields, headers).await
    }

    /// For somebody of whom no more is known than the tenant.
    pub(crate) async fn of_tenant(
        app: &App,
        tenant: Option<Arc<TenantContext>>,
        fields: &Fields,
        headers: &HeaderMap,
    ) -> Self {
        let look = match &tenant {
            Some(tenant) => app.look(tenant).await.unwrap_or_default(),
            None => Arc::default(),
        };
        let flags = tenant.as_ref().map(|tenant| Flags::of(fields, tenant, headers)).unwrap_or_default();
        Self { tenant, language: Language::negotiate([], accept_language(headers)), look, flags }
    }

    pub(crate) fn messages(&self) -> Messages<'_> {
        self.look.messages(self.language)
    }

    /// What the tenant is called; nothing where none is known.
    pub(crate) fn name(&self) -> &str {
        self.tenant.as_ref().map_or("", |tenant| tenant.settings().name.as_str())
    }
}

/// A browser that came with a token, and what the token is about.
pub(crate) struct Visit {
    pub(crate) caller: UserCaller,
    pub(crate) token: String,
    pub(crate) user: User,
    pub(crate) action: Action,
    /// Whether the user has a second factor, as the tenant's policy counts it. A user who has none is led to set-up.
    pub(crate) has_second_factor: bool,
    pub(crate) manner: Manner,
    /// What is known of the user.
    pub(crate) profile: Profile,
    /// When the request came.
    pub(crate) now: Timestamp,
    /// What the backend said of the action.
    pub(crate) input: serde_json::Value,
}

impl Visit {
    pub(crate) async fn begin(app: &App, fields: &Fields, headers: &HeaderMap) -> Result<Self, Error> {
        Self::of(app, app.open_token(fields.get("token")).await?, fields, headers).await
    }

    /// A visit with a token that has expired. It leads back to the app, and to nothing else.
    pub(crate) async fn of_the_past(app: &App, fields: &Fields, headers: &HeaderMap) -> Result<Self, Error> {
        Self::of(app, app.open_token_of_the_past(fields.get("token")).await?, fields, headers).await
    }

    async fn of(app: &App, caller: UserCaller, fields: &Fields, headers: &HeaderMap) -> Result<Self, Error> {
        let token = fields.get("token").to_owned();
        let look = app.look(&caller.tenant).await?;
        let Admitted { user, profile, action } = admission::open(app, &caller).await?;
        let input: serde_json::Value = serde_json::from_str(&action.input).unwrap_or_default();
        let told = [input.get("locale").and_then(|locale| locale.as_str()), profile.locale.as_deref()];
        let language = Language::negotiate(told.into_iter().flatten(), accept_language(headers));
        let flags = Flags::of(fields, &caller.tenant, headers);
        let manner = Manner { tenant: Some(caller.tenant.clone()), language, look, flags };
        let now = app.now();
        let has_second_factor = caller.tenant.policy().has_second_factor(&user, now);
        Ok(Self { caller, token, user, action, has_second_factor, manner, profile, now, input })
    }

    /// The user as it is now, after a write of this very request.
    pub(crate) async fn user_now(&self, app: &App) -> Result<User, Error> {
        let found = app.store().tenant(self.caller.tenant.id()).user(&self.user.id).await?;
        found.filter(|user| user.uid == self.user.uid).ok_or_else(token::not_ours)
    }

    pub(crate) fn messages(&self) -> Messages<'_> {
        self.manner.messages()
    }
    pub(crate) fn tenant(&self) -> &str {
        &self.caller.tenant.settings().name
    }

    /// The address of a page of this visit.
    pub(crate) fn link(&self, path: &str, more: &[(&str, &str)]) -> String {
        self.link_with(&self.token, path, more)
    }

    /// The same with another token.
    pub(crate) fn link_with(&self, token: &str, path: &str, more: &[(&str, &str)]) -> String {
        let start = format!("{path}?");
        let end = start.len();
        let mut query = url::form_urlencoded::Serializer::for_suffix(start, end);
        // What this very link says goes before what is carried along.
        let carried = self.manner.flags.pairs().into_iter().filter(|(name, _)| more.iter().all(|(own, _)| own != name));
        query.append_pair("token", token).extend_pairs(carried).extend_pairs(more);
        query.finish()
    }

    /// Where the backend said that the page leads back to, while that is on the tenant's list: an address that was taken off
    /// it gets no token any more.
    pub(crate) fn leads_to(&self) -> Option<&str> {
        let settings = self.caller.tenant.settings();
        self.action.redirect_url.as_deref().filter(|url| redirect::check(settings, url).is_ok())
    }

    /// The backend wants the user on the page of their authenticators.
    pub(crate) fn ends_at_settings(&self) -> bool {
        self.input.get("redirectToSettings") == Some(&serde_json::Value::Bool(true))
    }

    /// Whether the page of the user's authenticators is shown: only to somebody who has confirmed a short while ago that
    /// they are the user. It shows where the user was, also where nothing is enrolled any more.
    pub(crate) fn opens_settings(&self) -> bool {
        self.ends_at_settings() && admission::may_change(&self.caller, &self.action, self.now)
    }

    /// What the visit is led through now: only while its success is fresh, and for what it says.
    pub(crate) fn after(&self) -> Option<After> {
        let by = self.action.verification.as_ref().map(|verification| verification.method);
        let holds = |after: &After| match after {
            After::Recovery => by == Some(Method::RecoveryCode),
            After::Few => self.has_few_codes(),
        };
        let may_change = admission::may_change(&self.caller, &self.action, self.now);
        self.manner.flags.after.filter(|after| may_change && holds(after))
    }

    /// Whether the page of what the user has may ask again who they are.
    pub(crate) fn may_ask_anew(&self) -> bool {
        self.ends_at_settings() && account::may_ask_anew(&self.caller, &self.action, self.now)
    }

    /// Whether the visit was led through something after its success, which it has by now.
    pub(crate) fn has_been_led(&self) -> bool {
        self.manner.flags.after.is_some() && self.action.state == State::ChallengeSucceeded && !self.ends_at_settings()
    }

    /// Whether users may remove what they have.
    pub(crate) fn may_remove(&self) -> bool {
        self.caller.tenant.settings().pages.allow_deleting_user_authenticators
    }

    /// Whether the user should know how few recovery codes are left.
    pub(crate) fn has_few_codes(&self) -> bool {
        self.user.has_few_codes() && self.caller.tenant.settings().is_active(Method::RecoveryCode)
    }

    /// How the action may be answered with what the user has, the user's default first.
    pub(crate) fn ways(&self) -> Vec<Way> {
        let preferred = self.user.asked_first().and_then(Way::of);
        let mut ways: Vec<Way> = Way::ALL.into_iter().filter(|way| self.has(*way)).collect();
        ways.sort_by_key(|way| Some(*way) != preferred);
        ways
    }

    fn has(&self, way: Way) -> bool {
        let method = way.method();
        self.action.allowed_methods.contains(&method)
            && admission::is_answered_by(&self.caller.tenant, &self.action.code, method).is_ok()
            && way.is_had_by(&self.user)
    }

    /// What may be set up here: the methods that the tenant has switched on and that answer this action; where nobody asks
    /// for a set-up, those alone that the action's configuration offers.
    pub(crate) fn offers(&self) -> Vec<Way> {
        let settings = self.caller.tenant.settings();
        let offered = self.caller.tenant.prompts(&self.action).filter(|_| self.is_unasked());
        let is_offered = |way: &Way| {
            let method = way.method();
            settings.is_active(method)
                && (self.has_second_factor || self.action.allowed_methods.contains(&method))
                && offered.is_none_or(|offered| offered.contains(&method))
        };
        Way::ALL.into_iter().filter(|way| way.choice().is_some()).filter(is_offered).collect()
    }

    /// Whether neither the tenant nor the user has asked for a set-up: the action goes on without one.
    fn is_unasked(&self) -> bool {
        let is_asked = self.manner.flags.force_enrollment || self.ends_at_settings();
        self.action.state == State::Allow && !self.has_second_factor && !is_asked
    }

    /// Whether a user with nothing enrolled is offered nothing, because the action's configuration says so.
    pub(crate) fn is_offered_nothing(&self) -> bool {
        self.is_unasked() && self.caller.tenant.prompts(&self.action).is_some() && self.offers().is_empty()
    }

    /// What a user is offered after a success, because the action's configuration names it and the user lacks it.
    pub(crate) fn prompted(&self) -> Option<Way> {
        let prompts = self.caller.tenant.prompts(&self.action)?;
        let is_lacked = |way: &Way| prompts.contains(&way.method()) && !way.is_had_by(&self.user);
        self.offers().into_iter().find(is_lacked)
    }

    /// Where everything that may be set up is offered, where that is more than one.
    pub(crate) fn other_offers(&self) -> Option<String> {
        (self.offers().len() > 1).then(|| self.link("/set-up", &[]))
    }

    /// Whether the token may add an authenticator.
    pub(crate) fn may_add(&self) -> bool {
        State::ENROLLABLE.contains(&self.action.state)
            && (!self.has_second_factor || self.caller.claims.allows(scope::ADD) && !self.is_stale())
    }

    /// Whether the action was answered too long ago to entitle to a change.
    fn is_stale(&self) -> bool {
        self.action.state == State::ChallengeSucceeded && !admission::is_fresh(&self.action, self.now)
    }

    pub(crate) fn has_an_app_to_set_up(&self) -> bool {
        let asked = self.caller.tenant.policy().asked_of(&self.user);
        asked.contains(&RequiredAction::AuthenticatorApplicationSetup)
    }
}

fn accept_language(headers: &HeaderMap) -> &str {
    headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
