//! A capture: JSON Lines in a file, which `tracer report` reads.

use std::{
    fs::File,
    io::{self, BufWriter},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::{JsonLines, Sink, SinkError};
use crate::model::{Record, Trace};

/// The capture file of `--write`.
pub struct CaptureFile {
    lines: JsonLines<BufWriter<File>>,
    path: PathBuf,
}

impl CaptureFile {
    /// Creates the file, or empties an existing one.
    ///
    /// # Errors
    /// Returns one sentence if that fails.
    pub fn create(path: &Path) -> Result<Self, String> {
        let file = File::create(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self { lines: JsonLines::new(BufWriter::new(file)), path: path.to_owned() })
    }
}

impl Sink for CaptureFile {
    fn put(&mut self, record: &Record) -> Result<ControlFlow<()>, SinkError> {
        self.lines.write(record).map_err(|error| unwritable(&self.path, &error).into())
    }

    fn flush(&mut self) -> Result<ControlFlow<()>, SinkError> {
        self.lines.flush().map_err(|error| unwritable(&self.path, &error).into())
    }

    fn end(&mut self, _: &Trace) -> Result<ControlFlow<()>, SinkError> {
        self.flush()
    }
}

/// Returns the error message for a file that cannot be written.
pub fn unwritable(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be written: {error}: choose a path in a writable directory", path.display())
}
