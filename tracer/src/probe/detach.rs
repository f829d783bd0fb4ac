//! Takes probes away without keeping the user waiting.
//!
//! Each ftrace or kprobe registration that goes costs the kernel RCU grace periods (0.05 to 0.1 s),
//! one after the other under a lock. A child process inherits the links and closes them while this
//! one reports. It has nothing else open, so that nobody who reads our output waits for it.

use std::{
    os::fd::{AsRawFd as _, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::wait::{WaitPidFlag, WaitStatus, waitpid},
    unistd::{ForkResult, Pid, fork, pipe},
};

/// A detachment under way.
#[derive(Debug)]
pub struct Detaching(Option<Pid>);

/// What keeps probes attached, each with the row of its hook, 0 for none. Whoever notices the end first takes
/// them all.
#[derive(Clone, Debug, Default)]
pub(super) struct Links(Arc<Mutex<Vec<(u16, OwnedFd)>>>);

impl Links {
    /// Keeps them until the end.
    pub fn keep(&self, row: u16, links: impl IntoIterator<Item = OwnedFd>) {
        self.lock().extend(links.into_iter().map(|link| (row, link)));
    }

    /// Those of one hook, to be detached now.
    pub fn of(&self, row: u16) -> Vec<OwnedFd> {
        self.lock().extract_if(.., |(of, _)| *of == row).map(|(_, link)| link).collect()
    }

    fn all(&self) -> Vec<OwnedFd> {
        self.lock().drain(..).map(|(_, link)| link).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u16, OwnedFd)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        detach(self.0.all())
    }
}

/// Closes the links in a child process, or here where there can be none.
fn detach(links: Vec<OwnedFd>) -> Detaching {
    // Whoever closes a link last waits for the kernel: the child begins when we have closed ours.
    let Ok((begin, hold)) = pipe() else { return Detaching(None) };
    // SAFETY: the child only closes descriptors and leaves; it allocates nothing and takes no lock.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => {
            // SAFETY: as above. Ctrl-C goes to the whole group: the child's work must not be cut short
            // (the kernel would do it all the same, but while the shell waits).
            unsafe {
                libc::setsid();
                for standard in 0..3 {
                    libc::close(standard);
                }
                libc::close(hold.as_raw_fd());
                let mut byte = 0u8;
                libc::read(begin.as_raw_fd(), (&raw mut byte).cast(), 1);
                for link in &links {
                    libc::close(link.as_raw_fd());
                }
                libc::_exit(0)
            }
        }
        Ok(ForkResult::Parent { child }) => {
            drop(links);
            drop(hold);
            Detaching(Some(child))
        }
        Err(_) => Detaching(None),
    }
}

impl Detaching {
    /// Waits until everything is detached, at most until `deadline`. False where it goes on.
    pub fn wait_until(self, deadline: Instant) -> bool {
        let Some(child) = self.0 else { return true };
        while let Ok(WaitStatus::StillAlive) = waitpid(child, Some(WaitPidFlag::WNOHANG)) {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }
}
