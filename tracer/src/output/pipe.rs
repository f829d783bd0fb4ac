//! A reader that goes away is not an error.

use std::{
    io::{self, ErrorKind},
    ops::ControlFlow,
};

/// `Break` where the reader of our output is gone and the run should end quietly.
///
/// # Errors
/// Every other failure to write.
pub fn unless_closed(result: io::Result<()>) -> io::Result<ControlFlow<()>> {
    match result {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error),
    }
}
