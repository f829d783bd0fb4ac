//! Installs Debian packages on this machine: the only privileged thing that xtask ever does.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::progress;

/// Installs packages if this machine has apt and we may use it. Otherwise the error says what to run.
pub fn install(packages: &[&str]) -> Result<()> {
    let command = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    if which::which("apt-get").is_err() {
        bail!("this machine has no apt-get; on Debian, run: {command}");
    }
    if !nix::unistd::geteuid().is_root() {
        bail!("installing needs root; run: sudo {command}");
    }
    progress::timed(&format!("installing {}", packages.join(", ")), || {
        // A fresh machine has no package lists yet. A failed update does no harm, because old lists may be enough.
        run("apt-get update");
        if run(&command) {
            Ok(())
        } else {
            bail!("apt could not install the packages; see its output above, then run: {command}")
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
