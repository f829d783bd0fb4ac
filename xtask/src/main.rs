//! Builds, demonstrates and tests tracer: `cargo xtask --help`.

mod apt;
mod bench;
mod build;
mod debian;
mod debian_rust;
mod demo;
mod guest;
mod kernels;
mod progress;
mod qemu;
mod rust_src;
mod shell;
mod test;
mod tidy;
mod toolchain;
mod vm;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Build => build::build().map(|()| 0),
        Task::Vm(args) => vm::vm(&args),
        Task::Demo(args) => demo::demo(&args),
        Task::Test(args) => test::test(&args),
        Task::Bench(args) => bench::bench(&args),
        Task::Tidy(args) => tidy::tidy(&args),
    };
    match result {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        Err(error) => {
            eprintln!("xtask: error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Tasks of the tracer project; each prepares what it needs
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the release binaries, and install the toolchain if needed
    Build,
    Vm(vm::VmArgs),
    Demo(demo::DemoArgs),
    Test(test::TestArgs),
    Bench(bench::BenchArgs),
    Tidy(tidy::TidyArgs),
}
