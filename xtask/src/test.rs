//! `cargo xtask test`: style, lints and unit tests here, then the scenarios on real kernels.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::{
    build,
    guest::{
        boot::{self, Limits, Machine, Session},
        channel,
    },
    kernels::{self, Kernel},
    progress, shell, toolchain,
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
    /// How many guests share the scenarios of one kernel
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    jobs: u32,
    #[command(flatten)]
    machine: MachineArgs,
    /// Only the scenarios whose name contains one of these
    filter: Vec<String>,
}

/// Prints `N passed, N failed` at the end; returns 1 if anything failed.
pub fn test(args: &TestArgs) -> Result<i32> {
    let mut counts = Counts::default();
    let steps: [fn(&TestArgs, &mut Counts) -> Result<()>; 2] = [local_checks, scenarios];
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

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Counts {
    const FAILURE: Self = Self { passed: 0, failed: 1 };

    /// Reads `N passed` and `N failed` out of a closing line.
    fn parse(line: &str) -> Option<Self> {
        let before = |what: &str| -> Option<u64> { line.split_once(what)?.0.rsplit(' ').next()?.parse().ok() };
        Some(Self { passed: before(" passed")?, failed: before(" failed")? })
    }
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

fn scenarios(args: &TestArgs, counts: &mut Counts) -> Result<()> {
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
        let on_kernel = on_kernel(&machine, args);
        if on_kernel == Counts::default() {
            println!("[{}] FAIL no scenario was run; does the filter match none?", kernel.name);
            *counts += Counts::FAILURE;
        }
        *counts += on_kernel;
    }
    Ok(())
}

/// The scenarios of one kernel, shared out over the guests.
fn on_kernel(machine: &Machine, args: &TestArgs) -> Counts {
    progress::say(&format!("running scenarios on kernel {} …", machine.name));
    let guests: Vec<_> = (1..=args.jobs)
        .map(|shard| {
            let kernel = machine.name.clone();
            let machine = Machine { name: format!("{kernel}-{shard}"), ..machine.clone() };
            let filter = shell::join(&args.filter);
            let command = format!("exec /bin/scenarios run --shard {shard}/{} {filter}", args.jobs);
            thread::spawn(move || in_guest(&machine, &kernel, command))
        })
        .collect();
    let mut counts = Counts::default();
    for guest in guests {
        counts += guest.join().unwrap_or(Counts::FAILURE);
    }
    counts
}

fn in_guest(machine: &Machine, kernel: &str, command: String) -> Counts {
    let closing = Arc::new(Mutex::new(None));
    let (found, prefix) = (Arc::clone(&closing), kernel.to_owned());
    let on_stdout = move |line: &str| match line.strip_prefix("scenarios: ").and_then(Counts::parse) {
        Some(counts) => *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(counts),
        None => println!("[{prefix}] {line}"),
    };
    let prefix = kernel.to_owned();
    let session = Session {
        command,
        interactive: false,
        limits: Limits { silence: Some(Duration::from_secs(120)), total: Some(Duration::from_secs(40 * 60)) },
        stdout: channel::into_lines(on_stdout),
        stderr: channel::into_lines(move |line| eprintln!("[{prefix}] {line}")),
    };
    let result = boot::run(machine, session);
    let counts = *closing.lock().unwrap_or_else(PoisonError::into_inner);
    match (result, counts) {
        (Err(error), counts) => {
            println!("[{kernel}] FAIL guest: {error:#}");
            let mut counts = counts.unwrap_or_default();
            counts += Counts::FAILURE;
            counts
        }
        (Ok(status), None) => {
            println!("[{kernel}] FAIL guest: the scenarios ended with status {status} and no closing line");
            Counts::FAILURE
        }
        (Ok(status @ 1..), Some(Counts { passed: passed @ 1.., failed: 0 })) => {
            println!("[{kernel}] FAIL guest: the scenarios passed but ended with status {status}");
            Counts { passed, failed: 1 }
        }
        // A shard that the filter leaves empty is none of our business here.
        (Ok(_), Some(counts)) => counts,
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn counts_in_closing_lines() {
        let cargo = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured";
        assert_eq!(Counts::parse(cargo), Some(Counts { passed: 12, failed: 3 }));
        assert_eq!(Counts::parse("8 passed, 0 failed"), Some(Counts { passed: 8, failed: 0 }));
        assert_eq!(Counts::parse("nothing here"), None);
    }
}
