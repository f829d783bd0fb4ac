//! One packet at one hook.

use serde::{Deserialize, Serialize};

use super::{Conntrack, Netfilter, TcpFlags, Tuple};

/// Which way a packet goes in its flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// As the flow's first packet.
    Orig,
    /// The other way.
    Reply,
}

/// One packet at one hook, with what could be read there.
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
    pub hook: String,
    /// Name of `skb->dev`, or of the device that the hook is about; empty where there is none yet.
    pub ifname: String,
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
    /// The tuple in the headers at first sight.
    pub tuple: Tuple,
    /// TCP only: flags in the header at first sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_flags: Option<TcpFlags>,
    /// Conntrack's belief.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ct: Option<Conntrack>,
    /// What netfilter did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netfilter: Option<Netfilter>,
    /// A BPF program's doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bpf: Option<Bpf>,
    /// Where a BPF program sent the packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
    /// Set where the packet was dropped; such a step is a `drop` line in JSON.
    #[serde(flatten)]
    pub drop: Option<Drop>,
}

/// Why and where a packet was dropped.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Deserialize, Serialize)]
pub struct Drop {
    /// The kernel's reason in its own spelling without `SKB_DROP_REASON_`.
    pub reason: String,
    /// Symbol and offset of the code that freed it.
    pub location: String,
}

/// A BPF program that handled the packet.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Bpf {
    /// Program name.
    pub program: String,
    /// Program id.
    pub id: u32,
    /// Its return value in the kernel's spelling.
    pub verdict: String,
}

/// A redirect to another device.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Redirect {
    /// Name of the target device.
    pub ifname: String,
    /// Its ifindex.
    pub ifindex: u32,
    /// Whether the packet enters the device's receive side (`BPF_F_INGRESS`).
    pub ingress: bool,
}
