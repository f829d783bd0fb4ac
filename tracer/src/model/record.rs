//! The lines of a capture.

use std::{fmt, net::IpAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantNames;

use super::{Chain, Device, Finding, Flow, Name, Pending, Step, Tuple, Unmatched, Where};

/// One line of JSON. A step that carries a drop is written with type `drop`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Serialize, VariantNames)]
#[serde(tag = "type", rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Record {
    /// First line.
    Start(Start),
    /// A packet at a hook.
    Step(Step),
    /// A packet's end.
    #[schemars(extend("required" = ["type", "reason", "location"]))]
    Drop(Step),
    /// A chain that decided about a packet.
    Chain(Chain),
    /// A device that a packet passed. A later line for the same device replaces the earlier one.
    Device(Device),
    /// The name of a network namespace.
    Netns {
        /// Its inode number.
        inum: u32,
        /// Its name, e.g. under `/run/netns`.
        name: String,
    },
    /// A flow without an end.
    Pending(Pending),
    /// Only if no packet matched: what the node could send.
    Unmatched(Unmatched),
    /// The end of a flow.
    Flow(Flow),
    /// A conclusion.
    Finding(Finding),
    /// Last line.
    Summary(Summary),
}

/// What a trace runs with and covers.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
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
    /// Names of BPF programs that may choose another destination when a program connects or sends, before there is a
    /// packet (`BPF_PROG_TYPE_CGROUP_SOCK_ADDR`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub socket_programs: Vec<String>,
    /// Modules that were loaded during the trace, each with the number of hooks attached because of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<(String, usize)>,
    /// Whether only dropped packets are reported (`--drops`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drops: bool,
    /// Whether the filter asks for packets by address or port, so that a refused request is what the user looks for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aimed: bool,
    /// Whether the filter may miss answers to what it matches: it names a device or a mark, or leaves replies out. A
    /// missing answer then proves nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub misses_answers: bool,
    /// Hosts that the filter named, with the addresses that are traced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Host>,
    /// The filter in words, e.g. `dst 10.0.0.5 and port 443`; empty for all traffic.
    pub filter: String,
}

/// A host that the filter named.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its address that is traced: the first that the resolver gives.
    pub addr: IpAddr,
    /// Its other addresses, which are not traced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<IpAddr>,
}

impl fmt::Display for Host {
    /// Says which address is traced, and which are not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.name, self.addr)?;
        match &self.others[..] {
            [] => Ok(()),
            others => {
                let others: Vec<_> = others.iter().map(ToString::to_string).collect();
                write!(f, "; its other addresses are not traced: {}", others.join(", "))
            }
        }
    }
}

/// Which hooks were attached.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Hooks {
    /// How many were asked for.
    pub asked: usize,
    /// How many are attached.
    pub attached: usize,
    /// Hooks that are not attached.
    pub failed: Vec<SkippedHook>,
}

/// A hook that is not attached.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct SkippedHook {
    /// Function or tracepoint.
    pub hook: String,
    /// Why it is not attached, as a sentence.
    pub reason: String,
    /// Whether nothing is lost: the hook's code is not in this kernel at present (its module is not loaded), or
    /// another name of the same function is attached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub harmless: bool,
}

/// Counts of what could not be reported.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Lost {
    /// Events for which the ring buffer had no room.
    pub events: u64,
    /// Packets that could not be followed because the table of tracked skbs was full.
    pub tracked_overflow: u64,
    /// Probe hits that the kernel skipped.
    pub missed_probes: u64,
    /// Packets whose headers could not be parsed, and records that could not be decoded.
    pub unparsed: u64,
    /// `--drops`: drops whose trail was reused for a newer packet before they ended.
    #[serde(default)]
    pub trails: u64,
    /// Packets that were evicted from the report because their steps would have exceeded `--memory`. JSON output
    /// and capture files still have their steps.
    #[serde(default)]
    pub forgotten_packets: u64,
    /// Flows that were evicted for the same reason. Later packets of such a flow count as another flow.
    #[serde(default)]
    pub forgotten_flows: u64,
}

/// Drops of one kind.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct DropCount {
    /// Id of the finding that explains the drops, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// `--drops`: the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<u64>,
    /// `--drops`: the tuple of the first of these drops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuple: Option<Tuple>,
    /// The kernel's reason.
    pub reason: Name,
    /// Symbol and offset of the code that freed the packets.
    pub location: Name,
    /// Netns, device and rule.
    pub r#where: Where,
    /// How many packets.
    pub packets: u64,
}

/// Totals of a trace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Summary {
    /// Packets.
    pub packets: u64,
    /// Flows.
    pub flows: u64,
    /// Drops, most packets first.
    pub drops: Vec<DropCount>,
    /// Records received from the kernel side. Together with those lost because the ring buffer was full, these are
    /// all that it wrote.
    #[serde(default)]
    pub events: u64,
    /// What was lost.
    pub lost: Lost,
    /// What the statement "no drop seen" is based on, as a sentence.
    pub coverage: String,
    /// Length of the trace in nanoseconds.
    pub duration_ns: u64,
}
