//! A reader that closes the pipe is not an error.

use std::{
    io::{self, ErrorKind},
    ops::ControlFlow,
};

/// Returns `Break` if the reader has closed the pipe and the run should end quietly.
///
/// # Errors
/// Returns every other write error.
pub fn unless_closed(result: io::Result<()>) -> io::Result<ControlFlow<()>> {
    match result {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error),
    }
}
