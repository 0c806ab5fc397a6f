//! Recovery codes: look-up secrets that get a user in without a phone (NIST SP 800-63B, section 3.1.2).

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::{
    error::Error,
    id::{AuthenticatorId, UserUid},
    secret::{DataKey, random},
    typed,
};

/// How many make up a set.
pub const CODES: usize = 10;

/// Characters of a code: 15 of 32 are 75 bits. NIST asks for 20; from 64 on nobody finds one by guessing, whatever the limit
/// on guesses (SP 800-63B, section 3.1.2.2).
const LENGTH: usize = 15;

/// They are shown in groups of so many, which is what people keep in mind while they type.
const GROUP: usize = 5;

/// Crockford's base 32: no letter that is read as a digit, and no U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// One code, as it is compared: upper case, without what only helps to read it.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    pub fn generate() -> Result<Self, Error> {
        let bytes = Zeroizing::new(random::<LENGTH>()?);
        // 256 is a multiple of 32: no character is likelier than another.
        Ok(Self(Zeroizing::new(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())))
    }

    /// A code as people type it: in any case, with spaces and dashes, and with O for 0, I or L for 1.
    /// `None` for what cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut code = Zeroizing::new(String::with_capacity(LENGTH));
        for c in typed::letters(text, LENGTH).chars() {
            let c = match c {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            if !u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte)) {
                return None;
            }
            code.push(c);
        }
        (code.len() == LENGTH).then_some(Self(code))
    }

    /// `ABCDE-FGHJK-MNPQR`, to be kept.
    pub fn shown(&self) -> String {
        let mut shown = String::with_capacity(LENGTH + LENGTH / GROUP);
        for (at, c) in self.0.chars().enumerate() {
            if at > 0 && at % GROUP == 0 {
                shown.push('-');
            }
            shown.push(c);
        }
        shown
    }

    /// What is stored of a code: 128 bits that tell nothing of it without the tenant's data key, which is in no table.
    pub fn hash(&self, key: &DataKey, user: &UserUid) -> String {
        HEXLOWER.encode(&key.fingerprint(&[b"recovery-code", user.as_str().as_bytes(), self.0.as_bytes()]))
    }
}

/// The authenticator that a success by a recovery code names: one for all recovery codes of a user.
pub fn authenticator_id(key: &DataKey, user: &UserUid) -> AuthenticatorId {
    AuthenticatorId::of(key.fingerprint(&[b"recovery-codes", user.as_str().as_bytes()]))
}

/// A new set.
pub fn generate() -> Result<Vec<RecoveryCode>, Error> {
    let mut codes: Vec<RecoveryCode> = Vec::with_capacity(CODES);
    while codes.len() < CODES {
        let code = RecoveryCode::generate()?;
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However it is typed, it is the same code; and no other text is.
        #[test]
        fn a_code_is_read_as_it_was_shown(noise in prop::collection::vec(prop::sample::select(vec!["", " ", "-", "\t"]), 17), lower: bool) {
            let code = RecoveryCode::generate().unwrap();
            let mut typed = String::new();
            for (c, between) in code.shown().chars().zip(noise.iter().cycle()) {
                typed.push_str(between);
                typed.push(if lower { c.to_ascii_lowercase() } else { c });
            }
            let lookalikes = typed.replace('0', "O").replace('1', "l");
            prop_assert!(RecoveryCode::parse(&typed) == Some(code.clone()));
            prop_assert!(RecoveryCode::parse(&lookalikes) == Some(code));
        }

        /// Two texts are one code only where they differ in what is documented.
        #[test]
        fn different_codes_stay_different(one in "[0-9A-HJKMNP-TV-Z]{15}", two in "[0-9A-HJKMNP-TV-Z]{15}") {
            let same = RecoveryCode::parse(&one) == RecoveryCode::parse(&two);
            prop_assert_eq!(same, one == two);
        }
    }

    #[test]
    fn a_code_has_at_least_64_bits_in_groups() {
        let code = RecoveryCode::generate().unwrap().shown();
        let groups: Vec<usize> = code.split('-').map(str::len).collect();
        assert_eq!(groups, [5, 5, 5]);
        // 5 bits a character.
        assert!(groups.iter().sum::<usize>() * 5 >= 64);
    }

    #[test]
    fn what_cannot_be_a_code_is_none() {
        for text in [
            "",
            "ABCDE-FGHJK",
            "ABCDE-FGHJK-MNPQ",
            "ABCDE-FGHJK-MNPQRS",
            "ABCDE-FGHJK-MNPQU",
            "ABCDE-FGHJK-MNPQ\u{30a}",
            "12345-67890-1234'",
            "АBCDEFGHJKMNPQR",
        ] {
            assert!(RecoveryCode::parse(text).is_none(), "{text}");
        }
    }
}
