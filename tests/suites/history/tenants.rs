//! Mistakes of the version of the tenant, which orders all that could lock everybody out.

use countersign_core::{method::Method, tenant::Tenant};
use serde_json::{Value, json};

use super::{
    acts::Act,
    between::{Case, Wrong},
};

const METHODS_OFF: (&str, fn(&Value) -> Value) = ("doc", methods_off);

/// The tenant as it is after another request has switched the methods off that new users set up on pages.
fn methods_off(tenant: &Value) -> Value {
    let stored = tenant["doc"]["S"].as_str().expect("a document");
    let mut tenant: Tenant = serde_json::from_str(stored).expect("a tenant");
    for method in [Method::AuthenticatorApp, Method::Push] {
        tenant.settings.authenticators.entry(method).or_default().is_active = false;
    }
    json!({ "S": serde_json::to_string(&tenant).expect("JSON") })
}

/// What locks everybody out together: each is on the version of the tenant at which it was checked.
pub fn all() -> Vec<Case> {
    let acts = [
        ("an action is bound to a method that is off", Act::ChangeAction),
        ("an action is made with a method that is off", Act::MakeAction),
        ("a rule is bound to a method that is off", Act::ChangeRule),
        ("a rule is made with a method that is off", Act::MakeRule),
        ("two factors are asked with nothing to set up", Act::Enforce),
    ];
    let of = |(name, act)| Case::new(name, (act, "TENANT"), METHODS_OFF, Wrong::Unasked("ver = :seen"));
    acts.into_iter().map(of).collect()
}
