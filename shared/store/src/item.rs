//! Items as DynamoDB holds them, read and written attribute by attribute.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};

use countersign_domain::{clock::Timestamp, error::Error};

use super::keys::Key;

pub type Attributes = HashMap<String, AttributeValue>;

pub fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}
pub fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
pub fn b(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}
pub fn empty_map() -> AttributeValue {
    AttributeValue::M(HashMap::new())
}
/// A time, in milliseconds since 1970.
pub fn time(at: Timestamp) -> AttributeValue {
    n(at.as_millisecond())
}

/// Starts an item with its key.
pub fn keyed(key: &Key) -> Attributes {
    HashMap::from([("pk".into(), s(&key.pk)), ("sk".into(), s(&key.sk))])
}

/// Reads attributes; an item that lacks what it should have is our fault, 500.
pub struct Row<'a>(pub &'a Attributes);

impl Row<'_> {
    fn damaged(name: &str) -> Error {
        Error::internal(format!("a stored item has no usable attribute {name}"))
    }
    pub fn text(&self, name: &str) -> Result<&str, Error> {
        self.text_opt(name).ok_or_else(|| Self::damaged(name))
    }
    pub fn text_opt(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }
    pub fn id<T: TryFrom<String, Error = Error>>(&self, name: &str) -> Result<T, Error> {
        T::try_from(self.text(name)?.to_owned()).map_err(|_| Self::damaged(name))
    }
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, Error> {
        let text = self.0.get(name).and_then(|value| value.as_n().ok());
        text.and_then(|text| text.parse().ok()).ok_or_else(|| Self::damaged(name))
    }
    pub fn time(&self, name: &str) -> Result<Timestamp, Error> {
        Timestamp::from_millisecond(self.number(name)?).map_err(|_| Self::damaged(name))
    }
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, Error> {
        let blob = self.0.get(name).and_then(|value| value.as_b().ok());
        blob.map(|blob| blob.as_ref().to_vec()).ok_or_else(|| Self::damaged(name))
    }
    pub fn map(&self, name: &str) -> Result<&Attributes, Error> {
        self.0.get(name).and_then(|value| value.as_m().ok()).ok_or_else(|| Self::damaged(name))
    }
    pub fn map_opt(&self, name: &str) -> Option<Row<'_>> {
        self.0.get(name)?.as_m().ok().map(Row)
    }
    pub fn document_opt<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        self.0.contains_key(name).then(|| self.document(name)).transpose()
    }
    pub fn document<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        serde_json::from_str(self.text(name)?).map_err(|_| Self::damaged(name))
    }
}

/// A value stored as JSON text: what is written and read whole.
pub fn document(value: &impl serde::Serialize) -> Result<AttributeValue, Error> {
    serde_json::to_string(value).map(AttributeValue::S).map_err(Error::internal)
}
