//! Measures what user space does with records, in time and on this machine, because no kernel or guest is needed.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::figures::Figures;
use crate::{progress, workspace};

/// Flows, packets of 12 records, and MiB of memory for them. There are more packets than fit into the memory.
const CASES: [(u32, u32, u32); 4] =
    [(1, 1_000_000, 512), (1_000, 1_000_000, 512), (1_000_000, 1_000_000, 512), (1_000_000, 1_000_000, 64)];

/// Runs each case in a separate process, so that its memory is measured alone.
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
