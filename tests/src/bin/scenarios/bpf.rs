//! What is loaded and attached in the kernel, as `bpftool` sees it.

use std::{
    collections::BTreeMap,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The kernel takes its time after the last descriptor is closed: for each function on its own, tenths of a second,
/// and more on a busy machine. As long as something goes, all of it may be going; what stays for so long, stays.
const GRACE: Duration = Duration::from_secs(15);

/// Types of programs and links that act on packets: tracer has none of them, scenarios do.
const OF_THE_LAB: &[&str] = &["sched_cls", "xdp", "cgroup_skb", "tcx", "netkit", "cgroup"];

/// Programs and links by kind and id.
pub struct Inventory(BTreeMap<(&'static str, u64), String>);

impl Inventory {
    /// What is there now.
    pub fn take() -> Result<Self> {
        let mut all = BTreeMap::new();
        for kind in ["prog", "link"] {
            for entry in show(kind)? {
                if entry["type"].as_str().is_some_and(|of| OF_THE_LAB.contains(&of)) {
                    continue;
                }
                let id = entry["id"].as_u64().context("bpftool shows an entry without id")?;
                all.insert((kind, id), entry.to_string());
            }
        }
        Ok(Self(all))
    }

    /// Fails if anything stays that was not there when this inventory was taken.
    pub fn expect_nothing_new(&self) -> Result<()> {
        let (mut fewest, mut last) = (usize::MAX, Instant::now());
        loop {
            let now = Self::take()?;
            let new: Vec<_> = now.0.iter().filter(|(key, _)| !self.0.contains_key(key)).collect();
            if new.is_empty() {
                return Ok(());
            }
            if new.len() < fewest {
                (fewest, last) = (new.len(), Instant::now());
            }
            if last.elapsed() > GRACE {
                let lines: Vec<_> = new.iter().map(|((kind, _), entry)| format!("{kind} {entry}")).collect();
                bail!("left behind in the kernel:\n{}", lines.join("\n"));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn show(kind: &str) -> Result<Vec<Value>> {
    let output = Command::new("bpftool").args(["-j", kind, "show"]).output().context("running bpftool")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // With nothing to show, some versions print nothing at all.
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(&text).with_context(|| format!("reading what `bpftool {kind} show` says: {text}"))
}
