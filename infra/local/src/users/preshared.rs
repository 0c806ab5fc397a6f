//! Encrypted seeds of PSKC, by the key that the maker of the tokens sent apart (RFC 6030, section 6.1).

use std::{fs, path::Path};

use aws_lc_rs::{
    cipher::{AES_128, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey},
    hmac,
    iv::FixedLength,
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

type Bytes = Zeroizing<Vec<u8>>;

/// The key that decrypts a file.
pub struct Preshared(Bytes);

impl Preshared {
    /// Reads it from a file of hexadecimal digits, so that no list of processes shows it.
    pub fn read(file: &Path) -> Result<Self, Trouble> {
        let wrong = |what: String| Trouble(format!("{}: {what}", file.display()));
        let read = Zeroizing::new(fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?);
        let key = HEXUPPER.decode(typed::letters(&read, 64).as_bytes()).map(Zeroizing::new).ok();
        let key = key.filter(|key| CIPHERS.iter().any(|(_, length)| *length == key.len()));
        key.map(Self).ok_or_else(|| wrong("is not a key of 128 or 256 bits in hexadecimal".into()))
    }

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
