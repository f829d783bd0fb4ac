//! Reads a recorded capture: JSON Lines, as `-o json` and `--write` write them.

use std::{
    error, fmt,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use strum::VariantNames as _;

use crate::model::Record;

/// Opens a capture file. Its lines are read as they are asked for.
///
/// # Errors
/// [`ReadError`] if the file cannot be opened.
pub fn read(path: &Path) -> Result<Lines<BufReader<File>>, ReadError> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => Ok(Lines::new(BufReader::new(file), name)),
        Err(error) => Err(ReadError { name, problem: Problem::Unopened(error) }),
    }
}

/// The lines of a capture, in order. Lines of a type that this version does not know are skipped. After an error,
/// there are no more lines.
///
/// `lines.collect::<Result<Trace, _>>()` reads them all.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    /// What errors call the capture.
    name: String,
    /// The text of the line that is being read.
    text: String,
    /// Number of lines read so far.
    number: usize,
    began: bool,
    ended: bool,
}

/// Why a capture cannot be read: one sentence that names the file and, if there is one, the line.
#[derive(Debug)]
pub struct ReadError {
    name: String,
    problem: Problem,
}

/// What is wrong. Lines count from 1.
#[derive(Debug)]
enum Problem {
    Unopened(io::Error),
    Unread(usize, io::Error),
    NotJson(usize, serde_json::Error),
    NoType(usize),
    NoRecord(usize, serde_json::Error),
    /// The capture does not begin with the line `start`.
    NoStart,
}

impl<R: BufRead> Lines<R> {
    /// Reads a capture from `input`, which errors call `name`.
    pub fn new(input: R, name: impl Into<String>) -> Self {
        Self { input, name: name.into(), text: String::new(), number: 0, began: false, ended: false }
    }

    /// Returns the next line of a known type, or `None` at the end.
    fn record(&mut self) -> Result<Option<Record>, Problem> {
        let mut record = None;
        while record.is_none() {
            self.text.clear();
            self.number += 1;
            let read = self.input.read_line(&mut self.text).map_err(|error| Problem::Unread(self.number, error))?;
            if read == 0 {
                break;
            }
            record = parse(self.text.trim_end_matches(['\r', '\n']), self.number)?;
        }
        if !self.began && !matches!(record, Some(Record::Start(_))) {
            return Err(Problem::NoStart);
        }
        self.began = true;
        Ok(record)
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.record();
        self.ended = !matches!(record, Ok(Some(_)));
        record.map_err(|problem| ReadError { name: self.name.clone(), problem }).transpose()
    }
}

/// Returns the record of a line, or `None` if the line is empty or of an unknown type.
fn parse(line: &str, number: usize) -> Result<Option<Record>, Problem> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let value: serde_json::Value = serde_json::from_str(line).map_err(|error| Problem::NotJson(number, error))?;
    match value.get("type").and_then(|kind| kind.as_str()) {
        Some(kind) if Record::VARIANTS.contains(&kind) => {
            serde_json::from_value(value).map(Some).map_err(|error| Problem::NoRecord(number, error))
        }
        Some(_) => Ok(None),
        None => Err(Problem::NoType(number)),
    }
}

impl ReadError {
    /// Returns the number of the line that is wrong, from 1, if the file could be opened and begins like a capture.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self.problem {
            Problem::Unread(line, _)
            | Problem::NotJson(line, _)
            | Problem::NoType(line)
            | Problem::NoRecord(line, _) => Some(line),
            Problem::Unopened(_) | Problem::NoStart => None,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.problem {
            Problem::Unopened(error) => return write!(f, "{name} cannot be read: {error}"),
            Problem::Unread(line, error) => return write!(f, "{name} cannot be read beyond line {line}: {error}"),
            Problem::NotJson(line, error) => write!(f, "{name}, line {line}: not JSON ({error})")?,
            Problem::NoType(line) => write!(f, "{name}, line {line}: not a record of tracer (no `type`)")?,
            Problem::NoRecord(line, error) => write!(f, "{name}, line {line}: not a record of tracer ({error})")?,
            Problem::NoStart => return write!(f, "{name} is not a capture: {ADVICE}"),
        }
        write!(f, ": {ADVICE}")
    }
}

const ADVICE: &str = "give a file that `tracer -o json` or `tracer --write` wrote";

impl error::Error for ReadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.problem {
            Problem::Unopened(error) | Problem::Unread(_, error) => Some(error),
            Problem::NotJson(_, error) | Problem::NoRecord(_, error) => Some(error),
            Problem::NoType(_) | Problem::NoStart => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Start;

    fn read(text: &str) -> Vec<Result<Record, String>> {
        Lines::new(text.as_bytes(), "c.jsonl").map(|line| line.map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn lines_end_after_an_error() {
        let start = serde_json::to_string(&Record::Start(Start::default())).expect("JSON");
        let unknown = r#"{"type":"of tomorrow"}"#;
        let netns = r#"{"type":"netns","inum":1,"name":"web"}"#;
        let whole = read(&format!("\n{unknown}\n{start}\n{unknown}\n\n{netns}"));
        assert!(matches!(&whole[..], [Ok(Record::Start(_)), Ok(Record::Netns { .. })]), "{whole:?}");
        for (wrong, expected) in [
            ("{", "c.jsonl, line 2: not JSON (EOF while parsing an object at line 1 column 1)"),
            ("[]", "c.jsonl, line 2: not a record of tracer (no `type`)"),
            (r#"{"type":"netns"}"#, "c.jsonl, line 2: not a record of tracer (missing field `inum`)"),
        ] {
            let lines = read(&format!("{start}\n{wrong}\n{netns}\n"));
            assert_eq!(lines.len(), 2);
            assert_eq!(lines[1], Err(format!("{expected}: {ADVICE}")));
        }
    }

    #[test]
    fn a_capture_begins_with_its_start() {
        let expected = Err(format!("c.jsonl is not a capture: {ADVICE}"));
        for text in ["", "\n", r#"{"type":"netns","inum":1,"name":"web"}"#] {
            assert_eq!(read(text), std::slice::from_ref(&expected), "{text}");
        }
    }
}
