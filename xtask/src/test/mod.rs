//! `cargo xtask test`: style, lints and unit tests here, then the scenarios on real kernels.

mod counts;
mod guest;
mod results;
mod scenarios;
mod share;

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use anyhow::{Context as _, Result};
use clap::Args;
use counts::Counts;
use guest::lock;
use results::Results;
use scenarios::Wanted;
use share::Share;

use crate::{
    bench, build,
    kernels::{self, Kernel},
    progress, tidy, toolchain,
    vm::{self, MachineArgs},
    workspace,
};

/// Check style and lints, run the unit tests, and run the scenarios on each kernel
///
/// A plain run plays everything on 6.18.15 and a third of the causes on the other kernels, a different third each
/// time. Another third is played on 6.18.15 under a trace of all packets, too.
#[derive(Args, Debug)]
pub struct TestArgs {
    /// Play every cause on every kernel
    #[arg(long)]
    full: bool,
    /// Run all scenarios on this kernel (repeatable); the default is every kernel, most scenarios on one of them
    #[arg(long)]
    kernel: Vec<Kernel>,
    /// Skip style, lints and unit tests
    #[arg(long)]
    scenarios_only: bool,
    /// Play only the documents about causes of drops, and skip checks outside guests
    #[arg(long)]
    causes_only: bool,
    /// Play causes under a trace of all packets instead of one of drops
    #[arg(long)]
    aimed: bool,
    /// Number of guests that run at a time; the default is one per processor, at most four
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    jobs: Option<u32>,
    #[command(flatten)]
    machine: MachineArgs,
    /// Play only the scenarios whose names contain one of these words
    filter: Vec<String>,
}

type Step = fn(&TestArgs, &Arc<Mutex<Results>>) -> Result<()>;

/// Runs all tests and prints `N passed, N failed` at the end. Returns 1 if anything failed.
pub fn test(args: &TestArgs) -> Result<i32> {
    let results = Arc::new(Mutex::new(Results::default()));
    let steps: [Step; 3] = [local_checks, guest_checks, costs];
    for step in steps {
        // If a step fails, the others are still worth running, and the closing line must still come.
        if let Err(error) = step(args, &results) {
            println!("FAIL {error:#}");
            lock(&results).fail(format!("{error:#}"));
        }
    }
    let mut results = lock(&results);
    print!("{}", results.slowest());
    results.played_twice.iter().for_each(|what| println!("played twice: {what}"));
    // Repeat the failures, because people see the end of a long output.
    for failure in &results.failures {
        println!("failed: {}", failure.what);
        failure.why.iter().for_each(|line| println!("    {line}"));
    }
    println!("{} passed, {} failed", results.counts.passed, results.counts.failed);
    Ok(i32::from(results.counts.failed > 0))
}

/// Returns how many guests to run at a time: one per processor, which a guest keeps busy, and at most four.
fn processors() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(processors).unwrap_or(1).min(4)
}

/// Runs the checks that need no guest.
fn local_checks(args: &TestArgs, results: &Arc<Mutex<Results>>) -> Result<()> {
    if args.scenarios_only || args.causes_only {
        return Ok(());
    }
    let toolchain = toolchain::ensure()?;
    let lints = ["clippy", "--all-targets", "--", "-D", "warnings"];
    let done = [
        ("tidy", tidy_check()?),
        ("style", check("style", toolchain::plain_cargo().args(["fmt", "--all", "--check"]))?),
        ("lints", check("lints", toolchain.cargo().args(lints))?),
        ("unit tests", unit_tests(toolchain.cargo().args(["test", "--no-fail-fast"]))?),
    ];
    let mut results = lock(results);
    for (name, counts) in done {
        results.counts += counts;
        if counts.failed > 0 {
            results.failed(name.to_owned());
        }
    }
    Ok(())
}

fn tidy_check() -> Result<Counts> {
    let faults = tidy::faults()?;
    faults.iter().for_each(|fault| println!("FAIL tidy: {fault}"));
    if faults.is_empty() {
        println!("ok tidy");
        return Ok(Counts { passed: 1, failed: 0 });
    }
    Ok(Counts::FAILURE)
}

/// Runs one check by cargo, which counts as one test.
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
            let line = line.context("cannot read cargo's output")?;
            println!("{line}");
            if line.starts_with("test result:") {
                counts += Counts::parse(&line).unwrap_or_default();
            }
        }
    }
    // Tests that do not compile, or that end the process, are not in any count.
    if !child.wait().context("cannot wait for cargo")?.success() && counts.failed == 0 {
        println!("FAIL unit tests");
        counts += Counts::FAILURE;
    }
    Ok(counts)
}

/// Compares what tracing costs with the costs on record. Skipped if only a part of the tests was requested.
fn costs(args: &TestArgs, results: &Arc<Mutex<Results>>) -> Result<()> {
    if args.scenarios_only || args.causes_only || !args.kernel.is_empty() || !args.filter.is_empty() {
        return Ok(());
    }
    let risen = bench::check()?;
    let mut results = lock(results);
    match risen.is_empty() {
        true => {
            println!("ok costs");
            results.counts += Counts { passed: 1, failed: 0 };
        }
        false => risen.into_iter().for_each(|line| {
            println!("FAIL costs: {line}");
            results.fail(line);
        }),
    }
    Ok(())
}

/// Runs the scenarios on each kernel.
fn guest_checks(args: &TestArgs, results: &Arc<Mutex<Results>>) -> Result<()> {
    if !args.machine.no_build {
        build::build()?;
    }
    let kernels = if args.kernel.is_empty() {
        kernels::MATRIX.iter().map(|name| name.parse()).collect::<Result<Vec<_>>>()?
    } else {
        args.kernel.clone()
    };
    let machines = kernels.iter().map(|kernel| Ok((*kernel, vm::prepare(kernel, &args.machine)?)));
    let wanted = Wanted {
        machines: machines.collect::<Result<_>>()?,
        causes_only: args.causes_only,
        aimed: args.aimed,
        both: args.kernel.is_empty() && args.filter.is_empty() && !args.aimed,
        everywhere: !args.kernel.is_empty(),
        share: (!args.full && args.kernel.is_empty() && args.filter.is_empty()).then(Share::next),
        filter: &args.filter,
        jobs: args.jobs.unwrap_or_else(processors),
    };
    let played = scenarios::run(&wanted, results);
    let mut names: Vec<_> = kernels.iter().map(|kernel| kernel.name).collect();
    names.extend(wanted.both.then_some(scenarios::AIMED));
    if let Some(table) = lock(results).table(&names) {
        print!("{table}");
        workspace::write_atomically(&workspace::cache("")?.join("causes.md"), table.as_bytes())?;
    }
    played
}
