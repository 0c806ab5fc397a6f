//! A customer of the installation: its settings, keys and kinds of action.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{
    delivery::Platform,
    error::Error,
    facts::{AccountDisplay, Texts},
    id::{ActionCode, TenantId},
    method::{Method, totp::TotpWindow},
    policy::FailureMode,
    rule::Outcome,
    web,
};

/// At most this many keys of one kind are live: the old one and the new one, for the length of a roll-over.
pub const LIVE_KEYS: usize = 2;

/// A tenant as its item in the table holds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    pub id: TenantId,
    #[serde(flatten)]
    pub settings: Settings,
    /// Newest first. Only hashes; the secrets are shown once.
    pub api_keys: Vec<ApiKey>,
    /// Newest first.
    pub token_keys: Vec<TokenKey>,
    /// The key under which secrets are sealed, itself sealed by the keyring.
    pub sealed_data_key: String,
}

/// What a tenant may choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Shown to end users, and the issuer in authenticator apps.
    pub name: String,
    /// How long a user token and a challenge live.
    pub token_duration_in_minutes: u32,
    pub totp_window: TotpWindow,
    #[serde(default)]
    pub push: PushSettings,
    #[serde(flatten)]
    pub recovery_codes: RecoverySettings,
    #[serde(flatten)]
    pub pages: PageSettings,
    /// Settings of the methods that differ from their defaults.
    #[serde(default)]
    pub authenticators: BTreeMap<Method, AuthenticatorSettings>,
    /// Where its users may be sent from a hosted page, and which schemes its apps have (`redirect`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_urls: Vec<String>,
    /// How much of an account's address the pages and devices show beside what is confirmed.
    #[serde(default)]
    pub account_display: AccountDisplay,
    /// For trying things out: its pages may also send users to loopback addresses. Set when a tenant is made on a
    /// machine of one's own, never by the API.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_local: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// What a tenant says of recovery codes (contract, M26-M27).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecoverySettings {
    /// None are made, and none let anybody in.
    pub disable_recovery_codes: bool,
    /// A backend that enrols (S7) is given none.
    pub skip_recovery_codes_on_programmatic_enrollment: bool,
    /// The hosted pages show none after the first set-up; users make them when they want some.
    pub hide_recovery_codes_on_enrollment: bool,
}

/// What a tenant says of the hosted pages (contract, M26-M27).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PageSettings {
    /// The host at which users see the pages, in place of the installation's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_domain: Option<String>,
    /// After an enrolment the page goes on by itself, and does not say first that it is done.
    pub hide_success_screen_on_enrollment: bool,
    /// Users may remove their last method. An enforcement is stronger.
    pub allow_disabling_mfa: bool,
    /// Users may remove methods.
    pub allow_deleting_user_authenticators: bool,
    /// A page whose token has expired leads back to the app by itself.
    pub redirect_on_session_expiry: bool,
}

impl Default for PageSettings {
    fn default() -> Self {
        Self {
            custom_domain: None,
            hide_success_screen_on_enrollment: false,
            allow_disabling_mfa: true,
            allow_deleting_user_authenticators: true,
            redirect_on_session_expiry: false,
        }
    }
}

/// What a tenant says of a method (contract, M28-M29).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticatorSettings {
    /// Whether it may be enrolled, and answers new actions.
    pub is_active: bool,
    /// The issuer in authenticator apps, in place of the tenant's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_name: Option<String>,
}

impl Default for AuthenticatorSettings {
    fn default() -> Self {
        Self { is_active: true, issuer_name: None }
    }
}

impl Settings {
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            token_duration_in_minutes: 10,
            totp_window: TotpWindow::default(),
            push: PushSettings::default(),
            recovery_codes: RecoverySettings::default(),
            pages: PageSettings::default(),
            authenticators: BTreeMap::new(),
            redirect_urls: Vec::new(),
            account_display: AccountDisplay::default(),
            is_local: false,
        }
    }

    /// Whether a method may be enrolled, and answers new actions.
    pub fn is_active(&self, method: Method) -> bool {
        let is_off = method == Method::RecoveryCode && self.recovery_codes.disable_recovery_codes;
        !is_off && self.authenticators.get(&method).is_none_or(|settings| settings.is_active)
    }

    /// Where users see the pages: at the tenant's own host, or else where the installation has them.
    pub fn pages_at<'a>(&self, public_url: &'a str) -> Cow<'a, str> {
        let own = self.pages.custom_domain.as_deref().and_then(|host| web::read_host(host).ok());
        own.map_or(Cow::Borrowed(public_url), |url| Cow::Owned(web::origin(&url)))
    }

    /// Checks a host for the pages; 400 that says what to send.
    pub fn check_custom_domain(&self, host: &str) -> Result<(), Error> {
        let url = web::read_host(host).map_err(|why| Error::Invalid(format!("customDomain {why}.")))?;
        let is_elsewhere = web::is_nearly_loopback(&url) && !(self.is_local && web::is_loopback(&url));
        match is_elsewhere {
            true => {
                Err(Error::invalid("customDomain leads to the machine of whoever follows it; only local tenants may."))
            }
            false => Ok(()),
        }
    }

    /// What authenticator apps show as the issuer.
    pub fn issuer(&self) -> &str {
        let own = self.authenticators.get(&Method::AuthenticatorApp).and_then(|app| app.issuer_name.as_deref());
        own.unwrap_or(&self.name)
    }
}

/// Whether something is up to the caller or is always required.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Demand {
    #[default]
    Optional,
    Required,
}

/// What a tenant asks of approvals on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushSettings {
    /// Typing the initiator's number on the device (NIST SP 800-63B, 3.1.3).
    pub number_matching: Demand,
    /// Signing what was shown, and not the challenge's id alone.
    pub signature_v2: Demand,
    /// How long a device has to answer.
    pub seconds: u32,
    /// Whether the encrypted push to a browser says the public values of the action, and not its name alone.
    #[serde(default)]
    pub shows_details: bool,
    /// ARNs of SNS platform applications, by which push services are reached.
    #[serde(default)]
    pub applications: BTreeMap<Platform, String>,
    /// How browsers are reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<WebPush>,
}

/// A tenant's identity to the push services of browsers (RFC 8292).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebPush {
    /// Whom a push service may write to: `mailto:` or `https:`.
    pub subject: String,
    /// The point of the key, uncompressed, base64url: the `applicationServerKey` of pages.
    pub public_key: String,
    /// The key, sealed by the keyring.
    pub sealed_key: String,
    /// Origins of push services beside the known ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

impl Default for PushSettings {
    fn default() -> Self {
        Self {
            number_matching: Demand::Optional,
            signature_v2: Demand::Optional,
            seconds: 120,
            shows_details: false,
            applications: BTreeMap::new(),
            web: None,
        }
    }
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// The server API (`Basic secret:`).
    Secret,
    /// The management API.
    Management,
}

/// A live API key, by the SHA-256 of its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub hash: String,
    pub kind: KeyKind,
    pub created_at: i64,
}

/// A live token key; its bytes derive from the keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenKey {
    pub kid: String,
    pub master: String,
    /// Unix seconds from which this key signs. Later than its creation by more than the time for which
    /// configuration is cached, so that whoever meets a token signed by it already knows it.
    pub signs_from: i64,
}

/// A kind of action (contract, M1–M5). Made on first sight by track, with the outcome CHALLENGE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionConfig {
    pub action_code: ActionCode,
    pub default_user_action_result: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_methods: Option<Vec<Method>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_verification_method: Option<Method>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_to_enroll_verification_methods: Option<Vec<Method>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messaging_templates: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_webhook_url: Option<String>,
    #[serde(default)]
    pub failure_mode: FailureMode,
    /// What users read it to be, by language. The contract does not have it.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub display_name: Texts,
    /// To the hour, in Unix seconds: written at most once an hour, so that a busy action is not a hot item.
    #[serde(skip)]
    pub last_action_created_at: Option<i64>,
    /// The outcome where one of its rules cannot be computed; never ALLOW. The contract does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_error_outcome: Option<Outcome>,
    /// One life of this configuration: deleted and made again it has another, and no rules.
    #[serde(skip)]
    pub life: u64,
}

impl ActionConfig {
    pub fn new(action_code: ActionCode) -> Self {
        Self {
            action_code,
            default_user_action_result: Outcome::Challenge,
            verification_methods: None,
            default_verification_method: None,
            prompt_to_enroll_verification_methods: None,
            messaging_templates: None,
            verification_webhook_url: None,
            failure_mode: FailureMode::default(),
            display_name: Texts::default(),
            last_action_created_at: None,
            rule_error_outcome: None,
            life: 0,
        }
    }

    /// Checks what holds of every kind of action, new or changed.
    pub fn check(&self) -> Result<(), Error> {
        self.display_name.check("displayName")?;
        if self.messaging_templates.as_ref().is_some_and(|value| !value.is_object()) {
            return Err(Error::invalid("messagingTemplates is an object of locales."));
        }
        let is_url = |url: &String| url.starts_with("https://") && url.len() <= 2048;
        if self.verification_webhook_url.as_ref().is_some_and(|url| !is_url(url)) {
            return Err(Error::invalid("verificationWebhookUrl is an https URL."));
        }
        if self.rule_error_outcome == Some(Outcome::Allow) {
            return Err(Error::invalid(
                "ruleErrorOutcome is CHALLENGE, REVIEW or BLOCK: what cannot be decided is not allowed.",
            ));
        }
        Ok(())
    }

    /// The outcome where one of its rules cannot be computed: nothing is known, so nothing is allowed.
    pub fn on_rule_error(&self) -> Outcome {
        self.rule_error_outcome.filter(|outcome| *outcome != Outcome::Allow).unwrap_or(Outcome::Challenge)
    }

    /// The methods that may answer a challenge of this action; never empty (the Python SDK's tests ask for one).
    pub fn allowed_methods(&self) -> Vec<Method> {
        self.verification_methods.clone().unwrap_or_else(Method::answering)
    }
}
