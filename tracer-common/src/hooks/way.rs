//! Hooks that show how far a packet has come on its way through a host.

use super::{HookId, hook};

/// A packet has come in by a device, and is on its way through IP.
pub const RECEIVED: &[HookId] = &[
    hook::NETIF_RECEIVE_SKB,
    hook::IP_RCV_CORE,
    hook::IP6_RCV_CORE,
    hook::IP_RCV,
    hook::IPV6_RCV,
    hook::IP_FORWARD,
    hook::IP6_FORWARD,
];

/// A protocol of this host gets the packet.
pub const DELIVERED: &[HookId] = &[hook::IP_PROTOCOL_DELIVER_RCU, hook::IP6_PROTOCOL_DELIVER_RCU];

/// This host sends the packet.
pub const SENT: &[HookId] = &[hook::IP_LOCAL_OUT, hook::IP6_LOCAL_OUT];
