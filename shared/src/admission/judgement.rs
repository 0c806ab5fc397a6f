//! What the rules of an action make of it, and what they remember of it.

use crate::{
    action::Action,
    app::{App, TenantContext},
    clock::Timestamp,
    error::Error,
    id::{ActionId, DeviceTag, UserId},
    method::Method,
    rule::{
        Outcome, Trace,
        facts::{self, Given, Known, Place},
        recent::{Origin, Recent},
    },
    store::{Noted, NotedDevice, SeenByRules, StoredProfile, TenantStore, UserSeenByRules},
    tenant::ActionConfig,
    user::{Profile, User},
};

/// What is read of a user before an action, in one round trip.
pub struct Reading {
    pub user: Option<User>,
    pub profile: Option<StoredProfile>,
    /// Where the action has rules.
    pub seen: Option<SeenByRules>,
}

impl Reading {
    /// As little as the action needs: without rules the user alone, and with contacts its profile.
    pub async fn of(
        store: TenantStore<'_>,
        user: &UserId,
        has_rules: bool,
        has_contacts: bool,
        device: Option<&DeviceTag>,
    ) -> Result<Self, Error> {
        if has_rules {
            let UserSeenByRules { user, profile, seen } = store.user_as_seen_by_rules(user, device).await?;
            return Ok(Self { user, profile, seen: Some(seen) });
        }
        if has_contacts {
            let (user, profile) = store.user_and_profile(user).await?;
            return Ok(Self { user, profile, seen: None });
        }
        Ok(Self { user: store.user(user).await?, profile: None, seen: None })
    }
}

/// What an action is judged by, besides what rules remember.
pub struct Case<'a> {
    pub tenant: &'a TenantContext,
    pub config: &'a ActionConfig,
    pub given: Given<'a>,
    pub user: &'a User,
    pub profile: &'a Profile,
    /// A backend has said what is given; otherwise rules that ask for what only a backend can say do not match.
    pub is_tracked: bool,
    pub now: Timestamp,
}

/// What is decided of an action before it is written.
pub struct Judgement {
    pub id: ActionId,
    pub outcome: Outcome,
    pub methods: Vec<Method>,
    pub rules: Option<Box<Trace>>,
    memory: Option<Memory>,
}

/// What rules remember, and where the action comes from.
struct Memory {
    before: SeenByRules,
    after: Recent,
    origin: Origin,
    device: Option<String>,
}

impl Judgement {
    /// Asks the rules of the action, where it has any: the first that matches decides, and otherwise the action itself.
    pub fn of(app: &App, case: Case<'_>, seen: Option<SeenByRules>) -> Self {
        let Case { tenant, config, given, user, profile, is_tracked, now } = case;
        let outcome = config.default_user_action_result;
        let active = |methods: Vec<Method>| {
            methods.into_iter().filter(|method| tenant.settings().is_active(*method)).collect::<Vec<_>>()
        };
        let (Some(rules), Some(before)) = (tenant.rules(&config.action_code), seen) else {
            let (id, methods) = (ActionId::generate(), active(config.allowed_methods()));
            return Self { id, outcome, methods, rules: None, memory: None };
        };
        let place = given.address().map_or_else(Place::default, |address| app.places().place(address));
        let data = facts::data(&Known {
            given,
            place: &place,
            code: &config.action_code,
            user,
            profile,
            recent: &before.recent,
            device: before.device.as_ref(),
            points: tenant.points(),
            lists: tenant.lists(),
            now,
        });
        let is_known = |point: &str| is_tracked || given.is_known_untracked(point);
        let decision = rules.decide_known(data, tenant.lists(), config.on_rule_error(), now, is_known);
        if !decision.trace.failed.is_empty() {
            let rules: Vec<&str> = decision.trace.failed.iter().map(|id| id.as_str()).collect();
            tracing::warn!(event = "rules_failed", tenant = %tenant.id(), action = %config.action_code, rules = rules.join(" "));
        }
        let origin = given.origin(&place);
        let is_remembered = before.device.as_ref().is_some_and(|device| device.is_remembered(now));
        Self {
            id: ActionId::seen_by_rules(origin.device.as_ref(), is_remembered),
            outcome: decision.outcome.unwrap_or(outcome),
            methods: active(decision.methods.unwrap_or_else(|| config.allowed_methods())),
            rules: Some(Box::new(decision.trace)),
            memory: Some(Memory {
                after: before.recent.clone(),
                before,
                origin,
                device: given.device_id.map(str::to_owned),
            }),
        }
    }

    /// While the configuration cannot be read, the failure mode decides and not the copy's rules, which may have
    /// changed since; but what they block stays blocked.
    pub fn by_failure_mode(&mut self, outcome: Outcome) {
        if self.outcome == Outcome::Block {
            return;
        }
        self.outcome = outcome;
        if let Some(rules) = &mut self.rules {
            rules.decided_by = None;
        }
    }

    /// What is to be remembered of the action, once it is known how it begins.
    pub fn noted(&mut self, action: &Action) -> Option<Noted<'_>> {
        let Memory { before, after, origin, device } = self.memory.as_mut()?;
        after.began(&action.id, &action.code, action.state.into(), origin, action.created_at);
        let device = origin.device.as_ref().zip(device.as_deref());
        Some(Noted { before, recent: after, device: device.map(|(tag, name)| NotedDevice { tag, name }) })
    }
}
