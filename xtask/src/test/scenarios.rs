//! All documents on all kernels: parts from one queue, for a few guests at a time.

use std::{
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use anyhow::{Context as _, Result, bail};

use super::{
    guest::{self, Part, lock},
    results::Results,
};
use crate::{
    guest::boot::Machine,
    kernels::{self, Kernel},
    progress, shell,
};

/// Scenarios that are played on every kernel of the matrix. All others need what not every kernel has (see
/// docs/limitations.md), and are played on the default kernel.
const ELSEWHERE: &[&str] = &["healthy/plain-connect/ipv4", "healthy/plain-connect/ipv6", "healthy/closed-port/ipv4"];

/// The same for kernels that tell what nftables does.
const WITH_MODULE_TYPES: &[&str] = &["untracked-reply-dropped/cilium-and-talos/nft-ipv4"];

/// Longer than people wait for: played where the filter is the whole name.
const ON_REQUEST: &[&str] = &["healthy/mix/ten-minutes"];

/// How many variants a guest gets. More, and some processor is idle at the end; fewer, and guests spend their
/// time booting.
const SCENARIOS_A_PART: usize = 30;
const CAUSES_A_PART: usize = 60;

/// What is wanted.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Kernels to play on, each with its machine.
    pub machines: Vec<(Kernel, Machine)>,
    /// Whether the other scenarios are left out.
    pub causes_only: bool,
    /// Whether every kernel gets every scenario, since it was asked for by name.
    pub everywhere: bool,
    /// Words of which a name must contain one.
    pub filter: &'a [String],
    /// How many guests at a time.
    pub jobs: u32,
}

/// Plays it.
pub fn run(wanted: &Wanted<'_>, results: &Arc<Mutex<Results>>) -> Result<()> {
    let names = names()?;
    let mut parts: Vec<_> =
        wanted.machines.iter().flat_map(|(kernel, machine)| parts(kernel.name, machine, &names, wanted)).collect();
    if parts.is_empty() {
        bail!("no scenario was run; does the filter match none?");
    }
    progress::say(&format!("{} parts for {} guests at a time", parts.len(), wanted.jobs));
    // The longest come first, so that no guest is left alone with one: scenarios are played one by one.
    // They are taken from the end.
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
    Ok(())
}

/// What one kernel plays.
fn parts<'a>(
    kernel: &'static str,
    machine: &'a Machine,
    names: &[String],
    wanted: &Wanted<'_>,
) -> Vec<(&'a Machine, Part)> {
    let chosen = |name: &&String| match ON_REQUEST.contains(&name.as_str()) {
        true => wanted.filter.contains(name),
        false => wanted.filter.is_empty() || wanted.filter.iter().any(|word| name.contains(word)),
    };
    let (causes, mut scenarios): (Vec<_>, Vec<_>) =
        names.iter().filter(chosen).partition(|name| name.starts_with("causes/"));
    if wanted.causes_only {
        scenarios.clear();
    } else if !wanted.everywhere && kernel != kernels::DEFAULT {
        scenarios.retain(|name| {
            ELSEWHERE.contains(&name.as_str()) || kernel != "5.10" && WITH_MODULE_TYPES.contains(&name.as_str())
        });
    }
    let words = |chunk: &[&String]| shell::join(&chunk.iter().map(|name| format!("={name}")).collect::<Vec<_>>());
    let scenarios = spread(&scenarios, SCENARIOS_A_PART).map(|chunk| {
        let command = format!("run {}", words(&chunk));
        Part { kernel, command, scenarios: chunk.len(), causes: 0 }
    });
    let causes = spread(&causes, CAUSES_A_PART).map(|chunk| {
        let command = format!("causes {}", words(&chunk));
        Part { kernel, command, scenarios: 0, causes: chunk.len() }
    });
    scenarios.chain(causes).map(|part| (machine, part)).collect()
}

/// As few parts as are needed where none has more than so many, each with some of everything: neighbours take
/// alike long.
fn spread<'a>(names: &[&'a String], most: usize) -> impl Iterator<Item = Vec<&'a String>> {
    let parts = names.len().div_ceil(most);
    (0..parts).map(move |part| names.iter().skip(part).step_by(parts).copied().collect())
}

/// The names of all scenarios and causes. Listing is harmless here: it only reads the documents.
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
