//! JSON Lines: one record per line, its `type` first.

use std::{
    io::{self, BufWriter, Stdout, Write},
    ops::ControlFlow,
    os::fd::AsFd as _,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Sink, SinkError, unless_closed};
use crate::model::{Record, Trace};

/// Writes records. A line is written in one piece, so a reader never sees half of one unless the
/// process is killed in between.
#[derive(Debug)]
pub struct JsonLines<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `out`, which may buffer: see [`Self::flush`].
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    /// Writes one record. Returns `Break` if the reader has closed the pipe and the run should end quietly.
    ///
    /// # Errors
    /// Returns every error of writing to `out`, except a closed pipe.
    pub fn write(&mut self, record: &Record) -> io::Result<ControlFlow<()>> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, record)?;
        self.line.push(b'\n');
        unless_closed(self.out.write_all(&self.line))
    }

    /// Flushes everything to the reader. Call this whenever no further record is waiting.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::write`].
    pub fn flush(&mut self) -> io::Result<ControlFlow<()>> {
        unless_closed(self.out.flush())
    }
}

/// The output of `-o json`.
pub struct JsonOnStdout {
    lines: JsonLines<BufWriter<Stdout>>,
    stdout: Stdout,
}

impl Default for JsonOnStdout {
    fn default() -> Self {
        Self { lines: JsonLines::new(BufWriter::new(io::stdout())), stdout: io::stdout() }
    }
}

impl Sink for JsonOnStdout {
    fn put(&mut self, record: &Record) -> Result<ControlFlow<()>, SinkError> {
        self.lines.write(record).map_err(unwritable)
    }

    fn flush(&mut self) -> Result<ControlFlow<()>, SinkError> {
        self.lines.flush().map_err(unwritable)
    }

    fn abandoned(&self) -> bool {
        let mut stdout = [PollFd::new(self.stdout.as_fd(), PollFlags::empty())];
        poll(&mut stdout, PollTimeout::ZERO).is_ok()
            && stdout[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR))
    }

    fn end(&mut self, _: &Trace) -> Result<ControlFlow<()>, SinkError> {
        self.flush()
    }
}

fn unwritable(error: io::Error) -> SinkError {
    format!("stdout cannot be written: {error}").into()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        ops::ControlFlow,
    };

    use super::JsonLines;
    use crate::model::{Record, Start};

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_type_comes_first() -> io::Result<()> {
        let mut out = Vec::new();
        _ = JsonLines::new(&mut out).write(&Record::Start(Start::default()))?;
        assert!(out.starts_with(br#"{"type":"start","version":"#) && out.ends_with(b"\n"));
        Ok(())
    }

    #[test]
    fn a_closed_pipe_is_a_quiet_end() -> io::Result<()> {
        let written = JsonLines::new(Closed).write(&Record::Start(Start::default()))?;
        assert_eq!(written, ControlFlow::Break(()));
        Ok(())
    }
}
