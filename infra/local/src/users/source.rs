//! A file of users, line by line.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use serde_json::{Map, Value};

use crate::first_run::Trouble;

use super::{
    Format,
    row::{Problem, Row, check_columns, of_cells, problem},
};

/// One line: its number, how much of the file is read with it, and what it says.
pub struct Line {
    pub number: u64,
    pub read_so_far: u64,
    pub row: Result<Row, Problem>,
}

/// The lines of a file that say something.
pub fn lines(file: &Path, format: Format) -> Result<Box<dyn Iterator<Item = Line>>, Trouble> {
    let opened = File::open(file).map_err(|error| Trouble(format!("cannot read {}: {error}", file.display())))?;
    match format {
        Format::Jsonl => Ok(Box::new(Jsonl { reader: BufReader::new(opened), number: 0, read: 0 })),
        Format::Csv => csv_lines(opened, file),
    }
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
    check_columns(columns.iter()).map_err(|found| wrong(format!("{} {}", found.field, found.problem)))?;
    Ok(Box::new(reader.into_records().map(move |record| {
        let place = match &record {
            Ok(record) => record.position().cloned(),
            Err(error) => error.position().cloned(),
        };
        let row = match record {
            Ok(cells) if cells.len() == columns.len() => of_cells(columns.iter().zip(cells.iter())),
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
