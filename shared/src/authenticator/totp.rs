//! Time-based one-time passwords (RFC 6238): secrets, their URI, and the step that a code matches.

use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::{
    clock::Timestamp,
    error::Error,
    id::{AuthenticatorId, TenantId, UserId, length_prefixed},
    keyring::{DataKey, random},
    tenant::TotpWindow,
};

/// RFC 4226, section 4, R6: 160 bits; NIST 800-63B asks for 112 at least.
const SECRET_BYTES: usize = 20;

/// The layout of a sealed secret; part of what is authenticated with it.
const VERSION: u8 = 1;

/// A TOTP secret with its parameters. Has no `Debug`, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct TotpSecret(Totp);

/// The number of a time step: seconds since 1970 divided by the period.
pub type Step = u64;

impl TotpSecret {
    /// A new secret of 160 bits from the operating system, SHA-1, 6 digits, 30 seconds: what every app accepts.
    pub fn generate() -> Result<Self, Error> {
        let secret = random::<SECRET_BYTES>()?;
        Self::build(Algorithm::SHA1, 6, 30, Secret::new_stack(secret))
    }

    /// The secret in an `otpauth://totp/` URI, whatever its algorithm, digits and period.
    ///
    /// Fails with 400 on anything that is not such a URI, or a secret of fewer than 80 bits:
    /// what other systems made, and no less.
    pub fn from_uri(uri: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::invalid(
                "otpUri is not a TOTP URI: send otpauth://totp/<label>?secret=<base32> with a secret of at least 80 bits.",
            )
        };
        let parsed = Totp::from_url_unchecked(uri).map_err(|_| wrong())?;
        let sane = (6..=8).contains(&parsed.digits()) && (15..=120).contains(&parsed.step());
        if !sane || !(10..=128).contains(&parsed.secret().as_bytes().len()) {
            return Err(wrong());
        }
        Self::build(parsed.algorithm(), parsed.digits(), parsed.step(), parsed.secret().clone())
    }

    fn build(algorithm: Algorithm, digits: u8, period: u64, secret: Secret) -> Result<Self, Error> {
        // Skew stays 0: which steps are accepted is the tenant's choice, see `matching_step`.
        Ok(Self(
            Builder::new()
                .with_algorithm(algorithm)
                .with_digits(digits)
                .with_step_duration(period)
                .with_skew(0)
                .with_secret(secret)
                .build_noncompliant(),
        ))
    }

    /// The secret in base32 without padding, for typing in by hand.
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.secret().to_base32())
    }

    /// The `otpauth` URI that authenticator apps read from a QR code (Google's key URI format).
    ///
    /// Colons part issuer from account in the label, so neither may hold one: they are replaced by spaces.
    pub fn uri(&self, issuer: &str, account: &str) -> Result<Zeroizing<String>, Error> {
        let clean = |text: &str, otherwise: &str| {
            let text = text.replace(':', " ").trim().to_owned();
            if text.is_empty() { otherwise.to_owned() } else { text }
        };
        Builder::new()
            .with_algorithm(self.0.algorithm())
            .with_digits(self.0.digits())
            .with_step_duration(self.0.step())
            .with_secret(self.0.secret().clone())
            .with_issuer(Some(clean(issuer, "Countersign")))
            .with_account_name(clean(account, "account"))
            .build_noncompliant()
            .to_url()
            .map(Zeroizing::new)
            .map_err(|_| Error::internal("the otpauth URI cannot be made"))
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
        Self::build(algorithm, *digits, u64::from(*period), Secret::from(secret.to_vec()))
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
