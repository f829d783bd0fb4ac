//! What every output is to a run: records as they come, and the whole trace at the end.

use std::{ops::ControlFlow, path::Path};

use super::{capture::CaptureFile, json::JsonOnStdout, text::TextReport};
use crate::{
    cli::{Format, View},
    marks::Marks,
    model::{Record, Trace},
};

/// One output. `Break` means that its reader is gone, and that the run should end quietly; an error is one sentence.
pub trait Sink {
    /// Takes the next record, findings and summary included.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn put(&mut self, record: &Record) -> Result<ControlFlow<()>, String>;

    /// Hands on to readers what was put: called whenever no further record waits.
    ///
    /// # Errors
    /// As [`Self::put`].
    fn flush(&mut self) -> Result<ControlFlow<()>, String>;

    /// Whether nobody reads any more: without traffic, [`Self::put`] does not tell.
    fn abandoned(&self) -> bool {
        false
    }

    /// Takes the whole trace, once every record has been put.
    ///
    /// # Errors
    /// As [`Self::put`].
    fn end(&mut self, trace: &Trace) -> Result<ControlFlow<()>, String>;
}

/// What goes to stdout.
pub fn on_stdout(view: &View, marks: Marks) -> Box<dyn Sink> {
    match view.format {
        Format::Text => Box::new(TextReport::new(view, marks)),
        Format::Json => Box::new(JsonOnStdout::default()),
    }
}

/// A capture that is written beside that.
///
/// # Errors
/// One sentence where the file cannot be made.
pub fn capture_file(path: &Path) -> Result<Box<dyn Sink>, String> {
    Ok(Box::new(CaptureFile::create(path)?))
}
