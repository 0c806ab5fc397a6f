//! Secrets as other systems write them: Base32, hexadecimal, bytes, `otpauth` URIs. One reader for all that bring one.

use std::{fmt, ops::RangeInclusive};

use data_encoding::HEXUPPER;
use totp_rs::{Algorithm, Secret};
use url::Url;
use zeroize::Zeroizing;

use super::TotpSecret;
use crate::typed;

/// 80 bits at least: other systems make secrets of so many, and none that are shorter.
const BYTES: RangeInclusive<usize> = 10..=128;

/// Longer than the longest secret, with what people put between its letters.
const LONGEST: usize = 1024;

/// What is said of a secret beside it, as text. What is absent is usual: SHA-1, 6 digits, 30 seconds.
#[derive(Clone, Copy, Default)]
pub struct Beside<'a> {
    /// `SHA1`, `SHA-256`, `HmacSHA512`.
    pub algorithm: Option<&'a str>,
    pub digits: Option<&'a str>,
    /// In seconds.
    pub period: Option<&'a str>,
}

/// Why a secret is not taken. Its text goes on after the name of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    Uri,
    Base32,
    Hex,
    Length,
    Algorithm,
    Digits,
    Period,
    /// A parameter of a URI stands there more than once.
    Twice,
    /// Codes by a counter (RFC 4226).
    Hotp,
    Steam,
    /// Google Authenticator's export of several at once.
    Several,
}

impl Unread {
    /// The parameter beside the secret that it is about; `None` where it is the secret itself.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Self::Algorithm => Some("algorithm"),
            Self::Digits => Some("digits"),
            Self::Period => Some("period"),
            _ => None,
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Uri => "is not a TOTP URI; write otpauth://totp/<label>?secret=<base32> with 80 bits at least",
            Self::Base32 => "is not base32, which has the letters A to Z and the digits 2 to 7",
            Self::Hex => "is not hexadecimal, which has two of 0 to 9 and A to F for each byte",
            Self::Length => "has not the 10 to 128 bytes of a secret, in base32 16 to 205 letters and digits",
            Self::Algorithm => "has an algorithm that is none of SHA1, SHA256 and SHA512",
            Self::Digits => "has codes of another length; 6, 7 and 8 digits are taken",
            Self::Period => "has another period; 15 to 120 seconds are taken",
            Self::Twice => "has a parameter twice; leave one of them",
            Self::Hotp => {
                "is HOTP, whose codes go by a counter and not by time; only TOTP is taken: otpauth://totp/<label>?secret=<base32>"
            }
            Self::Steam => "is Steam's, whose codes are letters and digits; only TOTP is taken, and its user sets up an app",
            Self::Several => "is an export of several apps at once; write the otpauth://totp/ URI of each",
        })
    }
}

impl TotpSecret {
    /// A secret in Base32 (RFC 4648, section 6), as people copy it: in any case, in groups, with or without padding. Bits that
    /// fill no byte do not count, as with `oathtool`.
    pub fn from_base32(text: &str, beside: Beside<'_>) -> Result<Self, Unread> {
        Self::from_bytes(&base32(text).ok_or(Unread::Base32)?, beside)
    }

    /// A secret in hexadecimal, in any case and in groups.
    pub fn from_hex(text: &str, beside: Beside<'_>) -> Result<Self, Unread> {
        let letters = typed::letters(text, LONGEST);
        let letters = Zeroizing::new(letters.strip_prefix("0X").unwrap_or(&letters).replace(':', ""));
        let bytes = Zeroizing::new(HEXUPPER.decode(letters.as_bytes()).map_err(|_| Unread::Hex)?);
        Self::from_bytes(&bytes, beside)
    }

    pub fn from_bytes(bytes: &[u8], beside: Beside<'_>) -> Result<Self, Unread> {
        let algorithm = beside.algorithm.map_or(Ok(Algorithm::SHA1), algorithm)?;
        let number = |text: Option<&str>, usual: u8| text.map_or(Some(usual), |text| text.trim().parse().ok());
        let digits = number(beside.digits, 6).filter(|digits| (6..=8).contains(digits)).ok_or(Unread::Digits)?;
        let period = number(beside.period, 30).filter(|period| (15..=120).contains(period)).ok_or(Unread::Period)?;
        if !BYTES.contains(&bytes.len()) {
            return Err(Unread::Length);
        }
        Ok(Self::build(algorithm, digits, period.into(), Secret::from(bytes.to_vec())))
    }

    /// The secret in an `otpauth://totp/` URI (Google's key URI format), whatever its algorithm, digits and period. Its label
    /// and issuer are for people, and may differ.
    pub fn from_uri(uri: &str) -> Result<Self, Unread> {
        let url = Url::parse(uri.trim()).map_err(|_| Unread::Uri)?;
        let kind = url.host_str().unwrap_or_default().to_ascii_lowercase();
        match (url.scheme(), kind.as_str()) {
            ("otpauth", "totp") => {}
            ("otpauth", "hotp") => return Err(Unread::Hotp),
            ("otpauth", "steam") | ("steam", _) => return Err(Unread::Steam),
            ("otpauth-migration", _) => return Err(Unread::Several),
            _ => return Err(Unread::Uri),
        }
        let label = url.path().trim_start_matches('/').to_ascii_lowercase();
        let mut is_steam = label.starts_with("steam:") || label.starts_with("steam%3a");
        let (mut secret, mut beside) = (None, [None, None, None]);
        for (name, value) in url.query_pairs() {
            let value = Zeroizing::new(value.into_owned());
            let place = match name.to_ascii_lowercase().as_str() {
                "secret" => &mut secret,
                "algorithm" => &mut beside[0],
                "digits" => &mut beside[1],
                "period" => &mut beside[2],
                "issuer" | "encoder" => {
                    is_steam |= value.trim().eq_ignore_ascii_case("steam");
                    continue;
                }
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Unread::Twice);
            }
        }
        if is_steam {
            return Err(Unread::Steam);
        }
        let [algorithm, digits, period] = beside.each_ref().map(|one| one.as_deref().map(String::as_str));
        Self::from_base32(&secret.ok_or(Unread::Uri)?, Beside { algorithm, digits, period })
    }
}

/// `SHA256`, `sha-256`, `HMAC-SHA-256`, `HmacSHA256`: systems spell it as they like.
fn algorithm(name: &str) -> Result<Algorithm, Unread> {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    match name.strip_prefix("HMAC").unwrap_or(&name) {
        "SHA1" => Ok(Algorithm::SHA1),
        "SHA256" => Ok(Algorithm::SHA256),
        "SHA512" => Ok(Algorithm::SHA512),
        "STEAM" => Err(Unread::Steam),
        _ => Err(Unread::Algorithm),
    }
}

fn base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let letters = typed::letters(text, LONGEST);
    let letters = letters.trim_end_matches('=');
    // RFC 4648, section 6: 1, 3 or 6 letters at the end are no whole number of bytes.
    if letters.len() > LONGEST || matches!(letters.len() % 8, 1 | 3 | 6) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(letters.len() * 5 / 8));
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in letters.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        (held, bits) = (held << 5 | u32::from(value), bits + 5);
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE32, BASE32_NOPAD};
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Vec<u8>> {
        base32(text).map(|bytes| bytes.to_vec())
    }

    proptest! {
        /// What others encode is read, padded or not, in any case and in groups.
        #[test]
        fn base32_is_read_as_it_is_written(bytes: [u8; 20], length in 1..20_usize, group in 1..9_usize) {
            let bytes = &bytes[..length];
            let plain = BASE32_NOPAD.encode(bytes);
            let groups: Vec<String> = plain.as_bytes().chunks(group).map(|one| String::from_utf8_lossy(one).into_owned()).collect();
            for text in [plain.clone(), BASE32.encode(bytes), plain.to_lowercase(), groups.join(" "), groups.join("-")] {
                prop_assert_eq!(read(&text), Some(bytes.to_vec()), "{}", text);
            }
        }

        /// A URI is no way in: it is a secret of some strength, or it is refused, and never a panic.
        #[test]
        fn any_uri_is_a_secret_or_refused(rest in "\\PC{0,80}") {
            for uri in [rest.clone(), format!("otpauth://totp/{rest}"), format!("otpauth://totp/a?secret={rest}")] {
                if let Ok(secret) = TotpSecret::from_uri(&uri) {
                    prop_assert!(secret.0.secret().as_bytes().len() >= 10);
                }
            }
            for text in [&rest, &rest.repeat(30)] {
                let _ = (TotpSecret::from_base32(text, Beside::default()), TotpSecret::from_hex(text, Beside::default()));
            }
        }
    }

    /// Bits that fill no byte do not count, and letters that are no byte are refused.
    #[test]
    fn the_end_of_base32() {
        assert_eq!(read("JBSWY3DPEHPK3PXPJB"), read("JBSWY3DPEHPK3PXPJA"));
        for text in ["J", "JBS", "JBSWY3", "JBSW1", "JB======JBSWY3DP", "JBSW.Y3DP", "JBSWY3DP\0"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn algorithms_have_many_names() {
        for (name, known) in [
            ("SHA1", Ok(Algorithm::SHA1)),
            ("sha-1", Ok(Algorithm::SHA1)),
            ("SHA-256", Ok(Algorithm::SHA256)),
            ("HmacSHA256", Ok(Algorithm::SHA256)),
            ("HMAC-SHA-512", Ok(Algorithm::SHA512)),
            ("MD5", Err(Unread::Algorithm)),
            ("SHA", Err(Unread::Algorithm)),
            ("Steam", Err(Unread::Steam)),
        ] {
            assert_eq!(algorithm(name), known, "{name}");
        }
    }

    #[test]
    fn what_is_no_totp_is_called_by_its_name() {
        for (uri, why) in [
            ("otpauth://hotp/a?secret=JBSWY3DPEHPK3PXP&counter=1", Unread::Hotp),
            ("OTPAUTH://HOTP/a?secret=JBSWY3DPEHPK3PXP", Unread::Hotp),
            ("otpauth://steam/Steam:ada?secret=JBSWY3DPEHPK3PXP", Unread::Steam),
            ("steam://JBSWY3DPEHPK3PXP", Unread::Steam),
            ("otpauth://totp/Steam:ada?secret=JBSWY3DPEHPK3PXP&issuer=Steam", Unread::Steam),
            ("otpauth://totp/ada?secret=JBSWY3DPEHPK3PXP&encoder=steam", Unread::Steam),
            ("otpauth://totp/ada?secret=JBSWY3DPEHPK3PXP&algorithm=STEAM&digits=5", Unread::Steam),
            ("otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8", Unread::Several),
            ("otpauth://motp/a?secret=JBSWY3DPEHPK3PXP", Unread::Uri),
            ("otpauth://totp/a?secret=JBSWY3DPEHPK3PXP&secret=MFRGGZDFMZTWQ2LK", Unread::Twice),
            ("otpauth://totp/a", Unread::Uri),
            ("otpauth://totp/a?secret=JBSW", Unread::Length),
            ("otpauth://totp/a?secret=JBSWY3DPEHPK3PXP&digits=5", Unread::Digits),
            ("otpauth://totp/a?secret=JBSWY3DPEHPK3PXP&period=0", Unread::Period),
            ("otpauth://totp/a?secret=JBSWY3DPEHPK3PXP&period=18446744073709551615", Unread::Period),
        ] {
            assert_eq!(TotpSecret::from_uri(uri).err(), Some(why), "{uri}");
        }
    }
}
