//! What callers send: bodies, path segments and queries, with messages that say what to change.

use std::fmt;

use axum::{
    extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Request},
    http::{header, request::Parts},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::error::Error;

use super::serving::TooSlow;

/// Bodies are small; a call that takes more says so in its type.
pub const MAX_BODY: usize = 64 * 1024;

/// Values in one body, nested ones included: bounds the work before anything is looked at.
const MAX_VALUES: usize = 2_000;

/// How deep values may be nested: what is stored must also come back through the readers of every SDK.
const MAX_DEPTH: usize = 32;

/// A JSON body. None, `{}` and `[]` are an empty object; unknown fields are ignored (contract, rules 6 and 7).
pub struct Body<T, const MOST: usize = MAX_BODY>(pub T);

impl<T: DeserializeOwned, S: Send + Sync, const MOST: usize> FromRequest<S> for Body<T, MOST> {
    type Rejection = Error;
    async fn from_request(mut request: Request, _: &S) -> Result<Self, Error> {
        DefaultBodyLimit::max(MOST).apply(&mut request);
        let headers = request.headers();
        if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(Error::UnsupportedMediaType("Send the body without a Content-Encoding.".into()));
        }
        let is_json = headers.get(header::CONTENT_TYPE).is_none_or(|value| {
            let essence = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
            essence.eq_ignore_ascii_case("application/json")
        });
        let bytes = axum::body::Bytes::from_request(request, &()).await.map_err(|rejection| {
            match rejection.status().as_u16() {
                413 => Error::TooLarge(format!("The body is larger than {MOST} bytes.")),
                _ if is_too_slow(&rejection) => Error::invalid("The body took too long to arrive."),
                _ => Error::invalid("The body could not be read."),
            }
        })?;
        if !is_json && !bytes.is_empty() {
            return Err(Error::UnsupportedMediaType("Send the body with Content-Type: application/json.".into()));
        }
        let value = match strict_json(&bytes)? {
            Value::Array(items) if items.is_empty() => Value::Object(Map::new()),
            value @ Value::Object(_) => value,
            _ => return Err(Error::invalid("The body must be a JSON object.")),
        };
        read_into(value).map(Self)
    }
}

/// Whether the server gave up on a client that took too long.
fn is_too_slow(rejection: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(rejection), |error| error.source()).any(|error| error.is::<TooSlow>())
}

fn read_into<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let place = error.path().to_string();
        let why = error.inner().to_string();
        // Serde quotes what was sent, as in `invalid type: string "…", expected a boolean`. It may be a secret in the
        // wrong field, so that part is cut off.
        let why = why.rfind("expected ").map_or(why.as_str(), |at| &why[at..]).trim_end_matches('.');
        Error::Invalid(if place == "." { format!("The body is wrong: {why}.") } else { format!("{place}: {why}.") })
    })
}

/// Reads JSON as RFC 8259 wants it sent: one value, UTF-8, no name twice; bounded in depth and number of values.
/// An empty text is an empty object.
pub fn strict_json(bytes: &[u8]) -> Result<Value, Error> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    let mut left = MAX_VALUES;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value =
        Strict { left: &mut left, depth: 0 }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| Error::Invalid(format!("The body is not valid JSON: {error}.")))
}

/// Reads one value and takes it off what is left to read.
struct Strict<'a> {
    left: &'a mut usize,
    depth: usize,
}

impl Strict<'_> {
    /// The same one level down.
    fn inside<E: serde::de::Error>(&mut self) -> Result<Strict<'_>, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom("it is nested too deep"));
        }
        Ok(Strict { left: self.left, depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        *self.left = self.left.checked_sub(1).ok_or_else(|| D::Error::custom("it has too many values"))?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    /// `5.0` is the number 5 (RFC 8259, section 6), which a field of whole numbers takes.
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        #[expect(clippy::cast_possible_truncation, reason = "below 2^53 every whole number is exact")]
        let whole = (value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0).then_some(value as i64);
        Ok(whole.map_or_else(|| value.into(), Value::from))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self.inside()?)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self.inside()?)?;
            if all.contains_key(&name) {
                return Err(A::Error::custom("a name stands twice"));
            }
            all.insert(name, value);
        }
        Ok(Value::Object(all))
    }
}

/// Tells "not sent" from "sent as null": `None`, `Some(None)` and `Some(Some(value))`. For PATCH on the
/// management API, where null clears. Use with `#[serde(default, deserialize_with = "present")]`.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Path segments, percent-decoded once.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        use axum::extract::{
            path::{ErrorKind, Path as Segments},
            rejection::PathRejection,
        };
        match Segments::<T>::from_request_parts(parts, state).await {
            Ok(Segments(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(failed)) => {
                Err(Error::Invalid(match failed.into_kind() {
                    ErrorKind::InvalidUtf8InPathParam { key } => format!("The path's {key} is not UTF-8."),
                    ErrorKind::DeserializeError { key, message, .. } => format!("The path's {key}: {message}"),
                    other => format!("The path is wrong: {other}."),
                }))
            }
            Err(_) => Err(Error::invalid("The path is wrong.")),
        }
    }
}

/// Query parameters; unknown ones are ignored, a repeated one is refused.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri).map(|axum::extract::Query(value)| Self(value)).map_err(
            |rejection| {
                let cause = std::error::Error::source(&rejection).map_or_else(String::new, ToString::to_string);
                Error::Invalid(format!("The query is wrong: {cause}."))
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_strictly() {
        assert_eq!(strict_json(b" ").unwrap(), serde_json::json!({}));
        assert_eq!(strict_json(br#"{"a":[1,{"b":null}]}"#).unwrap(), serde_json::json!({"a": [1, {"b": null}]}));
        assert_eq!(strict_json(b"[5.0, 1e2, 0.5]").unwrap(), serde_json::json!([5, 100, 0.5]));
        let deep = "[".repeat(100_000);
        let wide = format!("[{}0]", "0,".repeat(MAX_VALUES));
        let surrogate = r#""\ud800""#;
        for bad in ["{", r#"{"a":1,"a":2}"#, r#"{"b":{"a":1,"a":1}}"#, "1 2", "nul", &deep, &wide, surrogate] {
            assert!(strict_json(bad.as_bytes()).is_err(), "{}", &bad[..bad.len().min(40)]);
        }
        assert!(strict_json(b"\"\xff\"").is_err());
    }
}
