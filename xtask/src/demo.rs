//! `cargo xtask demo`: shows what tracer does on the founding case, without any set-up.

use anyhow::Result;
use clap::Args;

use crate::{
    build,
    guest::machine::Limits,
    kernels::{self, Kernel},
    vm::{self, MachineArgs},
};

/// Boot a guest and show how tracer diagnoses a broken connection
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// The kernel to boot: 5.10, 6.1, 6.12, 6.18.15 or 7.3
    #[arg(long, default_value = kernels::DEFAULT)]
    kernel: Kernel,
    #[command(flatten)]
    machine: MachineArgs,
}

/// Runs the demonstration and returns its exit status.
pub fn demo(args: &DemoArgs) -> Result<i32> {
    if !args.machine.no_build {
        build::build()?;
    }
    let machine = vm::prepare(&args.kernel, &args.machine)?;
    vm::run_attached(&machine, "exec /bin/scenarios demo".to_owned(), Limits::default())
}
