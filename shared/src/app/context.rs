//! A tenant's configuration, all of it from one reading.

use std::{collections::HashMap, sync::OnceLock};

use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::{
    action::Action,
    clock::{Timestamp, is_of_the_future},
    error::Error,
    facts::{Asked, Facts},
    id::{ActionCode, ActionId, TenantId, UserId},
    messages::Messages,
    method::Method,
    policy::Policy,
    rule::{DataPoint, Rule, RuleSet, catalogue::Catalogue, facts::Lists},
    store::{Reading, Versioned},
    tenant::{ActionConfig, Settings, Tenant},
    token::{self, Claims, SigningKey, Subject, scope},
    user::{Profile, User},
};

/// A tenant as the handlers use it.
pub struct TenantContext {
    pub(super) tenant: Tenant,
    actions: HashMap<ActionCode, ActionConfig>,
    points: Vec<DataPoint>,
    policy: Policy,
    reading: Reading,
    rules: HashMap<ActionCode, UncompiledRules>,
    catalogue: Catalogue,
    lists: Lists,
    /// Derived when they are first needed, because a function that sees API keys alone has no keyring.
    pub(super) signing_keys: OnceCell<Vec<SigningKey>>,
}

impl TenantContext {
    pub(super) fn new(Versioned { tenant, actions, points, rules, lists, policy, reading, .. }: Versioned) -> Self {
        let actions = actions.into_iter().map(|config| (config.action_code.clone(), config)).collect();
        let mut stored: HashMap<ActionCode, Vec<Rule>> = HashMap::new();
        for rule in rules {
            stored.entry(rule.action_code.clone()).or_default().push(rule);
        }
        Self {
            tenant,
            actions,
            rules: stored.into_iter().map(|(code, rules)| (code, UncompiledRules::new(rules))).collect(),
            catalogue: Catalogue::new(&points, &lists),
            lists: Lists::new(&lists),
            points,
            policy,
            reading,
            signing_keys: OnceCell::new(),
        }
    }

    pub fn id(&self) -> &TenantId {
        &self.tenant.id
    }
    pub(super) fn reading(&self) -> &Reading {
        &self.reading
    }
    pub fn settings(&self) -> &Settings {
        &self.tenant.settings
    }
    pub fn action(&self, code: &ActionCode) -> Option<&ActionConfig> {
        self.actions.get(code)
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// A user of this tenant that nobody has seen before.
    pub fn new_user(&self, id: UserId, now: Timestamp) -> User {
        User { required: self.policy.of_new_users().collect(), ..User::new(id, now) }
    }

    pub fn points(&self) -> &[DataPoint] {
        &self.points
    }
    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    /// The rules of a kind of action; `None` where there are none to evaluate.
    pub fn rules(&self, code: &ActionCode) -> Option<&RuleSet> {
        self.rules.get(code).map(|rules| rules.compiled(&self.catalogue)).filter(|rules| !rules.is_empty())
    }

    /// The methods that answer actions of a kind: those of its configuration, and those that one of its rules names.
    pub fn methods_of(&self, code: &ActionCode) -> Vec<Method> {
        let own = self.actions.get(code).map_or_else(Method::answering, ActionConfig::allowed_methods);
        let rules = self.rules.get(code).into_iter().flat_map(|stored| &stored.rules);
        let deciding = rules.filter(|rule| rule.is_active && !rule.is_shadow);
        own.into_iter().chain(deciding.filter_map(|rule| rule.verification_methods.clone()).flatten()).collect()
    }

    /// What the page offers to set up unasked, where that is said: by the rule that decided the action, or else by its
    /// configuration. An empty list is no offer.
    pub fn prompts(&self, action: &Action) -> Option<&[Method]> {
        let decided_by = action.rules.as_ref().and_then(|trace| trace.decided_by.as_ref());
        let rules = self.rules.get(&action.code).into_iter().flat_map(|stored| &stored.rules);
        let of_rule = rules
            .filter(|rule| Some(&rule.id) == decided_by)
            .find_map(|rule| rule.prompt_to_enroll_verification_methods.as_deref());
        let own = self.actions.get(&action.code);
        of_rule.or_else(|| own.and_then(|config| config.prompt_to_enroll_verification_methods.as_deref()))
    }

    /// Whether users keep their last authenticator: where two factors are asked of everybody, or the tenant says so.
    pub fn keeps_last(&self, now: Timestamp) -> bool {
        self.policy.is_enforced(now) || !self.settings().pages.allow_disabling_mfa
    }

    /// Those of the given data points that a device may be shown (contract, C37: flagged `isPublic`).
    pub fn public_points(&self, given: Option<&Map<String, Value>>, of_user: bool) -> Map<String, Value> {
        let is_public = |name: &String| {
            self.points.iter().any(|point| point.is_public && point.is_of_user() == of_user && point.name == *name)
        };
        given.into_iter().flatten().filter(|(name, _)| is_public(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
    }

    /// What a user is asked to confirm, in these words: `input` is what the backend said of the action.
    pub fn facts(&self, code: &ActionCode, input: &Value, profile: &Profile, t: Messages<'_>) -> Facts {
        let custom = self.public_points(input.get("custom").and_then(Value::as_object), false);
        let user_custom = self.public_points(profile.custom.as_ref(), true);
        let (settings, kind, points) = (self.settings(), self.action(code), self.points());
        Asked { settings, code, kind, points, custom: &custom, user_custom: &user_custom, profile }.facts(t)
    }

    /// Until when a success that was decided then is handed out, and its token good.
    pub fn success_ends(&self, decided_at: Timestamp) -> i64 {
        decided_at.as_second() + i64::from(self.settings().token_duration_in_minutes) * 60
    }

    /// The token of a success: the same for each who asks, and good until its decision is as old as tokens get. `None`
    /// once it is over, and while its time has not come.
    pub fn success_token(
        &self,
        keys: &[SigningKey],
        subject: Subject,
        action: ActionId,
        decided_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        self.success_token_for(keys, subject, action, scope::ALL, decided_at, now)
    }

    /// The same that allows no more than this: of a success that proved nothing of what the user had.
    pub fn success_token_for(
        &self,
        keys: &[SigningKey],
        subject: Subject,
        action: ActionId,
        scope: &str,
        decided_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        if now.as_second() >= self.success_ends(decided_at) || is_of_the_future(decided_at, now) {
            return Ok(None);
        }
        self.issue_token(keys, subject, action, scope.into(), decided_at).map(Some)
    }

    /// A user token of this tenant, good for as long as the tenant says.
    pub fn issue_token(
        &self,
        keys: &[SigningKey],
        subject: Subject,
        action: ActionId,
        scope: String,
        now: Timestamp,
    ) -> Result<String, Error> {
        let claims = Claims::new(subject, action, scope, now, self.settings().token_duration_in_minutes);
        token::issue(keys, &claims, now)
    }
}

/// Rules as they were read, compiled when they are first asked: most functions never do.
struct UncompiledRules {
    rules: Vec<Rule>,
    compiled: OnceLock<RuleSet>,
}

impl UncompiledRules {
    fn new(rules: Vec<Rule>) -> Self {
        Self { rules, compiled: OnceLock::new() }
    }
    fn compiled(&self, catalogue: &Catalogue) -> &RuleSet {
        self.compiled.get_or_init(|| RuleSet::new(self.rules.iter().cloned(), catalogue))
    }
}
