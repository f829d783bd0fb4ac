//! Measures what tracing adds to a packet: one row per case.

use anyhow::Result;

use crate::{figure, load::Load, process::Process, programs::Programs};

/// Tracer with certain arguments.
pub struct Case {
    /// Its name in the table.
    pub name: &'static str,
    arguments: &'static [&'static str],
    /// How many of tracer's hooks to attach; empty for all.
    hooks: &'static str,
}

/// All cases. Tracer is stopped while packets are counted, because its work on records is a separate figure.
pub const ALL: &[Case] = &[
    tracer("idle", &["--dst", "192.0.2.9", "--port", "9"]),
    tracer("matched", &["--port", "4000"]),
    tracer("recorder-one", &["--drops", "--port", "4000"]),
    tracer("recorder-all", &["--drops"]),
    tracer("idle-fentry", &["--dst", "192.0.2.9", "--backend", "fentry"]),
    tracer("idle-kprobe-multi", &["--dst", "192.0.2.9", "--backend", "kprobe-multi"]),
    tracer("idle-kprobe", &["--dst", "192.0.2.9", "--backend", "kprobe"]),
    tracer("idle-tracepoint", &["--dst", "192.0.2.9", "--backend", "tracepoint"]),
    tracer("matched-fentry", &["--port", "4000", "--backend", "fentry"]),
    tracer("matched-kprobe-multi", &["--port", "4000", "--backend", "kprobe-multi"]),
    tracer("matched-kprobe", &["--port", "4000", "--backend", "kprobe"]),
    tracer("matched-tracepoint", &["--port", "4000", "--backend", "tracepoint"]),
    series("idle-hooks-1", IDLE, "1"),
    series("idle-hooks-8", IDLE, "8"),
    series("idle-hooks-16", IDLE, "16"),
    series("idle-hooks-32", IDLE, "32"),
    series("matched-hooks-1", MATCHED, "1"),
    series("matched-hooks-8", MATCHED, "8"),
    series("matched-hooks-16", MATCHED, "16"),
    series("matched-hooks-32", MATCHED, "32"),
];

const IDLE: &[&str] = &["--dst", "192.0.2.9"];
const MATCHED: &[&str] = &["--port", "4000"];

const fn tracer(name: &'static str, arguments: &'static [&'static str]) -> Case {
    series(name, arguments, "")
}

const fn series(name: &'static str, arguments: &'static [&'static str], hooks: &'static str) -> Case {
    Case { name, arguments, hooks }
}

impl Case {
    /// Starts tracer and returns once everything is attached.
    pub fn start(&self) -> Result<Process> {
        Process::tracer(self.arguments, &[("TRACER_HOOKS", self.hooks)])
    }
}

/// Measures what a program costs. `bare` is what a packet costs without any tracer.
pub fn measure(name: &str, process: Process, load: &Load, bare: u64, by_program: bool) -> Result<()> {
    figure(name, "attach_ms", process.attach.as_millis().try_into()?);
    figure(name, "resident_kib", process.resident()?);
    let cost = load.cost(|round| process.stopped(round))?;
    figure(name, "instructions", cost.saturating_sub(bare));
    let programs = process.stopped(|| Programs::count(load))?;
    figure(name, "runs", programs.runs());
    if by_program {
        programs.print(name);
    }
    let ended = process.end()?;
    figure(name, "detach_ms", ended.detach.as_millis().try_into()?);
    figure(name, "gone_ms", ended.gone.as_millis().try_into()?);
    Ok(())
}
