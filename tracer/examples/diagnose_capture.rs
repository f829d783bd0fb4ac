//! Prints the findings of a capture, each with its evidence.
//!
//! `cargo run --example diagnose_capture tracer/tests/data/founding.jsonl`

use std::{error::Error, path::PathBuf};

use tracer::{
    capture::{self, Trace},
    diagnose::diagnose,
};

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("give a capture")?);
    let trace: Trace = capture::read(&path)?.collect::<Result<_, _>>()?;
    for finding in diagnose(&trace) {
        println!("{:?}, {:?}: {} ({})", finding.severity, finding.confidence, finding.title, finding.id);
        for sentence in &finding.evidence {
            println!("    {sentence}");
        }
    }
    Ok(())
}
