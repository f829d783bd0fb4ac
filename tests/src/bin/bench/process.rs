//! The program that is measured.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::programs;

/// The folder for output.
const FOLDER: &str = "/tmp/bench";
/// The file that tracer creates when it is ready.
const READY: &str = "/tmp/bench/ready";
/// The longest time to attach or to end. Other tracers attach to more than a thousand functions.
const LIMIT: Duration = Duration::from_secs(600);
/// Interval at which a slow start is reported.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running program. It is killed if dropped before its end.
pub struct Process {
    child: Child,
    /// Time from its start until it was ready.
    pub attach: Duration,
}

impl Process {
    /// Starts tracer.
    pub fn tracer(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
        let mut command = Command::new("tracer");
        command.args(arguments).args(["-o", "json", "--ready-file", READY]).envs(environment.iter().copied());
        Self::start(command, || Path::new(READY).exists())
    }

    /// Starts a program and returns once it is ready.
    pub fn start(mut command: Command, ready: impl Fn() -> bool) -> Result<Self> {
        let _ = fs::remove_dir_all(FOLDER);
        fs::create_dir_all(FOLDER).with_context(|| format!("creating {FOLDER}"))?;
        let file = |name| File::create(Path::new(FOLDER).join(name)).with_context(|| format!("creating {name}"));
        command.stdin(Stdio::null()).stdout(file("out")?).stderr(file("err")?);
        let name = command.get_program().to_string_lossy().into_owned();
        let begin = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        let mut process = Self { child, attach: Duration::ZERO };
        let mut announced = Duration::ZERO;
        while !ready() {
            if let Some(status) = process.child.try_wait()? {
                bail!("{name} ended before it was ready, {status}: {}", read("err").trim());
            }
            if begin.elapsed() > LIMIT {
                bail!("{name} was not ready after {} s", LIMIT.as_secs());
            }
            if begin.elapsed() > announced + PATIENCE {
                announced = begin.elapsed();
                eprintln!("bench: {name} has been attaching for {} s", announced.as_secs());
            }
            thread::sleep(Duration::from_millis(2));
        }
        process.attach = begin.elapsed();
        Ok(process)
    }

    /// Does the work while the program is stopped, then lets it read what came of that. bpftrace's buffer holds only a
    /// few rounds, and writing into a full one costs less.
    pub fn stopped<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.signal(Signal::SIGSTOP)?;
        let done = work();
        self.signal(Signal::SIGCONT)?;
        thread::sleep(Duration::from_millis(300));
        done
    }

    /// Ends it as a user does, and waits until the kernel has removed its programs, because the next one would wait for
    /// that.
    pub fn end(mut self) -> Result<Ended> {
        let begin = Instant::now();
        self.signal(Signal::SIGINT)?;
        let detach = until(begin, || Ok(self.child.try_wait()?.is_some()))?;
        let gone = until(begin, || Ok(!programs::any()))?;
        Ok(Ended { detach, gone, stdout: read("out") })
    }

    /// Returns what it has printed to stdout so far.
    pub fn printed(&self) -> String {
        read("out")
    }

    /// Returns the path of its file below `/proc`.
    pub fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.child.id().try_into()?), signal).context("signalling it")
    }
}

/// The results of a finished program.
pub struct Ended {
    /// Time from the signal until it had ended.
    pub detach: Duration,
    /// Time from the signal until nothing of it was left in the kernel.
    pub gone: Duration,
    /// What it printed.
    pub stdout: String,
}

/// Waits until something is so. Returns the time since `begin`.
fn until(begin: Instant, mut is_so: impl FnMut() -> Result<bool>) -> Result<Duration> {
    while !is_so()? {
        if begin.elapsed() > LIMIT {
            bail!("it still runs {} s after SIGINT", LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(begin.elapsed())
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail if it has ended, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the program that was started last has printed these words.
pub fn says(words: &str) -> bool {
    ["out", "err"].iter().any(|name| read(name).contains(words))
}

fn read(name: &str) -> String {
    fs::read(Path::new(FOLDER).join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
