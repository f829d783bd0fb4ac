//! One packet at one hook.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracer_common::HookId;

use super::{
    Bpf, Conntrack, IcmpError, Name, Netfilter, NodeFact, Redirect, Route, TcpFlags, Translation, Tunnel, Tuple,
};

/// Direction of a packet in its flow.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the side that opened the flow.
    Orig,
    /// Back to it.
    Reply,
}

/// One packet at one hook, with the values that could be read there. Fields that most steps lack are boxed, because
/// a trace holds very many steps.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Serialize)]
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
    /// Name of `skb->dev`, or of the device that the hook is about; empty if there is none yet.
    pub ifname: Name,
    /// Its ifindex, 0 if there is none yet.
    #[serde(with = "super::or_zero")]
    #[schemars(with = "u32")]
    pub ifindex: Option<NonZeroU32>,
    /// Inode number of the netns.
    pub netns: u32,
    /// CPU.
    pub cpu: u32,
    /// `skb->mark`.
    pub mark: u32,
    /// `skb->len` in bytes at this hook.
    pub len: u32,
    /// The tuple in the headers after this step. In a tunnel, the tuple of the inner headers.
    pub tuple: Tuple,
    /// The tuple in the outer headers, while the packet is in a tunnel.
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
    /// The BPF program that ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bpf: Option<Box<Bpf>>,
    /// The device that a BPF program redirected the packet to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Box<Redirect>>,
    /// The translation made here: by the program if `bpf` is set, otherwise by conntrack's NAT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat: Option<Box<Translation>>,
    /// The tunnel that the packet enters or leaves here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Box<Tunnel>>,
    /// The new route, if the packet is routed again here because its mark or addresses changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Box<Route>>,
    /// The ICMP error that the stack sends about this packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpError>,
    /// The node's answers about the place of the drop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node: Vec<NodeFact>,
    /// Set if the packet was dropped. Such a step is a `drop` line in JSON.
    #[serde(flatten)]
    pub drop: Option<Drop>,
}

impl Step {
    /// Returns whether the step is at one of these hooks.
    #[must_use]
    pub(crate) fn is_at(&self, hooks: &[HookId]) -> bool {
        hooks.iter().any(|hook| self.hook == hook.name())
    }
}

/// Why and where a packet was dropped.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Drop {
    /// The kernel's reason in its own spelling without `SKB_DROP_REASON_`. `CONSUMED`, `ACCEPT_QUEUE_FULL` and
    /// `SYN_QUEUE_FULL` are tracer's own. A reason that the kernel does not name is given as subsystem and number:
    /// `OPENVSWITCH:1`.
    pub reason: Name,
    /// Symbol and offset of the code that freed the packet; the program's name if native XDP dropped it.
    pub location: Name,
}

impl Drop {
    /// The function of the location, without the offset and without suffixes that compilers add (`.isra.0`).
    #[must_use]
    pub fn function(&self) -> &str {
        self.location.split(['+', '.', ' ']).next().unwrap_or_default()
    }
}

#[cfg(test)]
impl Step {
    /// Returns a step for tests: the first of packet 1 of flow 1, TCP, on eth0.
    pub fn sample() -> Self {
        let end = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        Self {
            ts: 1,
            packet: 1,
            flow: 1,
            direction: Direction::Orig,
            hook: Name::new_static("ip_forward"),
            ifname: Name::new_static("eth0"),
            ifindex: NonZeroU32::new(2),
            netns: 1,
            cpu: 0,
            mark: 0,
            len: 60,
            tuple: Tuple { src: end, dst: end, sport: 1, dport: 2, proto: super::Proto::TCP },
            outer: None,
            tcp_flags: None,
            ct: None,
            netfilter: None,
            bpf: None,
            redirect: None,
            nat: None,
            tunnel: None,
            route: None,
            icmp: None,
            node: Vec::new(),
            drop: None,
        }
    }
}
