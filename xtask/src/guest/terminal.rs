//! The user's terminal, lent to the guest.

use std::io::{IsTerminal as _, stdin, stdout};

use anyhow::{Context as _, Result};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

/// Whether both stdin and stdout are a terminal.
pub fn is_present() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

/// Returns rows and columns, or the classic size if they are unknown.
pub fn size() -> (u16, u16) {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the request fills in the structure that it is given, which outlives the call.
    let result = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    if result == 0 && size.ws_row > 0 && size.ws_col > 0 { (size.ws_row, size.ws_col) } else { (24, 80) }
}

/// Passes every key through while it exists, Ctrl-C included. Restores the terminal when dropped.
pub struct Raw {
    before: Termios,
}

impl Raw {
    /// Switches the terminal to raw mode.
    pub fn enter() -> Result<Self> {
        let before = tcgetattr(stdin()).context("cannot read the terminal's settings")?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(stdin(), SetArg::TCSANOW, &raw).context("cannot change the terminal's settings")?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // If the terminal no longer exists, nothing better can be done.
        let _ = tcsetattr(stdin(), SetArg::TCSANOW, &self.before);
    }
}
