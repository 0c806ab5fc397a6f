//! One-time passwords by another hand than the server's: RFC 4226 and RFC 6238 from their text.

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;

/// The six digits of a base32 secret at a Unix time, 30-second steps.
pub fn totp(secret: &str, unix_seconds: i64) -> String {
    hotp(&BASE32_NOPAD.decode(secret.as_bytes()).expect("base32"), u64::try_from(unix_seconds / 30).expect("a time"))
}

/// The same with eight digits, as some apps show that other systems set up.
pub fn totp_of_eight(secret: &str, unix_seconds: i64) -> String {
    let key = BASE32_NOPAD.decode(secret.as_bytes()).expect("base32");
    format!("{:08}", word(&key, u64::try_from(unix_seconds / 30).expect("a time")) % 100_000_000)
}

/// RFC 4226, section 5.3.
pub fn hotp(key: &[u8], counter: u64) -> String {
    format!("{:06}", word(key, counter) % 1_000_000)
}

fn word(key: &[u8], counter: u64) -> u32 {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key), &counter.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes[19] & 0xf);
    u32::from_be_bytes(bytes[offset..offset + 4].try_into().expect("four bytes")) & 0x7fff_ffff
}

/// A code that is none of the secret's within two steps of a time.
pub fn wrong(secret: &str, unix_seconds: i64) -> String {
    let right: Vec<String> = (-2..=2).map(|step| totp(secret, unix_seconds + 30 * step)).collect();
    (0..).map(|n| format!("{n:06}")).find(|code| !right.contains(code)).expect("a wrong code")
}

#[cfg(test)]
mod tests {
    /// RFC 4226, appendix D.
    #[test]
    fn the_vectors_hold() {
        assert_eq!(super::hotp(b"12345678901234567890", 0), "755224");
        assert_eq!(super::hotp(b"12345678901234567890", 9), "520489");
    }
}
