//! Plays all documents on all kernels: parts from one queue, for a few guests at a time.

use std::{
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use anyhow::{Context as _, Result, bail};

use super::{
    guest::{self, Part, lock},
    results::Results,
    share::Share,
};
use crate::{
    guest::machine::Machine,
    kernels::{self, Kernel},
    progress, shell,
};

/// Scenarios that every kernel of the matrix plays. All others need features that not every kernel has (see
/// docs/limitations.md), and are played on the default kernel.
const ELSEWHERE: &[&str] = &[
    "healthy/plain-connect/ipv4",
    "healthy/plain-connect/ipv6",
    "no-socket/closed-port/ipv4",
    "held/when-the-trace-ends/neighbour-ipv6",
    "delivered/unanswered/hung-ipv4",
    "lifecycle/nothing-matched/silent-ipv6",
    "lifecycle/drop-reasons",
];

/// Scenarios that need types of modules, without which tracer does not see what nftables does (kernel 5.10).
const WITH_MODULE_TYPES: &[&str] = &["untracked-reply-dropped/cilium-and-talos/nft-ipv4"];

/// Scenarios that take longer than people wait. Played only if the filter is the whole name.
const ON_REQUEST: &[&str] = &["healthy/mix/ten-minutes"];

/// What the results of causes under a trace of all packets are called.
pub const AIMED: &str = "6.18.15 aimed";

/// Maximum number of variants for one guest. If it is larger, processors are idle at the end. If it is smaller, guests
/// spend their time booting.
const SCENARIOS_A_PART: usize = 30;
const CAUSES_A_PART: usize = 60;

/// What to play.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Kernels to play on, each with its machine.
    pub machines: Vec<(Kernel, Machine)>,
    /// Whether to play only causes.
    pub causes_only: bool,
    /// Whether causes are played under a trace of all packets instead of one of drops.
    pub aimed: bool,
    /// Whether the default kernel also plays a share of the causes under a trace of all packets.
    pub both: bool,
    /// Whether every kernel plays every scenario, because kernels were requested by name.
    pub everywhere: bool,
    /// The share of the causes that kernels other than the default one play; all if `None`.
    pub share: Option<Share>,
    /// Words of which a name must contain one.
    pub filter: &'a [String],
    /// Number of guests at a time.
    pub jobs: u32,
}

/// Plays what is wanted.
pub fn run(wanted: &Wanted<'_>, results: &Arc<Mutex<Results>>) -> Result<()> {
    let names = names()?;
    let all_causes = names.iter().filter(|name| name.starts_with(CAUSES)).count();
    let (mut parts, mut left_out) = (Vec::new(), Vec::new());
    for (number, (kernel, machine)) in wanted.machines.iter().enumerate() {
        let (causes, scenarios) = choose((number, kernel.name), &names, wanted);
        if causes.len() < all_causes {
            left_out.push(format!("{} causes on {}", all_causes - causes.len(), kernel.name));
        }
        parts.extend(self::parts(kernel.name, machine, (&causes, wanted.aimed), &scenarios));
        if wanted.both && kernel.name == kernels::DEFAULT {
            let aimed = shared(causes, number, wanted.share);
            if aimed.len() < all_causes {
                left_out.push(format!("{} causes on {AIMED}", all_causes - aimed.len()));
            }
            parts.extend(self::parts(AIMED, machine, (&aimed, true), &[]));
        }
    }
    if parts.is_empty() {
        bail!("no scenario matches the filter");
    }
    progress::say(&format!("{} parts for {} guests at a time", parts.len(), wanted.jobs));
    // Guests take parts from the end of the queue. The longest come first, so that no guest is left alone with one,
    // because scenarios are played one by one.
    parts.sort_by_key(|(_, part)| (part.scenarios, part.causes));
    let queue = Mutex::new(parts);
    let next = || lock(&queue).pop();
    thread::scope(|scope| {
        for job in 1..=wanted.jobs {
            let next = &next;
            scope.spawn(move || {
                while let Some((machine, part)) = next() {
                    let machine = Machine { name: format!("{}-{job}", machine.name), ..machine.clone() };
                    guest::play(&machine, &part, results);
                }
            });
        }
    });
    if let Some(share) = wanted.share {
        println!("{share} of the causes was played; skipped: {}", left_out.join(", "));
        println!("the next two runs on this machine play the rest; `--full` plays all");
    }
    Ok(())
}

/// Prefix of the names of causes.
const CAUSES: &str = "causes/";

/// Returns the causes and the scenarios that one kernel plays.
fn choose<'a>(
    (number, kernel): (usize, &str),
    names: &'a [String],
    wanted: &Wanted<'_>,
) -> (Vec<&'a String>, Vec<&'a String>) {
    let chosen = |name: &&String| match ON_REQUEST.contains(&name.as_str()) {
        true => wanted.filter.contains(name),
        false => wanted.filter.is_empty() || wanted.filter.iter().any(|word| name.contains(word)),
    };
    let (mut causes, mut scenarios): (Vec<_>, Vec<_>) =
        names.iter().filter(chosen).partition(|name| name.starts_with(CAUSES));
    if kernel != kernels::DEFAULT {
        causes = shared(causes, number, wanted.share);
    }
    if wanted.causes_only {
        scenarios.clear();
    } else if !wanted.everywhere && kernel != kernels::DEFAULT {
        scenarios.retain(|name| {
            ELSEWHERE.contains(&name.as_str()) || kernel != "5.10" && WITH_MODULE_TYPES.contains(&name.as_str())
        });
    }
    (causes, scenarios)
}

/// Returns the share of the causes that the kernel of this number plays.
fn shared(causes: Vec<&String>, number: usize, share: Option<Share>) -> Vec<&String> {
    let included = |(variant, _): &(usize, &String)| share.is_none_or(|share| share.includes(number, *variant));
    causes.into_iter().enumerate().filter(included).map(|(_, name)| name).collect()
}

/// Splits the causes and scenarios of one kernel into parts for guests.
fn parts<'a>(
    kernel: &'static str,
    machine: &'a Machine,
    (causes, aimed): (&[&String], bool),
    scenarios: &[&String],
) -> Vec<(&'a Machine, Part)> {
    let words = |chunk: &[&String]| shell::join(&chunk.iter().map(|name| format!("={name}")).collect::<Vec<_>>());
    let scenarios = spread(scenarios, SCENARIOS_A_PART).map(|chunk| {
        let command = format!("run {}", words(&chunk));
        Part { kernel, command, scenarios: chunk.len(), causes: 0 }
    });
    let causes = spread(causes, CAUSES_A_PART).map(|chunk| {
        let command = format!("causes{} {}", if aimed { " --aimed" } else { "" }, words(&chunk));
        Part { kernel, command, scenarios: 0, causes: chunk.len() }
    });
    scenarios.chain(causes).map(|part| (machine, part)).collect()
}

/// Splits names into as few parts as possible with at most `most` names each. Each part gets some of everything,
/// because neighbours take similar time.
fn spread<'a>(names: &[&'a String], most: usize) -> impl Iterator<Item = Vec<&'a String>> {
    let parts = names.len().div_ceil(most);
    (0..parts).map(move |part| names.iter().skip(part).step_by(parts).copied().collect())
}

/// Returns the names of all scenarios and causes. Listing is harmless on this machine, because it only reads the
/// documents.
fn names() -> Result<Vec<String>> {
    let workspace = crate::workspace::root().join("tests/scenarios");
    let program = crate::workspace::target().join("release/scenarios");
    let output = Command::new(&program)
        .arg("--dir")
        .arg(workspace)
        .arg("list")
        .output()
        .with_context(|| format!("cannot start {}; build it with `cargo xtask build`", program.display()))?;
    if !output.status.success() {
        bail!("the documents cannot be read: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let list = String::from_utf8_lossy(&output.stdout);
    Ok(list.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_alike_and_complete() {
        let names: Vec<String> = (0..7).map(|number| number.to_string()).collect();
        let parts: Vec<_> = spread(&names.iter().collect::<Vec<_>>(), 3).collect();
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2, 2]);
        assert!(spread(&[], 3).next().is_none());
    }
}
