//! What the browser or the system says of a ceremony: `clientDataJSON` (WebAuthn Level 3, section 5.8.1).

use aws_lc_rs::digest;
use serde::Deserialize;

use super::{
    policy::{Frames, RelyingParty},
    refusal::Refusal,
    wire::Challenge,
};

/// The names that are read; others may stand beside them, now or later (5.8.1.2), and are ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientData {
    pub r#type: String,
    pub challenge: String,
    pub origin: String,
    #[serde(default)]
    pub cross_origin: Option<bool>,
    #[serde(default)]
    pub top_origin: Option<String>,
}

/// Which of the two ceremonies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    Create,
    Get,
}

impl Ceremony {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

impl ClientData {
    /// Reads the bytes. Their UTF-8 decoding strips a byte order mark and would replace what is not UTF-8: no client
    /// writes such, so it is refused here. A name that stands there twice is refused too.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(bytes).map_err(|_| Refusal::ClientData)?;
        serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|_| Refusal::ClientData)
    }

    /// The steps that both ceremonies share: 7.1, 7 to 11, and 7.2, 10 to 14.
    pub fn check(&self, ceremony: Ceremony, challenge: &Challenge, party: &RelyingParty) -> Result<(), Refusal> {
        // 7.1 step 7, 7.2 step 10: the type is of this ceremony.
        if self.r#type != ceremony.as_str() {
            return Err(Refusal::OtherCeremony(ceremony.as_str()));
        }
        // 7.1 step 8, 7.2 step 11: the challenge is the base64url text of what was sent.
        if self.challenge != challenge.as_str() {
            return Err(Refusal::OtherChallenge);
        }
        // 7.1 step 9, 7.2 step 12: the origin is one that is expected, to the letter (13.4.9).
        if !party.has_origin(&self.origin) {
            return Err(Refusal::OtherOrigin(quoted(&self.origin)));
        }
        self.check_frame(party.frames())
    }

    /// Whether the page may run in a frame of another site (13.4.9).
    fn check_frame(&self, frames: &Frames) -> Result<(), Refusal> {
        let is_in_frame = self.cross_origin == Some(true);
        match (frames, &self.top_origin) {
            // Its serialization writes a top origin only in a frame (5.8.1.1): this is of no client.
            (_, Some(_)) if !is_in_frame => Err(Refusal::TopOriginWithoutFrame),
            (_, None) if !is_in_frame => Ok(()),
            // 7.1 step 10, 7.2 step 13; 7.1 step 11.1, 7.2 step 14.1: frames are expected.
            (Frames::Refused, _) => Err(Refusal::InFrame),
            (Frames::Within { accepts_unnamed, .. }, None) => {
                accepts_unnamed.then_some(()).ok_or(Refusal::UnnamedTopOrigin)
            }
            // 7.1 step 11.2, 7.2 step 14.2: the page around the frame is one that is expected.
            (Frames::Within { top_origins, .. }, Some(top)) => {
                let is_expected = top_origins.iter().any(|origin| origin.as_str() == top);
                is_expected.then_some(()).ok_or_else(|| Refusal::OtherTopOrigin(quoted(top)))
            }
        }
    }
}

/// What stands in a message: no more of it than an origin has, and nothing that is not printable ASCII.
fn quoted(origin: &str) -> String {
    origin.chars().take(120).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

/// SHA-256 of the bytes, as the authenticator signs it (7.1 step 12, 7.2 step 20).
pub fn hash(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ClientData, Refusal> {
        ClientData::read(text.as_bytes())
    }

    #[test]
    fn what_it_says_is_read_and_other_names_are_ignored() {
        let good = r#"{"type":"t","challenge":"c","origin":"o","crossOrigin":true,"topOrigin":"p","later":[{"a":1}]}"#;
        let data = read(good).unwrap();
        assert_eq!((data.r#type.as_str(), data.challenge.as_str(), data.origin.as_str()), ("t", "c", "o"));
        assert_eq!((data.cross_origin, data.top_origin.as_deref()), (Some(true), Some("p")));
        assert!(read(&format!("\u{feff}{good}")).is_ok(), "a byte order mark is stripped");
        // What is ignored is skipped without a stack, however deep it is.
        let deep =
            format!(r#"{{"type":"t","challenge":"c","origin":"o","x":{}1{}}}"#, "[".repeat(8000), "]".repeat(8000));
        assert!(read(&deep).is_ok());
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"type":"t","challenge":"c"}"#,
            r#"{"type":"t","challenge":"c","origin":null}"#,
            r#"{"type":"t","challenge":"c","origin":["o"]}"#,
            r#"{"type":"t","challenge":"c","origin":"o","origin":"p"}"#,
            r#"{"type":"t","challenge":"c","origin":"o","crossOrigin":"true"}"#,
            r#"{"type":"t","challenge":"c","origin":"o","topOrigin":1}"#,
            r#"{"type":"t","challenge":"c","origin":"o"} {}"#,
            r#"{"type":"t","challenge":"c","origin":"\ud800"}"#,
        ] {
            assert_eq!(read(wrong).unwrap_err(), Refusal::ClientData, "{wrong:.80}");
        }
        let not_utf8 = [&br#"{"type":"t","challenge":"c","origin":""#[..], &[0xff], br#""}"#].concat();
        assert_eq!(ClientData::read(&not_utf8).unwrap_err(), Refusal::ClientData);
    }

    #[test]
    fn a_message_quotes_little() {
        assert_eq!(quoted("https://a\n\u{202e}b"), "https://a??b");
        assert_eq!(quoted(&"a".repeat(5000)).len(), 120);
    }
}
