//! The action that a page makes, to ask again who somebody is: admitted here as track admits others.

use countersign_domain::rule::facts::Given;

use super::{
    Admitted, Case, Judgement, Reading,
    device_made::{config, lets_through},
};
use crate::{
    app::{App, UserCaller},
    clock::Timestamp,
    error::Error,
};

/// What track would make of the first action once more, with what the backend said of that. 403 where the tenant's rules, or
/// the kind of action, would block it or hold it back as things stand now.
pub async fn made_by_page(
    app: &App,
    caller: &UserCaller,
    first: &Admitted,
    now: Timestamp,
) -> Result<Judgement, Error> {
    let (tenant, user) = (&caller.tenant, &first.user);
    let kind = config(tenant, &first.action.code);
    let input: serde_json::Value = serde_json::from_str(&first.action.input).map_err(Error::internal)?;
    let given = Given::of_input(&input);
    let seen = match tenant.rules(&kind.action_code) {
        Some(_) => {
            let store = app.store().tenant(tenant.id());
            Reading::of(store, &user.id, true, false, given.device().as_ref()).await?.seen
        }
        None => None,
    };
    let case = Case { tenant, config: &kind, given, user, profile: &first.profile, is_tracked: true, now };
    let judged = Judgement::of(app, case, seen);
    lets_through(judged.outcome)?;
    Ok(judged)
}
