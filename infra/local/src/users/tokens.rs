//! Tokens of a file of seeds, as rows of users.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Map, Value, json};

use super::row::{Problem, problem};
use crate::first_run::Trouble;

/// One token, as its file says it.
#[derive(Default)]
pub struct Token {
    pub serial: Option<String>,
    pub owner: Option<String>,
    pub model: Option<String>,
    /// `secret` or `secretHex`, and its text.
    pub secret: Option<(&'static str, String)>,
    pub algorithm: Option<String>,
    pub digits: Option<String>,
    pub period: Option<String>,
}

impl Token {
    /// The user with this token, as a line of JSON has it.
    pub fn of_user(self, owners: &Owners) -> Result<Map<String, Value>, Problem> {
        let user = owners.of(self.serial.as_deref(), self.owner)?;
        let name: Vec<String> =
            [self.model, self.serial].into_iter().flatten().filter(|text| !text.is_empty()).collect();
        let mut app = Map::new();
        let texts = [
            ("name", Some(name.join(" "))),
            ("algorithm", self.algorithm),
            ("digits", self.digits),
            ("period", self.period),
        ];
        for (name, text) in texts.into_iter().chain(self.secret.map(|(name, text)| (name, Some(text)))) {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                app.insert(name.into(), text.into());
            }
        }
        let user = json!({"userId": user, "totp": [app]});
        Ok(user.as_object().cloned().unwrap_or_default())
    }
}

/// Whose the tokens are, by their serial numbers. It goes before what the file of seeds says.
#[derive(Default)]
pub struct Owners(BTreeMap<String, String>);

impl Owners {
    /// Reads a CSV file of two columns, `serial` and `userId`.
    pub fn read(file: Option<&Path>) -> Result<Self, Trouble> {
        let Some(file) = file else { return Ok(Self::default()) };
        let wrong = |what: String| Trouble(format!("{}: {what}", file.display()));
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file).map_err(|error| wrong(error.to_string()))?;
        if reader.headers().map_err(|error| wrong(error.to_string()))?
            != &csv::StringRecord::from(vec!["serial", "userId"])
        {
            return Err(wrong("its first line is not serial,userId".into()));
        }
        let mut owners = BTreeMap::new();
        for record in reader.into_deserialize::<(String, String)>() {
            let (serial, user) = record.map_err(|error| wrong(error.to_string()))?;
            if owners.insert(serial.clone(), user).is_some() {
                return Err(wrong(format!("{serial} is there twice; leave one of them")));
            }
        }
        Ok(Self(owners))
    }

    fn of(&self, serial: Option<&str>, named: Option<String>) -> Result<String, Problem> {
        let assigned = serial.and_then(|serial| self.0.get(serial)).cloned();
        let owner = assigned.or(named).filter(|owner| !owner.is_empty());
        owner.ok_or_else(|| {
            let serial = serial.unwrap_or("none");
            problem(
                "userId",
                format!("is not in the file (serial {serial}); say --owners FILE, a CSV file with serial,userId"),
            )
        })
    }
}
