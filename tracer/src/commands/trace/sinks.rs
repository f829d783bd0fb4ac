//! Passes the lines of a live run to the history and to each output, as they come.

use std::{
    fs::File,
    io,
    ops::ControlFlow::{self, Break, Continue},
    path::Path,
};

use nix::unistd::{AccessFlags, access};

use crate::{
    cli::TraceConfig,
    history::{History, Retained, memory},
    marks::Marks,
    model::{Record, Trace},
    output::{self, Sink, unwritable},
};

/// The history and the outputs of a run. Every line is passed to each of them once.
pub struct Sinks {
    history: History,
    outputs: Vec<Box<dyn Sink>>,
}

impl Sinks {
    /// Opens the outputs that the configuration names.
    ///
    /// # Errors
    /// One sentence if the capture file cannot be written.
    pub fn open(config: &TraceConfig, marks: Marks) -> Result<Self, String> {
        let mut outputs = vec![output::on_stdout(&config.view, marks)];
        if let Some(path) = &config.write {
            outputs.push(output::capture_file(path)?);
        }
        Ok(Self { history: History::new(memory::of_steps(config.memory)), outputs })
    }

    /// Writes and retains a line. Returns `Break` if a reader has stopped reading.
    ///
    /// # Errors
    /// One sentence if writing fails.
    pub fn put(&mut self, record: Record) -> Result<ControlFlow<()>, String> {
        let flow = self.each(|output| output.put(&record))?;
        self.history.put(record);
        Ok(flow)
    }

    /// Flushes all outputs.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn flush(&mut self) -> Result<ControlFlow<()>, String> {
        self.each(|output| output.flush())
    }

    /// Whether a reader has stopped reading, even if nothing was written since.
    pub fn abandoned(&self) -> bool {
        self.outputs.iter().any(|output| output.abandoned())
    }

    /// Returns the trace so far, and stops retaining it.
    pub fn take_trace(&mut self) -> Retained {
        std::mem::replace(&mut self.history, History::new(0)).take()
    }

    /// Writes the findings and the summary to each output, then ends each output with the whole trace.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn end(&mut self, trace: &Trace) -> Result<(), String> {
        let last = trace.findings.iter().cloned().map(Record::Finding);
        for record in last.chain([Record::Summary(trace.summary.clone())]) {
            let _gone = self.each(|output| output.put(&record))?;
        }
        let _gone = self.each(|output| output.end(trace))?;
        Ok(())
    }

    fn each(
        &mut self,
        mut give: impl FnMut(&mut dyn Sink) -> Result<ControlFlow<()>, String>,
    ) -> Result<ControlFlow<()>, String> {
        let mut flow = Continue(());
        for output in &mut self.outputs {
            if give(output.as_mut())?.is_break() {
                flow = Break(());
            }
        }
        Ok(flow)
    }
}

/// Creates an empty file.
///
/// # Errors
/// One sentence if that fails.
pub fn touch(path: &Path) -> Result<(), String> {
    File::create(path).map(drop).map_err(|error| unwritable(path, &error))
}

/// Checks that [`touch`] will work later, before anything is attached.
///
/// The file must not be created now, not even for a moment, because another program waits for it.
///
/// # Errors
/// One sentence if the file could not be created.
pub fn touchable(path: &Path) -> Result<(), String> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let place = if path.exists() { path } else { parent };
    if path.is_dir() {
        return Err(unwritable(path, &io::ErrorKind::IsADirectory.into()));
    }
    access(place, AccessFlags::W_OK).map_err(|errno| unwritable(path, &errno.into()))
}
