//! Detaches probes without keeping the user waiting.
//!
//! The kernel detaches functions one by one, and waits under a lock for each. Child processes inherit the descriptors
//! that keep the probes attached, and close them while this process reports. There is one child per lock, so that the
//! children wait in parallel. They close stdin, stdout and stderr, so that no reader of our output waits for them.

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

use tracer_common::HookId;

use super::{plan::Method, sys};

/// A detachment in progress: the child processes that perform it.
#[derive(Debug)]
pub struct Detaching(Vec<Pid>);

/// The descriptors that keep probes attached. All clones share them, and the first to call `all` takes them.
#[derive(Clone, Debug, Default)]
pub(super) struct Links(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    held: Vec<Held>,
    /// Missed hits of links that are no longer held.
    missed: u64,
}

#[derive(Debug)]
struct Held {
    /// Row of the hook; `None` if the link belongs to no single hook.
    row: Option<HookId>,
    lane: Lane,
    link: OwnedFd,
}

/// Groups of links. The kernel detaches the links of a group one after the other.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Lane {
    /// Kprobes, which are detached under `event_mutex` (`perf_trace_destroy`, kernel/trace/trace_event_perf.c).
    Kprobe,
    /// Links without a long wait: tracepoints, `kprobe.multi`, and tracing programs of BPF programs.
    Quick,
    /// fentry and fexit, which are detached under `ftrace_lock`, with a grace period of RCU tasks for each
    /// (`ftrace_shutdown`, kernel/trace/ftrace.c).
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
    /// Keeps links attached until the end of the trace.
    pub fn keep(&self, row: Option<HookId>, lane: impl Into<Lane>, links: impl IntoIterator<Item = OwnedFd>) {
        let lane = lane.into();
        self.lock().held.extend(links.into_iter().map(|link| Held { row, lane, link }));
    }

    /// Removes the links of one hook, to be detached now.
    pub fn of(&self, row: HookId) -> Vec<OwnedFd> {
        self.lock().held.extract_if(.., |held| held.row == Some(row)).map(|held| held.link).collect()
    }

    /// Returns the hits that the links missed, as far as the kernel counts them: see [`sys::missed_hits`].
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

/// The links of a probe, ready to be detached.
#[derive(Debug)]
pub struct Detach(Links);

impl Detach {
    /// Creates the handle that detaches these links.
    pub(super) fn new(links: Links) -> Self {
        Self(links)
    }

    /// Starts to detach the probes.
    #[must_use]
    pub fn begin(self) -> Detaching {
        let held = self.0.all();
        let mut lanes: Vec<Lane> = held.iter().map(|held| held.lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        let Ok((begin, hold)) = pipe2(OFlag::O_CLOEXEC) else { return Detaching(Vec::new()) };
        let children = lanes.into_iter().filter_map(|lane| child(lane, &held, &begin, &hold)).collect();
        // If a lane has no child, its links are detached here.
        drop(held);
        drop(hold);
        Detaching(children)
    }
}

/// Closes the links of a lane in a child process. Returns `None` if there can be none.
fn child(lane: Lane, held: &[Held], begin: &OwnedFd, hold: &OwnedFd) -> Option<Pid> {
    // SAFETY: until it exits, the child only makes system calls: it allocates nothing and takes no lock.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => {
            let close = |is_own: bool| {
                for held in held.iter().filter(|held| (held.lane == lane) == is_own) {
                    // SAFETY: nothing in the child uses the descriptor after this.
                    unsafe { libc::close(held.link.as_raw_fd()) };
                }
            };
            // SAFETY: these calls take only numbers.
            // Ctrl-C signals the whole process group. `setsid` takes the child out of it, because without the child the
            // kernel would detach while the shell waits.
            unsafe {
                libc::setsid();
                for standard in 0..3 {
                    libc::close(standard);
                }
            }
            close(false);
            // The process that closes the last reference blocks until the kernel detaches the link. `read` therefore
            // waits until all other processes have closed theirs.
            // SAFETY: `byte` outlives the call.
            unsafe {
                libc::close(hold.as_raw_fd());
                let mut byte = 0u8;
                libc::read(begin.as_raw_fd(), (&raw mut byte).cast(), 1);
            }
            close(true);
            // SAFETY: `_exit` takes only a number, and runs no code of ours.
            unsafe { libc::_exit(0) }
        }
        Ok(ForkResult::Parent { child }) => Some(child),
        Err(_) => None,
    }
}

impl Detaching {
    /// Waits until everything is detached, but no longer than until `deadline`. Returns false if the kernel is still
    /// detaching.
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
