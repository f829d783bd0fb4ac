//! Where the lines of a live run go: retained for the report, and written as they come.

use std::{
    fs::File,
    io::{self, BufWriter, Stdout},
    ops::ControlFlow,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd::{AccessFlags, access},
};

use crate::{
    cli::{Format, TraceConfig},
    history::{History, Retained, memory},
    model::Record,
    output::JsonLines,
};

/// Takes every line once.
pub struct Sinks {
    history: History,
    terminal: Stdout,
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
        Ok(Self { history: History::new(memory::of_steps(config.memory)), terminal: io::stdout(), stdout, file })
    }

    /// Writes and retains a line. `Break` where nobody reads stdout any more.
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
        self.history.put(record);
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

    /// Whether lines go to a stdout that nobody reads any more: without traffic, writing does not tell.
    pub fn abandoned(&self) -> bool {
        let mut stdout = [PollFd::new(self.terminal.as_fd(), PollFlags::empty())];
        self.stdout.is_some()
            && poll(&mut stdout, PollTimeout::ZERO).is_ok()
            && stdout[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR))
    }

    /// The trace so far, which is not retained any longer.
    pub fn take_trace(&mut self) -> Retained {
        std::mem::replace(&mut self.history, History::new(0)).take()
    }
}

/// Creates an empty file.
///
/// # Errors
/// One sentence.
pub fn touch(path: &Path) -> Result<(), String> {
    File::create(path).map(drop).map_err(|error| unwritable(path, &error))
}

/// Whether [`touch`] will work later, asked before anything is attached. The file must not come to be
/// meanwhile, not even for a moment: somebody waits for it.
///
/// # Errors
/// One sentence.
pub fn touchable(path: &Path) -> Result<(), String> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let place = if path.exists() { path } else { parent };
    if path.is_dir() {
        return Err(unwritable(path, &io::ErrorKind::IsADirectory.into()));
    }
    access(place, AccessFlags::W_OK).map_err(|errno| unwritable(path, &errno.into()))
}

fn create(path: &Path) -> Result<(JsonLines<BufWriter<File>>, PathBuf), String> {
    let file = File::create(path).map_err(|error| unwritable(path, &error))?;
    Ok((JsonLines::new(BufWriter::new(file)), path.to_owned()))
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be written: {error}: give a path in a directory that you may write to", path.display())
}
