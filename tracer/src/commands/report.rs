//! `tracer report`: diagnoses recorded captures as if they were live.

use std::{ops::ControlFlow, path::Path};

use super::marks;
use crate::{
    cli::{ReportConfig, Status},
    diagnose::{diagnose, verdicts},
    model::{Record, Trace},
    output::{self, Sink, SinkError},
    source::capture::{self, ReadError},
};

/// Reports one capture after the other, and returns the worst exit status.
///
/// # Errors
/// One sentence if a file cannot be read.
pub fn report(config: &ReportConfig) -> Result<Status, String> {
    let marks = marks::read(config.view.marks.as_deref())?;
    let mut traces = Vec::new();
    for file in &config.files {
        let mut trace = read(file).map_err(|error| error.to_string())?;
        trace.findings = diagnose(&trace);
        trace.flows = verdicts(&trace);
        traces.push(trace);
    }
    let mut stdout = output::on_stdout(&config.view, marks);
    for trace in &traces {
        // Even if nobody reads on, the exit status reports the result.
        if show(stdout.as_mut(), trace).map_err(|error| error.to_string())?.is_break() {
            break;
        }
    }
    let statuses = traces.iter().map(Status::of);
    Ok(statuses.reduce(worse).unwrap_or(Status::Nothing))
}

fn read(file: &Path) -> Result<Trace, ReadError> {
    capture::read(file)?.collect()
}

/// Writes the trace without its steps, which are in the capture.
fn show(stdout: &mut dyn Sink, trace: &Trace) -> Result<ControlFlow<()>, SinkError> {
    let start = std::iter::once(Record::Start(trace.start.clone()));
    for record in start.chain(trace.conclusions()) {
        if stdout.put(&record)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    stdout.end(trace)
}

/// Returns the worse status: a problem in one capture outweighs the others, and an empty trace comes last.
fn worse(one: Status, other: Status) -> Status {
    match (one, other) {
        (Status::Problem, _) | (_, Status::Problem) => Status::Problem,
        (Status::Clean, _) | (_, Status::Clean) => Status::Clean,
        (one, _) => one,
    }
}
