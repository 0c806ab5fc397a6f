//! OATH CSV: hardware tokens with their seeds, as their makers deliver them and other systems take them.
//!
//! - With a first line that names the columns, as Microsoft Entra has it: `upn,serial number,secret key,time
//!   interval,manufacturer,model`. Seeds are Base32.
//! - Without one, as privacyIDEA and LinOTP have it: serial, seed in hexadecimal, type, digits, period, algorithm. After a line
//!   `# version: 2` three columns stand in front: user, resolver, realm.

use super::{
    row::{Problem, problem},
    tokens::Token,
};

/// How the cells of a line are to be read.
pub enum Columns {
    Named(Vec<Column>),
    Listed { is_second: bool },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Owner,
    Serial,
    Base32,
    Hex,
    Algorithm,
    Digits,
    Period,
    Model,
    Maker,
}

impl Column {
    fn named(name: &str) -> Option<Self> {
        let name: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Some(match name.as_str() {
            "upn" | "user" | "username" | "userid" => Self::Owner,
            "serialnumber" | "serial" => Self::Serial,
            "secretkey" | "secret" => Self::Base32,
            "secretkeyhex" | "secrethex" | "seed" => Self::Hex,
            "algorithm" | "hashfunction" => Self::Algorithm,
            "digits" | "otplength" => Self::Digits,
            "timeinterval" | "timestep" | "period" => Self::Period,
            "model" => Self::Model,
            "manufacturer" => Self::Maker,
            _ => return None,
        })
    }
}

impl Columns {
    /// Whether this is a first line that names the columns of such a file.
    pub fn are_named_in(cells: &[&str]) -> bool {
        let known: Vec<_> = cells.iter().filter_map(|cell| Column::named(cell)).collect();
        known.contains(&Column::Serial) && (known.contains(&Column::Base32) || known.contains(&Column::Hex))
    }

    pub fn of(cells: &[&str]) -> Result<Self, Problem> {
        if !Self::are_named_in(cells) {
            return Ok(Self::Listed { is_second: false });
        }
        let column = |name: &&str| {
            Column::named(name).ok_or_else(|| {
                problem(
                    *name,
                    "is not a column; use upn, serial number, secret key, time interval, manufacturer, model",
                )
            })
        };
        let columns: Vec<Column> = cells.iter().map(column).collect::<Result<_, _>>()?;
        let is_double = |index: usize| columns.iter().skip(index + 1).any(|other| Some(other) == columns.get(index));
        match (0..columns.len()).find(|index| is_double(*index)).and_then(|index| cells.get(index)) {
            Some(twice) => Err(problem(*twice, "is there twice; remove one of them")),
            None => Ok(Self::Named(columns)),
        }
    }

    /// The token of a line.
    pub fn token(&self, cells: &[&str]) -> Result<Token, Problem> {
        match self {
            Self::Named(columns) if columns.len() == cells.len() => Ok(named(columns, cells)),
            Self::Named(columns) => {
                Err(problem("line", format!("has {} cells and not {}", cells.len(), columns.len())))
            }
            Self::Listed { is_second: false } => listed(None, cells),
            Self::Listed { is_second: true } => match cells {
                [user, _, _, rest @ ..] => listed(Some(user), rest),
                _ => Err(problem(
                    "line",
                    "has not the columns user, resolver, realm, serial, seed, type, digits, period",
                )),
            },
        }
    }
}

fn named(columns: &[Column], cells: &[&str]) -> Token {
    let mut token = Token::default();
    for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        let cell = (*cell).to_owned();
        match column {
            Column::Owner => token.owner = Some(cell),
            Column::Serial => token.serial = Some(cell),
            Column::Base32 => token.secret = Some(("secret", cell)),
            Column::Hex => token.secret = Some(("secretHex", cell)),
            Column::Algorithm => token.algorithm = Some(cell),
            Column::Digits => token.digits = Some(cell),
            Column::Period => token.period = Some(cell),
            Column::Model => token.model = Some(cell),
            Column::Maker => {}
        }
    }
    token
}

fn listed(owner: Option<&str>, cells: &[&str]) -> Result<Token, Problem> {
    let cell = |index: usize| cells.get(index).filter(|cell| !cell.is_empty()).map(|cell| (*cell).to_owned());
    // Without a type those systems take it for HOTP.
    match cell(2).unwrap_or_else(|| "hotp".into()).to_lowercase().as_str() {
        "totp" => {}
        "hotp" => {
            return Err(problem("type", "is HOTP, whose codes go by a counter and not by time; only TOTP is taken"));
        }
        other => return Err(problem("type", format!("is {other}; only TOTP is taken"))),
    }
    let seed = cell(1).ok_or_else(|| problem("seed", "is missing"))?;
    // What those systems assume where nothing is said.
    let usual = match seed.len() {
        64 => Some("SHA256"),
        128 => Some("SHA512"),
        _ => None,
    };
    Ok(Token {
        serial: cell(0),
        owner: owner.map(str::to_owned),
        algorithm: cell(5).or(usual.map(str::to_owned)),
        digits: cell(3),
        period: cell(4),
        secret: Some(("secretHex", seed)),
        model: None,
    })
}
