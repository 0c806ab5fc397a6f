//! Data points of a tenant's own (contract, M16-M20).

use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    facts::Shown,
    id::{PointId, check_description},
};

/// A data point of the tenant's own (contract, M16-M20).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataPoint {
    pub id: PointId,
    /// As it stands in `custom`.
    pub name: String,
    pub data_type: DataType,
    pub model_type: ModelType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the pages and devices show it.
    pub is_public: bool,
    #[serde(flatten)]
    pub shown: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    Text,
    Number,
    Boolean,
    Multiselect,
}

/// What a data point is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModelType {
    Action,
    User,
}

impl DataPoint {
    pub fn is_of_user(&self) -> bool {
        self.model_type == ModelType::User
    }

    /// Checks what holds of every data point, new or changed.
    pub fn check(&self) -> Result<(), Error> {
        let of_a_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !(1..=64).contains(&self.name.len()) || !self.name.bytes().all(of_a_name) {
            return Err(Error::invalid("name has 1 to 64 letters, digits, '_' or '-'."));
        }
        self.shown.check()?;
        check_description("description", self.description.as_deref(), 500)
    }
}
