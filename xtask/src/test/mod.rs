//! `cargo xtask test`: style, lints and unit tests here, then the scenarios on real kernels.

mod counts;
mod scenarios;

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use counts::Counts;

use crate::{
    build,
    kernels::{self, Kernel},
    progress, toolchain,
    vm::{self, MachineArgs},
    workspace,
};

/// Check style and lints, run the unit tests, and run the scenarios on each kernel
#[derive(Args, Debug)]
pub struct TestArgs {
    /// A kernel to run the scenarios on, once for each; all of today's matrix when not given
    #[arg(long)]
    kernel: Vec<Kernel>,
    /// Leave out style, lints and unit tests
    #[arg(long)]
    scenarios_only: bool,
    /// How many guests share the scenarios of one kernel; one for each processor when not given, at most four
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    jobs: Option<u32>,
    #[command(flatten)]
    machine: MachineArgs,
    /// Only the scenarios whose name contains one of these
    filter: Vec<String>,
}

/// Prints `N passed, N failed` at the end; returns 1 if anything failed.
pub fn test(args: &TestArgs) -> Result<i32> {
    let mut counts = Counts::default();
    let steps: [fn(&TestArgs, &mut Counts) -> Result<()>; 2] = [local_checks, guest_checks];
    for step in steps {
        // Whatever goes wrong, the closing line comes, and the other step is still worth running.
        if let Err(error) = step(args, &mut counts) {
            println!("FAIL {error:#}");
            counts += Counts::FAILURE;
        }
    }
    println!("{} passed, {} failed", counts.passed, counts.failed);
    Ok(i32::from(counts.failed > 0))
}

/// A guest keeps one processor busy.
fn processors() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(processors).unwrap_or(1).min(4)
}

/// What needs no guest.
fn local_checks(args: &TestArgs, counts: &mut Counts) -> Result<()> {
    if args.scenarios_only {
        return Ok(());
    }
    let toolchain = toolchain::ensure()?;
    *counts += check("style", toolchain::plain_cargo().args(["fmt", "--all", "--check"]))?;
    let lints = ["clippy", "--all-targets", "--", "-D", "warnings"];
    *counts += check("lints", toolchain.cargo().args(lints))?;
    *counts += unit_tests(toolchain.cargo().args(["test", "--no-fail-fast"]))?;
    Ok(())
}

/// One check that cargo makes, counted as one test.
fn check(name: &str, command: &mut Command) -> Result<Counts> {
    progress::say(&format!("checking {name} …"));
    let status = command.stdin(Stdio::null()).stdout(std::io::stderr()).status();
    if status.context("cannot start cargo; is Rust installed?")?.success() {
        println!("ok {name}");
        Ok(Counts { passed: 1, failed: 0 })
    } else {
        println!("FAIL {name}");
        Ok(Counts::FAILURE)
    }
}

fn unit_tests(command: &mut Command) -> Result<Counts> {
    progress::say("running unit tests …");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo; is Rust installed?")?;
    let mut counts = Counts::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.context("cannot read what cargo says")?;
            println!("{line}");
            if line.starts_with("test result:") {
                counts += Counts::parse(&line).unwrap_or_default();
            }
        }
    }
    // Tests that do not compile, or that end the process, are in no count.
    if !child.wait().context("cannot wait for cargo")?.success() && counts.failed == 0 {
        println!("FAIL unit tests");
        counts += Counts::FAILURE;
    }
    Ok(counts)
}

/// The scenarios on each kernel.
fn guest_checks(args: &TestArgs, counts: &mut Counts) -> Result<()> {
    if !args.machine.no_build {
        build::build()?;
    }
    let program = workspace::target().join("release/scenarios");
    if !program.is_file() {
        bail!("{} is missing; build it with `cargo xtask build`", program.display());
    }
    let kernels = if args.kernel.is_empty() {
        kernels::MATRIX.iter().map(|name| name.parse()).collect::<Result<Vec<_>>>()?
    } else {
        args.kernel.clone()
    };
    for kernel in kernels {
        let machine = vm::prepare(&kernel, &args.machine)?;
        progress::say(&format!("running scenarios on kernel {} …", machine.name));
        let on_kernel = scenarios::run(&machine, args.jobs.unwrap_or_else(processors), &args.filter);
        if on_kernel == Counts::default() {
            println!("[{}] FAIL no scenario was run; does the filter match none?", kernel.name);
            *counts += Counts::FAILURE;
        }
        *counts += on_kernel;
    }
    Ok(())
}
