//! Lists what is loaded and attached in the kernel, as `bpftool` shows it.

use std::{
    collections::BTreeMap,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// If nothing more disappears for this long, the rest counts as left behind. After the last descriptor is closed, the
/// kernel takes tenths of a second for each function, one after the other, and more on a busy machine.
const GRACE: Duration = Duration::from_secs(15);

/// Types of programs and links that act on packets. Scenarios use them, and tracer has none of them.
const OF_THE_LAB: &[&str] = &["sched_cls", "xdp", "cgroup_skb", "tcx", "netkit", "cgroup"];

/// Programs and links by kind and id.
pub struct Inventory(BTreeMap<(&'static str, u64), String>);

impl Inventory {
    /// Lists what is there now.
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

    /// Fails if anything stays that is not in this inventory.
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
    // If there is nothing to show, some versions print nothing at all.
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(&text).with_context(|| format!("reading what `bpftool {kind} show` says: {text}"))
}
