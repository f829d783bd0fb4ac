//! What each tracer adds to a packet: a row a case.

use anyhow::Result;

use crate::{
    figure,
    load::Load,
    process::{Process, Ready},
    programs,
};

/// A tracer with arguments.
pub struct Case {
    /// As the table calls it.
    pub name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    ready: Ready,
}

/// All cases. Our own are stopped while packets are counted, and so are the others: what a tracer does with its
/// records is another figure.
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
    pwru("pwru-idle", &["dst port 9"]),
    pwru("pwru-matched", &["port 4000"]),
];

const fn tracer(name: &'static str, arguments: &'static [&'static str]) -> Case {
    Case { name, program: "tracer", arguments, ready: Ready::File }
}

const fn pwru(name: &'static str, arguments: &'static [&'static str]) -> Case {
    Case { name, program: "pwru", arguments, ready: Ready::Says("Listening for events") }
}

/// Measures one; `bare` is what a packet costs without any tracer.
pub fn measure(case: &Case, load: &Load, bare: u64, by_program: bool) -> Result<()> {
    let mut arguments = case.arguments.to_vec();
    if case.program == "tracer" {
        arguments.extend(["-o", "json"]);
    }
    let process = Process::start(case.program, &arguments, case.ready)?;
    figure(case.name, "attach_ms", process.attach.as_millis().try_into()?);
    figure(case.name, "resident_kib", process.resident()?);
    let cost = process.stopped(|| load.cost())?;
    figure(case.name, "instructions", cost.saturating_sub(bare));
    if by_program {
        process.stopped(|| programs::tell(case.name, load))?;
    }
    let (detach, _) = process.end()?;
    figure(case.name, "detach_ms", detach.as_millis().try_into()?);
    Ok(())
}
