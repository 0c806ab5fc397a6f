//! Somebody at a page: with which token, about what, in which language, and in what kind of window.

use std::{collections::HashMap, sync::Arc};

use axum::http::{HeaderMap, header};
use countersign_core::{
    action::{Action, State},
    admission::{self, Admitted},
    app::{App, TenantContext, UserCaller},
    clock::Timestamp,
    error::Error,
    facts::{self, Facts},
    look::Look,
    messages::{Language, Messages},
    redirect,
    token::{self, scope},
    user::{Profile, RequiredAction, User},
};

use crate::way::Way;

/// What a page is called with, in its address or in its form.
#[derive(Debug, Default)]
pub(crate) struct Fields(HashMap<String, String>);

impl Fields {
    pub(crate) fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        // Where a field is there twice the first one counts, because what track wrote stands before what somebody
        // appended.
        let mut all = HashMap::new();
        for (name, value) in pairs {
            all.entry(name).or_insert(value);
        }
        Self(all)
    }

    /// Empty where it is absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// How the page was opened (contract, section 2.8); carried along from page to page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    /// In an iframe or a window of the customer's page, which is told how it ends.
    pub(crate) is_popup: bool,
    /// Of these two a window of its own, as the browser says it (Fetch Metadata): there a field may take the focus.
    pub(crate) is_window: bool,
    pub(crate) force_enrollment: bool,
    /// The scheme of the app that a finished page leads back to.
    pub(crate) native_scheme: Option<String>,
}

impl Flags {
    fn of(fields: &Fields, tenant: &TenantContext, headers: &HeaderMap) -> Self {
        let scheme = Some(fields.get("nativeScheme")).filter(|scheme| !scheme.is_empty());
        Self {
            is_popup: matches!(fields.get("mode"), "popup" | "window"),
            is_window: headers.get("sec-fetch-dest").is_some_and(|destination| destination == "document"),
            force_enrollment: fields.get("force_enrollment") == "true",
            native_scheme: scheme.and_then(|scheme| redirect::native_scheme(tenant.settings(), scheme)),
        }
    }

    /// As they stand in an address or a form.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, &str)> {
        let popup = self.is_popup.then_some(("mode", "popup"));
        let force = self.force_enrollment.then_some(("force_enrollment", "true"));
        let scheme = self.native_scheme.as_deref().map(|scheme| ("nativeScheme", scheme));
        [popup, force, scheme].into_iter().flatten().collect()
    }
}

/// In which words and looks a page is shown.
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
    profile: Profile,
    /// What the backend said of the action.
    input: serde_json::Value,
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
        let has_second_factor = caller.tenant.policy().has_second_factor(&user, app.now());
        Ok(Self { caller, token, user, action, has_second_factor, manner, profile, input })
    }

    pub(crate) fn messages(&self) -> Messages<'_> {
        self.manner.messages()
    }
    pub(crate) fn tenant(&self) -> &str {
        &self.caller.tenant.settings().name
    }

    /// What is confirmed, in the words of this page.
    pub(crate) fn facts(&self) -> Facts {
        self.caller.tenant.facts(&self.action.code, &self.input, &self.profile, self.messages())
    }

    /// The account that this is about, as the tenant shows it.
    pub(crate) fn account(&self) -> Option<String> {
        facts::account(self.caller.tenant.settings(), &self.profile)
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
        query.append_pair("token", token).extend_pairs(self.manner.flags.pairs()).extend_pairs(more);
        query.finish()
    }

    /// The backend wants the user on the page of their authenticators.
    pub(crate) fn ends_at_settings(&self) -> bool {
        self.input.get("redirectToSettings") == Some(&serde_json::Value::Bool(true))
    }

    /// Whether the page of the user's authenticators is shown: only to somebody who has confirmed a short while ago that
    /// they are the user. It shows where the user was, also where nothing is enrolled any more.
    pub(crate) fn opens_settings(&self, now: Timestamp) -> bool {
        self.ends_at_settings() && admission::may_change(&self.caller, &self.action, now)
    }

    /// How the action may be answered with what the user has, the user's default first.
    pub(crate) fn ways(&self) -> Vec<Way> {
        let preferred = self.user.default_method().and_then(Way::of);
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

    /// What may be set up here: the methods that the tenant has switched on and that answer this action.
    pub(crate) fn offers(&self) -> Vec<Way> {
        let settings = self.caller.tenant.settings();
        let is_offered = |way: &Way| {
            let method = way.method();
            settings.is_active(method) && (self.has_second_factor || self.action.allowed_methods.contains(&method))
        };
        Way::ALL.into_iter().filter(|way| way.choice().is_some()).filter(is_offered).collect()
    }

    /// Where everything that may be set up is offered, where that is more than one.
    pub(crate) fn other_offers(&self) -> Option<String> {
        (self.offers().len() > 1).then(|| self.link("/set-up", &[]))
    }

    /// Whether the token may add an authenticator.
    pub(crate) fn may_add(&self) -> bool {
        State::ENROLLABLE.contains(&self.action.state)
            && (!self.has_second_factor || self.caller.claims.allows(scope::ADD))
    }

    pub(crate) fn has_an_app_to_set_up(&self) -> bool {
        let asked = self.caller.tenant.policy().asked_of(&self.user);
        asked.contains(&RequiredAction::AuthenticatorApplicationSetup)
    }

    /// Why something is to be set up, where that is not the user's own wish.
    pub(crate) fn why(&self, app: &App) -> Option<String> {
        let (policy, t, now) = (self.caller.tenant.policy(), self.messages(), app.now());
        if let Some(start) = policy.starts_at(now).filter(|_| !self.user.can_answer()) {
            let day = start.strftime("%Y-%m-%d").to_string();
            return Some(t.with_both("set-up-why-later-text", ("day", &day), ("tenant", self.tenant())));
        }
        // Only an enforcement or a required action stops a user who has no authenticator. The cache of this process may
        // not know of the enforcement yet.
        let is_stopped = self.action.state == State::ChallengeRequired && !self.has_second_factor;
        if policy.is_enforced(now) && !self.has_second_factor || is_stopped && !self.has_an_app_to_set_up() {
            return Some(t.with("set-up-why-now-text", "tenant", self.tenant()));
        }
        self.has_an_app_to_set_up().then(|| t.with("set-up-why-app-text", "tenant", self.tenant()))
    }
}

fn accept_language(headers: &HeaderMap) -> &str {
    headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
