//! Takes probes away without keeping the user waiting.
//!
//! The kernel detaches functions one by one, and waits under a lock for each. Child processes inherit what keeps them
//! attached and close it while this process reports: one for each lock, so that they wait at the same time. They
//! have nothing else open, so that nobody who reads our output waits for them.

use std::{
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    fcntl::OFlag,
    sys::wait::{WaitPidFlag, WaitStatus, waitpid},
    unistd::{ForkResult, Pid, fork, pipe2},
};

use super::{plan::Method, sys};

/// A detachment under way.
#[derive(Debug)]
pub struct Detaching(Vec<Pid>);

/// What keeps probes attached. Whoever notices the end first takes all of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Links(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    held: Vec<Held>,
    /// Hits that those missed which are gone.
    missed: u64,
}

#[derive(Debug)]
struct Held {
    /// Row of the hook, 0 for none.
    row: u16,
    lane: Lane,
    link: OwnedFd,
}

/// What the kernel detaches one after the other.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Lane {
    /// Under `event_mutex`: kprobes (`perf_trace_destroy`, kernel/trace/trace_event_perf.c).
    Kprobe,
    /// Without a long wait: tracepoints, `kprobe.multi`, programs of BPF programs.
    Quick,
    /// Under `ftrace_lock`, with a grace period of RCU tasks for each (`ftrace_shutdown`, kernel/trace/ftrace.c).
    Ftrace,
}

impl From<Method> for Lane {
    fn from(method: Method) -> Self {
        match method {
            Method::Kprobe => Self::Kprobe,
            Method::Fentry => Self::Ftrace,
            Method::KprobeMulti | Method::TpBtf | Method::RawTp => Self::Quick,
        }
    }
}

impl Links {
    /// Keeps them until the end.
    pub fn keep(&self, row: u16, lane: impl Into<Lane>, links: impl IntoIterator<Item = OwnedFd>) {
        let lane = lane.into();
        self.lock().held.extend(links.into_iter().map(|link| Held { row, lane, link }));
    }

    /// Those of one hook, to be detached now.
    pub fn of(&self, row: u16) -> Vec<OwnedFd> {
        self.lock().held.extract_if(.., |held| held.row == row).map(|held| held.link).collect()
    }

    /// Hits that they missed, as far as the kernel counts them: see [`sys::missed_hits`].
    pub fn missed(&self) -> u64 {
        let kept = self.lock();
        kept.missed + missed(&kept.held)
    }

    fn all(&self) -> Vec<Held> {
        let mut kept = self.lock();
        kept.missed += missed(&kept.held);
        std::mem::take(&mut kept.held)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missed(held: &[Held]) -> u64 {
    held.iter().map(|held| sys::missed_hits(held.link.as_fd())).sum()
}

/// The links of a probe, to be detached.
#[derive(Debug)]
pub struct Detach(Links);

impl Detach {
    /// Of these links.
    pub(super) fn new(links: Links) -> Self {
        Self(links)
    }

    /// Starts to take the probes away.
    #[must_use]
    pub fn begin(self) -> Detaching {
        let held = self.0.all();
        let mut lanes: Vec<Lane> = held.iter().map(|held| held.lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        let Ok((begin, hold)) = pipe2(OFlag::O_CLOEXEC) else { return Detaching(Vec::new()) };
        let children = lanes.into_iter().filter_map(|lane| child(lane, &held, &begin, &hold)).collect();
        // Those of a lane that has got no child go here.
        drop(held);
        drop(hold);
        Detaching(children)
    }
}

/// Closes a lane's links in a child process; none where there can be none.
fn child(lane: Lane, held: &[Held], begin: &OwnedFd, hold: &OwnedFd) -> Option<Pid> {
    // SAFETY: the child only closes descriptors and leaves; it allocates nothing and takes no lock.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => {
            let close = |is_own: bool| {
                for held in held.iter().filter(|held| (held.lane == lane) == is_own) {
                    // SAFETY: nothing uses it any more.
                    unsafe { libc::close(held.link.as_raw_fd()) };
                }
            };
            // SAFETY: as above. Ctrl-C goes to the whole group: the child's work must not be cut short
            // (the kernel would do it all the same, but while the shell waits).
            unsafe {
                libc::setsid();
                for standard in 0..3 {
                    libc::close(standard);
                }
            }
            close(false);
            // Whoever closes a link last waits for the kernel: this begins when all others have closed theirs.
            // SAFETY: as above.
            unsafe {
                libc::close(hold.as_raw_fd());
                let mut byte = 0u8;
                libc::read(begin.as_raw_fd(), (&raw mut byte).cast(), 1);
            }
            close(true);
            // SAFETY: as above.
            unsafe { libc::_exit(0) }
        }
        Ok(ForkResult::Parent { child }) => Some(child),
        Err(_) => None,
    }
}

impl Detaching {
    /// Waits until everything is detached, at most until `deadline`. False where it goes on.
    pub fn wait_until(self, deadline: Instant) -> bool {
        self.0.into_iter().all(|child| has_ended(child, deadline))
    }
}

fn has_ended(child: Pid, deadline: Instant) -> bool {
    while let Ok(WaitStatus::StillAlive) = waitpid(child, Some(WaitPidFlag::WNOHANG)) {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}
