//! Makes sure that QEMU is there.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::progress;

const PROGRAM: &str = "qemu-system-x86_64";
const INSTALL: &str = "apt-get install -y --no-install-recommends qemu-system-x86";

/// Installs QEMU where that can be done; else says how to.
pub fn ensure() -> Result<()> {
    if which::which(PROGRAM).is_ok() {
        return Ok(());
    }
    let root = nix::unistd::geteuid().is_root();
    if !root || which::which("apt-get").is_err() {
        let sudo = if root { "" } else { "sudo " };
        bail!("{PROGRAM} is missing; install QEMU with your package manager, on Debian: {sudo}{INSTALL}");
    }
    progress::timed("installing QEMU", || {
        let ready = run("apt-get update") && run(INSTALL);
        if ready && which::which(PROGRAM).is_ok() {
            Ok(())
        } else {
            bail!("{PROGRAM} is missing and could not be installed; see apt's words above, then run: {INSTALL}")
        }
    })
}

fn run(line: &str) -> bool {
    let mut words = line.split(' ');
    let Some(program) = words.next() else { return false };
    let mut command = Command::new(program);
    command.args(words).args(["-q", "-o", "Dpkg::Use-Pty=0"]);
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    // Our stdout belongs to the command in the guest.
    command.stdout(std::io::stderr());
    command.status().is_ok_and(|status| status.success())
}
