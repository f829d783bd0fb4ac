//! One guest that plays a part of the documents on one kernel.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    counts::Counts,
    results::{Outcome, Results},
};
use crate::{
    guest::{
        boot::{self, Session},
        channel,
        machine::{Limits, Machine},
    },
    progress,
};

/// The part of the work that one guest does.
#[derive(Debug)]
pub struct Part {
    /// The kernel's name.
    pub kernel: &'static str,
    /// Arguments of `scenarios`.
    pub command: String,
    /// Number of scenarios in it.
    pub scenarios: usize,
    /// Number of variants of causes in it.
    pub causes: usize,
}

/// Boots the guest, plays the part and adds the results.
pub fn play(machine: &Machine, part: &Part, results: &Arc<Mutex<Results>>) {
    let begin = Instant::now();
    let closing = Arc::new(Mutex::new(None));
    let (found, on_line, prefix) = (Arc::clone(&closing), Arc::clone(results), part.kernel);
    let mut failure = None;
    let on_stdout = move |line: &str| match line.strip_prefix("scenarios: ").and_then(Counts::parse) {
        Some(counts) => *lock(&found) = Some(counts),
        None => {
            println!("[{prefix}] {line}");
            if let Some((outcome, name)) = Outcome::parse(line) {
                let mut results = lock(&on_line);
                results.time(prefix, &name, line);
                failure = results.add(prefix, &name, outcome);
            } else if let (Some(failure), Some(why)) = (failure, line.strip_prefix("    ")) {
                lock(&on_line).explain(failure, why);
            }
        }
    };
    let session = Session {
        command: format!("exec /bin/scenarios {}", part.command),
        interactive: false,
        limits: Limits { silence: Some(Duration::from_secs(120)), total: Some(Duration::from_secs(60 * 60)) },
        stdout: channel::into_lines(on_stdout),
        stderr: channel::into_lines(move |line| eprintln!("[{prefix}] {line}")),
    };
    let result = boot::run(machine, session);
    let closing = *lock(&closing);
    let trouble = match (&result, closing) {
        (Err(error), _) => Some(format!("{error:#}")),
        (Ok(status), None) => Some(format!("the scenarios ended with status {status} and no closing line")),
        (Ok(status @ 1..), Some(Counts { failed: 0, .. })) => {
            Some(format!("the scenarios passed but ended with status {status}"))
        }
        (Ok(_), Some(_)) => None,
    };
    let mut results = lock(results);
    results.counts += closing.unwrap_or_default();
    if let Some(trouble) = trouble {
        println!("[{}] FAIL guest: {trouble}", part.kernel);
        results.fail(format!("[{}] guest: {trouble}", part.kernel));
    }
    let Part { kernel, scenarios, causes, .. } = part;
    let took = begin.elapsed().as_secs();
    progress::say(&format!("{scenarios} scenarios and {causes} causes on kernel {kernel} took {took} s"));
}

pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
