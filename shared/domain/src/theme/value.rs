//! Values of a theme that are safe to write into a style sheet: whoever holds one knows what it consists of.

use serde::{Deserialize, Serialize};

use crate::web;

/// `#rgb`, `#rrggbb` or `#rrggbbaa`, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Colour(String);

impl Colour {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Red, green, blue and opacity, each from 0 to 255.
    pub fn channels(&self) -> [u8; 4] {
        let digits: Vec<u8> = self.0.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| d.try_into().ok()).collect();
        match digits[..] {
            [r, g, b] => [r * 17, g * 17, b * 17, 255],
            [r1, r2, g1, g2, b1, b2] => [r1 * 16 + r2, g1 * 16 + g2, b1 * 16 + b2, 255],
            [r1, r2, g1, g2, b1, b2, a1, a2] => [r1 * 16 + r2, g1 * 16 + g2, b1 * 16 + b2, a1 * 16 + a2],
            // A colour of another length cannot be made.
            _ => [0, 0, 0, 255],
        }
    }
}

impl TryFrom<String> for Colour {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.strip_prefix('#').unwrap_or_default();
        let is_one = matches!(digits.len(), 3 | 6 | 8) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        is_one.then_some(Self(text)).ok_or("a colour is #rgb, #rrggbb or #rrggbbaa")
    }
}

/// Pixels, from 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Number")]
pub struct Length(serde_json_number::Pixels);

mod serde_json_number {
    /// A number, sent back as it came: a whole one stays whole.
    #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
    #[serde(untagged)]
    pub enum Pixels {
        Whole(u8),
        Broken(f64),
    }
}
use serde_json_number::Pixels;

impl TryFrom<serde_json::Number> for Length {
    type Error = &'static str;
    fn try_from(number: serde_json::Number) -> Result<Self, Self::Error> {
        let whole = number.as_u64().and_then(|whole| u8::try_from(whole).ok()).filter(|whole| *whole <= 100);
        let broken = number.as_f64().filter(|broken| (0.0..=100.0).contains(broken));
        let pixels = whole.map(Pixels::Whole).or_else(|| broken.map(Pixels::Broken));
        pixels.map(Self).ok_or("a length is a number of pixels from 0 to 100")
    }
}

impl Length {
    /// In CSS.
    pub fn css(self) -> String {
        match self.0 {
            Pixels::Whole(whole) => format!("{whole}px"),
            Pixels::Broken(broken) => format!("{broken:.3}px"),
        }
    }
}

/// An https address of up to 2048 characters of RFC 3986, without quotes and parentheses; http on loopback alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct WebAddress(String);

impl WebAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }
    pub(super) fn origin(&self) -> String {
        web::read(&self.0).map(|url| web::origin(&url)).unwrap_or_default()
    }
    pub(super) fn is_loopback(&self) -> bool {
        web::read(&self.0).is_ok_and(|url| web::is_nearly_loopback(&url))
    }
}

impl TryFrom<String> for WebAddress {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let url = web::read(&text).map_err(|why| format!("the address {why}; send an https URL"))?;
        if text.contains(['\'', '(', ')']) {
            return Err("the address holds a quote or a parenthesis; percent-encode it".into());
        }
        let is_good = url.scheme() == "https" || web::is_loopback(&url);
        is_good.then_some(Self(text)).ok_or_else(|| "an address is an https URL".into())
    }
}

/// The weight of a font's face: a number from 1 to 1000, or two of them with a space between for a variable font.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub struct Weight(serde_json::Value);

impl TryFrom<serde_json::Value> for Weight {
    type Error = &'static str;
    fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
        let is_weight = |text: &str| {
            text.len() <= 4
                && text.bytes().all(|b| b.is_ascii_digit())
                && text.parse().is_ok_and(|n: u16| (1..=1000).contains(&n))
        };
        let is_one = match &value {
            serde_json::Value::Number(number) => is_weight(&number.to_string()),
            serde_json::Value::String(text) => {
                let parts: Vec<&str> = text.split(' ').collect();
                parts.len() <= 2 && parts.into_iter().all(is_weight)
            }
            _ => false,
        };
        is_one.then_some(Self(value)).ok_or("a weight is a number from 1 to 1000, or two such as \"100 900\"")
    }
}

impl Weight {
    /// In CSS.
    pub fn css(&self) -> String {
        self.0.as_str().map_or_else(|| self.0.to_string(), str::to_owned)
    }
}
