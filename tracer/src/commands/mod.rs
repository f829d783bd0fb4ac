//! The commands, one file each.

mod check;
mod explain;
mod marks;
mod report;
mod trace;

use crate::{
    cli::{self, Command, Status, Stop},
    output,
};

/// Runs a command line, program name first, and returns the exit status. Every error is reported as one sentence on
/// stderr.
#[must_use]
pub fn run(args: impl IntoIterator<Item = std::ffi::OsString>) -> Status {
    let command = match cli::parse(args) {
        Ok(command) => command,
        Err(stop) => return stop.show(),
    };
    let result = match command {
        Command::Trace(config) => trace::trace(&config),
        Command::Report(config) => report::report(&config),
        Command::Check(config) => check::check(&config),
        Command::Explain(config) => explain::explain(&config),
        Command::Completions(shell) => written(cli::completions(shell, &mut std::io::stdout())),
        Command::Man => written(cli::man(&mut std::io::stdout())),
        Command::Schema => written(output::write_schema(&mut std::io::stdout())),
    };
    result.unwrap_or_else(|sentence| Stop::Wrong(cli::Usage(sentence)).show())
}

fn written(result: std::io::Result<()>) -> Result<Status, String> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(format!("stdout: {error}")),
        _ => Ok(Status::Clean),
    }
}
