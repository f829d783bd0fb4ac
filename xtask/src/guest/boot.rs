//! Boots a guest for one command and reports how it ended.

use std::{
    collections::VecDeque,
    fs::File,
    io::Write as _,
    os::fd::AsRawFd as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    accel::Accel,
    channel::{Activity, Channel, Sink, into_lines},
    machine::{Limits, Machine},
    overlay,
    process::Qemu,
    terminal,
};
use crate::{progress, shell, workspace};
use anyhow::{Context as _, Result, anyhow};

/// Number of console lines that a failure shows.
const CONSOLE_LINES: usize = 30;

/// What to run, and where its output goes.
pub struct Session {
    /// A script for bash.
    pub command: String,
    /// Whether to connect the command to the user's terminal.
    pub interactive: bool,
    /// When to stop the guest.
    pub limits: Limits,
    /// Receives the command's stdout, or everything that its terminal shows.
    pub stdout: Sink,
    /// Receives the command's stderr.
    pub stderr: Sink,
}

/// Boots, runs and returns the command's exit status. Fails if the guest did not get that far.
pub fn run(machine: &Machine, session: Session) -> Result<i32> {
    // An emulated machine on a busy host can miss the deadlines of a kernel that checks its clocks. Before the guest is
    // up, such a failure says nothing about what is tested, so try again.
    let mut spare = if machine.accel == Accel::Tcg && !session.interactive { 2 } else { 0 };
    let begin = Instant::now();
    let session = Shared {
        command: session.command,
        interactive: session.interactive,
        limits: session.limits,
        stdout: Arc::new(Mutex::new(session.stdout)),
        stderr: Arc::new(Mutex::new(session.stderr)),
    };
    loop {
        let (ready, result) = attempt(machine, &session)?;
        let in_time = session.limits.total.is_none_or(|total| begin.elapsed() < total);
        if result.is_ok() || ready || spare == 0 || !in_time {
            return result;
        }
        spare -= 1;
        progress::say(&format!("guest {} did not boot; trying again", machine.name));
    }
}

/// A session whose sinks outlive a failed boot.
struct Shared {
    command: String,
    interactive: bool,
    limits: Limits,
    stdout: Arc<Mutex<Sink>>,
    stderr: Arc<Mutex<Sink>>,
}

/// Boots once. Returns whether the guest came up, and how it ended.
fn attempt(machine: &Machine, session: &Shared) -> Result<(bool, Result<i32>)> {
    let log = workspace::cache("guests")?.join(format!("{}.console", machine.name));
    let mut log = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let config = config(session.interactive);
    let initramfs = overlay::initramfs(&machine.image, &session.command, &config)?;

    let [console, output, errors, status] = [Channel::new()?, Channel::new()?, Channel::new()?, Channel::new()?];
    let fds = [&console, &output, &errors, &status].map(Channel::inherited);
    let mut qemu = Qemu::start(machine, initramfs.as_raw_fd(), fds, session.interactive)?;
    drop(initramfs);

    let raw = if session.interactive {
        output.feed_from_stdin()?;
        Some(terminal::Raw::enter()?)
    } else {
        None
    };
    let seen = Arc::new(Mutex::new(Seen::default()));
    let activity = Activity::new();
    let on_console = {
        let seen = Arc::clone(&seen);
        let mut lines = into_lines(move |line| lock(&seen).console(line));
        Box::new(move |bytes: &[u8]| {
            // A log that cannot be written does not stop the guest.
            let _ = log.write_all(bytes);
            lines(bytes);
        })
    };
    let on_status = {
        let seen = Arc::clone(&seen);
        into_lines(move |line| lock(&seen).status(line))
    };
    let listeners = [
        console.listen(&activity, on_console),
        output.listen(&activity, share(&session.stdout)),
        errors.listen(&activity, share(&session.stderr)),
        status.listen(&activity, on_status),
    ];
    let end = qemu.wait(session.limits, &activity, || lock(&seen).ready);
    qemu.kill();
    for listener in listeners {
        // A sink that panicked has already reported that.
        let _ = listener.join();
    }
    drop(raw);

    let seen = lock(&seen);
    let result = match (end, seen.exit) {
        (Ok(()), Some(status)) => Ok(status),
        (Ok(()), None) => Err(anyhow!("the guest ended before its command did{}", seen.describe(&mut qemu))),
        (Err(error), _) => Err(anyhow!("{error:#}{}", seen.describe(&mut qemu))),
    };
    Ok((seen.ready, result))
}

fn share(sink: &Arc<Mutex<Sink>>) -> Sink {
    let sink = Arc::clone(sink);
    Box::new(move |bytes| lock(&sink)(bytes))
}

/// Returns what `init.sh` reads, as shell assignments.
fn config(interactive: bool) -> String {
    if !interactive {
        return "GUEST_PORTS='out err status'\nGUEST_TERMINAL=\n".to_owned();
    }
    let term = std::env::var("TERM").unwrap_or_else(|_| "linux".to_owned());
    let (rows, columns) = terminal::size();
    let term = shell::quote(&term);
    format!("GUEST_PORTS='err status'\nGUEST_TERMINAL={term}\nGUEST_ROWS={rows}\nGUEST_COLUMNS={columns}\n")
}

/// What the guest has reported so far.
#[derive(Default)]
struct Seen {
    ready: bool,
    exit: Option<i32>,
    last: VecDeque<String>,
}

impl Seen {
    fn console(&mut self, line: &str) {
        if self.last.len() == CONSOLE_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
    }

    fn status(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("exit", status)) => self.exit = status.parse().ok(),
            _ => self.ready |= line == "ready",
        }
    }

    fn describe(&self, qemu: &mut Qemu) -> String {
        let mut text = String::new();
        let errors = qemu.errors();
        if !errors.trim().is_empty() {
            text.push_str("\nQEMU said:\n");
            text.push_str(errors.trim_end());
        }
        if self.last.is_empty() {
            text.push_str("\nIts console is empty.");
        } else {
            text.push_str("\nThe last lines of its console:");
            for line in &self.last {
                text.push('\n');
                text.push_str(line);
            }
        }
        text
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // The recorded state is valid even if a thread panicked while writing it.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
