//! The node's own answers about the place of a drop, asked right after it, and about packets without an end, asked at the
//! end of the trace. Asking changes nothing.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Proto, Tuple};

/// One answer. A drop's step carries the answers about it.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum NodeFact {
    /// A setting, e.g. `net.ipv4.conf.eth0.rp_filter`.
    Sysctl {
        /// Name with dots.
        name: String,
        /// Value as the file in `/proc/sys` shows it.
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
        /// `NUD_*` without the prefix, `NONE` if there is no entry.
        state: String,
    },
    /// A counter that rose between the start of the trace (or the first sight of the netns) and the look-up after
    /// the drop. Packets other than the dropped one may have raised it, too.
    Counter {
        /// Name. Of the netns: `Ip.InAddrErrors` (`/proc/net/snmp`), `TcpExt.ListenOverflows` (`netstat`),
        /// `Ip6InNoRoutes` (`snmp6`, whose names have no group), `XfrmInNoPols` (`xfrm_stat`),
        /// `nf_conntrack.early_drop` (`stat/nf_conntrack`). Of the whole node: `softnet.dropped` (`softnet_stat`),
        /// `arp_cache.unresolved_discards`, `ndisc_cache.table_fulls` (`stat/arp_cache`, …).
        name: String,
        /// Before.
        before: u64,
        /// After.
        after: u64,
    },
    /// A queueing discipline with drops, or in which packets wait (`RTM_GETQDISC`).
    Qdisc {
        /// Device.
        ifname: String,
        /// `TCA_KIND`
        kind: String,
        /// Handle as `tc` spells it, e.g. `8001:`.
        handle: String,
        /// Packets dropped since the qdisc was created.
        drops: u64,
        /// The same count when the trace began (or the netns was first seen), if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
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
    /// The zones of the conntrack entries that this very tuple, or its reverse, opened. The packet's own zone is in
    /// `Step.ct.zone` if it has an entry.
    ConntrackZones {
        /// Their zones, ascending.
        zones: Vec<u16>,
    },
    /// A conntrack entry that knows the packet: the packet opened it, is its reply, or would be its reply if nothing
    /// translated it.
    ConntrackEntry {
        /// Tuple of the original direction.
        orig: Tuple,
        /// Tuple that a reply is expected to carry.
        reply: Tuple,
        /// `nf_conn.zone.id`
        zone: u16,
        /// `nf_conn.status`, bits `IPS_*` (`include/uapi/linux/netfilter/nf_conntrack_common.h`).
        status: u32,
        /// Seconds until the entry expires; absent if the kernel does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout: Option<u32>,
        /// TCP: conntrack's state of the connection, e.g. `SYN_SENT` (`enum tcp_conntrack`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<String>,
    },
    /// No conntrack entry of the netns knows the packet. All were asked.
    NoConntrackEntry,
    /// A listening TCP socket that the packet may be for, matched by address and port. Without a module the kernel
    /// does not report whether the socket is bound to a device or accepts IPv6 only.
    Listener {
        /// Local `address:port`.
        local: String,
        /// Connections that wait for `accept` (`sk_ack_backlog`).
        queue: u32,
        /// `sk_max_ack_backlog`: how many may wait. `/proc/net/tcp` does not show it, so tracer leaves it absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
        /// A process that has the socket, e.g. `nginx[1234]`. Only looked for at the end of the trace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
    /// A socket that the packet may be for: UDP is matched by address and port, TCP by both ends.
    Socket {
        /// Local `address:port`.
        local: String,
        /// UDP: bytes of memory that wait to be read (`sk_rmem_alloc`). TCP: bytes of data.
        rmem: u32,
        /// `sk_rcvbuf`. The files in `/proc/net` do not show it, so tracer leaves it absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rcvbuf: Option<u32>,
        /// Packets that this socket dropped (`sk_drops`). Only UDP's files show it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        drops: Option<u32>,
        /// A process that has the socket, e.g. `nginx[1234]`. Only looked for at the end of the trace. Nobody has a
        /// connection that is not accepted yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
    /// A socket that is connected, or connects, to the address that a filter asks for.
    Connection {
        /// Local `address:port`.
        local: String,
        /// Remote `address:port`.
        remote: String,
        /// Protocol.
        proto: Proto,
        /// TCP: state without `TCP_`, e.g. `SYN_SENT` (include/net/tcp_states.h).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<String>,
        /// A process that has the socket, e.g. `curl[1234]`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
    /// No socket of the netns takes the packet. All were looked at, and none has its port. TCP: none listens there,
    /// and none has both its ends.
    NoSocket,
    /// A queue to user space (NFQUEUE) in which packets wait (`/proc/net/netfilter/nfnetlink_queue`).
    Queue {
        /// Its number.
        number: u16,
        /// The process that reads it, if it was found.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// Packets that wait for a verdict.
        waiting: u32,
    },
    /// A WireGuard device that receives on the packet's destination port (`WG_CMD_GET_DEVICE`).
    WireguardDevice {
        /// Name.
        ifname: String,
        /// Its port.
        port: u16,
        /// How many peers it has.
        peers: usize,
    },
    /// The WireGuard peer whose allowed IPs cover the packet's destination (`WG_CMD_GET_DEVICE`).
    WireguardPeer {
        /// Device.
        ifname: String,
        /// Its public key in base64.
        public_key: String,
        /// Its endpoint, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        /// Seconds since the last handshake that succeeded; absent if none did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handshake: Option<u64>,
        /// Bytes received from it.
        received: u64,
        /// Bytes sent to it, handshakes included.
        sent: u64,
    },
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
        /// Hardware address, empty if it has none.
        address: String,
        /// The bridge, bond or VRF that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        master: Option<String>,
        /// `IFLA_INFO_KIND`, empty for hardware.
        kind: String,
    },
    /// An address of the drop's tuple belongs to this netns.
    LocalAddress {
        /// The address.
        addr: IpAddr,
        /// The device that has it.
        ifname: String,
    },
    /// A port of the bridge that the drop's device is, or belongs to. The device's own port comes first.
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
        /// Its MTU.
        #[serde(default)]
        mtu: u32,
    },
    /// An IPsec policy that concerns the packet (`XFRM_MSG_GETPOLICY`).
    XfrmPolicy {
        /// `in`, `out`, `fwd`.
        direction: String,
        /// `allow` or `block`.
        action: String,
        /// Selector as `ip xfrm policy` spells it.
        selector: String,
        /// Whether the policy has templates: it requires IPsec.
        template: bool,
    },
}

/// The kernel's answer to how it would route the packet now.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct RouteAnswer {
    /// Destination that was asked for.
    pub to: Option<IpAddr>,
    /// Source that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// Device on which the packet was said to arrive; absent for a packet that this host sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iif: Option<String>,
    /// Device that it leaves by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Next hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Type of the matching route: `unicast`, `local`, `broadcast`, `blackhole`, `unreachable`, `prohibit`,
    /// `throw`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The matching route as `ip route` spells it, e.g. `blackhole 10.9.0.0/16 table main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The `ip rule` that decided, if it could be determined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Name of the error if the kernel refuses, e.g. `EXDEV`, `EHOSTUNREACH`, `ENETUNREACH`, `EINVAL`, `EACCES`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
