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

use crate::programs;

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

    /// Ends it as a user does, and waits until the kernel has let go of its programs: the next one would wait for that.
    pub fn end(mut self) -> Result<Ended> {
        let begin = Instant::now();
        self.signal(Signal::SIGINT)?;
        let detach = until(begin, || Ok(self.child.try_wait()?.is_some()))?;
        let gone = until(begin, || Ok(!programs::any()?))?;
        Ok(Ended { detach, gone, stdout: read("out") })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.child.id().try_into()?), signal).context("signalling the tracer")
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }
}

/// What came of it.
pub struct Ended {
    /// From the signal until it had ended.
    pub detach: Duration,
    /// From the signal until nothing of it was left in the kernel.
    pub gone: Duration,
    /// What it printed.
    pub stdout: String,
}

/// How long it took until something was so.
fn until(begin: Instant, mut is_so: impl FnMut() -> Result<bool>) -> Result<Duration> {
    while !is_so()? {
        if begin.elapsed() > LIMIT {
            bail!("it is not gone {} s after SIGINT", LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(begin.elapsed())
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
