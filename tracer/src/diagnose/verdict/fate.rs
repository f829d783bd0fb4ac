//! Where a packet's way ended, as far as it was seen.

use tracer_common::{
    HookId, hook,
    way::{DELIVERED, RECEIVED, REQUESTED, SENT, UNWRAPPED},
};

use crate::model::{Direction, IcmpError, NodeFact, Pending, Step, TcpFlags, Verdict};

/// A packet of a flow.
pub struct Packet<'a> {
    /// Its direction.
    pub direction: Direction,
    /// TCP: its flags.
    pub flags: Option<TcpFlags>,
    /// Its first step.
    pub first: &'a Step,
    /// Its last step that shows where it was.
    last: &'a Step,
    /// Its last drop. Copies of a packet may have several.
    dropped: Option<&'a Step>,
    /// Whether a rule put it into a queue to user space there.
    queued: bool,
    /// The step at which the node sent an ICMP error that refuses it.
    pub refused: Option<&'a Step>,
    /// What is known of its flow at the end of the trace, if that was looked up.
    pub pending: Option<&'a Pending>,
}

/// Where a packet's way ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// A protocol of this node got it.
    Delivered,
    /// A device sent it, and nothing received it on this node.
    Left,
    /// It was still waiting when the trace ended.
    Held(Queue),
    /// It was dropped.
    Dropped,
    /// It was not seen to end. The kernel frees some packets without a trace, and merges others into one.
    Unseen,
}

/// What a packet waits in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Queue {
    /// A rule queued it for a program (NFQUEUE).
    UserSpace,
    /// The queueing discipline of a device.
    Qdisc,
    /// The queue of a WireGuard peer.
    WireGuard,
    /// The queue of a neighbour whose hardware address is not known.
    Neighbour,
    /// Something else: it was not freed.
    Other,
}

impl<'a> Packet<'a> {
    /// A packet of which only this step was seen so far.
    pub fn new(step: &'a Step) -> Self {
        let (direction, flags) = (step.direction, step.tcp_flags);
        let mut packet = Self {
            direction,
            flags,
            first: step,
            last: step,
            dropped: None,
            queued: false,
            refused: None,
            pending: None,
        };
        packet.add(step);
        packet
    }

    /// Adds a step. Steps of different CPUs may come out of order.
    pub fn add(&mut self, step: &'a Step) {
        if step.drop.is_some() {
            self.dropped = Some(step);
            return;
        }
        if step.icmp.is_some_and(|error| refuses(error, step.is_at(&[hook::ICMP6_SEND]))) {
            self.refused = Some(step);
        }
        let queued = step.netfilter.as_deref().is_some_and(|netfilter| netfilter.verdict == Some(Verdict::Queue));
        if step.ts >= self.last.ts && (queued || shows_position(step)) {
            (self.queued, self.last) = (queued, step);
        }
    }

    /// Returns where its way ended, and the step that shows it.
    pub fn fate(&self) -> (Fate, &'a Step) {
        let fate = match self.dropped {
            Some(step) if step.ts >= self.last.ts => return (Fate::Dropped, step),
            _ if !self.queued && is_delivered(self.last) => Fate::Delivered,
            _ if !self.queued && self.last.is_at(&[hook::NET_DEV_START_XMIT]) => Fate::Left,
            _ => self.queue().map_or(Fate::Unseen, Fate::Held),
        };
        (fate, self.last)
    }

    /// Returns the queue in which it waits, if it does. What was freed waits nowhere.
    fn queue(&self) -> Option<Queue> {
        let in_kernel = self.pending.and_then(|pending| pending.holds(self.first.packet));
        if in_kernel == Some(false) {
            return None;
        }
        match self.last {
            _ if self.queued => Some(Queue::UserSpace),
            last if last.is_at(&[hook::NET_DEV_QUEUE]) => Some(Queue::Qdisc),
            last if last.is_at(&[hook::WG_XMIT]) => Some(Queue::WireGuard),
            _ => match self.pending.filter(|_| in_kernel.is_some()) {
                Some(pending) if pending.netns == self.last.netns && waits_for_neighbour(pending) => {
                    Some(Queue::Neighbour)
                }
                pending => pending.map(|_| Queue::Other),
            },
        }
    }

    /// Whether it was dropped, or a copy of it.
    pub fn is_dropped(&self) -> bool {
        self.dropped.is_some()
    }

    /// Whether this node sent it.
    pub fn is_sent_here(&self) -> bool {
        self.first.is_at(SENT)
    }

    /// Whether it is a TCP reset.
    pub fn is_reset(&self) -> bool {
        self.has(RST)
    }

    /// Whether it belongs to the opening of a TCP connection: SYN or SYN-ACK.
    pub fn is_opening(&self) -> bool {
        self.has(SYN)
    }

    fn has(&self, flag: u8) -> bool {
        self.flags.is_some_and(|flags| flags.0 & flag != 0)
    }
}

/// Whether the next hop's hardware address is being asked for. Only then do packets wait in the neighbour's queue
/// (`__neigh_event_send`, net/core/neighbour.c).
fn waits_for_neighbour(pending: &Pending) -> bool {
    pending.node.iter().any(|fact| matches!(fact, NodeFact::Neighbour { state, .. } if state == "INCOMPLETE"))
}

/// TCP flags.
const SYN: u8 = 0x02;
const RST: u8 = 0x04;

/// Whether an ICMP error about an IPv4 or IPv6 packet says that the destination, protocol or port refuses it
/// (`include/uapi/linux/icmp.h`, `icmpv6.h`).
fn refuses(error: IcmpError, v6: bool) -> bool {
    const ICMP_DEST_UNREACH: u8 = 3;
    const ICMPV6_DEST_UNREACH: u8 = 1;
    // "Fragmentation needed" is of the same type in IPv4, and carries an MTU.
    error.kind == if v6 { ICMPV6_DEST_UNREACH } else { ICMP_DEST_UNREACH } && error.mtu.is_none()
}

fn is_delivered(step: &Step) -> bool {
    [DELIVERED, REQUESTED, UNWRAPPED].iter().any(|hooks| step.is_at(hooks))
        || OLDER_DELIVERED.contains(&step.hook.as_str())
}

fn shows_position(step: &Step) -> bool {
    is_delivered(step)
        || [RECEIVED, SENT, ON_THE_WAY].iter().any(|hooks| step.is_at(hooks))
        || OLDER_ON_THE_WAY.contains(&step.hook.as_str())
}

/// Only in captures of older versions.
const OLDER_DELIVERED: &[&str] = &["ip_local_deliver", "ip6_input", "tcp_v4_rcv", "tcp_v6_rcv", "udp_rcv", "udpv6_rcv"];

/// The packet is somewhere else than before, besides where it is received or sent.
const ON_THE_WAY: &[HookId] = &[
    hook::IP6_OUTPUT,
    hook::NET_DEV_QUEUE,
    hook::NET_DEV_START_XMIT,
    hook::SKB_DO_REDIRECT,
    hook::BPF_REDIRECT,
    hook::WG_XMIT,
    hook::WG_SOCKET_SEND_SKB_TO_PEER,
    hook::WG_ALLOWEDIPS_LOOKUP_SRC,
    hook::VXLAN_XMIT,
    hook::GENEVE_XMIT,
    hook::XFRM_OUTPUT,
];

/// Only in captures of older versions.
const OLDER_ON_THE_WAY: &[&str] = &["ip_output", "wg_packet_consume_data_done"];
