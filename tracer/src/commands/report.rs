//! `tracer report`: diagnoses recorded captures as if they were live.

use std::ops::ControlFlow;

use super::marks;
use crate::{
    cli::{ReportConfig, Status},
    diagnose::diagnose,
    model::{Record, Trace},
    output::{self, Sink},
    source::capture,
};

/// One report after the other; the worst exit status of them.
///
/// # Errors
/// One sentence where a file cannot be read.
pub fn report(config: &ReportConfig) -> Result<Status, String> {
    let marks = marks::read(config.view.marks.as_deref())?;
    let mut traces = Vec::new();
    for file in &config.files {
        let mut trace = capture::read(file)?;
        trace.findings = diagnose(&trace);
        traces.push(trace);
    }
    let mut stdout = output::on_stdout(&config.view, marks);
    for trace in &traces {
        // Where nobody reads on, the exit status still tells.
        if show(stdout.as_mut(), trace)?.is_break() {
            break;
        }
    }
    let statuses = traces.iter().map(Status::of);
    Ok(statuses.reduce(worse).unwrap_or(Status::Nothing))
}

/// The trace, without its steps: whoever wants those has the capture.
fn show(stdout: &mut dyn Sink, trace: &Trace) -> Result<ControlFlow<()>, String> {
    let findings = trace.findings.iter().cloned().map(Record::Finding);
    let start = std::iter::once(Record::Start(trace.start.clone()));
    for record in start.chain(findings).chain([Record::Summary(trace.summary.clone())]) {
        if stdout.put(&record)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    stdout.end(trace)
}

/// A problem in one capture outweighs the others; nothing at all comes last.
fn worse(one: Status, other: Status) -> Status {
    match (one, other) {
        (Status::Problem, _) | (_, Status::Problem) => Status::Problem,
        (Status::Clean, _) | (_, Status::Clean) => Status::Clean,
        (one, _) => one,
    }
}
