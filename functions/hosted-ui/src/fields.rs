//! What a page is called with, in its address or its form, and what of it is carried along.

use std::collections::{HashMap, hash_map::Entry};

use axum::http::HeaderMap;
use countersign_core::{app::TenantContext, id::ChallengeId, redirect};

/// What a page is called with, in its address or in its form.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    all: HashMap<String, String>,
    /// Their names, as they came.
    names: Vec<String>,
}

/// The names that the pages use themselves; what is called otherwise belongs to the app, and comes back to it.
const OURS: [&str; 26] = [
    "act",
    "after",
    "app",
    "challenge",
    "code",
    "done",
    "force_enrollment",
    "id",
    "kept",
    "kind",
    "leave",
    "mode",
    "name",
    "nativeScheme",
    "pairing",
    "quit",
    "recovery",
    "remove",
    "seal",
    "seen",
    "set",
    "token",
    "until",
    "waits",
    "was",
    "way",
];

/// How many characters of others are carried along; what is more is left out.
const MOST_OF_OTHERS: usize = 2000;

impl Fields {
    pub(crate) fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        // Where a field is there twice the first one counts, because what track wrote stands before what somebody
        // appended.
        let (mut all, mut names) = (HashMap::new(), Vec::new());
        for (name, value) in pairs {
            if let Entry::Vacant(free) = all.entry(name) {
                names.push(free.key().clone());
                free.insert(value);
            }
        }
        Self { all, names }
    }

    /// What belongs to the app.
    pub(crate) fn others(&self) -> Vec<(String, String)> {
        let mut room = MOST_OF_OTHERS;
        let others = self.names.iter().filter(|name| !OURS.contains(&name.as_str()));
        let others = others.map(|name| (name.clone(), self.get(name).to_owned()));
        let fits = |(name, value): &(String, String)| {
            let size = name.len() + value.len();
            room = room.saturating_sub(size);
            room > 0
        };
        others.take_while(fits).collect()
    }

    /// Empty where it is absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.all.get(name).map_or("", String::as_str)
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
    /// What the visit is led through once its action has succeeded.
    pub(crate) after: Option<After>,
    /// The question to a phone that is under way while another way is tried.
    pub(crate) waits: Option<String>,
    /// What the app added to the address, such as the `state` of OAuth 2 (RFC 6749, section 4.1.1). It comes back to it.
    pub(crate) others: Vec<(String, String)>,
}

/// What follows a success, before the page leads back to the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// A recovery code was used: the phone is lost, perhaps.
    Recovery,
    /// Few recovery codes are left.
    Few,
}

impl After {
    const ALL: [Self; 2] = [Self::Recovery, Self::Few];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Few => "few",
        }
    }
}

impl Flags {
    pub(crate) fn of(fields: &Fields, tenant: &TenantContext, headers: &HeaderMap) -> Self {
        let scheme = Some(fields.get("nativeScheme")).filter(|scheme| !scheme.is_empty());
        Self {
            is_popup: matches!(fields.get("mode"), "popup" | "window"),
            is_window: headers.get("sec-fetch-dest").is_some_and(|destination| destination == "document"),
            force_enrollment: fields.get("force_enrollment") == "true",
            native_scheme: scheme.and_then(|scheme| redirect::native_scheme(tenant.settings(), scheme)),
            waits: ChallengeId::parse(fields.get("waits").to_owned()).ok().map(|id| id.to_string()),
            others: fields.others(),
            after: After::ALL.into_iter().find(|after| after.name() == fields.get("after")),
        }
    }

    /// As they stand in an address or a form.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        let popup = self.is_popup.then_some(("mode", "popup"));
        let force = self.force_enrollment.then_some(("force_enrollment", "true"));
        let scheme = self.native_scheme.as_deref().map(|scheme| ("nativeScheme", scheme));
        let after = self.after.map(|after| ("after", after.name()));
        let waits = self.waits.as_deref().map(|waits| ("waits", waits));
        let others = self.others.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        [popup, force, scheme, after, waits].into_iter().flatten().chain(others).collect()
    }
}
