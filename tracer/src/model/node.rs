//! What the node itself said about the place of a drop, asked right after it. Nothing is changed by asking.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// One answer. Those of a drop hang on its step.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum NodeFact {
    /// A setting, e.g. `net.ipv4.conf.eth0.rp_filter`.
    Sysctl {
        /// Name with dots.
        name: String,
        /// Value as it reads.
        value: String,
    },
    /// How the kernel routes such a packet (`RTM_GETROUTE`).
    Route(RouteAnswer),
    /// The neighbour entry of the next hop.
    Neighbour {
        /// Next hop.
        addr: IpAddr,
        /// Device.
        ifname: String,
        /// `NUD_*` without the prefix, `NONE` where there is no entry.
        state: String,
    },
    /// A counter of the netns (`/proc/net/snmp`, `snmp6`, `netstat`, `stat/nf_conntrack`), e.g.
    /// `TcpExt.ListenOverflows`, when the trace began (or when the netns was first seen) and after the drop.
    Counter {
        /// Group and name as the file spells them, a dot between.
        name: String,
        /// Before.
        before: u64,
        /// After.
        after: u64,
    },
    /// A queueing discipline with drops (`RTM_GETQDISC`).
    Qdisc {
        /// Device.
        ifname: String,
        /// `TCA_KIND`
        kind: String,
        /// Handle as `tc` spells it, e.g. `8001:`.
        handle: String,
        /// Packets dropped since it was made.
        drops: u64,
        /// Packets waiting now.
        qlen: u32,
    },
    /// The conntrack table of the netns.
    ConntrackTable {
        /// `nf_conntrack_count`
        count: u64,
        /// `nf_conntrack_max`
        max: u64,
    },
    /// Conntrack entries of this very tuple in other zones than the packet's.
    ConntrackZones {
        /// The zones, ascending.
        zones: Vec<u16>,
    },
    /// A listening TCP socket that the packet is for.
    Listener {
        /// Local `address:port`.
        local: String,
        /// Connections that wait for `accept`.
        queue: u32,
        /// How many may wait (the backlog).
        limit: u32,
    },
    /// A socket that the packet is for.
    Socket {
        /// Local `address:port`.
        local: String,
        /// Bytes of memory that wait to be read (`SK_MEMINFO_RMEM_ALLOC`).
        rmem: u32,
        /// `SO_RCVBUF` (`SK_MEMINFO_RCVBUF`).
        rcvbuf: u32,
        /// Packets that this socket dropped (`SK_MEMINFO_DROPS`).
        drops: u32,
    },
    /// No socket of the netns is bound to the packet's destination.
    NoSocket,
    /// The device of the drop.
    Link {
        /// Name.
        ifname: String,
        /// `IFF_UP`
        up: bool,
        /// `IFF_LOWER_UP`
        carrier: bool,
        /// MTU.
        mtu: u32,
        /// Hardware address, empty where it has none.
        address: String,
        /// The bridge, bond or VRF that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        master: Option<String>,
        /// `IFLA_INFO_KIND`, empty for hardware.
        kind: String,
    },
    /// An address of the drop's tuple is one of this netns.
    LocalAddress {
        /// The address.
        addr: IpAddr,
        /// The device that has it.
        ifname: String,
    },
    /// The device is a bridge's port.
    BridgePort {
        /// Name.
        ifname: String,
        /// Bridge.
        bridge: String,
        /// `disabled`, `listening`, `learning`, `forwarding`, `blocking`.
        state: String,
        /// Whether the bridge filters by VLAN.
        vlan_filtering: bool,
        /// VLANs that may pass, e.g. `1 pvid untagged`, `10`.
        vlans: Vec<String>,
        /// Whether hairpin is on.
        hairpin: bool,
        /// Whether the port is isolated.
        isolated: bool,
    },
    /// An IPsec policy that concerns the packet (`XFRM_MSG_GETPOLICY`).
    XfrmPolicy {
        /// `in`, `out`, `fwd`.
        direction: String,
        /// `allow` or `block`.
        action: String,
        /// Selector as `ip xfrm policy` spells it.
        selector: String,
        /// Whether it wants packets to come out of IPsec (it has templates).
        template: bool,
    },
}

/// How the kernel says that it would route the packet now.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct RouteAnswer {
    /// Destination that was asked for.
    pub to: Option<IpAddr>,
    /// Source that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// Device that the packet was said to come in on; absent for one that this host sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iif: Option<String>,
    /// Device that it leaves by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Next hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Type of the route that matches: `unicast`, `local`, `broadcast`, `blackhole`, `unreachable`, `prohibit`, `throw`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The route that matches, as `ip route` spells it, e.g. `blackhole 10.9.0.0/16 table main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The `ip rule` that decided, where it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Where the kernel refuses: the name of the error, e.g. `EXDEV`, `EHOSTUNREACH`, `ENETUNREACH`, `EINVAL`, `EACCES`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
