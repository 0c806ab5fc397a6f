//! Randomness, and the key under which a tenant's secrets are sealed.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac, rand,
};

use zeroize::Zeroizing;

use crate::{error::Error, id::length_prefixed};

/// Fills a buffer from the operating system's generator.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::unavailable("the random generator failed"))?;
    Ok(bytes)
}

/// Seals a tenant's secrets: AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce in front of the text.
pub struct DataKey {
    aead: LessSafeKey,
    mac: hmac::Key,
    derivation: hmac::Key,
}

impl DataKey {
    /// Takes a key of 256 bits; 503 for one of another length.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        let unbound = UnboundKey::new(&AES_256_GCM, key);
        let aead = unbound.map(LessSafeKey::new).map_err(|_| Error::unavailable("a key does not have 256 bits"))?;
        // Another use, another key (NIST SP 800-108, section 4).
        let root = hmac::Key::new(hmac::HMAC_SHA256, key);
        let of_use = |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, label).as_ref());
        Ok(Self { aead, mac: of_use(b"countersign/fingerprint"), derivation: of_use(b"countersign/derivation") })
    }

    /// 256 bits that nobody finds without the key, and that are the same for the same parts: a secret that is shown again
    /// to whoever still holds what it was made for, and that is stored nowhere.
    pub fn derive(&self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let tag = hmac::sign(&self.derivation, &length_prefixed(parts));
        let mut derived = Zeroizing::new([0; 32]);
        derived.copy_from_slice(tag.as_ref());
        derived
    }

    /// 128 bits that tell two secrets apart and, without the key, say nothing of either.
    pub fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 16] {
        let tag = hmac::sign(&self.mac, &length_prefixed(parts));
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&tag.as_ref()[..16]);
        fingerprint
    }

    /// Nonce, cipher text and tag; `context` is authenticated with it and must be given again to open it.
    pub fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = nonce.to_vec();
        let mut body = plain.to_vec();
        self.aead
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body)
            .map_err(|_| Error::unavailable("sealing failed"))?;
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// The sealed text. A blob of another owner, or a changed one, is 503: it is never a "wrong code".
    pub fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Vec<u8>, Error> {
        let refuse = || Error::unavailable("a sealed secret does not belong where it was found");
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or_else(refuse)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| refuse())?;
        let mut body = body.to_vec();
        let length = self.aead.open_in_place(nonce, Aad::from(context), &mut body).map_err(|_| refuse())?.len();
        body.truncate(length);
        Ok(body)
    }
}
