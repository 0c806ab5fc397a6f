//! Rules: predicates of a tenant over what is known of an action, each with an outcome (contract, section 5).

pub mod catalogue;
pub mod condition;
pub mod facts;
pub mod list;
mod point;
pub mod recent;
mod set;
pub mod understood;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    clock::Timestamp,
    error::Error,
    id::{ActionCode, RuleId, check_description, check_name},
    method::Method,
};

pub use point::{DataPoint, DataType, ModelType};
pub use set::{RuleSet, Ruling};

use catalogue::Catalogue;
use condition::Condition;

/// What the rules say of an action (contract, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    Allow,
    Challenge,
    Review,
    Block,
}

impl Outcome {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Challenge => "CHALLENGE",
            Self::Review => "REVIEW",
            Self::Block => "BLOCK",
        }
    }
}

/// Priorities go from 0, which is asked first, to this; no two rules of an action share one.
pub const LAST_PRIORITY: u8 = 99;

/// A rule as its item in the table holds it (contract, M6-M10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    pub id: RuleId,
    pub action_code: ActionCode,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub is_active: bool,
    /// Evaluated and recorded, and deciding nothing.
    #[serde(default)]
    pub is_shadow: bool,
    pub priority: u8,
    pub outcome: Outcome,
    /// The methods that may answer, in place of those of the action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_methods: Option<Vec<Method>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_to_enroll_verification_methods: Option<Vec<Method>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_verification_method: Option<Method>,
    /// JsonLogic, as it was sent.
    pub conditions: Value,
    pub created_at: Timestamp,
}

impl Rule {
    /// Checks what holds of every rule, new or changed.
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), Error> {
        check_name("name", &self.name, 100)?;
        check_description("description", self.description.as_deref(), 500)?;
        if let (Some(methods), Some(default)) = (&self.verification_methods, self.default_verification_method)
            && !methods.contains(&default)
        {
            return Err(Error::Invalid(format!(
                "defaultVerificationMethod: {} is not among the rule's verificationMethods; add it there.",
                default.as_str()
            )));
        }
        Condition::check(&self.conditions, catalogue).map(|_| ()).map_err(|fault| Error::Invalid(fault.to_string()))
    }
}

/// A rule as an action remembers it: what it was called then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    #[schema(value_type = String)]
    pub rule_id: RuleId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl From<&Rule> for Named {
    fn from(rule: &Rule) -> Self {
        Self { rule_id: rule.id.clone(), name: rule.name.clone(), description: rule.description.clone() }
    }
}

/// What the rules made of an action, as it is stored with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Trace {
    /// The active rules that matched, by priority.
    pub matched: Vec<Named>,
    /// The one that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<RuleId>,
    /// Shadow rules that matched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shadow: Vec<RuleId>,
    /// Rules that could not be computed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<RuleId>,
    /// What a rule asks for first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_method: Option<Method>,
    /// Every data point as it was then, by its name.
    pub data: facts::Data,
}
