//! What people type and paste, as it is compared: one reader for every code, number and key, in every client and page.
//!
//! It is for comparing only. What is signed, shown or sent on stays as it was typed.

use std::ops::RangeInclusive;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{Dash, DefaultIgnorableCodePoint, GeneralCategory, WhiteSpace},
};
use zeroize::Zeroizing;

/// Input methods for Japanese write it for the key of the dash, and Unicode counts it among the letters.
const LONG_VOWEL: char = '\u{30fc}';

/// A text of digits alone, as many as `lengths` says, in ASCII; `None` for any other.
pub fn digits(text: &str, lengths: RangeInclusive<usize>) -> Option<Zeroizing<String>> {
    // Enough is read to see that it is too long.
    let digits = Zeroizing::new(significant(text).take(lengths.end() + 1).collect::<String>());
    (lengths.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

/// A text of letters and digits, in upper case as far as it is ASCII; of a longer one the first `most` characters and
/// one more.
pub fn letters(text: &str, most: usize) -> Zeroizing<String> {
    Zeroizing::new(significant(text).take(most + 1).map(|c| c.to_ascii_uppercase()).collect())
}

/// Whether nothing was typed that counts.
pub fn is_empty(text: &str) -> bool {
    significant(text).next().is_none()
}

/// Whether nothing of a text would be seen: a name of such characters alone is none.
pub fn is_blank(text: &str) -> bool {
    let is_unseen = |c: char| {
        CodePointSetData::new::<WhiteSpace>().contains(c)
            || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
    };
    text.chars().all(is_unseen)
}

/// What counts of a text: in compatibility form (NFKC), its decimal digits in ASCII, without white space, dashes and what is
/// not seen, such as the marks that pages and messengers put around a number for the direction of reading.
fn significant(text: &str) -> impl Iterator<Item = char> {
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize_iter(text.chars());
    composed.filter(|c| !is_between(*c)).map(|c| digit(c).unwrap_or(c))
}

/// The controls of bidirectional text are default-ignorable too.
fn is_between(c: char) -> bool {
    c == LONG_VOWEL
        || CodePointSetData::new::<WhiteSpace>().contains(c)
        || CodePointSetData::new::<Dash>().contains(c)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// A decimal digit of any script in ASCII. Unicode encodes the ten digits of a script in a row from zero to nine, so the value
/// is the place in the row (UAX #44, Numeric_Type=Decimal); rows that touch each other are whole.
fn digit(c: char) -> Option<char> {
    let is_digit = |c: u32| CodePointMapData::<GeneralCategory>::new().get32(c) == GeneralCategory::DecimalNumber;
    if c.is_ascii() || !is_digit(c.into()) {
        return None;
    }
    let before = (0..u32::from(c)).rev().take_while(|before| is_digit(*before)).count();
    char::from_digit(u32::try_from(before % 10).ok()?, 10)
}

#[cfg(test)]
mod tests {
    use icu_properties::props::BidiControl;
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        digits(text, 6..=6).map(|digits| digits.to_string())
    }

    #[test]
    fn forms_of_one_code() {
        for typed in [
            "305884",
            "305 884",
            " 3 0 5 8 8 4\n",
            "305-884",
            "305\u{2013}884",
            "305\u{30fc}884",
            "\u{2068}305\u{a0}884\u{2069}",
            "\u{feff}305884",
            "３０５８８４",
            "\u{663}\u{660}\u{665}\u{668}\u{668}\u{664}",
            "३०५८८४",
            "\u{1d7d1}05884",
        ] {
            assert_eq!(read(typed).as_deref(), Some("305884"), "{typed:?}");
        }
        for typed in
            ["", "30588", "3058844", "305.884", "3O5884", "305884\0", "+305884", "三〇五八八四", "\u{bd}305884"]
        {
            assert_eq!(read(typed), None, "{typed:?}");
        }
    }

    /// Every decimal digit of Unicode has its value, in whatever row it stands.
    #[test]
    fn each_script_has_its_ten_digits() {
        let category = CodePointMapData::<GeneralCategory>::new();
        let is_digit = |c: &char| category.get(*c) == GeneralCategory::DecimalNumber;
        let all: Vec<char> = ('\0'..=char::MAX).filter(is_digit).collect();
        assert!(all.len() > 600, "{}", all.len());
        for row in all.chunks(10) {
            let last = u32::from(row[0]) + 9;
            assert_eq!(row.last().map(|c| u32::from(*c)), Some(last), "{row:?}");
            let values: String = row.iter().map(|c| digit(*c).unwrap_or(*c)).collect();
            assert_eq!(values, "0123456789", "{row:?}");
        }
    }

    #[test]
    fn what_nobody_sees_is_blank() {
        for blank in ["", " \n", "\u{200b}", "\u{202e}\u{ad}\u{3164}", "\u{2066} \u{2069}"] {
            assert!(is_blank(blank), "{blank:?}");
        }
        // Joiners are part of many a name.
        for seen in ["-", ".", "👩\u{200d}🔧", "نامه\u{200c}ها"] {
            assert!(!is_blank(seen), "{seen:?}");
        }
    }

    #[test]
    fn nothing_that_turns_the_direction_counts() {
        let controls = CodePointSetData::new::<BidiControl>();
        assert!(('\0'..=char::MAX).filter(|c| controls.contains(*c)).all(is_between));
    }

    proptest! {
        /// Whatever stands between the digits, they are the code; and no text is two codes.
        #[test]
        fn what_stands_between_does_not_count(code in "[0-9]{6}", between in "[\\s\\-\\p{Pd}\\u{200b}-\\u{200f}\\u{ad}]{0,4}") {
            let typed = code.chars().map(|c| format!("{between}{c}")).collect::<String>() + &between;
            prop_assert_eq!(read(&typed), Some(code));
        }

        /// No text is a panic, and what is read of it has no more than was asked for.
        #[test]
        fn any_text_is_read(text in ".{0,24}", most in 0..20_usize) {
            let read = letters(&text, most);
            prop_assert!(read.chars().count() <= most + 1);
            prop_assert_eq!(is_empty(&text), read.is_empty());
        }
    }
}
