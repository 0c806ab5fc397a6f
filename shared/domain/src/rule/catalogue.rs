//! Data points: what rules may ask about, by name and type. Names and types are checked when a rule is saved.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;

use crate::{id::ListAlias, method::Method};

use super::{
    DataPoint, DataType,
    list::{self, ItemType, Networks, ValueList},
};

/// The type of a data point, where it is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    Number,
    Boolean,
    /// Several texts.
    Texts,
}

impl Type {
    /// As a message calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Texts => "a list of texts",
        }
    }

    /// Whether a value is of this type.
    pub fn has(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
        }
    }
}

/// The form in which some data points have their texts. A rule that looks for a text of another form could never match,
/// so it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Address,
    /// ISO 3166-1 alpha-2.
    Country,
    Method,
    /// ISO 8601.
    Date,
}

impl Form {
    const ALL: [Self; 4] = [Self::Address, Self::Country, Self::Method, Self::Date];

    /// The form of a data point's texts, where they have one.
    pub fn of(point: &str) -> Option<Self> {
        match point {
            "ip.address" => Some(Self::Address),
            "ip.countryCode" => Some(Self::Country),
            "user.enrolledMethods" => Some(Self::Method),
            "time.date" => Some(Self::Date),
            _ => None,
        }
    }

    /// Whether the data point can be this very text.
    pub fn has(self, text: &str) -> bool {
        match self {
            Self::Address => list::address(text).is_some_and(|address| address.to_string() == text),
            Self::Country => text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()),
            Self::Method => Method::parse(text).is_some(),
            Self::Date => text.parse::<Date>().is_ok_and(|date| date.to_string() == text),
        }
    }

    /// Whether an item of a value list can be found by this; of addresses it may be a network, and in any spelling.
    pub fn has_item(self, item: &Value) -> bool {
        item.as_str().is_some_and(|text| match self {
            Self::Address => Networks::parse([text]).is_ok(),
            other => other.has(text),
        })
    }

    /// What to write.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Address => {
                "an address as rules see it, such as 192.0.2.7 or 2001:db8::1; for networks there is ip_in_cidr"
            }
            Self::Country => "a country in two capital letters (ISO 3166-1), such as DE",
            Self::Method => "a method by its name, such as AUTHENTICATOR_APP or PUSH",
            Self::Date => "a day such as 2026-11-21",
        }
    }

    /// What to write into a value list.
    pub fn wanted_item(self) -> &'static str {
        match self {
            Self::Address => "an address or a network, such as 192.0.2.7 or 2001:db8::/32",
            other => other.wanted(),
        }
    }
}

impl From<DataType> for Type {
    fn from(of: DataType) -> Self {
        match of {
            DataType::Text => Self::Text,
            DataType::Number => Self::Number,
            DataType::Boolean => Self::Boolean,
            DataType::Multiselect => Self::Texts,
        }
    }
}

/// What every tenant has. Where each comes from, and when it is absent, is said in `facts`.
pub const BUILT_IN: [(&str, Type); 36] = [
    ("ip.address", Type::Text),
    ("ip.countryCode", Type::Text),
    ("ip.asn", Type::Number),
    ("ip.isAnonymous", Type::Boolean),
    ("ip.countryCodeInOfacList", Type::Boolean),
    ("ip.isUnrecognized", Type::Boolean),
    ("ip.impossibleTravel", Type::Boolean),
    ("device.id", Type::Text),
    ("device.userAgent", Type::Text),
    ("device.isNew", Type::Boolean),
    ("device.isBot", Type::Boolean),
    ("device.isRemembered", Type::Boolean),
    ("user.id", Type::Text),
    ("user.email", Type::Text),
    ("user.emailVerified", Type::Boolean),
    ("user.phoneNumber", Type::Text),
    ("user.phoneNumberVerified", Type::Boolean),
    ("user.username", Type::Text),
    ("user.displayName", Type::Text),
    ("user.locale", Type::Text),
    ("user.isEnrolled", Type::Boolean),
    ("user.enrolledMethods", Type::Texts),
    ("user.hasPreviouslyVerified", Type::Boolean),
    ("user.ageInDays", Type::Number),
    ("action.code", Type::Text),
    ("action.locale", Type::Text),
    ("time.hour", Type::Number),
    ("time.minute", Type::Number),
    ("time.dayOfWeek", Type::Number),
    ("time.date", Type::Text),
    ("velocity.actions1h", Type::Number),
    ("velocity.actions24h", Type::Number),
    ("velocity.failures1h", Type::Number),
    ("velocity.failures24h", Type::Number),
    ("velocity.wrongCodes5m", Type::Number),
    ("velocity.wrongCodesInARow", Type::Number),
];

/// The list of addresses that hide who uses them: VPNs, proxies, Tor exits.
pub const ANONYMOUS_IPS: &str = "anonymous-ips";
/// The list of countries that the Office of Foreign Assets Control embargoes.
pub const OFAC_COUNTRIES: &str = "ofac-countries";

/// The names that rules of one tenant may use.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    custom: BTreeMap<String, Type>,
    lists: BTreeMap<ListAlias, Listed>,
}

/// What a value list has.
#[derive(Clone, Debug)]
pub struct Listed {
    pub items: ItemType,
    /// The forms that every item has.
    forms: Vec<Form>,
}

impl Listed {
    fn new(list: &ValueList) -> Self {
        let all_have = |form: &Form| list.items.iter().all(|item| form.has_item(item));
        Self { items: list.item_type, forms: Form::ALL.into_iter().filter(all_have).collect() }
    }

    /// Whether every item can be found by a data point of this form.
    pub fn has(&self, form: Form) -> bool {
        self.forms.contains(&form)
    }
}

impl Catalogue {
    pub fn new<'a>(
        points: impl IntoIterator<Item = &'a DataPoint>,
        lists: impl IntoIterator<Item = &'a ValueList>,
    ) -> Self {
        Self {
            custom: points.into_iter().map(|point| (variable(point), point.data_type.into())).collect(),
            lists: lists.into_iter().map(|list| (list.alias.clone(), Listed::new(list))).collect(),
        }
    }

    /// The type of a data point; a message that says what to change where there is none of this name.
    pub fn point(&self, name: &str) -> Result<Type, String> {
        if let Some(found) = self.custom.get(name).copied().or_else(|| built_in(name)) {
            return Ok(found);
        }
        if let Some(custom) = name.strip_prefix("custom.").or_else(|| name.strip_prefix("user.custom.")) {
            let model = if name.starts_with("user.") { "user" } else { "action" };
            return Err(format!(
                "there is no custom data point \"{custom}\" of model type {model}; create it under \
                 /v1/management/custom-data-points first, or correct the name"
            ));
        }
        let group = name.split('.').next().unwrap_or_default();
        let mut known = BUILT_IN.iter().map(|(name, _)| *name).filter(|known| known.split('.').next() == Some(group));
        match known.next() {
            Some(first) => {
                let all: Vec<&str> = std::iter::once(first).chain(known).collect();
                Err(format!("there is no data point \"{name}\"; of {group} there are {}", all.join(", ")))
            }
            None => Err(format!(
                "there is no data point \"{name}\"; names begin with ip, device, user, action, custom, time or velocity"
            )),
        }
    }

    /// What a value list has; a message where there is no such list.
    pub fn list(&self, alias: &str) -> Result<&Listed, String> {
        let found = ListAlias::parse(alias).ok().and_then(|alias| self.lists.get(&alias));
        found.ok_or_else(|| {
            format!("there is no value list \"{alias}\"; create it under /v1/management/value-lists first")
        })
    }
}

/// The type of a data point that every tenant has.
pub fn built_in(name: &str) -> Option<Type> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, of)| *of)
}

/// How rules call a data point of the tenant's own.
pub fn variable(point: &DataPoint) -> String {
    let prefix = if point.is_of_user() { "user.custom" } else { "custom" };
    format!("{prefix}.{}", point.name)
}
