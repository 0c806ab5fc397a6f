//! What somebody is asked to confirm: what, by which account, for whom. The page shows it, the device shows it and signs it.

mod written;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    error::Error,
    id::{ActionCode, digest},
    messages::{Language, Messages},
    rule::DataPoint,
    tenant::{ActionConfig, Settings},
    user::Profile,
};
use written::written;

/// A text in several languages, by their tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Texts(BTreeMap<String, String>);

/// The longest label or name, in characters: what stays in its place on a page 320 px wide.
const MAX_TEXT: usize = 60;

impl Texts {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In this language; else in English, else in the first that there is.
    pub fn in_language(&self, language: Language) -> Option<&str> {
        let of = |tag: &str| self.0.get(tag);
        let found = of(language.tag()).or_else(|| of(Language::English.tag())).or_else(|| self.0.values().next());
        found.map(String::as_str)
    }

    /// 400 for a language that the pages do not speak, and for a text that has no place there.
    pub fn check(&self, field: &str) -> Result<(), Error> {
        for (tag, text) in &self.0 {
            if !Language::ALL.into_iter().any(|known| known.tag() == tag) {
                let known = Language::ALL.map(Language::tag).join(", ");
                return Err(Error::Invalid(format!(
                    "{field}: a text is given for each of {known}, as far as you have it."
                )));
            }
            let is_good = (1..=MAX_TEXT).contains(&text.chars().count())
                && !text.trim().is_empty()
                && !text.chars().any(char::is_control);
            if !is_good {
                return Err(Error::Invalid(format!(
                    "{field}.{tag} has 1 to {MAX_TEXT} characters, and none that cannot be seen."
                )));
            }
        }
        Ok(())
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Format {
    /// As it was sent.
    Text,
    /// With the marks of the reader's language: `1,234.5` or `1.234,5`.
    Number,
    /// The same, with as many places as the currency in `unit` has.
    Money,
    /// A day, of an ISO 8601 text or of Unix seconds.
    Date,
    /// The same with its minute, in UTC.
    DateTime,
}

/// How a public data point is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Shown {
    /// What it is called, by language; its name where absent.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub label: Texts,
    /// How its value is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// What stands behind the value: a text such as `EUR` or `km`, or `{name}` for the value of another public data point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Shown {
    pub fn check(&self) -> Result<(), Error> {
        self.label.check("label")?;
        let is_good = |unit: &String| (1..=66).contains(&unit.chars().count()) && !unit.chars().any(char::is_control);
        match &self.unit {
            Some(unit) if !is_good(unit) => {
                Err(Error::invalid("unit has 1 to 66 characters: a text, or {name} for another data point."))
            }
            _ => Ok(()),
        }
    }

    /// The data point whose value the unit is.
    fn unit_point(&self) -> Option<&str> {
        self.unit.as_deref()?.strip_prefix('{')?.strip_suffix('}')
    }
}

/// How much of an account's address is shown to who confirms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccountDisplay {
    /// Enough to be recognised by its owner.
    #[default]
    Masked,
    Full,
    Hidden,
}

/// What is asked, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// The kind of action, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// Whether the tenant itself named it: only then a lock screen says it.
    pub is_named: bool,
    pub rows: Vec<Fact>,
    /// How many of the rows, from the first, are of the action alone.
    pub of_action: usize,
    /// The language in which all of it is said.
    pub language: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    /// What it is, in the user's language.
    pub label: String,
    /// As the page writes it.
    pub value: String,
}

impl Facts {
    /// SHA-256 over all that is shown, hexadecimal: the kind of action, then each label and its value.
    pub fn digest(&self) -> String {
        let rows = self.rows.iter().flat_map(|fact| [fact.label.as_bytes(), fact.value.as_bytes()]);
        let parts: Vec<&[u8]> =
            std::iter::once(self.what.as_deref().unwrap_or_default().as_bytes()).chain(rows).collect();
        digest(&parts)
    }

    /// The rows of the action in one line.
    pub fn line(&self) -> String {
        let rows = self.rows.iter().take(self.of_action);
        rows.map(|fact| format!("{}: {}", fact.label, fact.value)).collect::<Vec<_>>().join(" · ")
    }
}

/// All that facts are made of.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub settings: &'a Settings,
    pub code: &'a ActionCode,
    pub kind: Option<&'a ActionConfig>,
    pub points: &'a [DataPoint],
    /// Public values of the action, and of the user.
    pub custom: &'a Map<String, Value>,
    pub user_custom: &'a Map<String, Value>,
    pub profile: &'a Profile,
}

impl Asked<'_> {
    pub fn facts(&self, t: Messages<'_>) -> Facts {
        let mut rows = self.values(false, t);
        let of_action = rows.len();
        rows.extend(self.values(true, t));
        rows.extend(
            account(self.settings, self.profile).map(|value| Fact { label: t.text("facts-account-label"), value }),
        );
        rows.push(Fact { label: t.text("facts-tenant-label"), value: self.settings.name.clone() });
        Facts {
            what: Some(called(self.kind, self.code, t)),
            is_named: self.kind.is_some_and(|kind| !kind.display_name.is_empty()),
            rows,
            of_action,
            language: t.language().tag().to_owned(),
        }
    }

    fn values(&self, of_user: bool, t: Messages<'_>) -> Vec<Fact> {
        let given = if of_user { self.user_custom } else { self.custom };
        let of_model = |point: &&DataPoint| point.is_public && point.is_of_user() == of_user;
        let mut points: Vec<&DataPoint> = self.points.iter().filter(of_model).collect();
        // What a payment costs is read first.
        points.sort_by_key(|point| (point.shown.format != Some(Format::Money), &point.name));
        let units: Vec<&str> = points.iter().filter_map(|point| point.shown.unit_point()).collect();
        let shown = points.into_iter().filter(|point| !units.contains(&point.name.as_str()));
        let fact = |point: &DataPoint| {
            let value = given.get(&point.name).filter(|value| !value.is_null())?;
            let label = point.shown.label.in_language(t.language()).map_or_else(|| spelled(&point.name), str::to_owned);
            Some(Fact { label, value: written(value, &point.shown, given, t) })
        };
        shown.filter_map(fact).collect()
    }
}

/// The account, as the tenant shows it; `None` where nothing is known of it that its owner would know.
pub fn account(settings: &Settings, profile: &Profile) -> Option<String> {
    let Profile { email, phone_number, username, .. } = profile;
    let account = email.as_ref().or(phone_number.as_ref()).or(username.as_ref())?;
    match settings.account_display {
        AccountDisplay::Masked => Some(masked(account)),
        AccountDisplay::Full => Some(account.clone()),
        AccountDisplay::Hidden => None,
    }
}

/// What a kind of action is called: the tenant's own words, ours for a sign-in, or its code spelled as words.
pub fn called(kind: Option<&ActionConfig>, code: &ActionCode, t: Messages<'_>) -> String {
    let own = kind.and_then(|kind| kind.display_name.in_language(t.language()));
    let letters: String = code.as_str().chars().filter(char::is_ascii_alphanumeric).collect();
    match own {
        Some(own) => own.to_owned(),
        None if ["signin", "login", "logon"].contains(&letters.to_ascii_lowercase().as_str()) => {
            t.text("facts-sign-in-label")
        }
        None => spelled(code.as_str()),
    }
}

/// `payInvoice`, `pay-invoice` and `pay_invoice` as `Pay invoice`.
fn spelled(name: &str) -> String {
    let mut words = String::new();
    let mut before = '-';
    for c in name.chars() {
        let begins = c.is_uppercase() && before.is_lowercase();
        if (begins || !c.is_alphanumeric()) && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        match words.is_empty() {
            _ if !c.is_alphanumeric() => {}
            true => words.extend(c.to_uppercase()),
            false if begins => words.extend(c.to_lowercase()),
            false => words.push(c),
        }
        before = c;
    }
    words.trim_end().to_owned()
}

/// The first character and what follows the `@`, or the last two: enough to be recognised by its owner.
pub fn masked(address: &str) -> String {
    let first: String = address.chars().take(1).collect();
    match address.rsplit_once('@') {
        Some((_, domain)) => format!("{first}***@{domain}"),
        None => {
            let last: String = address.chars().skip(address.chars().count().saturating_sub(2)).collect();
            format!("***{last}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_spelled_as_words() {
        for (code, words) in
            [("payInvoice", "Pay invoice"), ("manage-security", "Manage security"), ("a__b", "A b"), ("PAY", "PAY")]
        {
            assert_eq!(spelled(code), words);
        }
    }

    #[test]
    fn what_is_shown_decides_the_digest() {
        let fact = |label: &str, value: &str| Fact { label: label.into(), value: value.into() };
        let facts = |rows: Vec<Fact>| Facts { rows, ..Facts::default() };
        assert_ne!(facts(vec![fact("a", "b")]).digest(), facts(vec![fact("b", "a")]).digest());
        assert_ne!(facts(vec![fact("a", "b")]).digest(), facts(vec![fact("a", ""), fact("b", "")]).digest());
    }

    #[test]
    fn texts_are_checked_by_name() {
        let texts = |tag: &str, text: &str| Texts([(tag.to_owned(), text.to_owned())].into());
        assert!(texts("de", "Rechnung zahlen").check("displayName").is_ok());
        for (tag, text) in [("xx", "Pay"), ("en", ""), ("en", " "), ("en", "a\nb"), ("en", &"x".repeat(61))] {
            let refused = texts(tag, text).check("displayName").expect_err(text).to_string();
            assert!(refused.starts_with("displayName"), "{refused}");
        }
    }
}
