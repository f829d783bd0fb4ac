//! Runs the shell blocks of a document.

use std::{
    fs::{self, File},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tests::document::Values;

/// Time limit of a block, after which it counts as hung. A document's variable `TAKES` adds seconds to the limit.
const LIMIT: Duration = Duration::from_secs(120);

/// Interval between signs of life.
const SIGN: Duration = Duration::from_secs(60);

/// Precedes each block. The trap names the command that ended a block early.
const PRELUDE: &str = "set -Eeuo pipefail; trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR; . lib/lab.sh\n";

/// A block that did not end well.
#[derive(Debug, thiserror::Error)]
#[error("block `{name}`: {end}\n{said}")]
pub struct Failed {
    name: String,
    /// How it ended.
    pub end: End,
    /// The end of what it printed.
    said: String,
}

/// How a block ends that does not end well.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum End {
    /// With an exit status other than 0.
    #[error("exit status {0}")]
    Status(i32),
    /// By a signal.
    #[error("ended by signal {0}")]
    Signal(i32),
    /// Not within this number of seconds.
    #[error("still running after {0} s")]
    Hung(u64),
}

impl End {
    /// The exit status of `must_end_within` for a tracer that was right, but too late (`tests/scenarios/lib/`).
    pub const LATE: Self = Self::Status(75);
}

/// Runs the blocks of one scenario, each in a separate process group, so that everything they leave in the background
/// can be killed.
pub struct Bash<'a> {
    dir: &'a Path,
    values: &'a Values,
    scratch: PathBuf,
    groups: Vec<Pid>,
}

impl<'a> Bash<'a> {
    /// Creates a runner. `scratch` is an empty folder for files of this scenario.
    pub fn new(dir: &'a Path, values: &'a Values, scratch: &Path) -> Self {
        Self { dir, values, scratch: scratch.to_owned(), groups: Vec::new() }
    }

    /// Runs the block to its end and returns what it printed. A block that does not end well is an error [`Failed`].
    pub fn run(&mut self, name: &str, block: &str) -> Result<String> {
        let log = self.scratch.join(format!("{name}.log"));
        let out = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        let status = self.wait(name, block, out.try_clone()?.into(), out.into());
        let said = fs::read_to_string(&log).unwrap_or_default();
        match status {
            Ok(None) => Ok(said),
            Ok(Some(end)) => Err(Failed { name: name.to_owned(), end, said: tail(&said) }.into()),
            Err(error) => bail!("block `{name}`: {error}\n{}", tail(&said)),
        }
    }

    /// Returns the arguments that the block passes to `tracer`, without starting it.
    pub fn arguments(&mut self, block: &str) -> Result<Vec<String>> {
        let path = self.scratch.join("arguments");
        let script = format!("tracer() {{ printf '%s\\0' \"$@\" >\"$SCRATCH/arguments\"; }}\n{block}");
        self.run("tracer", &script)?;
        let words = fs::read_to_string(&path).context("the block `tracer` does not call tracer")?;
        Ok(words.split_terminator('\0').map(str::to_owned).collect())
    }

    /// Returns how the block ended, or `None` if it ended well.
    fn wait(&mut self, name: &str, block: &str, stdout: Stdio, stderr: Stdio) -> Result<Option<End>> {
        let mut child = Command::new("bash")
            .args(["-c", &format!("{PRELUDE}{block}"), name])
            .current_dir(self.dir)
            .envs(self.values)
            .env("SCRATCH", &self.scratch)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .spawn()
            .context("starting bash")?;
        self.groups.push(Pid::from_raw(child.id().try_into()?));
        let limit = LIMIT + Duration::from_secs(self.values.get("TAKES").map_or(Ok(0), |takes| takes.parse())?);
        let (begin, mut announced) = (Instant::now(), Duration::ZERO);
        loop {
            if begin.elapsed() > announced + SIGN {
                announced += SIGN;
                println!("  block `{name}` goes on after {} s", announced.as_secs());
            }
            match child.try_wait()? {
                Some(status) if status.success() => return Ok(None),
                Some(status) => {
                    let code = status.code().unwrap_or_default();
                    return Ok(Some(status.signal().map_or(End::Status(code), End::Signal)));
                }
                None if begin.elapsed() > limit => return Ok(Some(End::Hung(limit.as_secs()))),
                None => thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Drop for Bash<'_> {
    /// Kills everything that the blocks have left running.
    fn drop(&mut self) {
        for group in &self.groups {
            // Most groups are empty by now, so there is nothing to signal.
            let _ = killpg(*group, Signal::SIGKILL);
        }
    }
}

/// Returns the last lines, which are enough to see what went wrong.
pub fn tail(text: &str) -> String {
    const LINES: usize = 25;
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
