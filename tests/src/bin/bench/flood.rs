//! Many packets back to back, while the tracer reads: what is lost must be counted.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    figure,
    load::Load,
    process::{Process, Ready},
};

/// So many packets for a tracer with so large a buffer.
pub struct Flood {
    /// As the table calls it.
    pub name: &'static str,
    packets: usize,
    buffer: &'static str,
}

/// All floods. The first tells how many records a packet makes.
pub const ALL: &[Flood] = &[
    Flood { name: "burst-100", packets: 100, buffer: "4M" },
    Flood { name: "burst-2000", packets: 2_000, buffer: "4M" },
    Flood { name: "flood-20000", packets: 20_000, buffer: "4M" },
    Flood { name: "flood-20000-64M", packets: 20_000, buffer: "64M" },
];

/// Measures one.
pub fn measure(flood: &Flood, load: &Load) -> Result<()> {
    let arguments = ["--port", "4000", "-o", "json", "--buffer-size", flood.buffer];
    let process = Process::start("tracer", &arguments, Ready::File)?;
    let idle = process.ran()?;
    load.send(flood.packets)?;
    // Until it has read all that waits for it.
    let mut ran = process.ran()?;
    loop {
        thread::sleep(Duration::from_millis(300));
        let now = process.ran()?;
        // A look for new programs and modules each quarter of a second is all that it does then.
        if now - ran < 20_000_000 {
            break;
        }
        ran = now;
    }
    let ran = process.ran()? - idle;
    figure(flood.name, "resident_kib", process.resident()?);
    let (_, stdout) = process.end()?;
    let summary: Value = stdout
        .lines()
        .rev()
        .find(|line| line.contains("\"type\":\"summary\""))
        .map(serde_json::from_str)
        .context("no summary")??;
    for (what, value) in
        [("packets", &summary["packets"]), ("events", &summary["events"]), ("lost", &summary["lost"]["events"])]
    {
        figure(flood.name, what, value.as_u64().with_context(|| format!("no number of {what}"))?);
    }
    figure(flood.name, "sent", flood.packets as u64);
    let events = summary["events"].as_u64().unwrap_or(0).max(1);
    figure(flood.name, "user_instructions_per_event", ran / events);
    Ok(())
}
