//! The lines of a capture.

use serde::{Deserialize, Serialize};

use super::{Chain, Device, Finding, Name, Step, Tuple, Where};

/// One line of JSON. A step that carries a drop is written with type `drop`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Record {
    /// First line.
    Start(Start),
    /// A packet at a hook.
    Step(Step),
    /// A packet's end.
    Drop(Step),
    /// A chain that decided about a packet.
    Chain(Chain),
    /// A device that a packet passed; one told again replaces what was told before.
    Device(Device),
    /// The name of a network namespace.
    Netns {
        /// Its inode number.
        inum: u32,
        /// Its name, e.g. under `/run/netns`.
        name: String,
    },
    /// A conclusion.
    Finding(Finding),
    /// Last line.
    Summary(Summary),
}

/// What runs and what it covers.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct Start {
    /// tracer's version.
    pub version: String,
    /// Version of this JSON schema; rises when a field changes its meaning.
    pub schema: u32,
    /// `uname -r`.
    pub kernel: String,
    /// `uname -n`.
    pub node: String,
    /// Nanoseconds since boot at the start of the trace.
    pub boot_time_ns: u64,
    /// Backend in use, `fentry`, `kprobe-multi`, `kprobe`, `tracepoint`, or several joined by `+`.
    pub backend: String,
    /// What was attached.
    pub hooks: Hooks,
    /// How many BPF programs on the packets' path are traced.
    #[serde(default)]
    pub programs: usize,
    /// Modules that were loaded while the trace ran, each with how many hooks joined it for that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<(String, usize)>,
    /// Only packets that were dropped are told (`--drops`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drops: bool,
    /// The filter in words, e.g. `dst 10.0.0.5 and port 443`; empty for all traffic.
    pub filter: String,
}

/// Which hooks were attached.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct Hooks {
    /// How many were asked for.
    pub asked: usize,
    /// How many are attached.
    pub attached: usize,
    /// Those that are not.
    pub failed: Vec<SkippedHook>,
}

/// A hook that is not attached.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct SkippedHook {
    /// Function or tracepoint.
    pub hook: String,
    /// Why not, as a sentence.
    pub reason: String,
    /// Whether nothing is lost by it: the code it sits in is not in this kernel at present
    /// (module not loaded, or another name of the same function is attached).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub harmless: bool,
}

/// Counts of what could not be reported.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct Lost {
    /// Events for which the ring buffer had no room.
    pub events: u64,
    /// Packets that could not be followed because the table of tracked skbs was full.
    pub tracked_overflow: u64,
    /// Probe hits that the kernel skipped.
    pub missed_probes: u64,
    /// Packets whose headers could not be parsed, and records that could not be decoded.
    pub unparsed: u64,
    /// `--drops`: drops whose way was given up for newer packets before they ended.
    #[serde(default)]
    pub trails: u64,
    /// Packets that are not in the report any more, since their steps would have taken more than `--memory`. Each step
    /// was written as it came.
    #[serde(default)]
    pub forgotten_packets: u64,
    /// Flows that were forgotten for the same reason: what came of them later counts as another flow.
    #[serde(default)]
    pub forgotten_flows: u64,
}

/// Drops of one kind.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct DropCount {
    /// Id of the finding that says why, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// `--drops`: the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<u64>,
    /// `--drops`: the tuple of the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuple: Option<Tuple>,
    /// The kernel's reason.
    pub reason: Name,
    /// Symbol and offset.
    pub location: Name,
    /// Where in devices and rules.
    pub r#where: Where,
    /// How many packets.
    pub packets: u64,
}

/// What was seen in all.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Summary {
    /// Packets.
    pub packets: u64,
    /// Flows.
    pub flows: u64,
    /// Drops, most packets first.
    pub drops: Vec<DropCount>,
    /// Records that came from the kernel side. With those lost for want of room in the ring buffer, that is all
    /// that it wrote.
    #[serde(default)]
    pub events: u64,
    /// What was lost.
    pub lost: Lost,
    /// What the statement "no drop seen" stands on, as a sentence.
    pub coverage: String,
    /// Length of the trace in nanoseconds.
    pub duration_ns: u64,
}
