//! Encrypted seeds of PSKC, by the key that the maker of the tokens sent apart (RFC 6030, section 6.1), or by a password
//! (section 6.2).

use std::{fs, num::NonZeroU32, path::Path};

use aws_lc_rs::{
    cipher::{AES_128, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey},
    hmac,
    iv::FixedLength,
    pbkdf2,
};
use countersign_core::typed;
use data_encoding::{BASE64, HEXUPPER};
use roxmltree::Node;
use zeroize::Zeroizing;

use super::pskc::{child, text};
use crate::first_run::Trouble;

/// RFC 6030, section 6.1: AES in CBC mode (XML Encryption, section 5.2), so each value has a MAC.
const CIPHERS: [(&str, usize); 2] =
    [("http://www.w3.org/2001/04/xmlenc#aes128-cbc", 16), ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", 32)];
const MACS: [(&str, hmac::Algorithm); 2] = [
    ("http://www.w3.org/2000/09/xmldsig#hmac-sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    ("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", hmac::HMAC_SHA256),
];
const BLOCK: usize = 16;
/// RFC 8018, appendix B.1. Where a file names none, it is the first.
const FUNCTIONS: [(&str, pbkdf2::Algorithm); 3] = [
    ("hmac-sha1", pbkdf2::PBKDF2_HMAC_SHA1),
    ("hmac-sha256", pbkdf2::PBKDF2_HMAC_SHA256),
    ("hmac-sha512", pbkdf2::PBKDF2_HMAC_SHA512),
];
/// So many take some seconds. A file that asks for more would keep the import busy for nothing.
const MOST_ITERATIONS: u32 = 10_000_000;

type Bytes = Zeroizing<Vec<u8>>;

/// What decrypts a file: it is read from another file, so that no list of processes shows it.
pub enum Unlock {
    Key(Preshared),
    /// From which each file says how to derive its key.
    Password(Zeroizing<String>),
}

impl Unlock {
    /// A key in hexadecimal digits.
    pub fn read_key(file: &Path) -> Result<Self, Trouble> {
        let wrong = |what: String| Trouble(format!("{}: {what}", file.display()));
        let read = Zeroizing::new(fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?);
        let key = HEXUPPER.decode(typed::letters(&read, 64).as_bytes()).map(Zeroizing::new).ok();
        let key = key.filter(|key| CIPHERS.iter().any(|(_, length)| *length == key.len()));
        let key = key.ok_or_else(|| wrong("is not a key of 128 or 256 bits in hexadecimal".into()))?;
        Ok(Self::Key(Preshared(key)))
    }

    /// A password: the first line, to the letter.
    pub fn read_password(file: &Path) -> Result<Self, Trouble> {
        let wrong = |what: String| Trouble(format!("{}: {what}", file.display()));
        let read = Zeroizing::new(fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?);
        let password = Zeroizing::new(read.lines().next().unwrap_or_default().to_owned());
        if password.is_empty() {
            Err(wrong("has no password in its first line".into()))
        } else {
            Ok(Self::Password(password))
        }
    }

    /// The key of this file, or why there is none.
    pub fn of(&self, container: Node<'_, '_>) -> Result<Preshared, String> {
        let derived = child(container, &["EncryptionKey", "DerivedKey"]);
        match (self, derived) {
            (Self::Key(key), None) => Ok(Preshared(key.0.clone())),
            (Self::Key(_), Some(_)) => Err("is encrypted by a password; say --pskc-password FILE".into()),
            (Self::Password(_), None) => Err("is not encrypted by a password; say --pskc-key FILE".into()),
            (Self::Password(password), Some(derived)) => derive(password, derived).map_err(str::to_owned),
        }
    }
}

/// RFC 6030, section 6.2: PBKDF2, as the file says.
fn derive(password: &str, derived: Node<'_, '_>) -> Result<Preshared, &'static str> {
    let method = child(derived, &["KeyDerivationMethod"]).ok_or("does not say how its key is derived")?;
    if !method.attribute("Algorithm").is_some_and(|name| name.ends_with("#pbkdf2")) {
        return Err("derives its key by another function than PBKDF2");
    }
    let said = child(method, &["PBKDF2-params"]).ok_or("does not say how its key is derived")?;
    let number = |name| text(said, &[name]).and_then(|number| number.parse::<u32>().ok());
    let salt = text(said, &["Salt", "Specified"]).and_then(|salt| bytes(&salt)).ok_or("has no salt")?;
    let iterations = number("IterationCount").and_then(NonZeroU32::new).ok_or("has no IterationCount")?;
    if iterations.get() > MOST_ITERATIONS {
        return Err("has an IterationCount above 10,000,000");
    }
    // XML Encryption 1.1 counts the key in bytes, as RFC 6030 does.
    let length = number("KeyLength").and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    if !CIPHERS.iter().any(|(_, known)| *known == length) {
        return Err("derives a key of another length than 16 or 32 bytes");
    }
    let named = child(said, &["PRF"]).and_then(|function| function.attribute("Algorithm"));
    let is_named = |name: &str| named.is_none_or(|full| full.rsplit('#').next() == Some(name));
    let function = FUNCTIONS.iter().find(|(name, _)| is_named(name));
    let (_, function) =
        function.ok_or("derives its key by another function than HMAC with SHA-1, SHA-256 or SHA-512")?;
    let mut key = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(*function, iterations, &salt, password.as_bytes(), &mut key);
    Ok(Preshared(key))
}

/// The key that decrypts a file.
pub struct Preshared(Bytes);

impl Preshared {
    /// A secret of a key, where its MAC is right; else why not.
    pub fn open(&self, container: Node<'_, '_>, secret: Node<'_, '_>) -> Result<Bytes, &'static str> {
        let value = child(secret, &["EncryptedValue"]).ok_or("is missing")?;
        let method = child(container, &["MACMethod"]).ok_or("has no MAC, without which it could be another")?;
        let algorithm = MACS.iter().find(|(name, _)| method.attribute("Algorithm") == Some(*name));
        let (_, algorithm) = algorithm.ok_or("has a MAC of another kind than HMAC with SHA-1 or SHA-256")?;
        let mac_key = match child(method, &["MACKey"]) {
            Some(key) => self.decrypt(key, &ciphertext(key)?)?,
            None => self.0.clone(),
        };
        let encrypted = ciphertext(value)?;
        let tag = text(secret, &["ValueMAC"])
            .and_then(|tag| bytes(&tag))
            .ok_or("has no MAC, without which it could be another")?;
        hmac::verify(&hmac::Key::new(*algorithm, &mac_key), &encrypted, &tag)
            .map_err(|_| "cannot be decrypted with this key, or was changed")?;
        self.decrypt(value, &encrypted)
    }

    fn decrypt(&self, value: Node<'_, '_>, encrypted: &[u8]) -> Result<Bytes, &'static str> {
        let named = child(value, &["EncryptionMethod"]).and_then(|method| method.attribute("Algorithm"));
        let (_, length) =
            CIPHERS.iter().find(|(name, _)| named == Some(*name)).ok_or("is not encrypted with AES in CBC mode")?;
        if *length != self.0.len() {
            return Err("is encrypted with a key of another length");
        }
        let open = || {
            let (iv, rest) = encrypted.split_first_chunk::<BLOCK>()?;
            let key = UnboundCipherKey::new(if *length == 16 { &AES_128 } else { &AES_256 }, &self.0).ok()?;
            let key = PaddedBlockDecryptingKey::cbc_iso10126(key).ok()?;
            let mut plain = Zeroizing::new(rest.to_vec());
            let opened = key.decrypt(&mut plain, DecryptionContext::Iv128(FixedLength::from(*iv))).ok()?;
            Some(Zeroizing::new(opened.to_vec()))
        };
        open().ok_or("cannot be decrypted with this key")
    }
}

fn ciphertext(value: Node<'_, '_>) -> Result<Vec<u8>, &'static str> {
    text(value, &["CipherData", "CipherValue"]).and_then(|text| bytes(&text)).ok_or("is not encrypted as RFC 6030 says")
}

fn bytes(base64: &str) -> Option<Vec<u8>> {
    let base64: String = base64.chars().filter(|c| !c.is_whitespace()).collect();
    BASE64.decode(base64.as_bytes()).ok()
}
