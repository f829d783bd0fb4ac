//! Starts tracer, waits until it is ready, ends it as a user does, and measures how long that takes.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use tests::version::Version;

use crate::{bash::tail, pace};

/// In an emulated guest, attaching each hook by a separate kprobe takes long.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// The shortest trace before SIGINT on kernels that cannot be asked for a symbol. There, tracer reads all symbols in
/// the first seconds of a run, for up to 2 s in an emulated guest. The first location that a drop names waits for them.
const SHORTEST_RUN: Duration = Duration::from_secs(3);
/// The first kernel that can be asked.
const ASKED: &str = "5.14";
/// How long to wait for its end.
const GIVE_UP: Duration = Duration::from_secs(30);

/// A running tracer. It is killed if dropped before its end.
pub struct Tracer {
    child: Child,
    folder: PathBuf,
    ready: Instant,
    /// How slow the guest was before tracer started: see [`pace::slowdown`].
    slowdown: f32,
}

/// The results of a finished tracer.
pub struct Ended {
    /// Exit status.
    pub status: ExitStatus,
    /// Time from the signal to the end.
    pub took: Duration,
    /// How slow the guest was before tracer started or after it ended, whichever is worse.
    pub slowdown: f32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Tracer {
    /// Starts tracer with its output in files of the folder. Returns once every probe is attached.
    pub fn start(arguments: &[String], folder: &Path) -> Result<Self> {
        let file = |name| File::create(folder.join(name)).with_context(|| format!("creating {name}"));
        Self::spawn(arguments, folder, file("tracer.out")?.into(), file("tracer.err")?.into())
    }

    /// Starts tracer with its output on the terminal.
    pub fn start_on_terminal(arguments: &[String], folder: &Path) -> Result<Self> {
        Self::spawn(arguments, folder, Stdio::inherit(), Stdio::inherit())
    }

    fn spawn(arguments: &[String], folder: &Path, stdout: Stdio, stderr: Stdio) -> Result<Self> {
        let ready = folder.join("ready");
        let slowdown = pace::slowdown();
        let child = Command::new("tracer")
            .args(arguments)
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            // A Ctrl-C for the runner must not reach tracer, which ends only when the runner interrupts it.
            .process_group(0)
            .spawn()
            .context("starting tracer")?;
        let begin = Instant::now();
        let mut tracer = Self { child, folder: folder.to_owned(), ready: begin, slowdown };
        while !ready.exists() {
            if let Some(status) = tracer.child.try_wait()? {
                bail!("tracer ended before it was ready, {status}:\n{}", tracer.tail());
            }
            if begin.elapsed() > READY_LIMIT {
                bail!("tracer was not ready after {} s:\n{}", READY_LIMIT.as_secs(), tracer.tail());
            }
            thread::sleep(Duration::from_millis(20));
        }
        tracer.ready = Instant::now();
        Ok(tracer)
    }

    /// Interrupts tracer and waits for its end. Fails if it has already ended, or does not end.
    pub fn interrupt(&mut self) -> Result<Ended> {
        if !can_be_asked() {
            thread::sleep(SHORTEST_RUN.saturating_sub(self.ready.elapsed()));
        }
        if let Some(status) = self.child.try_wait()? {
            bail!("tracer ended before it was interrupted, {status}:\n{}", self.tail());
        }
        let begin = Instant::now();
        kill(Pid::from_raw(self.child.id().try_into()?), Signal::SIGINT).context("interrupting tracer")?;
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break status,
                None if begin.elapsed() > GIVE_UP => {
                    bail!("tracer still runs {} s after SIGINT:\n{}", GIVE_UP.as_secs(), self.tail())
                }
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        let took = begin.elapsed();
        let slowdown = self.slowdown.max(pace::slowdown());
        Ok(Ended { status, took, slowdown, stdout: self.read("tracer.out"), stderr: self.read("tracer.err") })
    }

    fn read(&self, name: &str) -> String {
        fs::read(self.folder.join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn tail(&self) -> String {
        tail(&self.read("tracer.err"))
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // Both fail if tracer has ended, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Fails if tracer took longer than `limit` seconds at the guest's best pace.
    pub fn check_time(&self, limit: f32) -> Result<()> {
        let (took, slowdown) = (self.took.as_secs_f32(), self.slowdown);
        if took > limit * slowdown {
            bail!(
                "tracer took {took:.1} s to end after SIGINT; {limit} s are allowed (pace: {slowdown:.1} times as long)"
            );
        }
        Ok(())
    }
}

/// Whether the running kernel resolves single symbols.
fn can_be_asked() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Version::parse(release.trim()) >= Version::parse(ASKED)
}

/// Returns what `tracer report` prints for a capture.
pub fn report(capture: &Path) -> Result<String> {
    let output = Command::new("tracer").arg("report").arg(capture).output().context("running tracer report")?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    if !matches!(output.status.code(), Some(0 | 1 | 3)) {
        bail!("`tracer report` failed, {}:\n{}", output.status, tail(&stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
