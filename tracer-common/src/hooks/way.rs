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

/// A listener has the packet.
pub const REQUESTED: &[HookId] = &[hook::TCP_V4_CONN_REQUEST, hook::TCP_V6_CONN_REQUEST];

/// A tunnel of this host has the datagram around a packet. What is in it goes on, if the tunnel takes it.
pub const UNWRAPPED: &[HookId] = &[hook::WG_RECEIVE, hook::VXLAN_RCV, hook::GENEVE_UDP_ENCAP_RECV, hook::XFRM_INPUT];
