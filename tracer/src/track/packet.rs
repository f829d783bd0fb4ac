//! State of a packet between its steps.

use std::num::NonZeroU32;

use tracer_common::{HookId, hook, way::DELIVERED};

use super::{conntrack::ConntrackEntry, tunnel::Layers};
use crate::model::{Bpf, Direction, Name, Netfilter, Step};

/// One packet.
pub struct Packet {
    /// Dense id, from 1.
    pub id: u64,
    /// Its flow.
    pub flow: u64,
    /// Its direction in the flow.
    pub direction: Direction,
    /// Device of its latest step that had one.
    pub ifname: Name,
    /// That device's ifindex.
    pub ifindex: Option<NonZeroU32>,
    /// The conntrack entry that it points to.
    pub entry: Option<ConntrackEntry>,
    /// The drop verdict that netfilter gave and the kernel has not carried out yet.
    pub drop_verdict: Option<Box<Netfilter>>,
    /// The BPF program that it passed last.
    pub program: Option<Box<Bpf>>,
    /// A redirect step that waits for the packet's next step, which shows the target device.
    pub redirected: Option<Box<Step>>,
    /// The tunnels that it is in.
    pub layers: Layers,
    /// Whether it was handed to a protocol of this host, and has not moved on since.
    pub delivered: bool,
    /// Whether it was seen before the trace began, and not yet since then.
    pub early: bool,
}

impl Packet {
    /// Creates a packet without any history.
    pub fn new(id: u64, flow: u64, direction: Direction) -> Self {
        Self {
            id,
            flow,
            direction,
            ifname: Name::default(),
            ifindex: None,
            entry: None,
            drop_verdict: None,
            program: None,
            redirected: None,
            layers: Layers::default(),
            delivered: false,
            early: false,
        }
    }

    /// Records whether the packet is with a protocol of this host after this hook.
    pub fn note_delivery(&mut self, at: HookId) {
        if DELIVERED.contains(&at) {
            self.delivered = true;
        } else if ON_THE_WAY.contains(&at) {
            self.delivered = false;
        }
    }
}

/// Hooks at which a packet is on its way again: what leaves a tunnel is received once more.
const ON_THE_WAY: &[HookId] = &[hook::NETIF_RECEIVE_SKB, hook::IP_LOCAL_OUT, hook::IP6_LOCAL_OUT, hook::NET_DEV_QUEUE];
