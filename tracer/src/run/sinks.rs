//! Where the lines of a live run go: kept for the report, and written as they come.

use std::{
    fs::File,
    io::{self, BufWriter, Stdout},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use crate::{
    cli::{Format, TraceConfig},
    model::{Record, Trace},
    output::JsonLines,
};

/// Takes every line once.
pub struct Sinks {
    trace: Vec<Record>,
    stdout: Option<JsonLines<BufWriter<Stdout>>>,
    file: Option<(JsonLines<BufWriter<File>>, PathBuf)>,
}

impl Sinks {
    /// Opens what the configuration names.
    ///
    /// # Errors
    /// One sentence where the capture file cannot be written.
    pub fn open(config: &TraceConfig) -> Result<Self, String> {
        let file = config.write.as_deref().map(create).transpose()?;
        let stdout = (config.view.format == Format::Json).then(|| JsonLines::new(BufWriter::new(io::stdout())));
        Ok(Self { trace: Vec::new(), stdout, file })
    }

    /// Writes and keeps a line. `Break` where nobody reads stdout any more.
    ///
    /// # Errors
    /// One sentence where writing fails.
    pub fn put(&mut self, record: Record) -> Result<ControlFlow<()>, String> {
        let mut flow = ControlFlow::Continue(());
        if let Some(stdout) = &mut self.stdout {
            flow = stdout.write(&record).map_err(|error| format!("stdout cannot be written: {error}"))?;
        }
        if let Some((file, path)) = &mut self.file {
            let _ = file.write(&record).map_err(|error| unwritable(path, &error))?;
        }
        self.trace.push(record);
        Ok(flow)
    }

    /// Hands everything on to the readers.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn flush(&mut self) -> Result<ControlFlow<()>, String> {
        let mut flow = ControlFlow::Continue(());
        if let Some(stdout) = &mut self.stdout {
            flow = stdout.flush().map_err(|error| format!("stdout cannot be written: {error}"))?;
        }
        if let Some((file, path)) = &mut self.file {
            let _ = file.flush().map_err(|error| unwritable(path, &error))?;
        }
        Ok(flow)
    }

    /// The trace so far.
    pub fn trace(&self) -> Trace {
        self.trace.iter().cloned().collect()
    }
}

/// Creates an empty file.
///
/// # Errors
/// One sentence.
pub fn touch(path: &Path) -> Result<(), String> {
    File::create(path).map(drop).map_err(|error| unwritable(path, &error))
}

/// Whether [`touch`] will work later, asked before anything is attached and without leaving a file.
///
/// # Errors
/// One sentence.
pub fn touchable(path: &Path) -> Result<(), String> {
    let existed = path.exists();
    touch(path)?;
    if existed {
        return Ok(());
    }
    std::fs::remove_file(path).map_err(|error| unwritable(path, &error))
}

fn create(path: &Path) -> Result<(JsonLines<BufWriter<File>>, PathBuf), String> {
    let file = File::create(path).map_err(|error| unwritable(path, &error))?;
    Ok((JsonLines::new(BufWriter::new(file)), path.to_owned()))
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be written: {error}: give a path in a directory that you may write to", path.display())
}
