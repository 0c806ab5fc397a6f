//! One user as a line of a file says it: read, checked, and what to change where it is not right.

use countersign_core::{
    clock::Timestamp,
    id::{UserId, has_control},
    method::totp::{Beside, TotpSecret, Unread},
    rule::{DataPoint, ModelType, understood},
    user::{MAX_CONTACT, MAX_TOTP, Profile},
};
use serde_json::{Map, Value};

/// Why a line is not taken: the field, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub field: String,
    pub problem: String,
}

pub fn problem(field: impl Into<String>, problem: impl Into<String>) -> Problem {
    Problem { field: field.into(), problem: problem.into() }
}

/// A verified TOTP secret that comes with a user.
pub struct App {
    pub secret: TotpSecret,
    pub name: Option<String>,
    pub created_at: Option<Timestamp>,
}

/// A line that is right.
pub struct Row {
    pub user: UserId,
    texts: [Option<String>; 5],
    verified: [Option<bool>; 2],
    custom: Option<Map<String, Value>>,
    pub apps: Vec<App>,
}

const TEXTS: [&str; 5] = ["email", "phoneNumber", "username", "displayName", "locale"];
/// Users are looked up by these, so they are names: a display name may have two lines.
const BY_WHICH_FOUND: [&str; 3] = ["email", "phoneNumber", "username"];
const VERIFIED: [&str; 2] = ["emailVerified", "phoneNumberVerified"];

/// As the API's bodies: more is nobody's profile.
const LARGEST_CUSTOM: usize = 16 * 1024;

impl Row {
    /// Reads an object. What is absent or null stays as it is; an empty text clears.
    pub fn read(mut fields: Map<String, Value>) -> Result<Self, Problem> {
        fields.retain(|_, value| !value.is_null());
        let id = text(&mut fields, "userId")?.ok_or_else(|| problem("userId", "is missing; every line has one"))?;
        let user = UserId::parse(id).map_err(|error| problem("userId", error.to_string()))?;
        let mut texts: [Option<String>; 5] = Default::default();
        for (place, name) in texts.iter_mut().zip(TEXTS) {
            *place = text(&mut fields, name)?;
            if place.as_ref().is_some_and(|text| text.len() > MAX_CONTACT) {
                return Err(problem(name, format!("has more than {MAX_CONTACT} bytes; shorten it")));
            }
            if BY_WHICH_FOUND.contains(&name) && place.as_deref().is_some_and(has_control) {
                return Err(problem(name, "has a control character, such as a tab or a line's end; take it out"));
            }
        }
        let mut verified: [Option<bool>; 2] = [None; 2];
        for (place, name) in verified.iter_mut().zip(VERIFIED) {
            *place = fields.remove(name).map(|value| truth(name, &value)).transpose()?;
        }
        let custom = match fields.remove("custom") {
            None => None,
            Some(Value::Object(custom)) => Some(custom),
            Some(_) => return Err(problem("custom", "is not a JSON object; write {\"name\": value, ...}")),
        };
        if custom.as_ref().is_some_and(|custom| Value::Object(custom.clone()).to_string().len() > LARGEST_CUSTOM) {
            return Err(problem("custom", format!("has more than {LARGEST_CUSTOM} bytes; leave something out")));
        }
        let apps = apps(fields.remove("totp"))?;
        match fields.keys().next() {
            Some(unknown) => Err(problem(unknown, "is not a field of a user; remove it or correct its name")),
            None => Ok(Self { user, texts, verified, custom, apps }),
        }
    }

    /// Refuses data of another type than the tenant's data points have.
    pub fn check_custom(&self, points: &[DataPoint]) -> Result<(), Problem> {
        understood::check_custom(points, self.custom.as_ref(), ModelType::User).map_err(|error| {
            let message = error.to_string();
            let (field, rest) = message.split_once(": ").unwrap_or(("custom", &message));
            problem(field, rest)
        })
    }

    /// Writes what the line says over what is known.
    pub fn apply(&self, profile: &mut Profile) {
        let before = (profile.email.clone(), profile.phone_number.clone());
        let [email, phone, username, display, locale] = &self.texts;
        for (new, old) in [
            (email, &mut profile.email),
            (phone, &mut profile.phone_number),
            (username, &mut profile.username),
            (display, &mut profile.display_name),
            (locale, &mut profile.locale),
        ] {
            if let Some(new) = new {
                *old = Some(new.clone()).filter(|text| !text.is_empty());
            }
        }
        // Another address is not the one that was verified.
        let [email, phone] = self.verified;
        profile.email_verified = email.unwrap_or(profile.email_verified && profile.email == before.0);
        profile.phone_number_verified =
            phone.unwrap_or(profile.phone_number_verified && profile.phone_number == before.1);
        if let Some(custom) = &self.custom {
            profile.custom = Some(custom.clone());
        }
    }
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match fields.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(problem(name, "is not a text; put it in quotes")),
    }
}

/// What spreadsheets and other systems write for true and false.
fn truth(name: &str, value: &Value) -> Result<bool, Problem> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
    .ok_or_else(|| problem(name, "is neither true nor false; write one of them"))
}

fn apps(value: Option<Value>) -> Result<Vec<App>, Problem> {
    let list = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(problem("totp", "is not a list; write [{\"secret\": \"...\"}]")),
    };
    if list.len() > MAX_TOTP {
        return Err(problem("totp", format!("has {} authenticator apps; a user has at most {MAX_TOTP}", list.len())));
    }
    list.into_iter().enumerate().map(|(index, one)| app(&format!("totp[{index}]"), one)).collect()
}

fn app(place: &str, value: Value) -> Result<App, Problem> {
    let Value::Object(mut fields) = value else {
        return Err(problem(place, "is not an object; write {\"secret\": \"...\", \"name\": \"...\"}"));
    };
    fields.retain(|_, value| !value.is_null());
    let mut of =
        |name: &str| text(&mut fields, name).map_err(|wrong| problem(format!("{place}.{name}"), wrong.problem));
    let (name, created) = (of("name")?, of("createdAt")?);
    let secret = secret(place, &mut fields)?;
    let at = |field: &str| format!("{place}.{field}");
    if name.as_ref().is_some_and(|name| name.chars().count() > 64) {
        return Err(problem(at("name"), "has more than 64 characters; shorten it"));
    }
    if name.as_deref().is_some_and(has_control) {
        return Err(problem(at("name"), "has a control character, such as a line break; leave it out"));
    }
    let created_at = created.map(|text| text.parse::<Timestamp>()).transpose();
    let created_at = created_at
        .map_err(|_| problem(at("createdAt"), "is not a date and time in ISO 8601, such as 2026-11-01T00:00:00Z"))?;
    match fields.keys().next() {
        Some(unknown) => Err(problem(at(unknown), "is not a field of an authenticator app; remove it")),
        None => Ok(App { secret, name: name.filter(|name| !name.is_empty()), created_at }),
    }
}

/// The secret of an app, and what is said of it beside it.
fn secret(place: &str, fields: &mut Map<String, Value>) -> Result<TotpSecret, Problem> {
    let at = |field: &str| format!("{place}.{field}");
    let mut of = |name: &str| match fields.remove(name) {
        Some(Value::Number(number)) if ["digits", "period"].contains(&name) => Ok(Some(number.to_string())),
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(problem(at(name), "is not a text; put it in quotes")),
    };
    let (mut base32, hex, mut uri) = (of("secret")?, of("secretHex")?, of("otpauthUri")?);
    let (algorithm, digits, period) = (of("algorithm")?, of("digits")?, of("period")?);
    let beside = Beside { algorithm: algorithm.as_deref(), digits: digits.as_deref(), period: period.as_deref() };
    // Some write the whole URI where others write Base32.
    if uri.is_none() && base32.as_ref().is_some_and(|text| text.contains("://")) {
        uri = base32.take();
    }
    let (field, read) = match (&base32, &hex, &uri) {
        (Some(base32), None, None) => ("secret", TotpSecret::from_base32(base32, beside)),
        (None, Some(hex), None) => ("secretHex", TotpSecret::from_hex(hex, beside)),
        (None, None, Some(uri)) => ("otpauthUri", TotpSecret::from_uri(uri)),
        _ => return Err(problem(at("secret"), "or secretHex or otpauthUri: write exactly one of them")),
    };
    let in_uri = ["algorithm", "digits", "period"].into_iter().zip([&algorithm, &digits, &period]);
    if let (true, Some((name, _))) = (uri.is_some(), in_uri.into_iter().find(|(_, given)| given.is_some())) {
        return Err(problem(at(name), "stands in the otpauth URI; leave it out here"));
    }
    let wrong = |why: Unread| problem(at(why.field().filter(|_| uri.is_none()).unwrap_or(field)), why.to_string());
    read.map_err(wrong)
}
