//! What each BPF program costs a packet, as the kernel counts it: the program alone, without what calls it.

use std::{collections::BTreeMap, fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use aya::programs::{ProgramType, loaded_programs};
use serde_json::Value;

use crate::load::Load;

/// Where the kernel is told to count; it costs every program something, so it is off elsewhere.
const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";
const PACKETS: u32 = 200;

/// The programs that ran for some packets.
pub struct Programs {
    /// Nanoseconds, runs and name of each.
    ran: Vec<(u64, u64, String)>,
}

impl Programs {
    /// Sends the packets and counts.
    pub fn count(load: &Load) -> Result<Self> {
        fs::write(SWITCH, "1").context("having the kernel count")?;
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

    /// How often a packet made one run, from its sender to its receiver.
    pub fn runs(&self) -> u64 {
        let runs: u64 = self.ran.iter().map(|(_, runs, _)| runs).sum();
        (runs + u64::from(PACKETS) / 2) / u64::from(PACKETS)
    }

    /// Prints a line for each, the most expensive first.
    pub fn tell(mut self, case: &str) {
        self.ran.sort_unstable();
        for (ns, runs, name) in self.ran.into_iter().rev() {
            let each = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / f64::from(PACKETS);
            println!("  {case}: {:8.1} instructions in {:5.2} runs of {name}", each(ns), each(runs));
        }
    }
}

/// Whether any tracing program is loaded. Asked of the kernel and not of bpftool, which takes as long as a program
/// takes to go.
pub fn any() -> bool {
    let kinds = [ProgramType::Tracing, ProgramType::KProbe, ProgramType::RawTracePoint].map(Into::into);
    // One that is gone since its number was told is none.
    loaded_programs().filter_map(Result::ok).any(|program| kinds.contains(&program.program_type()))
}

fn shown() -> Result<Vec<Value>> {
    let output = Command::new("bpftool").args(["-j", "prog", "show"]).output().context("running bpftool")?;
    ensure!(output.status.success(), "bpftool failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("reading what bpftool says")
}

/// Runs and nanoseconds by name; programs of one name are counted together.
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
