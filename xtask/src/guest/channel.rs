//! Channels between host and guest: socket pairs of which QEMU inherits one end.

use std::{
    io::{Read as _, Write},
    os::{
        fd::{AsRawFd as _, RawFd},
        unix::net::UnixStream,
    },
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

/// Receives what arrives on a channel, piece by piece.
pub type Sink = Box<dyn FnMut(&[u8]) + Send>;

/// When the guest was last heard on any channel.
#[derive(Clone, Debug)]
pub struct Activity {
    start: Instant,
    last: Arc<AtomicU64>,
}

impl Activity {
    /// Starts counting now.
    pub fn new() -> Self {
        Self { start: Instant::now(), last: Arc::default() }
    }

    /// Returns for how long nothing was heard.
    pub fn silence(&self) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.start.elapsed().saturating_sub(last)
    }

    fn note(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }
}

/// A channel before QEMU has started.
pub struct Channel {
    host: UnixStream,
    guest: UnixStream,
}

impl Channel {
    /// Creates both ends.
    pub fn new() -> Result<Self> {
        let (host, guest) = UnixStream::pair().context("cannot make a socket pair for the guest")?;
        Ok(Self { host, guest })
    }

    /// Returns the descriptor that QEMU inherits.
    pub fn inherited(&self) -> RawFd {
        self.guest.as_raw_fd()
    }

    /// Closes our copy of QEMU's end, so that QEMU's exit is noticed, and passes on what arrives.
    pub fn listen(self, activity: &Activity, mut sink: Sink) -> JoinHandle<()> {
        let activity = activity.clone();
        let mut host = self.host;
        drop(self.guest);
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = host.read(&mut buffer) {
                activity.note();
                sink(&buffer[..count]);
            }
        })
    }

    /// Sends what is typed on stdin. The thread ends with the process, because reading stdin cannot be interrupted.
    pub fn feed_from_stdin(&self) -> Result<()> {
        let mut host = self.host.try_clone().context("cannot share the guest's terminal")?;
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            let mut stdin = std::io::stdin().lock();
            while let Ok(count @ 1..) = stdin.read(&mut buffer) {
                if host.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
        });
        Ok(())
    }
}

/// Returns a sink that writes to one of our own streams at once.
pub fn into_writer(mut writer: impl Write + Send + 'static) -> Sink {
    Box::new(move |bytes| {
        // The reader of our output may have closed it. The guest still ends in order.
        let _ = writer.write_all(bytes).and_then(|()| writer.flush());
    })
}

/// Returns a sink that passes on whole lines, without their line ends.
pub fn into_lines(mut take: impl FnMut(&str) + Send + 'static) -> Sink {
    let mut pending = Vec::new();
    Box::new(move |bytes| {
        pending.extend_from_slice(bytes);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            take(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']));
        }
    })
}
