//! What tracing adds to a packet: a row a case.

use anyhow::Result;

use crate::{figure, load::Load, process::Process, programs};

/// Tracer with arguments.
pub struct Case {
    /// As the table calls it.
    pub name: &'static str,
    arguments: &'static [&'static str],
}

/// All cases. Tracer is stopped while packets are counted: what it does with its records is another figure.
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
];

const fn tracer(name: &'static str, arguments: &'static [&'static str]) -> Case {
    Case { name, arguments }
}

/// Measures one; `bare` is what a packet costs without any tracer.
pub fn measure(case: &Case, load: &Load, bare: u64, by_program: bool) -> Result<()> {
    let process = Process::start(case.arguments)?;
    figure(case.name, "attach_ms", process.attach.as_millis().try_into()?);
    figure(case.name, "resident_kib", process.resident()?);
    let cost = process.stopped(|| load.cost())?;
    figure(case.name, "instructions", cost.saturating_sub(bare));
    if by_program {
        process.stopped(|| programs::tell(case.name, load))?;
    }
    let ended = process.end()?;
    figure(case.name, "detach_ms", ended.detach.as_millis().try_into()?);
    figure(case.name, "gone_ms", ended.gone.as_millis().try_into()?);
    Ok(())
}
