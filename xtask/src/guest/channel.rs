//! The lines between host and guest: socket pairs, one end inherited by QEMU.

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

/// Takes what arrives on a channel, piece by piece.
pub type Sink = Box<dyn FnMut(&[u8]) + Send>;

/// When something was last heard from the guest, on any channel.
#[derive(Clone, Debug)]
pub struct Activity {
    start: Instant,
    last: Arc<AtomicU64>,
}

impl Activity {
    /// Counts from now.
    pub fn new() -> Self {
        Self { start: Instant::now(), last: Arc::default() }
    }

    /// For how long nothing was heard.
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
    /// Makes both ends.
    pub fn new() -> Result<Self> {
        let (host, guest) = UnixStream::pair().context("cannot make a socket pair for the guest")?;
        Ok(Self { host, guest })
    }

    /// The descriptor that QEMU inherits.
    pub fn inherited(&self) -> RawFd {
        self.guest.as_raw_fd()
    }

    /// Gives up QEMU's end, so that its death is seen, and passes on what arrives.
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

    /// Sends what is typed on stdin. The thread ends with the process: stdin cannot be interrupted.
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

/// A sink that writes at once to one of our own streams.
pub fn into_writer(mut writer: impl Write + Send + 'static) -> Sink {
    Box::new(move |bytes| {
        // Whoever read our output may be gone; the guest still ends in order.
        let _ = writer.write_all(bytes).and_then(|()| writer.flush());
    })
}

/// A sink that hands over whole lines, without their ends.
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
