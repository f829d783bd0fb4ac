//! The resolved configuration: plain data, validated, free of contradictions.

use std::{num::NonZeroU64, path::PathBuf, time::Duration};

use clap_complete::Shell;

use super::{
    Backend, Color, Filter, Format, Lookup, Usage,
    args::{Args, CommandArgs, ExplainArgs, ReportArgs, TraceArgs, ViewArgs},
    quantity,
};

/// The command to run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// Trace live.
    Trace(Box<TraceConfig>),
    /// Diagnose recorded captures.
    Report(ReportConfig),
    /// Check what works here.
    Check(CheckConfig),
    /// Explain a finding or a drop reason.
    Explain(ExplainConfig),
    /// Print a completion script: [`super::completions`].
    Completions(Shell),
    /// Print the manual page: [`super::man`].
    Man,
    /// Print the JSON Schema of a capture's lines: [`crate::output::schema`].
    Schema,
}

/// A live run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TraceConfig {
    /// The packets to trace.
    pub filter: Filter,
    /// Names of hosts whose addresses the filter lacks.
    pub lookups: Vec<Lookup>,
    /// Flight recorder: report only dropped packets.
    pub drops: bool,
    /// How to attach to the kernel.
    pub backend: Backend,
    /// Size of the ring buffer in bytes: a power of two from 64 KiB to 1 GiB.
    pub buffer_size: u32,
    /// Memory limit for packets and flows in bytes, at least 1 MiB.
    pub memory: usize,
    /// Stop after this many packets.
    pub count: Option<NonZeroU64>,
    /// Stop after this time: above zero, at most a year.
    pub timeout: Option<Duration>,
    /// Create this empty file once every probe is attached.
    pub ready_file: Option<PathBuf>,
    /// Also write the capture to this file.
    pub write: Option<PathBuf>,
    /// What is printed.
    pub view: View,
}

/// A report on recorded captures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReportConfig {
    /// The captures, at least one.
    pub files: Vec<PathBuf>,
    /// What is printed.
    pub view: View,
}

/// A check of the system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CheckConfig {
    /// When to use colours.
    pub color: Color,
}

/// What to explain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExplainConfig {
    /// Id of a finding or name of a drop reason; `None` to list all.
    pub name: Option<String>,
    /// When to use colours.
    pub color: Color,
}

/// What is printed and how.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct View {
    /// Report or JSON Lines.
    pub format: Format,
    /// When to use colours.
    pub color: Color,
    /// Whether to suppress progress and warnings. Never set together with `verbose`.
    pub quiet: bool,
    /// Whether to show every step, with kernel functions and packet ids.
    pub verbose: bool,
    /// File that says what marks mean ([`crate::marks::Marks`]).
    pub marks: Option<PathBuf>,
}

pub(super) fn resolve(typed: Args) -> Result<Command, Usage> {
    match typed.command {
        None => trace(typed.trace),
        Some(CommandArgs::Trace(typed)) => trace(*typed),
        Some(CommandArgs::Report(ReportArgs { files, view: typed })) => {
            Ok(Command::Report(ReportConfig { files, view: view(typed)? }))
        }
        Some(CommandArgs::Check(typed)) => Ok(Command::Check(CheckConfig { color: typed.color.color })),
        Some(CommandArgs::Explain(ExplainArgs { name, color })) => {
            Ok(Command::Explain(ExplainConfig { name, color: color.color }))
        }
        Some(CommandArgs::Completions { shell }) => Ok(Command::Completions(shell)),
        Some(CommandArgs::Man) => Ok(Command::Man),
        Some(CommandArgs::Schema) => Ok(Command::Schema),
    }
}

fn trace(typed: TraceArgs) -> Result<Command, Usage> {
    let TraceArgs { filter, run, view: typed } = typed;
    if run.write.as_ref().is_some_and(|path| path.as_os_str() == "-") {
        return Err(Usage("--write needs a file: to send the capture to stdout, use `-o json`".to_owned()));
    }
    if run.write.is_some() && run.write == run.ready_file {
        return Err(Usage("--write and --ready-file name the same file: give two different files".to_owned()));
    }
    let (filter, lookups) = Filter::resolve(filter)?;
    Ok(Command::Trace(Box::new(TraceConfig {
        filter,
        lookups,
        drops: run.drops,
        backend: run.backend,
        buffer_size: quantity::buffer_size(&run.buffer_size).map_err(Usage)?,
        memory: quantity::memory(&run.memory).map_err(Usage)?,
        count: run.count.map(|text| quantity::count(&text)).transpose().map_err(Usage)?,
        timeout: run.timeout.map(|text| quantity::timeout(&text)).transpose().map_err(Usage)?,
        ready_file: run.ready_file,
        write: run.write,
        view: view(typed)?,
    })))
}

fn view(typed: ViewArgs) -> Result<View, Usage> {
    if typed.quiet && typed.verbose {
        return Err(Usage("--quiet and --verbose exclude each other: use only one".to_owned()));
    }
    let ViewArgs { output: format, color, quiet, verbose, marks } = typed;
    Ok(View { format, color: color.color, quiet, verbose, marks })
}
