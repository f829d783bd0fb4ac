//! The report for people.

mod change;
mod columns;
pub(super) mod drops;
mod findings;
mod flow;
mod headers;
mod hooks;
mod icmp;
mod legend;
mod node;
mod packet;
mod path;
mod place;
mod program;
#[cfg(test)]
mod sample;
mod tail;
mod tone;
mod tunnel;
mod unmatched;
mod words;

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use super::{
    Sink, SinkError,
    phrase::{self, plural},
    style::{self, DIM, HEADING, Look, clean, hang, paint},
    unless_closed,
};
use crate::{
    cli::{Color, View},
    marks::Marks,
    model::{Record, Trace},
};

/// Maximum number of flows without trouble to show without `-v`.
const MOST_FLOWS: usize = 10;

/// The report on stdout. It prints nothing before the end.
pub struct TextReport {
    color: Color,
    verbose: bool,
    marks: Marks,
}

impl TextReport {
    /// Creates the report for this view. `marks` says what marks mean.
    pub fn new(view: &View, marks: Marks) -> Self {
        Self { color: view.color, verbose: view.verbose, marks }
    }
}

impl Sink for TextReport {
    fn put(&mut self, _: &Record) -> Result<ControlFlow<()>, SinkError> {
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, trace: &Trace) -> Result<ControlFlow<()>, SinkError> {
        let mut out = style::stdout(self.color);
        write_report(&mut out, trace, &self.marks, Look::for_stdout(self.verbose))
            .map_err(|error| format!("stdout: {error}").into())
    }
}

/// Writes the report: flows with the paths of their packets, findings, drops, losses and coverage.
///
/// A trace of drops lists its drops before its findings, and shows flows only if verbose. `marks` says what marks mean.
/// Colours are always written; `out` removes them if they are not wanted ([`super::stdout`]). Returns `Break` if the
/// reader has closed the pipe.
///
/// # Errors
/// Returns every error of writing to `out`, except a closed pipe.
pub fn write_report(out: &mut impl Write, trace: &Trace, marks: &Marks, look: Look) -> io::Result<ControlFlow<()>> {
    let (drops, findings) = (drops::render(trace, look) + "\n", findings::render(trace, look));
    let (first, second) = if trace.start.drops { (drops, findings) } else { (findings, drops) };
    // In a trace of drops, their summary comes first, and paths are shown only on request.
    let paths = if trace.start.drops && !look.verbose { String::new() } else { flows(trace, marks, look) };
    let report = [headline(trace, look), paths, first, second, tail::render(trace, look)];
    unless_closed(out.write_all(report.concat().as_bytes()).and_then(|()| out.flush()))
}

fn headline(trace: &Trace, look: Look) -> String {
    let start = &trace.start;
    let filter = if start.filter.is_empty() { "all traffic".into() } else { clean(&start.filter) };
    let facts = format!("on {}, kernel {}, tracer {}", clean(&start.node), clean(&start.kernel), clean(&start.version));
    let mut text = hang("", &format!("{} {}", paint(HEADING, filter), paint(DIM, facts)), look.width);
    for host in &start.hosts {
        text += &format!("\n{}", hang("", &clean(&host.to_string()), look.width));
    }
    text + "\n\n"
}

fn flows(trace: &Trace, marks: &Marks, look: Look) -> String {
    let flows = flow::flows(trace);
    if flows.is_empty() && trace.start.drops {
        return String::new();
    }
    if flows.is_empty() {
        return unmatched::render(trace, look);
    }
    let mut text = String::new();
    let mut healthy = 0;
    for flow in flows {
        let has_problem = flow.has_problem(trace);
        healthy += usize::from(!has_problem);
        if has_problem || look.verbose || healthy <= MOST_FLOWS {
            text += &flow.render(trace, marks, look);
        }
    }
    if healthy > MOST_FLOWS && !look.verbose {
        let more = format!("… and {} without a drop: -v shows them", plural(healthy - MOST_FLOWS, "more flow"));
        text += &format!("{}\n\n", paint(DIM, more));
    }
    text
}
