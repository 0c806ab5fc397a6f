//! What the phone is shown: a text, a picture of a QR code, or what an NFC tag says.

use std::{fs, io::Read as _, path::Path};

use data_encoding::BASE64URL_NOPAD;
use image::{DynamicImage, GrayImage};
use serde_json::Value;
use url::Url;

use crate::{ndef, trouble::Trouble};

/// More than any photograph.
const LARGEST_FILE: u64 = 64 << 20;

/// What it turned out to be.
#[derive(Debug, PartialEq)]
pub enum Seen {
    /// `otpauth://…`, an account for codes.
    Account(String),
    /// The token of an action, under which a key may be enrolled, and the server where the text names it.
    Token { token: String, api: Option<String> },
    /// The one-time link of a page that pairs a phone.
    Pairing { tenant: String, id: String, api: String },
    /// The challenge of a sign-in that shows a code.
    SignIn(String),
}

impl Seen {
    /// Looks at it: a file, `-` for standard input, or the text itself.
    pub fn at(what: &str) -> Result<Self, Trouble> {
        let path = Path::new(what);
        let text = if what == "-" {
            let mut text = String::new();
            let read = std::io::stdin().take(LARGEST_FILE).read_to_string(&mut text);
            read.map_err(|error| Trouble::new(format!("standard input: {error}")))?;
            text
        } else if path.is_file() {
            text_of(path)?
        } else {
            what.to_owned()
        };
        Self::of(text.trim())
    }

    fn of(text: &str) -> Result<Self, Trouble> {
        // The answer of track, or of beginning to enrol an app: what it says is in one of these.
        if let Ok(Value::Object(answer)) = serde_json::from_str::<Value>(text) {
            let text = ["url", "uri", "token"].iter().find_map(|name| answer.get(*name)?.as_str());
            return Self::of(text.ok_or_else(|| Trouble::new("the answer has no token in it; did the call succeed?"))?);
        }
        if let Ok(url) = Url::parse(text) {
            return Self::of_url(&url, text);
        }
        if text.split('.').count() == 3 {
            return Ok(Self::Token { token: text.to_owned(), api: None });
        }
        // Ids of challenges, as the SDKs put them into their QR codes (contract, section 2.7).
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if (16..=128).contains(&text.len()) && text.chars().all(is_id) {
            return Ok(Self::SignIn(text.to_owned()));
        }
        Err(Trouble::new(
            "this is no otpauth address, token (`token` in the answer of track), address of a hosted page or sign-in code, \
             and no file with one of them",
        ))
    }

    fn of_url(url: &Url, text: &str) -> Result<Self, Trouble> {
        match url.scheme() {
            "otpauth" => Ok(Self::Account(text.to_owned())),
            "countersign" if url.host_str() == Some("claim") => Self::of(url.path().trim_start_matches('/')),
            "http" | "https" => {
                let api = format!("{}/v1", url.origin().ascii_serialization());
                if let ["pair", tenant, id] = url.path_segments().into_iter().flatten().collect::<Vec<_>>()[..] {
                    return Ok(Self::Pairing { tenant: tenant.to_owned(), id: id.to_owned(), api });
                }
                let token = url.query_pairs().find(|(name, _)| name == "token").map(|(_, token)| token.into_owned());
                let token = token.ok_or_else(|| Trouble::new("the address of the page has no token in it"))?;
                Ok(Self::Token { token, api: Some(api) })
            }
            other => Err(Trouble::new(format!("the phone does nothing with addresses of the scheme {other}"))),
        }
    }
}

fn text_of(path: &Path) -> Result<String, Trouble> {
    let about = |error: &dyn std::fmt::Display| Trouble::about(path, error);
    let file = fs::File::open(path).map_err(|error| about(&error))?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE).read_to_end(&mut bytes).map_err(|error| about(&error))?;
    if image::guess_format(&bytes).is_ok() {
        let picture = image::load_from_memory(&bytes).map_err(|error| about(&error))?;
        return code_in(&picture).ok_or_else(|| about(&"there is no QR code in it that can be read"));
    }
    if let Some(uri) = ndef::uri_of(&bytes) {
        return Ok(uri);
    }
    String::from_utf8(bytes).map_err(|_| about(&"it is no picture (PNG, JPEG), no NDEF message and no text"))
}

/// What the first QR code says that can be read; light on dark as well, and in a picture that is larger than is good.
fn code_in(picture: &DynamicImage) -> Option<String> {
    let as_it_is = picture.to_luma8();
    let read = |picture: GrayImage| {
        let mut prepared = rqrr::PreparedImage::prepare(picture);
        prepared.detect_grids().iter().find_map(|grid| grid.decode().ok()).map(|(_, text)| text)
    };
    let half = || image::imageops::thumbnail(&as_it_is, as_it_is.width().div_ceil(2), as_it_is.height().div_ceil(2));
    let inverted = || {
        let mut picture = as_it_is.clone();
        image::imageops::invert(&mut picture);
        picture
    };
    read(as_it_is.clone()).or_else(|| read(half())).or_else(|| read(inverted()))
}

/// The claims of a token. The server checks it; the phone only reads whom to ask, and for whom.
pub struct Claims {
    pub tenant: String,
    pub user: String,
}

impl Claims {
    pub fn of(token: &str) -> Result<Self, Trouble> {
        let json = token.split('.').nth(1).and_then(|part| BASE64URL_NOPAD.decode(part.as_bytes()).ok());
        let claims: Value = json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let tenant = text(&claims["other"]["tenantId"]).or_else(|| text(&claims["aud"]));
        let unreadable = || Trouble::new("the token names no tenant and user; was all of it copied?");
        Ok(Self { tenant: tenant.ok_or_else(unreadable)?, user: text(&claims["sub"]).ok_or_else(unreadable)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_what_it_is() {
        let token = "eyJ0.eyJz.c2ln".to_owned();
        let hosted = format!("https://mfa.example:8443/challenge?token={token}&mode=popup");
        for (text, seen) in [
            (r#"{"state": "ALLOW", "token": "eyJ0.eyJz.c2ln"}"#, Seen::Token { token: token.clone(), api: None }),
            (
                r#"{"uri": "otpauth://totp/a?secret=A", "secret": "A"}"#,
                Seen::Account("otpauth://totp/a?secret=A".into()),
            ),
            ("otpauth://totp/a?secret=A", Seen::Account("otpauth://totp/a?secret=A".into())),
            (token.as_str(), Seen::Token { token: token.clone(), api: None }),
            (&hosted, Seen::Token { token: token.clone(), api: Some("https://mfa.example:8443/v1".into()) }),
            (
                "https://mfa.example/pair/t-1/S83YHF_w-xS83YHF_w-xAA",
                Seen::Pairing {
                    tenant: "t-1".into(),
                    id: "S83YHF_w-xS83YHF_w-xAA".into(),
                    api: "https://mfa.example/v1".into(),
                },
            ),
            ("countersign://claim/S83YHF_w-xS83YHF_w-xAA", Seen::SignIn("S83YHF_w-xS83YHF_w-xAA".into())),
            ("S83YHF_w-xS83YHF_w-xAA", Seen::SignIn("S83YHF_w-xS83YHF_w-xAA".into())),
        ] {
            assert_eq!(Seen::of(text).unwrap(), seen, "{text}");
        }
        for wrong in [
            "",
            r#"{"error": "unauthorized"}"#,
            "x",
            "mailto:a@b",
            "countersign://other/S83YHF_w-xS83YHF_w-xAA",
            "https://shop.example/",
            "https://shop.example/pair/t-1",
            "a b c d e f",
        ] {
            assert!(Seen::of(wrong).is_err(), "{wrong}");
        }
        assert!(Claims::of(&token).is_err(), "its claims are no JSON");
    }
}
