//! Time-based one-time passwords (RFC 6238): secrets, their URI, and the step that a code matches.

mod key;
mod prove;
mod seed;
mod uri;

use serde::{Deserialize, Serialize};
use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::{
    clock::Timestamp,
    error::Error,
    id::{AuthenticatorId, TenantId, UserId, UserUid, length_prefixed},
    secret::{DataKey, random},
    typed,
};

use key::hmac_key;
pub use prove::{Candidate, Proved, Spent, lengths, prove};
pub use seed::{Beside, Unread};

/// RFC 4226, section 4, R6: 160 bits; NIST 800-63B asks for 112 at least.
const SECRET_BYTES: usize = 20;

/// The layout of a sealed secret; part of what is authenticated with it.
const VERSION: u8 = 1;

/// A TOTP secret with its parameters. Has no `Debug`, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct TotpSecret(Totp);

/// Which time steps are accepted around the current one, T (RFC 6238, section 5.2: one step of delay by default).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<i64>", into = "Vec<i64>")]
pub enum TotpWindow {
    /// T alone.
    Current,
    /// T-1 and T.
    #[default]
    Delay,
    /// T-1, T and T+1, for phones whose clock runs fast.
    Drift,
}

impl TotpWindow {
    /// The accepted steps relative to the current one, in ascending order.
    pub fn offsets(self) -> &'static [i64] {
        match self {
            Self::Current => &[0],
            Self::Delay => &[-1, 0],
            Self::Drift => &[-1, 0, 1],
        }
    }
}

impl TryFrom<Vec<i64>> for TotpWindow {
    type Error = &'static str;
    fn try_from(offsets: Vec<i64>) -> Result<Self, Self::Error> {
        [Self::Current, Self::Delay, Self::Drift]
            .into_iter()
            .find(|window| window.offsets() == offsets)
            .ok_or("the accepted TOTP steps are [0], [-1, 0] or [-1, 0, 1]")
    }
}

impl From<TotpWindow> for Vec<i64> {
    fn from(window: TotpWindow) -> Self {
        window.offsets().to_vec()
    }
}

/// What is said of a text that can be no code.
pub const EXPECTED: &str = "The code has six digits, or as many more as the app shows.";

/// A code as it is compared; `None` for what no authenticator shows: a code has six digits, and of apps that other systems set
/// up up to eight.
pub fn read_code(text: &str) -> Option<Zeroizing<String>> {
    typed::digits(text, 6..=8)
}

/// The number of a time step: seconds since 1970 divided by the period.
pub type Step = u64;

impl TotpSecret {
    /// A new secret of 160 bits from the operating system, SHA-1, 6 digits, 30 seconds: what every app accepts.
    pub fn generate() -> Result<Self, Error> {
        let secret = random::<SECRET_BYTES>()?;
        Ok(Self::build(Algorithm::SHA1, 6, 30, Secret::new_stack(secret)))
    }

    /// Whether base32 alone is enough to hand it over: its parameters are the usual SHA-1, 6 digits and 30 seconds.
    pub fn is_usual(&self) -> bool {
        (self.0.algorithm(), self.0.digits(), self.0.step()) == (Algorithm::SHA1, 6, 30)
    }

    /// How many digits its codes have: 6 to 8.
    pub fn digits(&self) -> usize {
        self.0.digits().into()
    }

    fn build(algorithm: Algorithm, digits: u8, period: u64, secret: Secret) -> Self {
        // Skew stays 0: which steps are accepted is the tenant's choice, see `matching_step`.
        Self(
            Builder::new()
                .with_algorithm(algorithm)
                .with_digits(digits)
                .with_step_duration(period)
                .with_skew(0)
                .with_secret(secret)
                .build_noncompliant(),
        )
    }

    /// The secret in base32 without padding, for typing in by hand.
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.secret().to_base32())
    }

    /// The accepted step whose code this is, the newest first; `None` for a wrong code.
    ///
    /// The comparison is totp-rs's, in constant time. A step is accepted once: the store sees to that.
    pub fn matching_step(&self, code: &str, now: Timestamp, window: TotpWindow) -> Option<Step> {
        let period = self.0.step();
        let current = i64::try_from(u64::try_from(now.as_second()).ok()? / period).ok()?;
        // Every step is computed, whichever matches, so that the time taken does not tell.
        window.offsets().iter().rev().fold(None, |found, offset| {
            let step = u64::try_from(current + offset).ok();
            let matched = step.and_then(|step| self.0.check(code, step * period));
            found.or(matched)
        })
    }

    /// The id of the authenticator with this secret: a user cannot have one secret twice, which would accept each
    /// of its codes twice.
    pub fn authenticator_id(&self, key: &DataKey, user: &UserUid) -> AuthenticatorId {
        let secret = hmac_key(self.0.algorithm(), self.0.secret().as_bytes());
        AuthenticatorId::of(key.fingerprint(&[b"totp", user.as_str().as_bytes(), &secret]))
    }

    /// Seals the secret for one authenticator of one user of one tenant.
    pub fn seal(&self, key: &DataKey, owner: &Owner<'_>) -> Result<Vec<u8>, Error> {
        let algorithm = match self.0.algorithm() {
            Algorithm::SHA256 => 2,
            Algorithm::SHA512 => 3,
            _ => 1,
        };
        let period = u8::try_from(self.0.step()).map_err(Error::internal)?;
        let mut plain = Zeroizing::new(vec![VERSION, algorithm, self.0.digits(), period]);
        plain.extend_from_slice(self.0.secret().as_bytes());
        key.seal(&plain, &owner.context())
    }

    /// Opens a sealed secret; 503 where it is not this owner's.
    pub fn open(key: &DataKey, owner: &Owner<'_>, sealed: &[u8]) -> Result<Self, Error> {
        let plain = Zeroizing::new(key.open(sealed, &owner.context())?);
        let [VERSION, algorithm, digits, period, secret @ ..] = plain.as_slice() else {
            return Err(Error::unavailable("a sealed TOTP secret has an unknown version"));
        };
        let algorithm = match algorithm {
            2 => Algorithm::SHA256,
            3 => Algorithm::SHA512,
            _ => Algorithm::SHA1,
        };
        Ok(Self::build(algorithm, *digits, u64::from(*period), Secret::from(secret.to_vec())))
    }
}

/// Whose secret it is; authenticated with the sealed text, so that a blob copied to another user does not open.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    pub tenant: &'a TenantId,
    pub user: &'a UserId,
    pub authenticator: &'a AuthenticatorId,
}

impl Owner<'_> {
    fn context(&self) -> Vec<u8> {
        length_prefixed(&[
            b"countersign/totp",
            self.tenant.as_str().as_bytes(),
            self.user.as_str().as_bytes(),
            self.authenticator.as_str().as_bytes(),
            &[VERSION],
        ])
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE32_NOPAD;
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn with_key(seed: &[u8], algorithm: &str, digits: u8) -> TotpSecret {
        let secret = BASE32_NOPAD.encode(seed);
        TotpSecret::from_uri(&format!("otpauth://totp/a?secret={secret}&algorithm={algorithm}&digits={digits}"))
            .unwrap()
    }

    /// RFC 4226, appendix D: the ten values of the counter, each as the step that it is here.
    #[test]
    fn the_vectors_of_rfc_4226_hold() {
        let secret = with_key(b"12345678901234567890", "SHA1", 6);
        let values =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, code) in (0..).zip(values) {
            assert_eq!(secret.matching_step(code, at(counter * 30), TotpWindow::Current), u64::try_from(counter).ok());
        }
    }

    /// RFC 6238, appendix B: six times, three algorithms, eight digits; seeds of 20, 32 and 64 bytes.
    #[test]
    fn the_vectors_of_rfc_6238_hold() {
        let seed = b"1234567890".repeat(7);
        let secrets =
            [("SHA1", 20), ("SHA256", 32), ("SHA512", 64)].map(|(name, size)| with_key(&seed[..size], name, 8));
        for (time, codes) in [
            (59, ["94287082", "46119246", "90693936"]),
            (1_111_111_109, ["07081804", "68084774", "25091201"]),
            (1_111_111_111, ["14050471", "67062674", "99943326"]),
            (1_234_567_890, ["89005924", "91819424", "93441116"]),
            (2_000_000_000, ["69279037", "90698825", "38618901"]),
            (20_000_000_000, ["65353130", "77737706", "47863826"]),
        ] {
            for (secret, code) in secrets.iter().zip(codes) {
                assert_eq!(
                    secret.matching_step(code, at(time), TotpWindow::Current),
                    u64::try_from(time / 30).ok(),
                    "{code}"
                );
            }
        }
    }

    /// The windows, at the edges of a step: which code is accepted by how far it is from the present one.
    #[test]
    fn the_window_is_what_the_tenant_chose() {
        let secret = with_key(b"12345678901234567890", "SHA1", 6);
        let start = 1_795_255_200;
        for now in [start, start + 1, start + 29] {
            for offset in -3..=3 {
                let code = secret.0.generate(u64::try_from(start + 30 * offset).unwrap()).to_string();
                for window in [TotpWindow::Current, TotpWindow::Delay, TotpWindow::Drift] {
                    let step = u64::try_from(start / 30 + offset).unwrap();
                    let expected = window.offsets().contains(&offset).then_some(step);
                    assert_eq!(secret.matching_step(&code, at(now), window), expected, "{window:?} {offset}");
                }
            }
        }
    }

    proptest! {
        /// Whatever is typed, only six digits can be a code.
        #[test]
        fn what_is_not_six_digits_matches_nothing(typed in "\\PC{0,12}") {
            prop_assume!(typed.len() != 6 || !typed.bytes().all(|b| b.is_ascii_digit()));
            let secret = with_key(b"12345678901234567890", "SHA1", 6);
            prop_assert_eq!(secret.matching_step(&typed, at(59), TotpWindow::Drift), None);
        }
    }

    #[test]
    fn a_code_is_six_to_eight_digits() {
        for (typed, read) in [("123456", "123456"), (" 123 456 ", "123456"), ("1234 5678", "12345678")] {
            assert_eq!(read_code(typed).as_deref().map(String::as_str), Some(read), "{typed}");
        }
        for typed in ["", "hello", "123", "12345", "123456789", "12345a", "-12345"] {
            assert_eq!(read_code(typed), None, "{typed}");
        }
    }

    #[test]
    fn new_secrets_have_160_bits_and_differ() {
        let secrets: std::collections::HashSet<_> =
            (0..10_000).map(|_| TotpSecret::generate().unwrap().to_base32().to_string()).collect();
        assert_eq!(secrets.len(), 10_000);
        assert!(secrets.iter().all(|secret| secret.len() == 32));
    }

    #[test]
    fn a_sealed_secret_opens_for_its_owner_only() {
        let tenant = TenantId::parse("t").unwrap();
        let key = DataKey::new(&[3; 32]).unwrap();
        let (ada, bob) = (UserId::parse("ada").unwrap(), UserId::parse("bob").unwrap());
        let (one, two) = (AuthenticatorId::generate(), AuthenticatorId::generate());
        let owner = |user, authenticator| Owner { tenant: &tenant, user, authenticator };
        let secret = with_key(&[7; 32], "SHA256", 8);
        let sealed = secret.seal(&key, &owner(&ada, &one)).unwrap();
        let opened = TotpSecret::open(&key, &owner(&ada, &one), &sealed).ok().unwrap();
        assert!(opened.0 == secret.0);
        assert!(TotpSecret::open(&key, &owner(&bob, &one), &sealed).is_err());
        assert!(TotpSecret::open(&key, &owner(&ada, &two), &sealed).is_err());
    }
}
