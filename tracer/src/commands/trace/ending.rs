//! The ways a live run ends: SIGINT, SIGTERM, the time is up, or the run itself has seen enough.
//!
//! A thread of its own waits for that and starts the detachment at once, so that neither a flood of
//! events nor a look-up under way can put the end off.

use std::{
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, kill, pthread_sigmask, sigaction},
    unistd::getpid,
};
use tokio::sync::oneshot;

use crate::probe::{Detach, Detaching};

/// How long a run waits for its probes to be gone. Those of the default are; of many functions by fentry or single
/// kprobes the kernel lets go in seconds, which child processes see through while whoever pressed Ctrl-C has their prompt
/// back.
const DETACH_AT_MOST: Duration = Duration::from_millis(950);

/// Signals that are waited for instead of being delivered.
pub struct Signals(SigSet);

/// The end of a run.
pub struct Ended {
    /// Nanoseconds since boot.
    pub boot_time_ns: u64,
    detaching: Detaching,
    deadline: Instant,
}

impl Signals {
    /// Keeps SIGINT and SIGTERM for [`Signals::wait_for`], also where a shell has had SIGINT ignored for
    /// a background job. To be called before any thread is started: they inherit it, and so do the
    /// programs that look rules up, which a Ctrl-C at the terminal then does not cut short.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn keep() -> nix::Result<Self> {
        let mut set = SigSet::empty();
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            set.add(signal);
            // SAFETY: the default action runs no code of ours. An ignored signal would be lost, not kept.
            unsafe { sigaction(signal, &default) }?;
        }
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&set), None)?;
        Ok(Self(set))
    }

    /// Waits for a signal or the time, then detaches; what comes out says that it has begun.
    pub fn wait_for(self, timeout: Option<Duration>, detach: Detach, clock: fn() -> u64) -> oneshot::Receiver<Ended> {
        let (sender, receiver) = oneshot::channel();
        thread::spawn(move || {
            self.wait(timeout);
            let (boot_time_ns, deadline) = (clock(), Instant::now() + DETACH_AT_MOST);
            let _gone = sender.send(Ended { boot_time_ns, detaching: detach.begin(), deadline });
        });
        receiver
    }

    fn wait(&self, timeout: Option<Duration>) {
        let end = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let left = left.map(|left| libc::timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            });
            let left = left.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
            // SAFETY: the set is valid, no information is asked for, the time is null or valid.
            let signal = unsafe { libc::sigtimedwait(self.0.as_ref(), std::ptr::null_mut(), left) };
            if signal >= 0 || end.is_some_and(|end| Instant::now() >= end) {
                return;
            }
        }
    }
}

/// Ends the run from inside.
pub fn end_now() {
    let _ = kill(getpid(), Signal::SIGTERM);
}

impl Ended {
    /// Waits until everything is detached, as far as that takes no longer than users should wait.
    pub fn settle(self) {
        if !self.detaching.wait_until(self.deadline) {
            tracing::debug!("the kernel is still detaching probes");
        }
    }
}
