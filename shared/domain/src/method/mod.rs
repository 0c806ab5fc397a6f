//! The methods by which a user proves who they are; one file a method.

pub mod device;
pub mod recovery;
pub mod subscription;
pub mod totp;
pub mod webauthn;

use serde::{Deserialize, Serialize};

/// The kind of an authenticator (contract, section 4, `verificationMethod`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    Sms,
    EmailOtp,
    EmailMagicLink,
    AuthenticatorApp,
    Passkey,
    SecurityKey,
    Push,
    Veriff,
    Iproov,
    Idverse,
    PalmBiometricsRr,
    RecoveryCode,
    Device,
    #[serde(rename = "WHATSAPP")]
    WhatsApp,
    QrCode,
    InApp,
}

/// What a success shows, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// Nothing: this product does not ask for it.
    Nothing,
    /// Somebody knows a short code or a recovery code.
    Secret,
    /// Somebody has the key of a device.
    Key,
    /// The same, and whoever holds it is in front of the screen that asks: they carried the number over, or the key
    /// signs for that site alone.
    Matched,
}

/// All that tells one method from another: the one table of it. What a method needs beyond it stands in its own file.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The name on the wire, as in `AUTHENTICATOR_APP`.
    pub name: &'static str,
    /// What the run-time APIs call it (contract, section 4): two SDKs cannot read `QR_CODE` and `IN_APP`.
    pub on_run_time_api: Method,
    /// Whether it may answer a challenge here.
    pub answers: bool,
    /// Whether users can enrol it here, by whichever API.
    pub enrols: bool,
    /// Whether the hosted pages can enrol it.
    pub enrols_on_pages: bool,
    /// Whether a backend may vouch for it (contract, S7).
    pub attested: bool,
    /// Whether one of its authenticators may be the one that is asked first.
    pub may_be_primary: bool,
    /// Whether it is answered with the key of a device.
    pub needs_device: bool,
    /// What a success by it shows; with the number typed, one by a device shows [`Worth::Matched`].
    pub worth: Worth,
    /// Whether its first proof both enrols it and succeeds the action.
    pub first_proof_succeeds: bool,
    /// What the names of its guesses begin with, in the user's item; absent where nothing is guessed.
    pub letter: Option<char>,
    /// What people read where a thing has no name of its own.
    pub label: &'static str,
}

impl Facts {
    /// A method that nobody enrols or answers with here.
    const fn of_others(name: &'static str, method: Method, label: &'static str) -> Self {
        Self {
            name,
            on_run_time_api: method,
            answers: false,
            enrols: false,
            enrols_on_pages: false,
            attested: false,
            may_be_primary: false,
            needs_device: false,
            worth: Worth::Nothing,
            first_proof_succeeds: false,
            letter: None,
            label,
        }
    }

    /// An address that a backend vouches for; nothing asks for a code sent there yet.
    const fn of_address(name: &'static str, method: Method, label: &'static str) -> Self {
        Self { attested: true, may_be_primary: true, worth: Worth::Secret, ..Self::of_others(name, method, label) }
    }

    const fn of_device(name: &'static str, label: &'static str) -> Self {
        Self {
            answers: true,
            enrols: true,
            needs_device: true,
            worth: Worth::Key,
            ..Self::of_others(name, Method::Device, label)
        }
    }
}

impl Method {
    pub const ALL: [Self; 16] = [
        Self::Sms,
        Self::EmailOtp,
        Self::EmailMagicLink,
        Self::AuthenticatorApp,
        Self::Passkey,
        Self::SecurityKey,
        Self::Push,
        Self::Veriff,
        Self::Iproov,
        Self::Idverse,
        Self::PalmBiometricsRr,
        Self::RecoveryCode,
        Self::Device,
        Self::WhatsApp,
        Self::QrCode,
        Self::InApp,
    ];

    /// The table.
    pub const fn facts(self) -> Facts {
        match self {
            Self::Sms => Facts::of_address("SMS", self, "Text message"),
            Self::EmailOtp => Facts::of_address("EMAIL_OTP", self, "E-mail code"),
            Self::EmailMagicLink => Facts::of_address("EMAIL_MAGIC_LINK", self, "E-mail link"),
            Self::AuthenticatorApp => Facts {
                answers: true,
                enrols: true,
                enrols_on_pages: true,
                attested: true,
                may_be_primary: true,
                worth: Worth::Secret,
                first_proof_succeeds: true,
                letter: Some('t'),
                ..Facts::of_others("AUTHENTICATOR_APP", self, "Authenticator app")
            },
            Self::Passkey => Facts { worth: Worth::Matched, ..Facts::of_others("PASSKEY", self, "Passkey") },
            Self::SecurityKey => {
                Facts { worth: Worth::Matched, ..Facts::of_others("SECURITY_KEY", self, "Security key") }
            }
            Self::Push => Facts {
                on_run_time_api: self,
                enrols_on_pages: true,
                may_be_primary: true,
                letter: Some('n'),
                ..Facts::of_device("PUSH", "Phone")
            },
            Self::Veriff => Facts::of_others("VERIFF", self, "Veriff"),
            Self::Iproov => Facts::of_others("IPROOV", self, "iProov"),
            Self::Idverse => Facts::of_others("IDVERSE", self, "IDVerse"),
            Self::PalmBiometricsRr => Facts::of_others("PALM_BIOMETRICS_RR", self, "Palm"),
            Self::RecoveryCode => Facts {
                answers: true,
                worth: Worth::Secret,
                letter: Some('r'),
                ..Facts::of_others("RECOVERY_CODE", self, "Recovery code")
            },
            Self::Device => {
                Facts { needs_device: true, worth: Worth::Key, ..Facts::of_others("DEVICE", self, "Device") }
            }
            Self::WhatsApp => Facts { worth: Worth::Secret, ..Facts::of_others("WHATSAPP", self, "WhatsApp") },
            Self::QrCode => Facts { may_be_primary: true, ..Facts::of_device("QR_CODE", "Phone with QR codes") },
            Self::InApp => Facts { may_be_primary: true, ..Facts::of_device("IN_APP", "App") },
        }
    }

    /// Those of which something is so, in the order of the contract's list.
    pub fn that(is: impl Fn(Facts) -> bool) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |method| is(method.facts()))
    }

    /// Those that may answer here.
    pub fn answering() -> Vec<Self> {
        Self::that(|facts| facts.answers).collect()
    }

    /// The name on the wire, as in `AUTHENTICATOR_APP`.
    pub const fn as_str(self) -> &'static str {
        self.facts().name
    }

    /// The method as the run-time APIs call it.
    pub const fn on_run_time_api(self) -> Self {
        self.facts().on_run_time_api
    }

    /// Some methods as the run-time APIs call them, each once. Recovery codes are not listed: they are what is left when
    /// the user's methods are not at hand, only the hosted pages ask for them, and the Java SDK cannot read their name.
    pub fn all_on_run_time_api(methods: &[Self]) -> Vec<Self> {
        let shown = methods.iter().filter(|method| **method != Self::RecoveryCode);
        let mut named: Vec<Self> = shown.map(|method| method.on_run_time_api()).collect();
        named.sort_unstable();
        named.dedup();
        named
    }

    /// What a success of the method shows; with number matching, where the number was typed.
    pub fn worth(self, with_number: bool) -> Worth {
        let facts = self.facts();
        if facts.needs_device && with_number { Worth::Matched } else { facts.worth }
    }

    /// Whether it is answered with the key of a device.
    pub const fn is_of_device(self) -> bool {
        self.facts().needs_device
    }

    /// The method of that name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_wire_agree() {
        for method in Method::ALL {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
            assert_eq!(Method::parse(method.as_str()), Some(method));
            let facts = method.facts();
            assert!(!facts.answers || facts.worth > Worth::Nothing, "{method:?}");
            assert!(!facts.enrols_on_pages || facts.enrols, "{method:?}");
        }
        let mut letters: Vec<_> = Method::ALL.into_iter().filter_map(|method| method.facts().letter).collect();
        letters.sort_unstable();
        assert_eq!(letters, ['n', 'r', 't'], "each its own, and none changes: they stand in the table");
        let mut names: Vec<_> = Method::ALL.map(Method::as_str).into();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Method::ALL.len());
    }
}
