//! SIGINT and SIGTERM end a live run.

use std::{sync::mpsc::Sender, thread};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, pthread_sigmask, sigaction};

use crate::live::End;

/// The signals that a run waits for instead of having them delivered.
pub struct Signals(SigSet);

impl Signals {
    /// Blocks SIGINT and SIGTERM for [`Signals::forward_to`], even if a shell has had SIGINT ignored for a background
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

    /// Waits in a thread, and asks the run to end at each signal.
    pub fn forward_to(self, run: Sender<End>) {
        thread::spawn(move || {
            loop {
                if self.0.wait().is_ok() && run.send(End).is_err() {
                    return;
                }
            }
        });
    }
}
