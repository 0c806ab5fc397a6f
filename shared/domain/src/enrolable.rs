//! Whether everybody could set up what is asked of them. Asking everybody for two factors cannot be taken back. So it
//! is refused where a new user could set up none, and from then on nothing may be switched off that new users need.

use crate::{
    error::Error,
    method::Method,
    rule::{Outcome, Rule},
    tenant::{ActionConfig, Settings},
};

/// Whether an action stands or falls with the methods that are on.
pub fn is_bound_action(config: &ActionConfig) -> bool {
    config.verification_methods.is_some()
}

/// Whether a rule does, now or once it is active.
pub fn is_bound_rule(rule: &Rule) -> bool {
    rule.verification_methods.is_some()
}

/// 409 where the hosted pages could set nothing up.
pub fn check_tenant(settings: &Settings) -> Result<(), Error> {
    let on_pages: Vec<Method> = Method::that(|facts| facts.enrols_on_pages).collect();
    if on_pages.iter().any(|method| settings.is_active(*method)) {
        return Ok(());
    }
    let names: Vec<&str> = on_pages.iter().map(|method| method.as_str()).collect();
    Err(Error::Conflict(format!(
        "Two factors for everybody need a method that the hosted pages can set up, and {} are {} off: nobody new could get in. \
         Have one of them on: PATCH /v1/management/authenticator-configurations/{} with isActive: true.",
        names.join(" and "),
        if names.len() == 2 { "both" } else { "all" },
        names.first().copied().unwrap_or_default(),
    )))
}

/// 409 where an action is answered by nothing that could be set up.
pub fn check_action(settings: &Settings, config: &ActionConfig) -> Result<(), Error> {
    check_methods(settings, config.verification_methods.as_deref(), || format!("The action {}", config.action_code))
}

/// 409 where a rule that asks for a proof names nothing that could be set up.
pub fn check_rule(settings: &Settings, rule: &Rule) -> Result<(), Error> {
    let asks = rule.is_active && !rule.is_shadow && matches!(rule.outcome, Outcome::Allow | Outcome::Challenge);
    let methods = rule.verification_methods.as_deref().filter(|_| asks);
    check_methods(settings, methods, || format!("The rule \"{}\" of {}", rule.name, rule.action_code))
}

fn check_methods(settings: &Settings, methods: Option<&[Method]>, what: impl Fn() -> String) -> Result<(), Error> {
    // What a new user can set up, on a page or in the customer's app, and then answer with.
    let can = |method: &Method| method.facts().enrols && settings.is_active(*method);
    let Some(methods) = methods.filter(|methods| !methods.iter().any(can)) else { return Ok(()) };
    let named: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    let on: Vec<&str> =
        Method::that(|facts| facts.enrols).filter(|method| settings.is_active(*method)).map(Method::as_str).collect();
    Err(Error::Conflict(format!(
        "{} is answered by {} alone, which nobody who has nothing can set up, and two factors are asked of everybody: add one \
         of {} to its verificationMethods, or switch on one that is named there.",
        what(),
        named.join(", "),
        on.join(", ")
    )))
}

/// Checks that two factors may be asked of everybody.
pub fn check(settings: &Settings, actions: &[ActionConfig], rules: &[Rule]) -> Result<(), Error> {
    check_tenant(settings)?;
    actions.iter().try_for_each(|config| check_action(settings, config))?;
    rules.iter().try_for_each(|rule| check_rule(settings, rule))
}

/// Checks that a change of settings takes nothing away that new users need once two factors are asked of everybody. A
/// fault that was there before does not refuse the change.
pub fn check_change(
    before: &Settings,
    after: &Settings,
    actions: &[ActionConfig],
    rules: &[Rule],
) -> Result<(), Error> {
    let is_new = |check: &dyn Fn(&Settings) -> Result<(), Error>| match check(after) {
        Err(refused) if check(before).is_ok() => Err(refused),
        _ => Ok(()),
    };
    is_new(&check_tenant)?;
    actions.iter().try_for_each(|config| is_new(&|settings| check_action(settings, config)))?;
    rules.iter().try_for_each(|rule| is_new(&|settings| check_rule(settings, rule)))
}
