//! Plays one scenario from set-up to clean-up.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tests::{
    capture::Capture,
    document::{Play, Scenario, Traced},
};

use crate::{
    bash::{Bash, End, Failed, tail},
    bpf::Inventory,
    cleanup::{self, Cleanup},
    indented,
    tracer::{self, Ended, Tracer},
};

/// How long to wait after a trigger, because its last packets are still in flight when it returns.
const SETTLE: Duration = Duration::from_millis(300);

/// Where and how scenarios are played.
pub struct Stage {
    /// Folder of the documents.
    pub dir: PathBuf,
    /// Whether to prove only that the stories happen.
    pub without_tracer: bool,
    /// Folder in which to keep what tracer captured of each scenario.
    pub keep: Option<PathBuf>,
}

impl Stage {
    /// Plays the scenario. Returns `None` if there is nothing to play without tracer. The outer error means that no
    /// scenario can be played here.
    ///
    /// An emulated guest on a busy machine may be late by itself. A scenario that was late, and had no other fault, is
    /// played a second time, and must then be in time.
    pub fn play(&self, scenario: &Scenario) -> Result<Option<Result<String>>> {
        let first = self.play_once(scenario)?;
        match &first {
            Some(Err(late)) if late.is::<Late>() => {
                println!("again {}\n{}", scenario.name, indented(&late.to_string()));
                self.play_once(scenario)
            }
            _ => Ok(first),
        }
    }

    fn play_once(&self, scenario: &Scenario) -> Result<Option<Result<String>>> {
        let cleanup = Cleanup::new()?;
        let mut bash = Bash::new(&self.dir, &scenario.values, &cleanup.scratch);
        Ok(match &scenario.play {
            Play::Script(_) if self.without_tracer => None,
            Play::Script(script) => Some(run_script(&mut bash, script)),
            Play::Traced(traced) if self.without_tracer => Some(run_blocks(&mut bash, traced).map(|()| String::new())),
            Play::Traced(traced) => {
                let result = trace(&mut bash, traced, &cleanup);
                if let Some(folder) = &self.keep {
                    keep(folder, scenario, &cleanup)?;
                }
                Some(result)
            }
        })
    }
}

fn keep(folder: &Path, scenario: &Scenario, cleanup: &Cleanup) -> Result<()> {
    let file = folder.join(format!("{}.jsonl", scenario.name.replace('/', ".")));
    fs::create_dir_all(folder)
        .and_then(|()| fs::copy(cleanup.scratch.join("tracer.out"), &file))
        .map(drop)
        .with_context(|| format!("keeping {}", file.display()))
}

fn run_script(bash: &mut Bash<'_>, script: &str) -> Result<String> {
    let before = Inventory::take()?;
    let late = |error: anyhow::Error| match error.downcast_ref::<Failed>() {
        Some(failed) if failed.end == End::LATE => Late(failed.to_string()).into(),
        _ => error,
    };
    bash.run("script", script).map_err(late)?;
    before.expect_nothing_new()?;
    Ok(String::new())
}

/// Plays the story alone, without tracer.
fn run_blocks(bash: &mut Bash<'_>, traced: &Traced) -> Result<()> {
    bash.run("setup", &traced.setup)?;
    bash.arguments(&traced.tracer)?;
    bash.run("trigger", &traced.trigger)?;
    verify(bash, traced)
}

fn trace(bash: &mut Bash<'_>, traced: &Traced, cleanup: &Cleanup) -> Result<String> {
    let mut laps = Laps::start();
    bash.run("setup", &traced.setup)?;
    laps.lap("set-up");
    let before = Inventory::take()?;
    let mut arguments = bash.arguments(&traced.tracer)?;
    arguments.extend(["-o", "json"].map(str::to_owned));
    laps.lap("before");
    let mut tracer = Tracer::start(&arguments, &cleanup.scratch)?;
    laps.lap("attach");
    bash.run("trigger", &traced.trigger)?;
    laps.lap("trigger");
    thread::sleep(SETTLE);
    let ended = tracer.interrupt()?;
    // First verify that the story happened, because nothing else matters if it did not.
    verify(bash, traced)?;
    judge(traced, &ended, cleanup)?;
    before.expect_nothing_new()?;
    laps.lap("end and checks");
    Ok(format!("{}, tracer ended in {:.2} s", laps.said, ended.took.as_secs_f32()))
}

/// How long each part of a play takes, because plays are most of a test run.
struct Laps {
    begin: Instant,
    /// `, set-up 2.1, …` in seconds.
    said: String,
}

impl Laps {
    fn start() -> Self {
        Self { begin: Instant::now(), said: String::new() }
    }

    fn lap(&mut self, what: &str) {
        self.said += &format!(", {what} {:.1}", self.begin.elapsed().as_secs_f32());
        self.begin = Instant::now();
    }
}

fn verify(bash: &mut Bash<'_>, traced: &Traced) -> Result<()> {
    traced.verify.iter().try_for_each(|verify| bash.run("verify", verify).map(drop))
}

/// Everything was right, but too late.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Late(String);

fn judge(traced: &Traced, ended: &Ended, cleanup: &Cleanup) -> Result<()> {
    let mut complaints = Vec::new();
    if ended.status.code() != Some(traced.expect.exit) {
        complaints.push(format!("tracer ended with {}, not {}", ended.status, traced.expect.exit));
    }
    let capture = Capture::parse(&ended.stdout, &cleanup::netns());
    match &capture {
        Ok(capture) => complaints.extend(traced.expect.complaints(capture)),
        Err(error) => complaints.push(format!("{error:#}")),
    }
    if !traced.expect.report.is_empty() {
        let report = tracer::report(&cleanup.scratch.join("tracer.out")).context("reading the capture back")?;
        complaints.extend(traced.expect.missing_in_report(&report));
    }
    let late = ended.check_time(traced.expect.ends_within).err().map(|error| error.to_string());
    if complaints.is_empty() {
        return late.map_or(Ok(()), |late| Err(Late(late).into()));
    }
    complaints.extend(late);
    let drops = capture.iter().flat_map(|capture| capture.of("drop").map(|drop| format!("{drop}\n")));
    bail!(
        "{}\n-- drops\n{}-- tracer's stderr\n{}",
        complaints.join("\n"),
        drops.take(5).collect::<String>(),
        tail(&ended.stderr)
    )
}
