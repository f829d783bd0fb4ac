//! The QEMU process: started with the guest's channels to us, watched, and never left running.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    os::{
        fd::{BorrowedFd, RawFd},
        unix::process::CommandExt as _,
    },
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::{prctl::set_pdeathsig, signal::Signal},
};

use super::{
    channel::Activity,
    machine::{Limits, Machine},
};
use crate::qemu;

/// The kernel's command line. An emulated timer on a busy host fails the kernel's check although it works.
const COMMAND_LINE: &str = "console=ttyS0 panic=-1 rdinit=/init no_timer_check";

/// Longest silence before the guest's first process runs. A kernel that is silent for longer is dead.
const BOOT_SILENCE: Duration = Duration::from_secs(60);

/// The running virtual machine. It never outlives this value or this process.
pub struct Qemu {
    child: Child,
    errors: File,
}

impl Qemu {
    /// Starts QEMU. The descriptors are those of console, stdout, stderr and status.
    pub fn start(machine: &Machine, initramfs: RawFd, fds: [RawFd; 4], interactive: bool) -> Result<Self> {
        let [console, output, errors, status] = fds;
        let socket = |id: &str, fd: RawFd| format!("socket,id={id},fd={fd}");
        let device = if interactive { "virtconsole,chardev=out" } else { "virtserialport,chardev=out,name=out" };
        let said = tempfile::tempfile().context("cannot make a temporary file")?;
        let said_too = said.try_clone().context("cannot share a temporary file")?;
        let mut command = qemu::command()?;
        command
            .args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"])
            .args(machine.accel.arguments())
            .args(["-smp", &machine.smp.to_string(), "-m", &machine.memory.to_string()])
            .arg("-kernel")
            .arg(&machine.image.kernel)
            .args(["-initrd", &format!("/proc/self/fd/{initramfs}")])
            .args(["-append", &format!("{COMMAND_LINE} {}", machine.accel.kernel_arguments())])
            .args(["-chardev", &socket("console", console), "-serial", "chardev:console"])
            .args(["-device", "virtio-serial-pci,max_ports=8"])
            .args(["-chardev", &socket("out", output), "-device", device])
            .args(["-chardev", &socket("err", errors), "-device", "virtserialport,chardev=err,name=err"])
            .args(["-chardev", &socket("status", status)])
            .args(["-device", "virtserialport,chardev=status,name=status"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said_too);
        // SAFETY: between fork and exec, only prctl and fcntl are called, on plain values.
        unsafe {
            command.pre_exec(move || {
                set_pdeathsig(Signal::SIGKILL)?;
                for fd in fds.into_iter().chain([initramfs]) {
                    // SAFETY: the descriptors are open in the parent until it has spawned.
                    let fd = BorrowedFd::borrow_raw(fd);
                    fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
                }
                Ok(())
            });
        }
        let child = command.spawn().context("cannot start QEMU")?;
        Ok(Self { child, errors: said })
    }

    /// Waits until QEMU ends. Fails if a limit is exceeded.
    pub fn wait(&mut self, limits: Limits, activity: &Activity, ready: impl Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        loop {
            if self.child.try_wait().context("cannot ask for QEMU's end")?.is_some() {
                return Ok(());
            }
            if let Some(total) = limits.total
                && start.elapsed() > total
            {
                bail!("the guest was still running after {} s and was stopped", total.as_secs());
            }
            // After this, KVM has stopped the guest, and QEMU waits for a debugger.
            if self.errors().contains("KVM internal error") {
                bail!("KVM failed to run the guest; use `--accel tcg`");
            }
            let silence = if ready() { limits.silence } else { Some(BOOT_SILENCE) };
            if let Some(silence) = silence
                && activity.silence() > silence
            {
                bail!("the guest printed nothing for {} s and was stopped", silence.as_secs());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills QEMU if it has not ended.
    pub fn kill(&mut self) {
        // The process may have ended already, which is just as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Returns what QEMU printed on its stderr.
    pub fn errors(&mut self) -> String {
        let mut text = String::new();
        // Without QEMU's own output, the rest of the message is still useful.
        let _ = self.errors.rewind().and_then(|()| self.errors.read_to_string(&mut text));
        text
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        self.kill();
    }
}
