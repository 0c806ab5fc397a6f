//! What HMAC makes of a secret. Secrets of which it makes the same have the same codes.

use aws_lc_rs::digest;
use totp_rs::Algorithm;
use zeroize::Zeroizing;

/// The key as HMAC takes it (RFC 2104, section 2), without the zeros at its end: one that is longer than a block of the
/// hash is hashed, and a shorter one is padded with zeros.
pub(super) fn hmac_key(algorithm: Algorithm, secret: &[u8]) -> Zeroizing<Vec<u8>> {
    let (hash, block) = match algorithm {
        Algorithm::SHA256 => (&digest::SHA256, 64),
        Algorithm::SHA512 => (&digest::SHA512, 128),
        _ => (&digest::SHA1_FOR_LEGACY_USE_ONLY, 64),
    };
    let mut key = Zeroizing::new(match secret.len() > block {
        true => digest::digest(hash, secret).as_ref().to_vec(),
        false => secret.to_vec(),
    });
    let length = key.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    key.truncate(length);
    key
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE32_NOPAD;

    use super::{super::TotpSecret, *};
    use crate::{id::UserUid, secret::DataKey};

    /// What HMAC cannot tell apart is one secret, and what it can is two.
    #[test]
    fn a_secret_is_what_hmac_takes_of_it() {
        let (key, user) = (DataKey::new(&[7; 32]).unwrap(), UserUid::parse("u").unwrap());
        let long = [9; 80];
        let hashed = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &long);
        let (short, zeros) = (b"12345678901", [0; 5]);
        for (algorithm, one, other, is_same) in [
            ("SHA1", short.to_vec(), [&short[..], &zeros].concat(), true),
            ("SHA1", short.to_vec(), [&short[..], &zeros, b"a"].concat(), false),
            ("SHA1", short.to_vec(), [&zeros, &short[..]].concat(), false),
            ("SHA1", long.to_vec(), hashed.as_ref().to_vec(), true),
            // A longer key is hashed with its zeros; that of a longer block is not.
            ("SHA1", long.to_vec(), [&long[..], &zeros].concat(), false),
            ("SHA512", long.to_vec(), [&long[..], &zeros].concat(), true),
        ] {
            let [one, other] = [one, other].map(|secret| {
                let secret = BASE32_NOPAD.encode(&secret);
                TotpSecret::from_uri(&format!("otpauth://totp/a?secret={secret}&algorithm={algorithm}")).unwrap()
            });
            let is_one_id = one.authenticator_id(&key, &user) == other.authenticator_id(&key, &user);
            let codes = |of: &TotpSecret| (0..20).map(|step| of.0.generate(step * 30).to_string()).collect::<Vec<_>>();
            assert_eq!((is_one_id, codes(&one) == codes(&other)), (is_same, is_same), "{algorithm}");
        }
    }
}
