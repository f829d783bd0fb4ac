//! What changed a packet or its course: programs, translations, tunnels, routes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Name, Tuple};

/// A BPF program that handled the packet.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Bpf {
    /// Program name: that of its function where its BTF tells, else the kernel's 15 bytes of it.
    pub program: Name,
    /// Program id.
    pub id: u32,
    /// `tc`, `xdp` or `cgroup_skb`.
    #[serde(default)]
    pub kind: Name,
    /// Its return value in the kernel's spelling, e.g. `TC_ACT_REDIRECT`, `XDP_DROP`.
    pub verdict: Name,
    /// `skb->mark` before the program, where it changed it; the step's mark is the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark_before: Option<u32>,
}

/// A redirect to another device.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Redirect {
    /// Name of the target device.
    pub ifname: Name,
    /// Its ifindex.
    pub ifindex: u32,
    /// Whether the packet enters the device's receive side (`BPF_F_INGRESS`).
    pub ingress: bool,
    /// Whether the target is up (`IFF_UP`).
    #[serde(default = "yes")]
    pub up: bool,
}

/// Captures of 0.1 do not tell.
fn yes() -> bool {
    true
}

/// Which end of a packet was translated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
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
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Translation {
    /// Which end.
    pub kind: Nat,
    /// The tuple before.
    pub before: Tuple,
    /// The tuple after, as in the step.
    pub after: Tuple,
    /// Whether this undoes what was done to a packet of the other direction.
    pub reverses: bool,
}

/// Kinds of tunnels.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TunnelKind {
    /// WireGuard.
    Wireguard,
    /// VXLAN.
    Vxlan,
    /// Geneve.
    Geneve,
    /// IPv4 in IP.
    Ipip,
    /// IPv6 in IPv4.
    Sit,
    /// GRE.
    Gre,
    /// IPsec's ESP.
    Esp,
    /// Something around the packet that is not known.
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
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Tunnel {
    /// Which kind.
    pub kind: TunnelKind,
    /// True where the packet is wrapped, false where it is unwrapped.
    pub enters: bool,
    /// Name of the tunnel device, empty where there is none.
    pub ifname: Name,
    /// VNI of VXLAN and Geneve, key of GRE, SPI of ESP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// The outer headers, where they are known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outer: Option<Tuple>,
    /// WireGuard: the other side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
}

/// A WireGuard peer.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Deserialize, Serialize)]
pub struct Peer {
    /// Public key in base64, as `wg` shows it.
    pub public_key: String,
    /// `address:port` of its endpoint; none where none is known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// Routing of a packet that had been routed before (`ip_route_me_harder`).
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Route {
    /// `skb->mark` that it was routed by.
    pub mark: u32,
    /// Device that it was to leave by before; empty where not known.
    pub from: String,
    /// Device that it leaves by now; empty where not known (yet).
    pub to: String,
    /// The `ip rule` that applies, e.g. `32500: fwmark 0x40/0x60 lookup 180`, where it could be looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Its table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
}

/// An ICMP or ICMPv6 error that the stack sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct IcmpError {
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// MTU that it tells, of "fragmentation needed" and "packet too big".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}
