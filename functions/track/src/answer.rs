//! What track says of an action beside its state.

use countersign_core::{action::Action, method::Method, tenant::ActionConfig, user::User};

/// What is asked for first: what a rule says, what the action says, what the user chose.
pub(crate) fn default_method(action: &Action, config: &ActionConfig, user: &User) -> Option<Method> {
    let of_rule = action.rules.as_ref().and_then(|rules| rules.default_method);
    of_rule.or(config.default_verification_method).or_else(|| user.default_method())
}

/// The rules of an action as track answers them: nothing where it has none.
pub(crate) fn rule_ids(action: &Action) -> Option<Vec<String>> {
    let rules = action.rules.as_ref()?;
    Some(rules.matched.iter().map(|rule| rule.rule_id.to_string()).collect())
}
