//! The command line: flags as typed, then the resolved configuration.
//!
//! Invariant: reads no file, no device and no clock. Questions that only the system can answer (does this interface
//! exist, may this file be written) are left to the code that uses the answer.

mod address;
mod args;
mod config;
mod docs;
mod error;
mod filter;
mod help;
mod netns;
mod quantity;
mod status;
#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _};

pub use args::{Backend, Color, Format};
pub use config::{CheckConfig, Command, ExplainConfig, ReportConfig, TraceConfig, View};
pub use docs::{completions, man};
pub use error::{Stop, Usage};
pub use filter::{Filter, Lookup};
pub use status::Status;

/// Parses a command line, program name first, and resolves it.
///
/// # Errors
/// Returns [`Stop`] if there is nothing to run: help or version was asked for, or the flags are wrong.
pub fn parse<I, T>(args: I) -> Result<Command, Stop>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let mut matches = command().try_get_matches_from(args).map_err(Stop::from)?;
    let typed = args::Args::from_arg_matches_mut(&mut matches).map_err(Stop::from)?;
    Ok(config::resolve(typed)?)
}

/// Returns the command line as clap sees it, from which help, completions and the manual page are made.
#[must_use]
pub fn command() -> clap::Command {
    args::Args::command()
}
