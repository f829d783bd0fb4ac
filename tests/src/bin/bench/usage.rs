//! What a running program uses, and when it is idle.

use std::{fs, thread, time::Duration};

use anyhow::{Context as _, Result};

use crate::process::Process;

impl Process {
    /// Returns its resident memory in KiB.
    pub fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        line.trim().trim_end_matches(" kB").parse().context("VmRSS is no number")
    }

    /// Returns the nanoseconds, which are instructions, that its threads have run.
    pub fn ran(&self) -> Result<u64> {
        let mut sum = 0;
        for task in fs::read_dir(self.proc("task"))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            sum += text.split(' ').next().and_then(|ran| ran.parse::<u64>().ok()).context("no schedstat")?;
        }
        Ok(sum)
    }

    /// Returns once tracer has done all waiting work, and only looks for new programs and modules.
    pub fn settle(&self) -> Result<()> {
        const LOOKS: u64 = 20_000_000;
        let mut ran = self.ran()?;
        loop {
            thread::sleep(Duration::from_millis(300));
            let now = self.ran()?;
            if now - ran < LOOKS {
                return Ok(());
            }
            ran = now;
        }
    }

    /// Returns once the program has printed nothing for 2 s. The pause is that long because bpftrace reads the kernel's
    /// symbols before its first line. The output decides because pwru polls for events without a pause, so it never
    /// looks idle.
    pub fn fall_silent(&self) -> Result<()> {
        // The descriptor links to the output file.
        let length = || fs::metadata(self.proc("fd/1")).map(|metadata| metadata.len());
        let mut printed = length()?;
        loop {
            thread::sleep(Duration::from_secs(2));
            let now = length()?;
            if now == printed {
                return Ok(());
            }
            printed = now;
        }
    }
}
