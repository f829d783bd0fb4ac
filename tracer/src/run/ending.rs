//! The ways a live run ends: SIGINT, SIGTERM, the time is up.

use std::time::Duration;

use futures::FutureExt as _;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep_until},
};

/// Waits for the end.
pub struct Ending {
    interrupt: Signal,
    terminate: Signal,
    deadline: Option<Instant>,
}

impl Ending {
    /// Catches the signals, also where the shell has had SIGINT ignored for a background job.
    ///
    /// # Errors
    /// Where the signals cannot be caught.
    pub fn catch() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            deadline: None,
        })
    }

    /// Lets the time run.
    pub fn start(&mut self, timeout: Option<Duration>) {
        self.deadline = timeout.map(|timeout| Instant::now() + timeout);
    }

    /// Whether the end has come, without waiting: a flood of events must not put it off.
    pub fn has_come(&mut self) -> bool {
        self.come().now_or_never().is_some()
    }

    /// Returns when the run is to end.
    pub async fn come(&mut self) {
        let deadline = self.deadline;
        let time = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = time => {}
        }
    }
}
