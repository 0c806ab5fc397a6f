//! The ways to confirm, as the pages show them: all that the pages have to know of a method stands here, in its templates and,
//! where it is set up on a page, in `set_up`.

use std::collections::BTreeSet;

use countersign_core::{
    app::{App, UserCaller},
    error::Error,
    messages::Messages,
    method::{Method, device::DevicePlatform, recovery::RecoveryCode, totp},
    proof::{Verdict, verify_recovery_code, verify_totp},
    typed,
    user::User,
};

/// A way to confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    App,
    Phone,
    Recovery,
}

/// The texts of a choice: what to set up.
pub(crate) struct Choice {
    pub(crate) link: &'static str,
    pub(crate) text: &'static str,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::App, Self::Phone, Self::Recovery];

    /// As it stands in an address.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Phone => "phone",
            Self::Recovery => "recovery",
        }
    }
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == name)
    }

    pub(crate) fn method(self) -> Method {
        match self {
            Self::App => Method::AuthenticatorApp,
            Self::Phone => Method::Push,
            Self::Recovery => Method::RecoveryCode,
        }
    }
    pub(crate) fn of(method: Method) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.method() == method)
    }

    /// Whether the user has what it takes.
    pub(crate) fn is_had_by(self, user: &User) -> bool {
        match self {
            Self::App => !user.totp.is_empty(),
            Self::Phone => user.devices(Method::Push).next().is_some(),
            // Whether any code is left is seen when one is typed, because it takes another read.
            Self::Recovery => user.is_enrolled(),
        }
    }

    /// The texts by which it is chosen to be set up, where the pages can set it up.
    pub(crate) fn choice(self) -> Option<Choice> {
        match self {
            Self::App => Some(Choice { link: "set-up-app-link", text: "set-up-app-text" }),
            Self::Phone => Some(Choice { link: "set-up-phone-link", text: "set-up-phone-text" }),
            Self::Recovery => None,
        }
    }

    /// The text of the link to it, beside another way.
    pub(crate) fn invitation(self) -> &'static str {
        match self {
            Self::App => "challenge-app-link",
            Self::Phone => "challenge-phone-link",
            Self::Recovery => "challenge-recovery-link",
        }
    }

    /// The field of the form into which its code is typed; `None` where nothing is typed, and the phones are asked.
    pub(crate) fn field(self) -> Option<&'static str> {
        match self {
            Self::App => Some("code"),
            Self::Phone => None,
            Self::Recovery => Some("recovery"),
        }
    }

    /// What is wrong with what was typed before anybody compares it, which costs no guess. `lengths` are those of the
    /// codes that the user's apps show.
    pub(crate) fn shape_problem(self, t: Messages<'_>, typed: &str, lengths: &BTreeSet<usize>) -> Option<String> {
        let is_empty = typed::is_empty(typed);
        let has_length = |code: &str| lengths.is_empty() || lengths.contains(&code.len());
        let length = lengths.first().copied().filter(|_| lengths.len() == 1).unwrap_or_default();
        match self {
            Self::Recovery if is_empty => Some(t.text("recovery-empty-error")),
            Self::Recovery => RecoveryCode::parse(typed).is_none().then(|| t.text("recovery-shape-error")),
            _ if is_empty => Some(t.text("code-empty-error")),
            _ if totp::read_code(typed).is_some_and(|code| has_length(&code)) => None,
            _ => Some(t.count("code-shape-error", "digits", length as u64)),
        }
    }

    /// Judges what was typed.
    pub(crate) async fn verify(self, app: &App, caller: &UserCaller, typed: &str) -> Result<Verdict, Error> {
        match self {
            Self::App => verify_totp(app, caller, typed, app.now()).await,
            Self::Recovery => verify_recovery_code(app, caller, typed, app.now()).await,
            // Nothing is typed for it.
            Self::Phone => Ok(Verdict::Rejected { attempts_left: None }),
        }
    }

    /// What is said of a wrong code, and what may help.
    pub(crate) fn wrong(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::App => ("code-wrong-error", &["code-app-hint", "code-clock-hint"]),
            Self::Phone => ("code-wrong-error", &[]),
            Self::Recovery => ("recovery-wrong-error", &[]),
        }
    }

    /// What is said where it opens again in a while.
    pub(crate) fn locked(self) -> &'static str {
        match self {
            Self::App | Self::Recovery => "locked-error",
            Self::Phone => "waiting-often-error",
        }
    }

    /// What is said where time alone does not open it again.
    pub(crate) fn closed(self) -> &'static str {
        match self {
            Self::App | Self::Phone => "closed-error",
            Self::Recovery => "recovery-closed-error",
        }
    }
}

/// The picture of an authenticator.
pub(crate) fn icon_of(method: Method, platform: Option<DevicePlatform>) -> &'static str {
    match kind_of(method, platform) {
        "method-app-label" => "app",
        "method-phone-label" => "phone",
        "method-browser-label" => "browser",
        "method-email-label" => "email",
        "method-sms-label" => "sms",
        "method-recovery-label" => "recovery",
        _ => "other",
    }
}

/// What users read an authenticator to be.
pub(crate) fn kind_of(method: Method, platform: Option<DevicePlatform>) -> &'static str {
    match method {
        Method::AuthenticatorApp => "method-app-label",
        Method::Push | Method::QrCode | Method::InApp if platform == Some(DevicePlatform::Web) => {
            "method-browser-label"
        }
        Method::Push | Method::QrCode | Method::InApp => "method-phone-label",
        Method::EmailOtp | Method::EmailMagicLink => "method-email-label",
        Method::Sms | Method::WhatsApp => "method-sms-label",
        Method::RecoveryCode => "method-recovery-label",
        _ => "method-other-label",
    }
}
