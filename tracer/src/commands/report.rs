//! `tracer report`: diagnoses recorded captures as if they were live.

use super::marks;
use crate::{
    cli::{Format, ReportConfig, Status},
    diagnose::diagnose,
    marks::Marks,
    model::{Record, Trace},
    output::{self, JsonLines, Look},
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
    for trace in &traces {
        show(config, trace, &marks).map_err(|error| format!("stdout: {error}"))?;
    }
    let statuses = traces.iter().map(Status::of);
    Ok(statuses.reduce(worse).unwrap_or(Status::Nothing))
}

fn show(config: &ReportConfig, trace: &Trace, marks: &Marks) -> std::io::Result<()> {
    let flow = match config.view.format {
        Format::Text => {
            let mut out = output::stdout(config.view.color);
            output::write_report(&mut out, trace, marks, Look::for_stdout(config.view.verbose))?
        }
        Format::Json => {
            let mut lines = JsonLines::new(std::io::stdout().lock());
            let findings = trace.findings.iter().cloned().map(Record::Finding);
            let all = std::iter::once(Record::Start(trace.start.clone()))
                .chain(findings)
                .chain(std::iter::once(Record::Summary(trace.summary.clone())));
            for record in all {
                if lines.write(&record)?.is_break() {
                    break;
                }
            }
            lines.flush()?
        }
    };
    // Nobody reads on: the exit status still tells.
    let _ = flow;
    Ok(())
}

/// A problem in one capture outweighs the others; nothing at all comes last.
fn worse(one: Status, other: Status) -> Status {
    match (one, other) {
        (Status::Problem, _) | (_, Status::Problem) => Status::Problem,
        (Status::Clean, _) | (_, Status::Clean) => Status::Clean,
        (one, _) => one,
    }
}
