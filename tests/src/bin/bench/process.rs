//! The tracer that is measured.

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

/// Where output goes, and the file that says ready.
const FOLDER: &str = "/tmp/bench";
const LIMIT: Duration = Duration::from_secs(120);

/// A running tracer; killed when dropped before its end.
pub struct Process {
    child: Child,
    /// From its start until it was ready.
    pub attach: Duration,
}

impl Process {
    /// Starts it and returns once everything is attached.
    pub fn start(arguments: &[&str]) -> Result<Self> {
        let folder = Path::new(FOLDER);
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).with_context(|| format!("creating {FOLDER}"))?;
        let file = |name| File::create(folder.join(name)).with_context(|| format!("creating {name}"));
        let ready = folder.join("ready");
        let mut command = Command::new("tracer");
        command.args(arguments).args(["-o", "json", "--ready-file"]).arg(&ready);
        command.stdin(Stdio::null()).stdout(file("out")?).stderr(file("err")?);
        let begin = Instant::now();
        let child = command.spawn().context("starting tracer")?;
        let mut process = Self { child, attach: Duration::ZERO };
        while !ready.exists() {
            if let Some(status) = process.child.try_wait()? {
                bail!("tracer ended before it was ready, {status}: {}", read("err").trim());
            }
            if begin.elapsed() > LIMIT {
                bail!("tracer was not ready after {} s", LIMIT.as_secs());
            }
            thread::sleep(Duration::from_millis(2));
        }
        process.attach = begin.elapsed();
        Ok(process)
    }

    /// Does the work while the tracer does nothing.
    pub fn stopped<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.signal(Signal::SIGSTOP)?;
        let done = work();
        self.signal(Signal::SIGCONT)?;
        done
    }

    /// Resident memory in KiB.
    pub fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        line.trim().trim_end_matches(" kB").parse().context("VmRSS is no number")
    }

    /// Nanoseconds, which are instructions, that its threads have run.
    pub fn ran(&self) -> Result<u64> {
        let mut sum = 0;
        for task in fs::read_dir(self.proc("task"))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            sum += text.split(' ').next().and_then(|ran| ran.parse::<u64>().ok()).context("no schedstat")?;
        }
        Ok(sum)
    }

    /// Returns once it has done all that waited for it: it looks for new programs and modules then, no more.
    pub fn settle(&self) -> Result<()> {
        const LOOKS: u64 = 20_000_000;
        let mut ran = self.ran()?;
        loop {
            thread::sleep(Duration::from_millis(300));
            let now = self.ran()?;
            if now - ran < LOOKS {
                return Ok(());
            }
            ran = now;
        }
    }

    /// Ends it as a user does; returns how long that took, and its stdout.
    pub fn end(mut self) -> Result<(Duration, String)> {
        let begin = Instant::now();
        self.signal(Signal::SIGINT)?;
        while self.child.try_wait()?.is_none() {
            if begin.elapsed() > LIMIT {
                bail!("it still runs {} s after SIGINT", LIMIT.as_secs());
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok((begin.elapsed(), read("out")))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.child.id().try_into()?), signal).context("signalling the tracer")
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail where it has ended, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(name: &str) -> String {
    fs::read(Path::new(FOLDER).join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
