//! How a flow ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Tuple, Where};

/// How a flow ended, by what was seen of it until the trace's end.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum FlowVerdict {
    /// A request got through, and so did an answer to it.
    Answered,
    /// The packets reached a protocol of this node, but nothing came back.
    Delivered,
    /// A TCP reset or an ICMP error was the answer.
    Refused,
    /// The packets, or the answers to them, were dropped.
    Dropped,
    /// A packet was still waiting.
    Held,
    /// The packets left this node, and no answer came in.
    Left,
    /// Only packets of the reply direction were seen.
    Absent,
    /// What was seen, or what was lost, does not allow a verdict.
    Unknown,
}

/// The end of a flow.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Flow {
    /// Flow id.
    pub flow: u64,
    /// The first tuple of its original direction.
    pub tuple: Tuple,
    /// How it ended.
    pub verdict: FlowVerdict,
    /// When the verdict became true, in nanoseconds since boot: the time of the first step that it rests on.
    pub since: u64,
    /// What that means for this flow, in one sentence that names devices, network namespaces and times.
    pub title: String,
    /// Where that step was.
    pub r#where: Where,
    /// Packets by direction.
    pub packets: Packets,
    /// Ids of the findings about it, gravest first, each once.
    pub findings: Vec<String>,
}

/// Numbers of packets by direction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Packets {
    /// From the side that opened the flow.
    pub orig: u64,
    /// Back to it.
    pub reply: u64,
}
