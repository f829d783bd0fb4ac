//! Ends a live run: on SIGINT or SIGTERM, when the time is up, or when the run itself has seen enough.
//!
//! A separate thread waits for the end and starts the detachment at once, so that neither a flood of records nor a
//! lookup in progress can delay it.

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

/// How long a run waits until its probes are detached.
///
/// This is enough for the probes of the default backend. If many functions are attached by fentry or single kprobes,
/// the kernel takes seconds. Child processes wait for it then, while the user already has the prompt back.
const DETACH_AT_MOST: Duration = Duration::from_millis(950);

/// The signals that a run waits for instead of having them delivered.
pub struct Signals(SigSet);

/// The end of a run.
pub struct Ended {
    /// Time of the end in nanoseconds since boot.
    pub boot_time_ns: u64,
    detaching: Detaching,
    deadline: Instant,
}

impl Signals {
    /// Blocks SIGINT and SIGTERM for [`Signals::wait_for`], even if a shell has had SIGINT ignored for a background
    /// job.
    ///
    /// Must be called before any thread is started, because threads inherit the mask. The programs that look up rules
    /// inherit it too, so that Ctrl-C at the terminal does not interrupt them.
    ///
    /// # Errors
    /// Fails if the kernel refuses.
    pub fn keep() -> nix::Result<Self> {
        let mut set = SigSet::empty();
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            set.add(signal);
            // SAFETY: the default action runs no code of ours. (An ignored signal would be lost instead of kept.)
            unsafe { sigaction(signal, &default) }?;
        }
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&set), None)?;
        Ok(Self(set))
    }

    /// Waits in a thread for a signal or the timeout, then starts the detachment and reports the end to the receiver.
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
            // SAFETY: the set is valid, no information is requested, and the time is null or valid.
            let signal = unsafe { libc::sigtimedwait(self.0.as_ref(), std::ptr::null_mut(), left) };
            if signal >= 0 || end.is_some_and(|end| Instant::now() >= end) {
                return;
            }
        }
    }
}

/// Ends the run from inside, by a signal to this process.
pub fn end_now() {
    let _ = kill(getpid(), Signal::SIGTERM);
}

impl Ended {
    /// Waits until everything is detached, but no longer than a user should have to wait.
    pub fn settle(self) {
        if !self.detaching.wait_until(self.deadline) {
            tracing::debug!("the kernel is still detaching probes");
        }
    }
}
