//! Reads a recorded capture: JSON Lines, as `-o json` and `--write` write them.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use strum::VariantNames as _;

use crate::model::{Record, Trace};

/// Reads a capture. Lines of a type that this version does not know are skipped.
///
/// # Errors
/// One sentence with file and line if the file cannot be read or is not a capture.
pub fn read(path: &Path) -> Result<Trace, String> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let mut records = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| format!("{shown} cannot be read beyond line {}: {error}", number + 1))?;
        match parse(&line) {
            Ok(record) => records.extend(record),
            Err(error) => {
                return Err(format!(
                    "{shown}, line {}: {error}: give a file that `tracer -o json` or `tracer --write` wrote",
                    number + 1
                ));
            }
        }
    }
    if !matches!(records.first(), Some(Record::Start(_))) {
        return Err(format!("{shown} is not a capture: give a file that `tracer -o json` or `tracer --write` wrote"));
    }
    Ok(records.into_iter().collect())
}

fn parse(line: &str) -> Result<Option<Record>, String> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let value: serde_json::Value = serde_json::from_str(line).map_err(|error| format!("not JSON ({error})"))?;
    match value.get("type").and_then(|kind| kind.as_str()) {
        Some(kind) if Record::VARIANTS.contains(&kind) => {
            serde_json::from_value(value).map(Some).map_err(|error| format!("not a record of tracer ({error})"))
        }
        Some(_) => Ok(None),
        None => Err("not a record of tracer (no `type`)".to_owned()),
    }
}
