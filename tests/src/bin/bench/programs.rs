//! Measures what each BPF program costs a packet, as the kernel counts it: the program alone, without its caller.

use std::{collections::BTreeMap, fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use aya::programs::{ProgramType, loaded_programs};
use serde_json::Value;

use crate::load::Load;

/// Switches the kernel's statistics. They cost every program something, so they are off elsewhere.
const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";
const PACKETS: u32 = 200;

/// The programs that ran for a number of packets.
pub struct Programs {
    /// Nanoseconds, runs and name of each.
    ran: Vec<(u64, u64, String)>,
}

impl Programs {
    /// Sends the packets and counts.
    pub fn count(load: &Load) -> Result<Self> {
        fs::write(SWITCH, "1").context("enabling the kernel's statistics")?;
        let before = counts()?;
        let sent = load.send(PACKETS as usize);
        let after = counts()?;
        fs::write(SWITCH, "0")?;
        sent?;
        let ran = after.into_iter().map(|(name, (runs, ns))| {
            let (runs_before, ns_before) = before.get(&name).copied().unwrap_or_default();
            (ns - ns_before, runs - runs_before, name)
        });
        Ok(Self { ran: ran.filter(|(_, runs, _)| *runs > 0).collect() })
    }

    /// Returns how many runs a packet caused, from its sender to its receiver.
    pub fn runs(&self) -> u64 {
        let runs: u64 = self.ran.iter().map(|(_, runs, _)| runs).sum();
        (runs + u64::from(PACKETS) / 2) / u64::from(PACKETS)
    }

    /// Prints a line for each program, the most expensive first.
    pub fn print(mut self, case: &str) {
        self.ran.sort_unstable();
        for (ns, runs, name) in self.ran.into_iter().rev() {
            let each = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / f64::from(PACKETS);
            println!("  {case}: {:8.1} instructions in {:5.2} runs of {name}", each(ns), each(runs));
        }
    }
}

/// Whether any tracing program is loaded. Asks the kernel and not bpftool, which takes as long as a program takes to
/// disappear.
pub fn any() -> bool {
    let kinds = [ProgramType::Tracing, ProgramType::KProbe, ProgramType::RawTracePoint].map(Into::into);
    // A program that disappeared after its id was listed is an error here, and does not count.
    loaded_programs().filter_map(Result::ok).any(|program| kinds.contains(&program.program_type()))
}

fn shown() -> Result<Vec<Value>> {
    let output = Command::new("bpftool").args(["-j", "prog", "show"]).output().context("running bpftool")?;
    ensure!(output.status.success(), "bpftool failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("reading bpftool's output")
}

/// Returns runs and nanoseconds by name. Programs of the same name are counted together.
fn counts() -> Result<BTreeMap<String, (u64, u64)>> {
    let mut counts = BTreeMap::new();
    for program in shown()? {
        let number = |what: &str| program[what].as_u64().unwrap_or_default();
        let count: &mut (u64, u64) = counts.entry(program["name"].as_str().unwrap_or_default().to_owned()).or_default();
        count.0 += number("run_cnt");
        count.1 += number("run_time_ns");
    }
    Ok(counts)
}
