//! What a user has, as the pages show it, and the question that comes before something is removed.

use countersign_core::{
    admission, app::App, authenticator::Authenticator, error::Error, http::UserAuthenticator, id::AuthenticatorId,
    messages::Messages, method::Method,
};

use crate::{
    figures,
    visit::{Fields, Visit},
    way::{Way, icon_of, kind_of},
};

/// An authenticator.
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) icon: &'static str,
    /// On what it is, or else what it is where its name does not say so.
    pub(crate) detail: String,
    pub(crate) added: String,
    pub(crate) used: Option<String>,
    pub(crate) is_primary: bool,
    pub(crate) may_be_primary: bool,
    /// The address of the question that comes before it is removed, where users may remove anything.
    pub(crate) remove: Option<String>,
}

/// The question before something is removed.
pub(crate) struct Removal<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) keep: String,
    /// Whether two-step verification ends with it.
    pub(crate) is_last: bool,
    /// Why it stays.
    pub(crate) refused: Option<String>,
}

/// All that the user has. A change was written by this very request, or the one before.
pub(crate) async fn all(app: &App, visit: &Visit) -> Result<Vec<Card>, Error> {
    let all = app.store().tenant(visit.caller.tenant.id()).authenticators(&visit.user).await?;
    let shown = all.iter().map(|one| (UserAuthenticator::listed(&visit.user, one).masked(), one.method));
    Ok(shown.map(|(one, method)| card(visit, one, method)).collect())
}

impl<'a> Removal<'a> {
    /// The question about the one that an address names; `None` where it names none, or nothing may be changed.
    pub(crate) fn asked(visit: &Visit, cards: &'a [Card], id: &str) -> Option<Self> {
        let may_change = visit.may_remove() && admission::may_change(&visit.caller, &visit.action, visit.now);
        let card = cards.iter().find(|card| may_change && card.id == id)?;
        let is_last = AuthenticatorId::parse(id).is_ok_and(|id| visit.user.ends_with(&id));
        let stays = is_last && visit.caller.tenant.keeps_last(visit.now);
        let refused = stays.then(|| visit.messages().with("settings-last-error", "tenant", visit.tenant()));
        Some(Self { id: &card.id, name: &card.name, keep: visit.link("/settings", &[]), is_last, refused })
    }
}

fn card(visit: &Visit, one: UserAuthenticator, method: Method) -> Card {
    let t = visit.messages();
    let platform = one.device_platform.map(figures::platform);
    let kind = t.text(kind_of(method, one.device_platform));
    let name = one.display_name.unwrap_or_else(|| kind.clone());
    let detail = [platform, one.device_model.as_deref(), one.email.as_deref(), one.phone_number.as_deref()];
    let detail = detail.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let says_nothing = detail.is_empty() && name != kind;
    Card {
        icon: icon_of(method, one.device_platform),
        detail: if says_nothing { kind } else { detail },
        name,
        added: one.created_at,
        used: one.last_verified_at,
        is_primary: one.is_default == Some(true),
        may_be_primary: Way::of(method).is_some() && method.facts().may_be_primary,
        remove: visit.may_remove().then(|| visit.link("/settings", &[("remove", &one.user_authenticator_id)])),
        id: one.user_authenticator_id,
    }
}

/// What an authenticator is called, or else its kind.
pub(crate) fn called(one: &Authenticator, t: Messages<'_>) -> String {
    let platform = one.device.as_ref().map(|device| device.platform);
    one.name.clone().unwrap_or_else(|| t.text(kind_of(one.method, platform)))
}

/// What the last change did; its name stands in the address, and is no more than text.
pub(crate) fn done(t: Messages<'_>, fields: &Fields) -> Option<String> {
    let name = fields.get("name");
    Some(match fields.get("done") {
        "renamed" => t.with("settings-renamed-status", "name", name),
        "removed" => t.with("settings-removed-status", "name", name),
        "primary" => t.with("settings-primary-status", "name", name),
        "forgotten" => t.text("settings-forgotten-status"),
        _ => return None,
    })
}
