//! What user space does with records, without any kernel: here, in time, since no guest is needed for it.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::figures::Figures;
use crate::{progress, workspace};

/// Flows, packets of 12 records, and MiB of memory for them. Longer than it takes for the memory to be full.
const CASES: [(u32, u32, u32); 4] =
    [(1, 1_000_000, 512), (1_000, 1_000_000, 512), (1_000_000, 1_000_000, 512), (1_000_000, 1_000_000, 64)];

/// Each case in a process of its own, so that its memory is its own.
pub fn measure() -> Result<Figures> {
    let mut figures = Figures::default();
    let binary = workspace::target().join("release/offline");
    for (flows, packets, memory) in CASES {
        let words = [flows, packets, memory].map(|number| number.to_string());
        let output = progress::timed(&format!("following {packets} packets of {flows} flows"), || {
            Command::new(&binary).args(words).output().with_context(|| format!("cannot run {}", binary.display()))
        })?;
        if !output.status.success() {
            bail!("offline failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        figures.extend(String::from_utf8_lossy(&output.stdout).lines());
    }
    Ok(figures)
}
