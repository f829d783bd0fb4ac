//! `cargo xtask bench`: measures what tracing costs, in instructions, which are exact and the same on any machine. What
//! user space does with records is also measured in time.

pub mod figures;
mod offline;
mod record;
mod table;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    build,
    guest::{
        accel::Accel,
        boot::{self, Session},
        channel,
        machine::{Limits, Machine},
        peers::{self, PEERS},
    },
    kernels, progress, shell, vm, workspace,
};
use figures::Figures;

/// Measure what tracing costs, in a guest whose clock counts instructions
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// Use the existing binaries without building
    #[arg(long)]
    no_build: bool,
    /// Also report the cost of each BPF program per packet
    #[arg(long)]
    programs: bool,
    /// Record the figures for comparison with later runs (tests/costs.toml), and update docs/performance.md
    #[arg(long)]
    record: bool,
    /// Measure only user space, which needs no guest
    #[arg(long, conflicts_with_all = ["programs", "filter"])]
    offline: bool,
    /// Measure only the cases whose names contain one of these words
    #[arg(conflicts_with = "record")]
    filter: Vec<String>,
}

/// Runs the benchmark. Returns 1 if a cost has risen.
pub fn bench(args: &BenchArgs) -> Result<i32> {
    if !args.no_build {
        build::build()?;
    }
    if args.filter.is_empty() {
        let table = table::offline(&offline::measure()?);
        print!("{table}");
        if args.record {
            record::publish("offline figures", &table)?;
        }
    }
    if args.offline {
        return Ok(0);
    }
    let figures = measure(&args.filter, args.programs)?;
    let table = table::markdown(&figures);
    print!("{table}");
    workspace::write_atomically(&workspace::cache("")?.join("bench.md"), table.as_bytes())?;
    if args.record {
        record::keep(&figures)?;
        return Ok(0);
    }
    let risen = record::risen(&figures)?;
    risen.iter().for_each(|line| println!("FAIL {line}"));
    Ok(i32::from(!risen.is_empty()))
}

/// The cases that each test run measures, because their costs are promised.
pub const GUARDED: [&str; 4] = ["idle", "matched", "recorder-one", "recorder-all"];

/// Compares these costs with those on record. Returns a sentence for each that has risen.
pub fn check() -> Result<Vec<String>> {
    let filter: Vec<_> = GUARDED.iter().map(|name| format!("={name}")).collect();
    record::risen(&measure(&filter, false)?)
}

/// Boots the guest and collects what it measures.
fn measure(filter: &[String], programs: bool) -> Result<Figures> {
    let kernel = kernels::DEFAULT.parse()?;
    let args = vm::MachineArgs { smp: 1, memory: 3072, accel: Some(Accel::Counted), no_build: true };
    let mut machine = Machine { name: "bench".to_owned(), ..vm::prepare(&kernel, &args)? };
    if wants_peers(filter) {
        machine.image.archives.push(peers::prepare()?);
    }
    let switch = if programs { "--programs" } else { "" };
    let figures = Arc::new(Mutex::new(Figures::default()));
    let found = Arc::clone(&figures);
    let session = Session {
        command: format!("exec /bin/bench {switch} {}", shell::join(filter)),
        interactive: false,
        limits: Limits { silence: Some(Duration::from_secs(600)), total: Some(Duration::from_secs(2 * 60 * 60)) },
        stdout: channel::into_lines(move |line| {
            progress::say(line);
            found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).read(line);
        }),
        stderr: channel::into_lines(|line| eprintln!("{line}")),
    };
    let status = progress::timed("counting instructions", || boot::run(&machine, session))?;
    if status != 0 {
        bail!("the measurement ended with status {status}");
    }
    Ok(std::mem::take(&mut figures.lock().unwrap_or_else(std::sync::PoisonError::into_inner)))
}

/// Whether to run other tracers beside ours: if everything is measured, or if a word names one.
fn wants_peers(filter: &[String]) -> bool {
    let names_one = |word: &String| PEERS.iter().any(|peer| word.trim_start_matches('=').starts_with(peer));
    filter.is_empty() || filter.iter().any(names_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_tracers_run_where_they_are_asked_for() {
        let wants = |words: &[&str]| wants_peers(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert!(wants(&[]) && wants(&["idle", "pwru"]) && wants(&["=bpftrace-idle"]));
        assert!(!wants(&["idle"]) && !wants(&["=idle", "=matched"]));
    }
}
