//! One packet at one hook.

use serde::{Deserialize, Serialize};

use super::{
    Bpf, Conntrack, IcmpError, Name, Netfilter, NodeFact, Redirect, Route, TcpFlags, Translation, Tunnel, Tuple,
};

/// Which way a packet goes in its flow.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// As the flow's first packet.
    Orig,
    /// The other way.
    Reply,
}

/// One packet at one hook, with what could be read there. Most steps tell none of what is boxed: a trace holds
/// very many of them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Step {
    /// Nanoseconds since boot.
    pub ts: u64,
    /// Packet id, from 1 in order of first sight.
    pub packet: u64,
    /// Flow id, from 1.
    pub flow: u64,
    /// Direction in the flow.
    pub direction: Direction,
    /// Kernel function or tracepoint.
    pub hook: Name,
    /// Name of `skb->dev`, or of the device that the hook is about; empty where there is none yet.
    pub ifname: Name,
    /// Its ifindex, 0 where there is none yet.
    pub ifindex: u32,
    /// Inode number of the netns.
    pub netns: u32,
    /// CPU.
    pub cpu: u32,
    /// `skb->mark`.
    pub mark: u32,
    /// `skb->len` in bytes at this hook.
    pub len: u32,
    /// The tuple in the headers after this step; of the inner headers where the packet is in a tunnel.
    pub tuple: Tuple,
    /// The tuple in the outer headers, as long as the packet is in a tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outer: Option<Tuple>,
    /// TCP only: flags in the header at first sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_flags: Option<TcpFlags>,
    /// Conntrack's belief.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ct: Option<Conntrack>,
    /// What netfilter did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netfilter: Option<Box<Netfilter>>,
    /// A BPF program's doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bpf: Option<Box<Bpf>>,
    /// Where a BPF program sent the packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Box<Redirect>>,
    /// The tuple was changed here: by the program where `bpf` is set, else by conntrack's NAT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat: Option<Box<Translation>>,
    /// The packet enters or leaves a tunnel here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Box<Tunnel>>,
    /// The packet is routed again here, since its mark or addresses changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Box<Route>>,
    /// The ICMP error that the stack sends about this packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpError>,
    /// What the node said about the place of the drop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node: Vec<NodeFact>,
    /// Set where the packet was dropped; such a step is a `drop` line in JSON.
    #[serde(flatten)]
    pub drop: Option<Drop>,
}

/// Why and where a packet was dropped.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Deserialize, Serialize)]
pub struct Drop {
    /// The kernel's reason in its own spelling without `SKB_DROP_REASON_`.
    pub reason: Name,
    /// Symbol and offset of the code that freed it.
    pub location: Name,
}

impl Drop {
    /// The function of the location, without offset and without what compilers add (`.isra.0`).
    #[must_use]
    pub fn function(&self) -> &str {
        self.location.split(['+', '.', ' ']).next().unwrap_or_default()
    }
}
