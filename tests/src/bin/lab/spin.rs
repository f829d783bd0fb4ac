//! Keeps one processor inside a kprobe nearly all of the time.

use anyhow::{Context as _, Result};
use aya::{Ebpf, programs::KProbe};
use clap::Args;
use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::{Pid, getppid},
};

use crate::attach::OBJECT;

/// The system call that is probed. Other programs rarely need it.
const SYSTEM_CALL: &str = if cfg!(target_arch = "aarch64") { "__arm64_sys_getppid" } else { "__x64_sys_getppid" };

#[derive(Args)]
pub struct Spin {
    /// The processor
    cpu: usize,
}

/// Spins until killed.
pub fn spin(args: &Spin) -> Result<()> {
    let mut object = Ebpf::load(OBJECT)?;
    let program: &mut KProbe = object.program_mut("spin").context("not in the object")?.try_into()?;
    program.load()?;
    program.attach(SYSTEM_CALL, 0)?;
    let mut cpus = CpuSet::new();
    cpus.set(args.cpu)?;
    sched_setaffinity(Pid::from_raw(0), &cpus).context("staying on one processor")?;
    println!("ready");
    loop {
        getppid();
    }
}
