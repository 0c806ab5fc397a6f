//! Recovery codes: look-up secrets that get a user in without a phone (NIST SP 800-63B, section 3.1.2).

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::{
    error::Error,
    id::{ActionId, AuthenticatorId, UserUid},
    secret::{DataKey, random},
    typed,
};

/// How many make up a set.
pub const CODES: usize = 10;

/// How long a new set waits for its user to say that it is kept; until then the one before it is good too.
pub const WORD_SECONDS: i64 = 600;

/// From so few on, sign-ins say how many are left.
pub const FEW: u64 = 3;

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
        Ok(Self::of(&*Zeroizing::new(random::<LENGTH>()?)))
    }

    fn of(bytes: &[u8]) -> Self {
        // 256 is a multiple of 32: no character is likelier than another.
        let characters = bytes.iter().take(LENGTH).map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
        Self(Zeroizing::new(characters.collect()))
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

/// A set of codes, and what it is known by: its id tells nothing of the codes, and is stored with their hashes.
pub struct CodeSet {
    pub id: String,
    pub codes: Vec<RecoveryCode>,
}

impl CodeSet {
    /// A set that nobody can make again, for a backend that is told it once.
    pub fn generate() -> Result<Self, Error> {
        let codes = distinct((0..).map(|_| RecoveryCode::generate()))?;
        Ok(Self { id: HEXLOWER.encode(&random::<16>()?), codes })
    }

    /// The set of a form of a hosted page: the same for the same form, so that a form that is sent again after a lost answer
    /// shows the same codes. `seal` is what the form carries. It is stored nowhere, so that neither the table nor the key
    /// alone gives a code.
    pub fn of_form(key: &DataKey, user: &UserUid, action: &ActionId, seal: &str) -> Result<Self, Error> {
        let parts = [user.as_str().as_bytes(), action.as_str().as_bytes(), seal.as_bytes()];
        let of_number = |number: u32| {
            let [user, action, seal] = parts;
            Ok(RecoveryCode::of(key.derive(&[b"recovery-code", user, action, seal, &number.to_be_bytes()]).as_slice()))
        };
        let [user, action, seal] = parts;
        let id = HEXLOWER.encode(&key.fingerprint(&[b"recovery-set", user, action, seal]));
        Ok(Self { id, codes: distinct((0..).map(of_number))? })
    }

    pub fn hashes(&self, key: &DataKey, user: &UserUid) -> Vec<String> {
        self.codes.iter().map(|code| code.hash(key, user)).collect()
    }

    /// As they are shown.
    pub fn shown(&self) -> Vec<String> {
        self.codes.iter().map(RecoveryCode::shown).collect()
    }
}

/// The first ten that differ.
fn distinct(all: impl Iterator<Item = Result<RecoveryCode, Error>>) -> Result<Vec<RecoveryCode>, Error> {
    let mut codes: Vec<RecoveryCode> = Vec::with_capacity(CODES);
    for code in all {
        let code = code?;
        if !codes.contains(&code) {
            codes.push(code);
        }
        if codes.len() == CODES {
            break;
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
    fn the_same_form_gives_the_same_ten_codes() {
        let key = DataKey::new(&[7; 32]).unwrap();
        let (user, action) = (UserUid::generate(), ActionId::generate());
        let of = |key: &DataKey, user: &UserUid, action: &ActionId, seal: &str| {
            let set = CodeSet::of_form(key, user, action, seal).unwrap();
            (set.id.clone(), set.shown())
        };
        let first = of(&key, &user, &action, "seal");
        assert_eq!(first.1.iter().collect::<std::collections::BTreeSet<_>>().len(), CODES);
        assert_eq!(first, of(&key, &user, &action, "seal"));
        let others = [
            of(&DataKey::new(&[8; 32]).unwrap(), &user, &action, "seal"),
            of(&key, &UserUid::generate(), &action, "seal"),
            of(&key, &user, &ActionId::generate(), "seal"),
            of(&key, &user, &action, "seal2"),
        ];
        for other in others {
            assert_ne!(other.0, first.0);
            assert!(other.1.iter().all(|code| !first.1.contains(code)));
        }
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
