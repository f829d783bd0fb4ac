//! Ends a live run: when it is asked to, when the time is up, or when the run itself has seen enough.
//!
//! A separate thread waits for the end and starts the detachment at once, so that neither a flood of records nor a
//! lookup in progress can delay it.

use std::{
    collections::HashSet,
    sync::mpsc::Receiver,
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::probe::{Detach, Detaching, Tracked};

/// How long a run waits until its probes are detached.
///
/// This is enough for the probes of the default backend. If many functions are attached by fentry or single kprobes,
/// the kernel takes seconds. Child processes wait for it then, while the user already has the prompt back.
const DETACH_AT_MOST: Duration = Duration::from_millis(950);

/// Asks a run to end.
pub struct End;

/// The end of a run.
pub struct Ended {
    /// Time of the end in nanoseconds since boot.
    pub boot_time_ns: u64,
    /// Raw ids of the packets of which an skb was still in the kernel, if that is known.
    pub in_kernel: Option<HashSet<u64>>,
    detaching: Detaching,
    deadline: Instant,
}

/// Waits in a thread until the run is asked to end or the time is up, then looks which packets are still in the kernel,
/// starts the detachment and reports the end to the receiver.
pub fn wait_for(
    asked: Receiver<End>,
    timeout: Option<Duration>,
    tracked: Option<Tracked>,
    detach: Detach,
    clock: fn() -> u64,
) -> oneshot::Receiver<Ended> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        wait(&asked, timeout);
        let in_kernel = tracked.and_then(|tracked| {
            let packets = tracked.packets();
            packets.inspect_err(|error| tracing::warn!("it is not known which packets are still held: {error}")).ok()
        });
        let (boot_time_ns, deadline) = (clock(), Instant::now() + DETACH_AT_MOST);
        let _gone = sender.send(Ended { boot_time_ns, in_kernel, detaching: detach.begin(), deadline });
    });
    receiver
}

fn wait(asked: &Receiver<End>, timeout: Option<Duration>) {
    // A time too far away to be counted never comes.
    let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let _ended = match end {
        Some(end) => asked.recv_timeout(end.saturating_duration_since(Instant::now())).ok(),
        None => asked.recv().ok(),
    };
}

impl Ended {
    /// Waits until everything is detached, but no longer than a user should have to wait.
    pub fn settle(self) {
        if !self.detaching.wait_until(self.deadline) {
            tracing::debug!("the kernel is still detaching probes");
        }
    }
}
