//! Many packets back to back while tracer reads. Losses must be counted.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{figure, load::Load, process::Process};

/// A number of packets for a tracer with a buffer of this size.
pub struct Flood {
    /// Its name in the table.
    pub name: &'static str,
    packets: usize,
    buffer: &'static str,
}

/// All floods. The first shows how many records a packet makes.
pub const ALL: &[Flood] = &[
    Flood { name: "burst-100", packets: 100, buffer: "4M" },
    Flood { name: "burst-2000", packets: 2_000, buffer: "4M" },
    Flood { name: "flood-20000", packets: 20_000, buffer: "4M" },
    Flood { name: "flood-20000-64M", packets: 20_000, buffer: "64M" },
];

/// Measures one flood.
pub fn measure(flood: &Flood, load: &Load) -> Result<()> {
    let process = Process::tracer(&["--port", "4000", "--buffer-size", flood.buffer], &[])?;
    // Wait until the work of the start is done, which must not count.
    process.settle()?;
    let idle = process.ran()?;
    load.flood(flood.packets)?;
    process.settle()?;
    let ran = process.ran()? - idle;
    figure(flood.name, "resident_kib", process.resident()?);
    let ended = process.end()?;
    let summary =
        ended.stdout.lines().rev().find(|line| line.contains("\"type\":\"summary\"")).context("no summary")?;
    let summary: Value = serde_json::from_str(summary)?;
    let lost = &summary["lost"];
    let figures = [
        ("events", &summary["events"]),
        ("lost", &lost["events"]),
        ("overflow", &lost["tracked_overflow"]),
        ("missed", &lost["missed_probes"]),
    ];
    for (what, value) in figures {
        figure(flood.name, what, value.as_u64().with_context(|| format!("no number of {what}"))?);
    }
    figure(flood.name, "sent", flood.packets as u64);
    figure(flood.name, "user_instructions_per_event", ran / summary["events"].as_u64().unwrap_or(0).max(1));
    Ok(())
}
