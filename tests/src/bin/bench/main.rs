//! `bench`: measures what tracing costs, counted in instructions. It runs in a guest whose clock counts them: an
//! instruction is a nanosecond there. Prints one JSON object for each figure, from which `cargo xtask bench` makes a
//! table.

mod cases;
mod flood;
mod load;
mod peers;
mod process;
mod programs;
mod usage;

use std::{process::ExitCode, thread, time::Duration};

use anyhow::Result;
use clap::Parser;

use crate::load::Load;

/// Measures what tracing costs, in a guest whose clock counts instructions
#[derive(Parser)]
struct Args {
    /// Also report the cost of each BPF program per packet
    #[arg(long)]
    programs: bool,
    /// Measure only the cases whose names contain one of these words, or equal a word after `=`
    filter: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How long the kernel still works in interrupts on what booting has left. It would add 0.2 s to anything that starts
/// in that time.
const AFTER_BOOT: Duration = Duration::from_secs(4);

fn run(args: &Args) -> Result<()> {
    let load = Load::prepare()?;
    thread::sleep(AFTER_BOOT);
    let fits =
        |word: &String, name: &str| word.strip_prefix('=').map_or_else(|| name.contains(word), |whole| name == whole);
    let wanted = |name: &str| args.filter.is_empty() || args.filter.iter().any(|word| fits(word, name));
    let bare = load.cost(|round| round())?;
    figure("none", "instructions", bare);
    for case in cases::ALL.iter().filter(|case| wanted(case.name)) {
        attempt(case.name, || cases::measure(case.name, case.start()?, &load, bare, args.programs));
    }
    for flood in flood::ALL.iter().filter(|flood| wanted(flood.name)) {
        flood::measure(flood, &load)?;
    }
    if peers::tell_versions() {
        for peer in peers::ALL.iter().filter(|peer| wanted(peer.name)) {
            attempt(peer.name, || match peer.flood {
                None => cases::measure(peer.name, peer.start()?, &load, bare, args.programs),
                Some(packets) => peers::measure_flood(peer, packets, &load),
            });
        }
    }
    Ok(())
}

/// Runs a measurement. A failure is reported and does not stop the others.
fn attempt(case: &str, measure: impl FnOnce() -> Result<()>) {
    if let Err(error) = measure() {
        eprintln!("bench: {case}: {error:#}");
        println!("{}", serde_json::json!({ "case": case, "failed": format!("{error:#}") }));
    }
}

/// Prints a figure.
pub fn figure(case: &str, what: &str, value: u64) {
    println!("{}", serde_json::json!({ "case": case, "what": what, "value": value }));
}
