//! What rules would have made of actions that are past: over the data that was stored with each.
//!
//! An action that had rules has all its data points as they were then. One that had none has what its backend said: what
//! else rules ask about is not known of it, and it is counted as not evaluated. Value lists, and data points of actions
//! of the tenant's own, are the candidate's.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    action::Action,
    id::{ActionCode, RuleId, UserId},
    rule::{
        DataPoint, Outcome, Rule, RuleSet,
        catalogue::Catalogue,
        facts::{self, Data, Given, Known, Lists, Place},
        list::ValueList,
        recent::Recent,
    },
    tenant::ActionConfig,
    user::{Profile, User},
};

/// What is known of every action that was tracked, whether it had rules or not.
const TOLD: [&str; 12] = [
    "ip.address",
    "ip.isAnonymous",
    "device.id",
    "device.userAgent",
    "device.isBot",
    "user.id",
    "action.code",
    "action.locale",
    "time.hour",
    "time.minute",
    "time.date",
    "time.dayOfWeek",
];

fn is_told(name: &str) -> bool {
    name.starts_with("custom.") || TOLD.contains(&name)
}

/// Examples of each kind of change are at most so many.
pub const MOST_EXAMPLES: usize = 10;

/// Rules that are not turned on, of some kinds of action.
pub struct Candidate {
    actions: HashMap<ActionCode, Compiled>,
    points: Vec<DataPoint>,
    lists: Lists,
}

struct Compiled {
    rules: RuleSet,
    names: HashMap<RuleId, String>,
    default: Outcome,
    on_error: Outcome,
    /// Whether all that the rules ask about is told of every action.
    asks_told: bool,
}

/// What the candidate makes of one action.
pub struct Replayed<'a> {
    pub outcome: Outcome,
    /// The rule that decides.
    pub rule: Option<&'a str>,
    /// Shadow rules that match.
    shadow: Vec<&'a str>,
    has_failed: bool,
}

impl Candidate {
    /// Compiles rules of some kinds of action, as the server does.
    pub fn new(
        configs: impl IntoIterator<Item = (ActionConfig, Vec<Rule>)>,
        points: Vec<DataPoint>,
        lists: &[ValueList],
    ) -> Self {
        let catalogue = Catalogue::new(&points, lists);
        let compiled = configs.into_iter().map(|(config, rules)| {
            let names = rules.iter().map(|rule| (rule.id.clone(), rule.name.clone())).collect();
            let rules = RuleSet::new(rules, &catalogue);
            let asks_told = rules.asks().all(is_told);
            let compiled = Compiled {
                names,
                default: config.default_user_action_result,
                on_error: config.on_rule_error(),
                asks_told,
                rules,
            };
            (config.action_code, compiled)
        });
        Self { actions: compiled.collect(), lists: Lists::new(lists), points }
    }

    pub fn has(&self, code: &ActionCode) -> bool {
        self.actions.contains_key(code)
    }

    /// `None` where not enough of the action is known.
    pub fn replay(&self, user: &UserId, action: &Action) -> Option<Replayed<'_>> {
        let compiled = self.actions.get(&action.code)?;
        if action.rules.is_none() && !compiled.asks_told {
            return None;
        }
        let data = self.data(user, action);
        let decision = compiled.rules.decide(data, &self.lists, compiled.on_error, action.created_at);
        let name = |id: &RuleId| compiled.names.get(id).map(String::as_str);
        Some(Replayed {
            outcome: decision.outcome.unwrap_or(compiled.default),
            rule: decision.trace.decided_by.as_ref().and_then(name),
            shadow: decision.trace.shadow.iter().filter_map(name).collect(),
            has_failed: !decision.trace.failed.is_empty(),
        })
    }

    /// The data of an action: as it was stored, and what its backend said under the candidate's names.
    fn data(&self, user: &UserId, action: &Action) -> Data {
        let input: Map<String, Value> = serde_json::from_str(&action.input).unwrap_or_default();
        let text = |name: &str| input.get(name).and_then(Value::as_str);
        let given = Given {
            ip_address: text("ipAddress"),
            user_agent: text("userAgent"),
            device_id: text("deviceId"),
            locale: text("locale"),
            custom: input.get("custom").and_then(Value::as_object),
        };
        let mut told = facts::data(&Known {
            given,
            place: &Place::default(),
            code: &action.code,
            user: &User::new(user.clone(), action.created_at),
            profile: &Profile::default(),
            recent: &Recent::default(),
            device: None,
            points: &self.points,
            lists: &self.lists,
            now: action.created_at,
        });
        told.retain(|name, _| is_told(name));
        let Some(trace) = &action.rules else { return told };
        let mut data = trace.data.clone();
        data.retain(|name, _| !name.starts_with("custom."));
        data.remove("ip.isAnonymous");
        data.remove("ip.countryCodeInOfacList");
        data.extend(told);
        data.extend(facts::of_lists(&data, &self.lists));
        data
    }
}

/// How often each outcome came out.
pub type Outcomes = BTreeMap<&'static str, u64>;

/// What a candidate would have changed.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// By the code of the action.
    #[schema(value_type = Object)]
    pub actions: BTreeMap<String, OfAction>,
    /// Some of the actions whose outcome would have been another.
    pub examples: Vec<Example>,
}

#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OfAction {
    /// Actions that were looked at.
    pub seen: u64,
    /// Actions that had no rules, and of which the candidate asks more than was stored.
    pub not_evaluated: u64,
    /// Actions whose outcome would have been another.
    pub changed: u64,
    /// From which outcome to which: `ALLOW -> CHALLENGE`.
    #[schema(value_type = Object)]
    pub changes: BTreeMap<String, u64>,
    /// Outcomes as they were, of those that were evaluated.
    #[schema(value_type = Object)]
    pub before: Outcomes,
    /// Outcomes under the candidate.
    #[schema(value_type = Object)]
    pub after: Outcomes,
    /// Parts of one.
    pub challenge_rate_before: f64,
    pub challenge_rate_after: f64,
    /// How often each shadow rule of the candidate matches.
    #[schema(value_type = Object)]
    pub shadow: BTreeMap<String, u64>,
    /// Actions of which a rule could not be computed.
    pub failed: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    pub user_id: String,
    pub action_code: String,
    pub idempotency_key: String,
    /// ISO 8601, UTC.
    pub created_at: String,
    pub before: Outcome,
    pub after: Outcome,
    /// The rule that decides under the candidate; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl Report {
    /// Counts one action. `false` where the candidate has nothing to say of its kind.
    pub fn count(&mut self, candidate: &Candidate, user: &UserId, action: &Action) -> bool {
        if !candidate.has(&action.code) {
            return false;
        }
        let of = self.actions.entry(action.code.to_string()).or_default();
        of.seen += 1;
        let Some(replayed) = candidate.replay(user, action) else {
            of.not_evaluated += 1;
            return true;
        };
        let (before, after) = (action.outcome, replayed.outcome);
        *of.before.entry(before.as_str()).or_default() += 1;
        *of.after.entry(after.as_str()).or_default() += 1;
        for name in replayed.shadow {
            *of.shadow.entry(name.to_owned()).or_default() += 1;
        }
        of.failed += u64::from(replayed.has_failed);
        if before != after {
            of.changed += 1;
            *of.changes.entry(format!("{} -> {}", before.as_str(), after.as_str())).or_default() += 1;
            if self.examples.len() < MOST_EXAMPLES {
                self.examples.push(Example {
                    user_id: user.to_string(),
                    action_code: action.code.to_string(),
                    idempotency_key: action.key.to_string(),
                    created_at: crate::clock::iso(action.created_at),
                    before,
                    after,
                    rule: replayed.rule.map(str::to_owned),
                });
            }
        }
        of.rates();
        true
    }

    /// Takes another part of the same replay in.
    pub fn add(&mut self, other: Self) {
        for (code, part) in other.actions {
            self.actions.entry(code).or_default().add(part);
        }
        self.examples.extend(other.examples);
        // The same in every run, whatever part came first.
        self.examples.sort_by(|one, two| {
            (&one.created_at, &one.user_id, &one.idempotency_key).cmp(&(
                &two.created_at,
                &two.user_id,
                &two.idempotency_key,
            ))
        });
        self.examples.truncate(MOST_EXAMPLES);
    }
}

impl OfAction {
    fn rates(&mut self) {
        let rate = |of: &Outcomes| {
            let all: u64 = of.values().sum();
            let challenges = of.get(Outcome::Challenge.as_str()).copied().unwrap_or(0);
            if all == 0 { 0.0 } else { share(challenges, all) }
        };
        (self.challenge_rate_before, self.challenge_rate_after) = (rate(&self.before), rate(&self.after));
    }

    fn add(&mut self, part: Self) {
        self.seen += part.seen;
        self.not_evaluated += part.not_evaluated;
        self.changed += part.changed;
        self.failed += part.failed;
        for (into, from) in [(&mut self.before, part.before), (&mut self.after, part.after)] {
            from.into_iter().for_each(|(name, count)| *into.entry(name).or_default() += count);
        }
        for (into, from) in [(&mut self.changes, part.changes), (&mut self.shadow, part.shadow)] {
            from.into_iter().for_each(|(name, count)| *into.entry(name).or_default() += count);
        }
        self.rates();
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share is shown to three places, and nobody has 2^53 actions")]
fn share(part: u64, all: u64) -> f64 {
    part as f64 / all as f64
}
