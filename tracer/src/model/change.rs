//! Changes of a packet or its path: programs, translations, tunnels, routes.

use std::{fmt, num::NonZeroU32};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Name, Tuple};

/// A BPF program that handled the packet.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Bpf {
    /// Program name: the function's name if the BTF has it, otherwise the kernel's 15 bytes of it.
    pub program: Name,
    /// Program id.
    pub id: u32,
    /// `tc`, `xdp` or `cgroup_skb`.
    #[serde(default)]
    pub kind: Name,
    /// Its return value in the kernel's spelling, e.g. `TC_ACT_REDIRECT`, `XDP_DROP`.
    pub verdict: Name,
    /// `skb->mark` before the program, if the program changed it. The step has the new mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark_before: Option<u32>,
}

/// A redirect to another device.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Redirect {
    /// Name of the target device.
    pub ifname: Name,
    /// Its ifindex.
    #[serde(with = "super::or_zero")]
    #[schemars(with = "u32")]
    pub ifindex: Option<NonZeroU32>,
    /// Whether the packet enters the device's receive side (`BPF_F_INGRESS`).
    pub ingress: bool,
    /// Whether the target is up (`IFF_UP`).
    #[serde(default = "yes")]
    pub up: bool,
}

/// Default of [`Redirect::up`], which captures of 0.1 do not have.
fn yes() -> bool {
    true
}

/// Which end of a packet was translated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub enum Nat {
    /// The source.
    #[serde(rename = "SNAT")]
    Snat,
    /// The destination.
    #[serde(rename = "DNAT")]
    Dnat,
    /// Both at once.
    #[serde(rename = "SNAT+DNAT")]
    Both,
}

impl fmt::Display for Nat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Snat => "SNAT",
            Self::Dnat => "DNAT",
            Self::Both => "SNAT+DNAT",
        })
    }
}

/// A change of a packet's tuple.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Translation {
    /// Which end.
    pub kind: Nat,
    /// The tuple before.
    pub before: Tuple,
    /// The tuple after, as in the step.
    pub after: Tuple,
    /// Whether this reverses the translation of a packet of the other direction.
    pub reverses: bool,
}

/// Kinds of tunnels.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TunnelKind {
    /// WireGuard.
    Wireguard,
    /// VXLAN.
    Vxlan,
    /// Geneve.
    Geneve,
    /// IPv4 in IP, or IPv6 in IPv6.
    Ipip,
    /// IPv6 in IPv4.
    Sit,
    /// GRE.
    Gre,
    /// IPsec's ESP.
    Esp,
    /// An unknown encapsulation.
    Other,
}

impl fmt::Display for TunnelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Wireguard => "WireGuard",
            Self::Vxlan => "VXLAN",
            Self::Geneve => "Geneve",
            Self::Ipip => "IPIP",
            Self::Sit => "SIT",
            Self::Gre => "GRE",
            Self::Esp => "ESP",
            Self::Other => "a tunnel",
        })
    }
}

/// A packet enters or leaves a tunnel.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Tunnel {
    /// Which kind.
    pub kind: TunnelKind,
    /// True if the packet is wrapped, false if it is unwrapped.
    pub enters: bool,
    /// Name of the tunnel device, empty if there is none.
    pub ifname: Name,
    /// VNI of VXLAN and Geneve, key of GRE, SPI of ESP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// The outer headers, if they are known at this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outer: Option<Tuple>,
    /// WireGuard: the other side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
}

/// A WireGuard peer.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Peer {
    /// Public key in base64, as `wg` shows it.
    pub public_key: String,
    /// `address:port` of its endpoint, absent if none is known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// A packet that had been routed before is routed again (`ip_route_me_harder`).
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Route {
    /// `skb->mark` that the routing decision used.
    pub mark: u32,
    /// Device that the packet was to leave by before; empty if unknown.
    pub from: String,
    /// Device that it leaves by now; empty if unknown, or not known yet.
    pub to: String,
    /// The `ip rule` that applies, e.g. `32500: fwmark 0x40/0x60 lookup 180`, if it could be looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The rule's table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
}

/// An ICMP or ICMPv6 error that the stack sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct IcmpError {
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// The MTU that "fragmentation needed" and "packet too big" carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}
