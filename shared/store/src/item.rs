//! Items as DynamoDB holds them, read and written attribute by attribute.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};

use countersign_domain::{clock::Timestamp, error::Error};

use super::keys::{
    Key,
    attributes::{Attribute, PK, SK},
};

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

/// A map of some attributes.
pub fn map<const N: usize>(parts: [(Attribute, AttributeValue); N]) -> Attributes {
    parts.into_iter().map(|(attribute, value)| (attribute.into(), value)).collect()
}

/// An item, or a part of one, on its way into the table: nothing gets in but by the list of attributes.
#[derive(Clone)]
pub struct Item(Attributes);

impl Item {
    /// Starts an item with its key.
    pub fn at(key: &Key) -> Self {
        Self(map([(PK, s(&key.pk)), (SK, s(&key.sk))]))
    }
    pub fn put(&mut self, attribute: Attribute, value: AttributeValue) {
        self.0.insert(attribute.into(), value);
    }
    /// Its bytes: about, and not too little.
    pub fn size(&self) -> usize {
        let text = |value: &AttributeValue| value.as_s().map_or(32, String::len);
        self.0.iter().map(|(name, value)| name.len() + text(value)).sum()
    }
    pub fn remove(&mut self, attribute: Attribute) {
        self.0.remove(attribute.as_str());
    }
}

impl From<Item> for Attributes {
    fn from(item: Item) -> Self {
        item.0
    }
}

/// Reads attributes; an item that lacks what it should have is our fault, 500.
pub struct Row<'a>(pub &'a Attributes);

impl Row<'_> {
    fn damaged(name: Attribute) -> Error {
        Error::internal(format!("a stored item has no usable attribute {name}"))
    }
    pub fn has(&self, name: Attribute) -> bool {
        self.0.contains_key(name.as_str())
    }
    pub fn text(&self, name: Attribute) -> Result<&str, Error> {
        self.text_opt(name).ok_or_else(|| Self::damaged(name))
    }
    pub fn text_opt(&self, name: Attribute) -> Option<&str> {
        self.0.get(name.as_str())?.as_s().ok().map(String::as_str)
    }
    pub fn id<T: TryFrom<String, Error = Error>>(&self, name: Attribute) -> Result<T, Error> {
        T::try_from(self.text(name)?.to_owned()).map_err(|_| Self::damaged(name))
    }
    pub fn number<T: std::str::FromStr>(&self, name: Attribute) -> Result<T, Error> {
        let text = self.0.get(name.as_str()).and_then(|value| value.as_n().ok());
        text.and_then(|text| text.parse().ok()).ok_or_else(|| Self::damaged(name))
    }
    pub fn time(&self, name: Attribute) -> Result<Timestamp, Error> {
        Timestamp::from_millisecond(self.number(name)?).map_err(|_| Self::damaged(name))
    }
    pub fn time_opt(&self, name: Attribute) -> Result<Option<Timestamp>, Error> {
        self.has(name).then(|| self.time(name)).transpose()
    }
    /// The members of a set; none where the item lacks it, for DynamoDB has no empty sets.
    pub fn texts(&self, name: Attribute) -> &[String] {
        self.0.get(name.as_str()).and_then(|value| value.as_ss().ok()).map(Vec::as_slice).unwrap_or_default()
    }
    pub fn bytes(&self, name: Attribute) -> Result<Vec<u8>, Error> {
        let blob = self.0.get(name.as_str()).and_then(|value| value.as_b().ok());
        blob.map(|blob| blob.as_ref().to_vec()).ok_or_else(|| Self::damaged(name))
    }
    pub fn map(&self, name: Attribute) -> Result<&Attributes, Error> {
        self.0.get(name.as_str()).and_then(|value| value.as_m().ok()).ok_or_else(|| Self::damaged(name))
    }
    pub fn map_opt(&self, name: Attribute) -> Option<Row<'_>> {
        self.0.get(name.as_str())?.as_m().ok().map(Row)
    }
    pub fn document_opt<T: serde::de::DeserializeOwned>(&self, name: Attribute) -> Result<Option<T>, Error> {
        self.has(name).then(|| self.document(name)).transpose()
    }
    pub fn document<T: serde::de::DeserializeOwned>(&self, name: Attribute) -> Result<T, Error> {
        serde_json::from_str(self.text(name)?).map_err(|_| Self::damaged(name))
    }
}

/// A value stored as JSON text: what is written and read whole.
pub fn document(value: &impl serde::Serialize) -> Result<AttributeValue, Error> {
    serde_json::to_string(value).map(AttributeValue::S).map_err(Error::internal)
}
