//! `scenarios`: plays the scenario documents inside a guest. It creates and removes network namespaces and sends
//! packets, so never run it on a machine that matters.

mod bash;
mod bpf;
mod causes;
mod cleanup;
mod demo;
mod pace;
mod play;
mod tracer;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use tests::{
    cause,
    document::{self, Scenario},
};

use crate::play::Stage;

/// Plays tracer's scenarios inside a guest
#[derive(Parser)]
struct Args {
    /// Folder of the documents
    #[arg(long, global = true, default_value = "/scenarios", value_name = "FOLDER")]
    dir: PathBuf,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play all scenarios, or those whose name contains one of the words
    Run(Run),
    /// Play the documents about causes of drops, many at once
    Causes(causes::Options),
    /// List all scenarios
    List,
    /// Show how tracer diagnoses the example case
    Demo,
}

#[derive(clap::Args)]
struct Run {
    /// Play part I of N: of every N scenarios, the I-th
    #[arg(long, value_name = "I/N", value_parser = shard, default_value = "1/1")]
    shard: (usize, usize),
    /// Only check that each set-up reproduces its failure, without tracer
    #[arg(long)]
    without_tracer: bool,
    /// Keep tracer's capture of each scenario in this folder
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Words: a scenario's name must contain one of them, or equal a word after `=`
    filter: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("scenarios: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<bool> {
    // Scripts find the library by a path that must not depend on where they are started.
    let dir = args.dir.canonicalize().with_context(|| format!("no folder {}", args.dir.display()))?;
    let scenarios = document::find(&dir)?;
    let causes = cause::find(&dir)?;
    match &args.command {
        Command::Causes(options) => causes::play(&dir, causes, options),
        Command::Run(options) => {
            let stage = Stage { dir, without_tracer: options.without_tracer, keep: options.keep.clone() };
            play_all(&stage, &choose(scenarios, options)?)
        }
        Command::List => {
            let scenarios = scenarios.iter().map(|scenario| (&scenario.name, &scenario.title));
            for (name, title) in scenarios.chain(causes.iter().map(|cause| (&cause.name, &cause.title))) {
                println!("{name:60} {title}");
            }
            Ok(true)
        }
        Command::Demo => demo::show(&dir, &scenarios),
    }
}

fn choose(mut scenarios: Vec<Scenario>, options: &Run) -> Result<Vec<Scenario>> {
    scenarios.retain(|scenario| wanted(&scenario.name, &options.filter));
    if scenarios.is_empty() {
        bail!("no scenario has a name with `{}`", options.filter.join("` or `"));
    }
    let (part, parts) = options.shard;
    Ok(scenarios.into_iter().skip(part - 1).step_by(parts).collect())
}

/// Whether the name contains one of the words, or equals one after its `=`. Without words, every name is wanted.
fn wanted(name: &str, filter: &[String]) -> bool {
    let fits =
        |word: &String| word.strip_prefix('=').map_or_else(|| name.contains(word.as_str()), |whole| name == whole);
    filter.is_empty() || filter.iter().any(fits)
}

fn play_all(stage: &Stage, scenarios: &[Scenario]) -> Result<bool> {
    let (mut passed, mut failed) = (0, 0);
    for scenario in scenarios {
        let begin = Instant::now();
        match stage.play(scenario)? {
            Some(Ok(note)) => {
                passed += 1;
                println!("ok {} ({:.1} s{note})", scenario.name, begin.elapsed().as_secs_f32());
            }
            Some(Err(error)) => {
                failed += 1;
                println!("FAIL {} ({:.1} s)", scenario.name, begin.elapsed().as_secs_f32());
                println!("{}", indented(&format!("{error:?}")));
            }
            None => {}
        }
    }
    println!("scenarios: {passed} passed, {failed} failed");
    Ok(failed == 0)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
    match parts {
        Some((part, parts)) if (1..=parts).contains(&part) => Ok((part, parts)),
        _ => Err(format!("`{text}` is no part; write for example 1/2")),
    }
}
