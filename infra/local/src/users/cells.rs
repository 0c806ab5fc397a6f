//! Users as lines of CSV.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::row::{Problem, problem};

/// The columns that are written: the profile, and one authenticator app. A user with more has a line for each.
pub const COLUMNS: [&str; 12] = [
    "userId",
    "email",
    "emailVerified",
    "phoneNumber",
    "phoneNumberVerified",
    "username",
    "displayName",
    "locale",
    "custom",
    "totpSecret",
    "totpName",
    "totpCreatedAt",
];

/// Columns of an app that are read too, with the name of each in JSON.
const OF_AN_APP: [(&str, &str); 7] = [
    ("totpSecret", "secret"),
    ("totpSecretHex", "secretHex"),
    ("totpAlgorithm", "algorithm"),
    ("totpDigits", "digits"),
    ("totpPeriod", "period"),
    ("totpName", "name"),
    ("totpCreatedAt", "createdAt"),
];

/// Checks the first line of a CSV file.
pub fn check_columns<'a>(columns: impl Iterator<Item = &'a str>) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    for column in columns {
        if !COLUMNS.contains(&column) && of_an_app(column).is_none() {
            let more = OF_AN_APP.map(|(column, _)| column).into_iter().filter(|column| !COLUMNS.contains(column));
            let all: Vec<_> = COLUMNS.into_iter().chain(more).collect();
            return Err(problem(column, format!("is not a column; use {}", all.join(", "))));
        }
        if !seen.insert(column) {
            return Err(problem(column, "is there twice; remove one of them"));
        }
    }
    match seen.contains("userId") {
        true => Ok(()),
        false => Err(problem("userId", "is missing in the first line, which names the columns")),
    }
}

fn of_an_app(column: &str) -> Option<&'static str> {
    OF_AN_APP.into_iter().find_map(|(known, name)| (known == column).then_some(name))
}

/// The object that a line stands for. An empty cell says nothing.
pub fn read<'a>(cells: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Map<String, Value>, Problem> {
    let (mut fields, mut app) = (Map::new(), Map::new());
    for (column, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
        let cell = bared(cell);
        match of_an_app(column) {
            Some(name) => drop(app.insert(name.into(), cell.into())),
            None if column == "custom" => {
                let custom = serde_json::from_str(cell)
                    .map_err(|_| problem(column, "is not JSON; write {\"name\": value, ...} and double each quote"))?;
                fields.insert(column.into(), custom);
            }
            None => drop(fields.insert(column.into(), cell.into())),
        }
    }
    if !app.is_empty() {
        fields.insert("totp".into(), vec![Value::Object(app)].into());
    }
    Ok(fields)
}

/// A cell as it is written: one that a spreadsheet would run gets an apostrophe in front, which makes it a text (OWASP, "CSV
/// Injection"). [`read`] takes it off again.
pub fn safe(cell: String) -> String {
    if would_run(&cell) { format!("'{cell}") } else { cell }
}

fn bared(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| would_run(rest)).unwrap_or(cell)
}

/// Whether a spreadsheet takes it for a formula. A text that begins with apostrophes before such a beginning counts too, so
/// that each cell is read as it was before.
fn would_run(cell: &str) -> bool {
    let begins = cell.trim_start_matches(['\'', ' ']).chars().next();
    begins.is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_a_text_and_comes_back() {
        for cell in ["=1+1", "+64 21 1", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", " =1", "'=1", "''+1", "' =1"]
        {
            let safe = safe(cell.to_owned());
            assert_eq!((safe.as_str(), bared(&safe)), (format!("'{cell}").as_str(), cell));
        }
        for cell in ["ada", "a=b", "'ada'", "", "'", "1-2", "{\"a\": \"=1\"}"] {
            assert_eq!((safe(cell.to_owned()).as_str(), bared(cell)), (cell, cell));
        }
    }
}
