//! An end user: the hot part that every operation reads, and the profile that few do.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{ActionId, AuthenticatorId, UserId, UserUid, has_control},
    limiter::{Guesses, PushStarts},
    method::{Method, recovery, totp::Step},
    revoked::Revoked,
};

/// A user holds at most this many TOTP authenticators, and this many in all: the hot item stays under 1 KB.
pub const MAX_TOTP: usize = 5;
pub const MAX_AUTHENTICATORS: usize = 10;

/// The longest e-mail address, phone number or name, in bytes: 64 + 1 + 255 (RFC 5321, section 4.5.3.1).
pub const MAX_CONTACT: usize = 320;

/// Whether a text may be an e-mail address, a phone number or a name of a user.
pub fn is_contact(text: &str) -> bool {
    text.len() <= MAX_CONTACT && !has_control(text)
}

/// An enrolment not completed in this time is as if it had not been begun.
pub const ENROLMENT_SECONDS: i64 = 600;

/// The hot item: which authenticators exist, and what a verification needs of them.
#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub uid: UserUid,
    pub created_at: Timestamp,
    pub totp: BTreeMap<AuthenticatorId, TotpCredential>,
    /// Authenticators that need no secret here: keys of devices, and addresses that the customer's backend vouches for.
    pub secretless: BTreeMap<AuthenticatorId, Method>,
    /// Those of `secretless` that no push reaches.
    pub unreachable: BTreeSet<AuthenticatorId>,
    /// The device that is asked first.
    pub primary: Option<AuthenticatorId>,
    pub pushes: PushStarts,
    /// Until then nobody is asked by push: the user said "not me". Unix seconds.
    pub quiet_until: i64,
    /// What was taken away of late: what had succeeded by it is worth nothing.
    pub revoked: Revoked,
    pub pending: Option<PendingTotp>,
    pub default_method: Option<Method>,
    /// What an administrator wants to see finished.
    pub required: BTreeSet<RequiredAction>,
    /// The day, counted from 1970, of the last action while nothing was enrolled, for people who look at the list of
    /// users.
    pub seen: Option<i64>,
    pub guesses: Guesses,
    /// The method that worked last; recovery codes, which are for the day when it does not, are none.
    pub last_method: Option<Method>,
    /// When a device of the user denied a push last. Unix seconds.
    pub denied_at: i64,
    /// The devices on which a number can be typed.
    pub takes_numbers: BTreeSet<AuthenticatorId>,
    /// How many recovery codes are left, where that was counted; below zero where only uses were.
    pub codes_left: Option<i64>,
}

/// A verified TOTP secret, sealed, and the last step that was accepted.
#[derive(Clone)]
pub struct TotpCredential {
    pub sealed: Vec<u8>,
    pub spent: SpentStep,
}

impl std::fmt::Debug for TotpCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TotpCredential").field("spent", &self.spent).finish_non_exhaustive()
    }
}

/// The last accepted step of an authenticator, and the action that spent it.
///
/// Steps rise strictly, so each is accepted once, for ever. The action makes a repetition of the same
/// verification (a lost reply, a retry) the same answer, and any other one a refusal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpentStep {
    pub step: Step,
    pub by: Option<ActionId>,
    /// Unix seconds.
    pub at: i64,
}

impl SpentStep {
    /// Whether this very action spent this very step.
    pub fn is(&self, step: Step, by: &ActionId) -> bool {
        self.step == step && self.by.as_ref() == Some(by)
    }
}

/// A TOTP secret that was given out and not confirmed yet. The next one takes its place.
#[derive(Clone)]
pub struct PendingTotp {
    pub id: AuthenticatorId,
    pub sealed: Vec<u8>,
    /// Only tokens of the action that began the enrolment complete it.
    pub action: ActionId,
    /// The authenticator that had succeeded that action. Where it is taken away, this enrolment ends too.
    pub entitled_by: Option<AuthenticatorId>,
    /// Begun by a user with nothing enrolled: it completes only while that is still so.
    pub is_first: bool,
    pub begun_at: Timestamp,
    /// What its owner calls it.
    pub name: Option<String>,
}

impl PendingTotp {
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.as_second() >= self.begun_at.as_second() + ENROLMENT_SECONDS
    }
}

impl std::fmt::Debug for PendingTotp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingTotp").field("id", &self.id).finish_non_exhaustive()
    }
}

impl User {
    /// A user in memory before its first write.
    pub fn new(id: UserId, now: Timestamp) -> Self {
        Self {
            id,
            uid: UserUid::generate(),
            created_at: now,
            totp: BTreeMap::new(),
            secretless: BTreeMap::new(),
            pending: None,
            unreachable: BTreeSet::new(),
            revoked: Revoked::default(),
            primary: None,
            pushes: PushStarts::default(),
            quiet_until: 0,
            default_method: None,
            required: BTreeSet::new(),
            seen: None,
            guesses: Guesses::default(),
            last_method: None,
            denied_at: 0,
            takes_numbers: BTreeSet::new(),
            codes_left: None,
        }
    }

    /// Whether so few recovery codes are left that their owner should know. The count is near enough for that: a code of
    /// the set before counts too.
    pub fn has_few_codes(&self) -> bool {
        self.codes_left.is_some_and(|left| u64::try_from(left).is_ok_and(|left| left <= recovery::FEW))
    }

    pub fn is_enrolled(&self) -> bool {
        !(self.totp.is_empty() && self.secretless.is_empty())
    }

    /// Whether there is something that the user can be asked for. An address that a backend vouches for is none: nothing
    /// here sends codes.
    pub fn can_answer(&self) -> bool {
        !self.totp.is_empty() || self.secretless.values().any(|method| method.facts().answers)
    }

    /// The user without this authenticator.
    pub fn without(&self, id: &AuthenticatorId) -> Self {
        let mut left = self.clone();
        left.totp.remove(id);
        left.secretless.remove(id);
        left
    }

    /// Whether nothing that can answer is left once this is removed.
    pub fn ends_with(&self, id: &AuthenticatorId) -> bool {
        self.can_answer() && !self.without(id).can_answer()
    }

    /// The kinds of authenticator this user has, each once, in the order of the contract's list.
    pub fn enrolled_methods(&self) -> Vec<Method> {
        let totp = (!self.totp.is_empty()).then_some(Method::AuthenticatorApp);
        let mut methods: Vec<Method> = self.secretless.values().copied().chain(totp).collect();
        methods.sort_unstable();
        methods.dedup();
        methods
    }

    /// The default the user chose, or the only method there is.
    pub fn default_method(&self) -> Option<Method> {
        let enrolled = self.enrolled_methods();
        self.default_method.filter(|method| enrolled.contains(method)).or_else(|| enrolled.first().copied())
    }

    /// What the user is asked for first: what they chose, or else what worked last.
    pub fn asked_first(&self) -> Option<Method> {
        let enrolled = self.enrolled_methods();
        let has = |method: &Method| enrolled.contains(method);
        self.default_method.filter(has).or(self.last_method.filter(has)).or_else(|| enrolled.first().copied())
    }

    /// The devices of this user whose key is for this method.
    pub fn devices(&self, method: Method) -> impl Iterator<Item = &AuthenticatorId> {
        self.secretless.iter().filter(move |(_, of)| **of == method).map(|(id, _)| id)
    }

    pub fn has_authenticator(&self, id: &AuthenticatorId) -> bool {
        self.totp.contains_key(id) || self.secretless.contains_key(id)
    }
}

/// A set-up that a user has to finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RequiredAction {
    AuthenticatorApplicationSetup,
}

impl RequiredAction {
    pub const ALL: [Self; 1] = [Self::AuthenticatorApplicationSetup];

    /// The id on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthenticatorApplicationSetup => "AUTHENTICATOR_APPLICATION_SETUP",
        }
    }

    /// What an administrator reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthenticatorApplicationSetup => "Authenticator Application Setup",
        }
    }

    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == id)
    }

    /// Whether the user has done it, however that came about.
    pub fn is_done_by(self, user: &User) -> bool {
        match self {
            Self::AuthenticatorApplicationSetup => !user.totp.is_empty(),
        }
    }
}

/// What a customer tells us of its user (contract, S3); every field optional.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default)]
    pub email_verified: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    #[serde(default)]
    pub phone_number_verified: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The kinds of contact by which users are looked up (contract, S2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContactKind {
    Email,
    Phone,
    Username,
}

impl Profile {
    /// The contacts under which this profile is found. E-mail addresses are compared without case; nothing
    /// about security hangs on that.
    pub fn contacts(&self) -> Vec<(ContactKind, String)> {
        [
            (ContactKind::Email, self.email.as_deref()),
            (ContactKind::Phone, self.phone_number.as_deref()),
            (ContactKind::Username, self.username.as_deref()),
        ]
        .into_iter()
        .filter_map(|(kind, value)| Some((kind, kind.normal(value?))))
        .collect()
    }
}

impl ContactKind {
    pub fn normal(self, value: &str) -> String {
        match self {
            Self::Email => value.trim().to_lowercase(),
            Self::Phone | Self::Username => value.trim().to_owned(),
        }
    }
}
