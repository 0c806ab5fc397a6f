//! A file of users, line by line.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
};

use countersign_core::clock::Timestamp;
use serde_json::{Map, Value};

use crate::first_run::Trouble;

use super::{
    Format, cells, oath,
    preshared::Unlock,
    pskc::{self, Placed},
    row::{Problem, Row, problem},
    tokens::Owners,
};

/// One line: its number, how much of the file is read with it, and what it says.
pub struct Line {
    pub number: u64,
    pub read_so_far: u64,
    pub row: Result<Row, Problem>,
}

/// What a file of tokens does not say itself.
#[derive(Default)]
pub struct Beside {
    pub owners: Owners,
    pub unlock: Option<Unlock>,
}

/// The lines of a file that say something.
pub fn lines(file: &Path, format: Format, beside: Beside) -> Result<Box<dyn Iterator<Item = Line>>, Trouble> {
    let opened = File::open(file).map_err(|error| Trouble(format!("cannot read {}: {error}", file.display())))?;
    match format {
        Format::Jsonl => Ok(Box::new(Jsonl { reader: BufReader::new(opened), number: 0, read: 0 })),
        Format::Csv => csv_lines(opened, file),
        Format::OathCsv => oath_lines(opened, file, beside.owners),
        Format::Pskc => pskc_lines(file, &beside),
    }
}

/// Whether the first line of a CSV file names the columns of a file of tokens.
pub fn has_tokens(file: &Path) -> bool {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_path(file);
    let first = reader.ok().and_then(|mut reader| reader.records().next()?.ok());
    first.is_some_and(|first| {
        let cells: Vec<&str> = first.iter().collect();
        let is_second = cells.first().is_some_and(|cell| cell.starts_with('#'));
        is_second || !cells.contains(&"userId") && oath::Columns::are_named_in(&cells)
    })
}

struct Jsonl {
    reader: BufReader<File>,
    number: u64,
    read: u64,
}

impl Iterator for Jsonl {
    type Item = Line;
    fn next(&mut self) -> Option<Line> {
        loop {
            let mut bytes = Vec::new();
            let length = self.reader.read_until(b'\n', &mut bytes);
            self.number += 1;
            let row = match length {
                Ok(0) => return None,
                Ok(length) => {
                    self.read += length as u64;
                    // Some programs of Windows begin each text so.
                    if self.number == 1 && bytes.starts_with("\u{feff}".as_bytes()) {
                        bytes.drain(..3);
                    }
                    if bytes.trim_ascii().is_empty() {
                        continue;
                    }
                    serde_json::from_slice::<Map<String, Value>>(&bytes)
                        .map_err(|error| problem("line", format!("is not a JSON object: {error}")))
                }
                Err(error) => Err(problem("line", format!("cannot be read: {error}"))),
            };
            return Some(Line { number: self.number, read_so_far: self.read, row: row.and_then(Row::read) });
        }
    }
}

fn csv_lines(opened: File, file: &Path) -> Result<Box<dyn Iterator<Item = Line>>, Trouble> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(opened));
    let wrong = |what: String| Trouble(format!("{}, line 1: {what}", file.display()));
    let columns = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    cells::check_columns(columns.iter()).map_err(|found| wrong(format!("{} {}", found.field, found.problem)))?;
    Ok(Box::new(reader.into_records().map(move |record| {
        let place = match &record {
            Ok(record) => record.position().cloned(),
            Err(error) => error.position().cloned(),
        };
        let row = match record {
            Ok(cells) if cells.len() == columns.len() => cells::read(columns.iter().zip(cells.iter())),
            Ok(cells) => {
                let (has, names) = (cells.len(), columns.len());
                Err(problem("line", format!("has {has} cells and not {names}; put a text with commas in quotes")))
            }
            Err(error) => Err(problem("line", format!("is not CSV in UTF-8: {error}"))),
        };
        let (number, read_so_far) = place.map_or((0, 0), |place| (place.line(), place.byte()));
        Line { number, read_so_far, row: row.and_then(Row::read) }
    })))
}

fn oath_lines(opened: File, file: &Path, owners: Owners) -> Result<Box<dyn Iterator<Item = Line>>, Trouble> {
    let wrong = |what: String| Trouble(format!("{}, line 1: {what}", file.display()));
    let reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(BufReader::new(opened));
    let mut records = reader.into_records().peekable();
    let first: Vec<String> = match records.peek() {
        Some(Ok(first)) => first.iter().map(str::to_owned).collect(),
        Some(Err(error)) => return Err(wrong(error.to_string())),
        None => Vec::new(),
    };
    let cells: Vec<&str> = first.iter().map(String::as_str).collect();
    let mut columns = oath::Columns::of(&cells).map_err(|found| wrong(format!("{} {}", found.field, found.problem)))?;
    if matches!(columns, oath::Columns::Named(_)) {
        records.next();
    }
    if let Some(comment) = cells.first().filter(|cell| cell.starts_with('#')) {
        let version: String = comment.chars().filter(|c| !c.is_whitespace()).collect();
        columns = oath::Columns::Listed { is_second: version.eq_ignore_ascii_case("#version:2") };
    }
    let is_comment = |record: &csv::Result<csv::StringRecord>| {
        record.as_ref().is_ok_and(|cells| cells.get(0).is_some_and(|cell| cell.starts_with('#')))
    };
    Ok(Box::new(records.filter(move |record| !is_comment(record)).map(move |record| {
        let place = match &record {
            Ok(record) => record.position().cloned(),
            Err(error) => error.position().cloned(),
        };
        let token = match &record {
            Ok(cells) => columns.token(&cells.iter().collect::<Vec<_>>()),
            Err(error) => Err(problem("line", format!("is not CSV in UTF-8: {error}"))),
        };
        let (number, read_so_far) = place.map_or((0, 0), |place| (place.line(), place.byte()));
        let row = token.and_then(|token| token.of_user(&owners)).and_then(Row::read);
        Line { number, read_so_far, row }
    })))
}

fn pskc_lines(file: &Path, beside: &Beside) -> Result<Box<dyn Iterator<Item = Line>>, Trouble> {
    let wrong = |what: String| Trouble(format!("{} {what}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let tokens =
        pskc::tokens(text.trim_start_matches('\u{feff}'), beside.unlock.as_ref(), Timestamp::now()).map_err(wrong)?;
    let lines: Vec<Line> = tokens
        .into_iter()
        .map(|Placed { line: number, token }| {
            let row = token.and_then(|token| token.of_user(&beside.owners)).and_then(Row::read);
            Line { number, read_so_far: text.len() as u64, row }
        })
        .collect();
    Ok(Box::new(lines.into_iter()))
}
