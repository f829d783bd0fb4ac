//! The outputs of a live run as one sink, which passes everything to each of them.

use std::{
    fs::File,
    io,
    ops::ControlFlow::{self, Break, Continue},
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use crate::{
    cli::TraceConfig,
    marks::Marks,
    model::{Record, Trace},
    output::{self, Sink, SinkError, unwritable},
};

/// The outputs of a run.
pub struct Sinks(Vec<Box<dyn Sink>>);

impl Sinks {
    /// Opens the outputs that the configuration names.
    ///
    /// # Errors
    /// One sentence if a file cannot be written.
    pub fn open(config: &TraceConfig, marks: Marks) -> Result<Self, String> {
        let mut outputs: Vec<Box<dyn Sink>> = Vec::new();
        if let Some(path) = &config.ready_file {
            outputs.push(Box::new(ReadyFile::new(path)?));
        }
        outputs.push(output::on_stdout(&config.view, marks));
        if let Some(path) = &config.write {
            outputs.push(output::capture_file(path)?);
        }
        Ok(Self(outputs))
    }

    fn each(
        &mut self,
        mut give: impl FnMut(&mut dyn Sink) -> Result<ControlFlow<()>, SinkError>,
    ) -> Result<ControlFlow<()>, SinkError> {
        let mut flow = Continue(());
        for output in &mut self.0 {
            if give(output.as_mut())?.is_break() {
                flow = Break(());
            }
        }
        Ok(flow)
    }
}

impl Sink for Sinks {
    fn put(&mut self, record: &Record) -> Result<ControlFlow<()>, SinkError> {
        self.each(|output| output.put(record))
    }

    fn flush(&mut self) -> Result<ControlFlow<()>, SinkError> {
        self.each(|output| output.flush())
    }

    fn ready(&mut self) -> Result<(), SinkError> {
        self.0.iter_mut().try_for_each(|output| output.ready())
    }

    fn abandoned(&self) -> bool {
        self.0.iter().any(|output| output.abandoned())
    }

    fn end(&mut self, trace: &Trace) -> Result<ControlFlow<()>, SinkError> {
        self.each(|output| output.end(trace))
    }
}

/// The empty file that is created once every hook is attached.
struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Checks that the file can be created later, before anything is attached.
    ///
    /// The file must not be created now, not even for a moment, because another program waits for it.
    ///
    /// # Errors
    /// One sentence if the file could not be created.
    fn new(path: &Path) -> Result<Self, String> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let place = if path.exists() { path } else { parent };
        if path.is_dir() {
            return Err(unwritable(path, &io::ErrorKind::IsADirectory.into()));
        }
        access(place, AccessFlags::W_OK).map_err(|errno| unwritable(path, &errno.into()))?;
        Ok(Self(path.to_owned()))
    }
}

impl Sink for ReadyFile {
    fn put(&mut self, _: &Record) -> Result<ControlFlow<()>, SinkError> {
        Ok(Continue(()))
    }

    fn ready(&mut self) -> Result<(), SinkError> {
        File::create(&self.0).map(drop).map_err(|error| unwritable(&self.0, &error).into())
    }
}
