//! Any text where people type or paste something: a code, a number, a recovery code, a secret, an `otpauth` URI. It is read or
//! refused, and what was read is read again as the same.
//!
//! The first byte says which place. The unit tests of `shared/domain/src/typed.rs` and `method/totp/seed.rs` do the same with
//! generated texts, on every run.

#![no_main]

use countersign_domain::{
    method::{
        recovery::RecoveryCode,
        totp::{Beside, TotpSecret, read_code},
    },
    typed,
};
use libfuzzer_sys::fuzz_target;

/// A secret that was taken is handed on in Base32, and is the same then.
fn same_again(secret: &TotpSecret) {
    let text = secret.to_base32();
    let digits = secret.digits().to_string();
    let again = TotpSecret::from_base32(&text, Beside { digits: Some(&digits), ..Beside::default() });
    assert!(again.is_ok_and(|again| *again.to_base32() == *text && again.digits() == secret.digits()));
}

fuzz_target!(|bytes: &[u8]| {
    let Some((place, bytes)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match place % 5 {
        0 => {
            if let Some(code) = read_code(text) {
                assert!((6..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()));
                assert_eq!(read_code(&code).as_deref(), Some(&*code));
                assert!(!typed::is_empty(text));
            }
        }
        1 => {
            if let Some(code) = RecoveryCode::parse(text) {
                assert!(RecoveryCode::parse(&code.shown()).is_some_and(|again| again.shown() == code.shown()));
            }
        }
        2 => drop(TotpSecret::from_base32(text, Beside::default()).map(|secret| same_again(&secret))),
        3 => drop(TotpSecret::from_hex(text, Beside::default()).map(|secret| same_again(&secret))),
        _ => drop(TotpSecret::from_uri(text).map(|secret| same_again(&secret))),
    }
});
