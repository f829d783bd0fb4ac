//! The outputs of a run. Each takes records as they come, and the whole trace at the end.

use std::{ops::ControlFlow, path::Path};

use super::{capture::CaptureFile, json::JsonOnStdout, text::TextReport};
use crate::{
    cli::{Format, View},
    marks::Marks,
    model::{Record, Trace},
};

/// One output. `Break` means that its reader has closed the pipe and the run should end quietly. An error is one
/// sentence.
pub trait Sink {
    /// Takes the next record, findings and summary included.
    ///
    /// # Errors
    /// Fails if the record cannot be written.
    fn put(&mut self, record: &Record) -> Result<ControlFlow<()>, String>;

    /// Flushes what was put. Called whenever no further record is waiting.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::put`].
    fn flush(&mut self) -> Result<ControlFlow<()>, String>;

    /// Whether the reader has closed the pipe. Without traffic, [`Self::put`] cannot notice this.
    fn abandoned(&self) -> bool {
        false
    }

    /// Takes the whole trace, once every record has been put.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::put`].
    fn end(&mut self, trace: &Trace) -> Result<ControlFlow<()>, String>;
}

/// Creates the output on stdout.
pub fn on_stdout(view: &View, marks: Marks) -> Box<dyn Sink> {
    match view.format {
        Format::Text => Box::new(TextReport::new(view, marks)),
        Format::Json => Box::new(JsonOnStdout::default()),
    }
}

/// Creates the capture file that is written in addition.
///
/// # Errors
/// Returns one sentence if the file cannot be created.
pub fn capture_file(path: &Path) -> Result<Box<dyn Sink>, String> {
    Ok(Box::new(CaptureFile::create(path)?))
}
