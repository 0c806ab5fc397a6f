//! How a value is written for its reader.

use serde_json::{Map, Value};

use super::{Format, Shown};
use crate::{
    clock::Timestamp,
    messages::{Language, Messages},
};

/// The longest value that is shown.
const MAX_VALUE: usize = 200;

pub(super) fn written(value: &Value, shown: &Shown, given: &Map<String, Value>, t: Messages<'_>) -> String {
    let unit = match shown.unit_point() {
        Some(name) => given.get(name).and_then(Value::as_str).map(plain),
        None => shown.unit.clone(),
    };
    let text = match (value, shown.format) {
        (Value::Bool(true), _) => t.text("facts-yes-label"),
        (Value::Bool(false), _) => t.text("facts-no-label"),
        (Value::Array(all), _) => all.iter().map(plain_value).collect::<Vec<_>>().join(", "),
        (value, Some(Format::Money)) => {
            grouped(&plain_value(value), places(unit.as_deref().unwrap_or_default()), t.language())
        }
        (value, Some(Format::Number)) => grouped(&plain_value(value), 0, t.language()),
        (Value::Number(_), None) => grouped(&plain_value(value), 0, t.language()),
        (value, Some(Format::Date)) => moment(value, "%Y-%m-%d"),
        (value, Some(Format::DateTime)) => moment(value, "%Y-%m-%d %H:%M UTC"),
        (value, _) => plain_value(value),
    };
    match unit {
        Some(unit) => format!("{text} {unit}"),
        None => text,
    }
}

fn plain_value(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), plain)
}

/// In one line, and short enough to be shown whole.
fn plain(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_VALUE).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > MAX_VALUE {
        shown.push('…');
    }
    shown
}

/// How many places a currency has (ISO 4217).
fn places(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// A decimal number with the marks of a language and at least so many places. No digit is ever left out.
fn grouped(number: &str, places: usize, language: Language) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return number.to_owned();
    }
    let (thousands, point) = match language {
        Language::German | Language::Spanish | Language::Portuguese => (".", ","),
        // Unicode CLDR: a narrow space that does not break.
        Language::French => ("\u{202f}", ","),
        Language::English | Language::Japanese | Language::Arabic => (",", "."),
    };
    let mut text = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push_str(thousands);
        }
        text.push(digit);
    }
    if !fraction.is_empty() || places > 0 {
        text.push_str(point);
        text.push_str(fraction);
        (fraction.len()..places).for_each(|_| text.push('0'));
    }
    text
}

/// A moment in UTC; as it was sent where it is none.
fn moment(value: &Value, pattern: &str) -> String {
    let at = match value {
        Value::Number(seconds) => seconds.as_i64().and_then(|second| Timestamp::from_second(second).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    at.map_or_else(|| plain_value(value), |at| at.strftime(pattern).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_written_as_their_readers_do() {
        for (number, places, language, text) in [
            ("480", 2, Language::English, "480.00"),
            ("1234567.5", 2, Language::German, "1.234.567,50"),
            ("-1234.555", 2, Language::French, "-1\u{202f}234,555"),
            ("999", 0, Language::Japanese, "999"),
            ("1e21", 2, Language::English, "1e21"),
            ("four", 2, Language::English, "four"),
        ] {
            assert_eq!(grouped(number, places, language), text);
        }
    }

    #[test]
    fn a_unit_may_be_another_value() {
        let shown = |format, unit: &str| Shown { format: Some(format), unit: Some(unit.into()), ..Shown::default() };
        let given = json!({"currency": "JPY", "amount": 1200, "day": "2026-11-28T10:00:00Z"});
        let given = given.as_object().unwrap();
        let t = Messages::new(Language::English, None);
        assert_eq!(written(&given["amount"], &shown(Format::Money, "{currency}"), given, t), "1,200 JPY");
        assert_eq!(written(&given["amount"], &shown(Format::Money, "EUR"), given, t), "1,200.00 EUR");
        assert_eq!(written(&given["amount"], &shown(Format::Money, "{other}"), given, t), "1,200.00");
        let distance = Shown { unit: Some("km".into()), ..Shown::default() };
        assert_eq!(written(&json!("some 20"), &distance, given, t), "some 20 km");
        let date = Shown { format: Some(Format::Date), ..Shown::default() };
        assert_eq!(written(&given["day"], &date, given, t), "2026-11-28");
        assert_eq!(written(&json!("soon"), &date, given, t), "soon");
        assert_eq!(written(&json!(true), &Shown::default(), given, t), "Yes");
    }
}
