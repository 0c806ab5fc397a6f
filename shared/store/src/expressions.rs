//! Update expressions, put together clause by clause.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// `SET`, `REMOVE`, `ADD`, `DELETE` and condition of an update, with the names and values they use.
#[derive(Default)]
pub(super) struct Expressions {
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    delete: Vec<String>,
    condition: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expressions {
    pub(super) fn set(mut self, clause: impl Into<String>) -> Self {
        self.set.push(clause.into());
        self
    }
    pub(super) fn remove(mut self, path: impl Into<String>) -> Self {
        self.remove.push(path.into());
        self
    }
    /// Into a set.
    pub(super) fn add(mut self, clause: impl Into<String>) -> Self {
        self.add.push(clause.into());
        self
    }
    /// Out of a set.
    pub(super) fn delete(mut self, clause: impl Into<String>) -> Self {
        self.delete.push(clause.into());
        self
    }
    pub(super) fn require(mut self, condition: impl Into<String>) -> Self {
        self.condition.push(format!("({})", condition.into()));
        self
    }
    /// `#name` in a clause.
    pub(super) fn name(mut self, placeholder: impl Into<String>, name: impl Into<String>) -> Self {
        self.names.insert(placeholder.into(), name.into());
        self
    }
    /// `:value` in a clause.
    pub(super) fn value(mut self, placeholder: impl Into<String>, value: AttributeValue) -> Self {
        self.values.insert(placeholder.into(), value);
        self
    }
    pub(super) fn update(&self) -> String {
        let clauses = [("SET", &self.set), ("REMOVE", &self.remove), ("ADD", &self.add), ("DELETE", &self.delete)];
        let used = clauses.into_iter().filter(|(_, all)| !all.is_empty());
        used.map(|(name, all)| format!("{name} {}", all.join(", "))).collect::<Vec<_>>().join(" ")
    }
    pub(super) fn condition(&self) -> String {
        self.condition.join(" AND ")
    }
    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }
    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}
