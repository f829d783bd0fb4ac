//! Flows without an end when the trace ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NodeFact;

/// A flow that got no answer, or of which a packet was still in the kernel, when the trace ended.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Pending {
    /// Flow id.
    pub flow: u64,
    /// When the trace ended, in nanoseconds since boot.
    pub ts: u64,
    /// Ids of its packets of which an skb was still in the kernel: its free was not seen. Absent if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_kernel: Option<Vec<u64>>,
    /// The packet that the node was asked about, at the step at which it was seen last.
    pub packet: u64,
    /// Inode number of the netns of that step.
    pub netns: u32,
    /// The node's answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node: Vec<NodeFact>,
}

impl Pending {
    /// Whether an skb of a packet of this flow was still in the kernel, if that is known.
    #[must_use]
    pub(crate) fn holds(&self, packet: u64) -> Option<bool> {
        self.in_kernel.as_ref().map(|packets| packets.contains(&packet))
    }
}
