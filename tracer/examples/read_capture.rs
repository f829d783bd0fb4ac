//! Counts the drops of a capture by reason.
//!
//! `cargo run --example read_capture tracer/tests/data/founding.jsonl`

use std::{collections::BTreeMap, error::Error, path::PathBuf};

use tracer::capture::{self, Record};

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("give a capture")?);
    let mut drops: BTreeMap<String, u64> = BTreeMap::new();
    for record in capture::read(&path)? {
        if let Record::Drop(step) = record?
            && let Some(drop) = step.drop
        {
            *drops.entry(drop.reason.to_string()).or_default() += 1;
        }
    }
    for (reason, count) in drops {
        println!("{count:6}  {reason}");
    }
    Ok(())
}
