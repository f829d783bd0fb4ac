//! The scenarios of one kernel, run in guests that share them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use super::counts::Counts;
use crate::{
    guest::{
        boot::{self, Limits, Machine, Session},
        channel,
    },
    shell,
};

/// Runs the scenarios that the filter lets through, shared out over so many guests.
pub fn run(machine: &Machine, jobs: u32, filter: &[String]) -> Counts {
    let filter = shell::join(filter);
    let guests: Vec<_> = (1..=jobs)
        .map(|shard| {
            let kernel = machine.name.clone();
            let machine = Machine { name: format!("{kernel}-{shard}"), ..machine.clone() };
            let command = format!("exec /bin/scenarios run --shard {shard}/{jobs} {filter}");
            thread::spawn(move || in_guest(&machine, &kernel, command))
        })
        .collect();
    let mut counts = Counts::default();
    for guest in guests {
        counts += guest.join().unwrap_or(Counts::FAILURE);
    }
    counts
}

fn in_guest(machine: &Machine, kernel: &str, command: String) -> Counts {
    let closing = Arc::new(Mutex::new(None));
    let (found, prefix) = (Arc::clone(&closing), kernel.to_owned());
    let on_stdout = move |line: &str| match line.strip_prefix("scenarios: ").and_then(Counts::parse) {
        Some(counts) => *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(counts),
        None => println!("[{prefix}] {line}"),
    };
    let prefix = kernel.to_owned();
    let session = Session {
        command,
        interactive: false,
        limits: Limits { silence: Some(Duration::from_secs(120)), total: Some(Duration::from_secs(60 * 60)) },
        stdout: channel::into_lines(on_stdout),
        stderr: channel::into_lines(move |line| eprintln!("[{prefix}] {line}")),
    };
    let result = boot::run(machine, session);
    let counts = *closing.lock().unwrap_or_else(PoisonError::into_inner);
    match (result, counts) {
        (Err(error), counts) => {
            println!("[{kernel}] FAIL guest: {error:#}");
            let mut counts = counts.unwrap_or_default();
            counts += Counts::FAILURE;
            counts
        }
        (Ok(status), None) => {
            println!("[{kernel}] FAIL guest: the scenarios ended with status {status} and no closing line");
            Counts::FAILURE
        }
        (Ok(status @ 1..), Some(Counts { passed: passed @ 1.., failed: 0 })) => {
            println!("[{kernel}] FAIL guest: the scenarios passed but ended with status {status}");
            Counts { passed, failed: 1 }
        }
        // A shard that the filter leaves empty is none of our business here.
        (Ok(_), Some(counts)) => counts,
    }
}
