//! `cargo xtask vm`: runs a command, or a shell, in a guest.

use std::{
    io::{stderr, stdout},
    time::Duration,
};

use anyhow::Result;
use clap::Args;

use crate::{
    build,
    guest::{
        accel::Accel,
        boot::{self, Session},
        channel, image, kvm,
        machine::{Limits, Machine},
        terminal,
    },
    kernels::{self, Kernel},
    progress, qemu, shell,
};

/// What the guest is made of.
#[derive(Args, Clone, Debug)]
pub struct MachineArgs {
    /// Virtual processors
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub smp: u32,
    /// Memory in MiB
    #[arg(long, value_name = "MB", default_value_t = 1024)]
    pub memory: u32,
    /// How to run the guest: kvm, tcg, or `counted` (tcg with one processor and a clock that counts
    /// instructions); the default is kvm if it works
    #[arg(long, env = "TRACER_ACCEL")]
    pub accel: Option<Accel>,
    /// Use the existing binaries without building
    #[arg(long)]
    pub no_build: bool,
}

/// Run a command, or a shell, in a guest with freshly built binaries
#[derive(Args, Debug)]
pub struct VmArgs {
    /// The kernel to boot: 5.10, 6.1, 6.12, 6.18.15 or 7.3
    #[arg(long, default_value = kernels::DEFAULT)]
    kernel: Kernel,
    #[command(flatten)]
    machine: MachineArgs,
    /// Stop the guest after this number of seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// The command; its arguments reach the guest unchanged
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

/// Runs the command in a guest and returns its exit status.
pub fn vm(args: &VmArgs) -> Result<i32> {
    if !args.machine.no_build {
        build::build()?;
    }
    let machine = prepare(&args.kernel, &args.machine)?;
    let command = if args.command.is_empty() { "exec bash -l".to_owned() } else { shell::join(&args.command) };
    let total = args.timeout.map(Duration::from_secs);
    run_attached(&machine, command, Limits { silence: None, total })
}

/// Prepares everything that a guest needs before it can boot.
pub fn prepare(kernel: &Kernel, args: &MachineArgs) -> Result<Machine> {
    qemu::ensure()?;
    let image = image::prepare(kernel)?;
    let accel = match args.accel {
        Some(accel) => accel,
        None => kvm::choose(&image)?,
    };
    Ok(Machine { image, name: kernel.name.to_owned(), smp: args.smp, memory: args.memory, accel })
}

/// Boots a guest that is attached to our own terminal or streams. Returns the command's exit status.
pub fn run_attached(machine: &Machine, command: String, limits: Limits) -> Result<i32> {
    progress::say(&format!("guest {} booting …", machine.name));
    boot::run(
        machine,
        Session {
            command,
            interactive: terminal::is_present(),
            limits,
            stdout: channel::into_writer(stdout()),
            stderr: channel::into_writer(stderr()),
        },
    )
}
