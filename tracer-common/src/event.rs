//! Records that the eBPF programs write into the ring buffer.

use crate::hooks::HookId;

/// Maximum length of a table or chain name, including its NUL (`NFT_NAME_MAXLEN`,
/// `include/uapi/linux/netfilter/nf_tables.h`).
pub const NAME_LEN: usize = 256;

/// Record kinds, the first field of every record.
pub mod kind {
    /// [`super::Step`]
    pub const STEP: u16 = 1;
    /// [`super::Verdict`]
    pub const VERDICT: u16 = 2;
    /// [`super::Conntrack`]
    pub const CONNTRACK: u16 = 3;
    /// [`super::Chain`]
    pub const CHAIN: u16 = 4;
    /// [`super::Change`]
    pub const CHANGE: u16 = 5;
    /// [`super::Outer`]
    pub const OUTER: u16 = 6;
    /// [`super::Device`]
    pub const DEVICE: u16 = 7;
    /// [`super::Peer`]
    pub const PEER: u16 = 8;
    /// [`crate::Dropped`]
    pub const DROPPED: u16 = 9;
}

/// Slots of the per-CPU counters: everything that could not be reported, and the number of packets followed.
pub mod counter {
    /// Events lost because the ring buffer, or the table of calls in progress, was full.
    pub const EVENTS: u32 = 0;
    /// Skbs that could not be tracked because the table was full.
    pub const TRACKED_OVERFLOW: u32 = 1;
    /// Packets whose headers could not be read or make no sense.
    pub const UNPARSED: u32 = 2;
    /// Flight recorder: dropped packets whose trail had been reassigned to another packet.
    pub const TRAILS: u32 = 3;
    /// Packets that matched and were followed; not a loss.
    pub const PACKETS: u32 = 4;
    /// Number of slots.
    pub const SLOTS: u32 = 5;
}

/// Values of [`Tuple::direction`].
pub mod direction {
    /// The filter does not determine the direction.
    pub const UNKNOWN: u8 = 0;
    /// The packet matches the filter as written.
    pub const ORIG: u8 = 1;
    /// The packet matches the filter's mirror image.
    pub const REPLY: u8 = 2;
}

/// Bits of [`Step::flags`].
pub mod flag {
    /// `nf_conntrack_in` has looked at this packet since it entered this netns.
    pub const CT_LOOKED_UP: u8 = 1;
    /// `Step::extra` holds the function's return value.
    pub const RETURNED: u8 = 2;
    /// WireGuard is looking up whether the packet's source belongs to its peer. If the packet is freed before
    /// anything else happens to it, WireGuard has refused it.
    pub const AT_ALLOWED_IPS: u8 = 4;
    /// The packet is in a tunnel: the headers on the wire are those of the last [`super::Outer`].
    pub const WRAPPED: u8 = 8;
    /// A SYN for a listener with more connections waiting to be accepted than its limit. The kernel will free the
    /// SYN silently.
    pub const ACCEPTS_FULL: u8 = 16;
    /// A SYN for a listener whose half-open connections have reached the limit, without SYN cookies. The kernel
    /// will free the SYN silently, but some kernels let one more wait.
    pub const REQUESTS_FULL: u8 = 32;
}

/// The header of every record.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// One of [`kind`].
    pub kind: u16,
    /// The hook.
    pub hook: HookId,
    /// CPU that wrote the record.
    pub cpu: u32,
    /// Nanoseconds of CLOCK_BOOTTIME (`bpf_ktime_get_boot_ns`).
    pub ts: u64,
    /// Raw packet id: unique, not dense.
    pub packet: u64,
}

/// Addresses and ports that the filter compares, in network byte order as in the packet. Aligned, so that it is
/// copied and cleared by words.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tuple {
    /// Source address; IPv4 in the first word, the rest zero.
    pub saddr: [u32; 4],
    /// Destination address, in the same form.
    pub daddr: [u32; 4],
    /// Source port, or the identifier of an ICMP echo.
    pub sport: u16,
    /// Destination port, or the identifier of an ICMP echo.
    pub dport: u16,
    /// `IPPROTO_*`.
    pub proto: u8,
    /// 4 or 6.
    pub version: u8,
    /// Flags byte of the TCP header, 0 otherwise.
    pub tcp_flags: u8,
    /// One of [`direction`].
    pub direction: u8,
}

/// A packet at a hook.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step {
    /// `kind` is `STEP`, or `VERDICT` inside a [`Verdict`].
    pub header: Header,
    /// Tuple after this step; that of the inner headers if the packet is in a tunnel.
    pub tuple: Tuple,
    /// `skb->_nfct`: pointer to the entry and, in the low three bits, `ctinfo`.
    pub nfct: u64,
    /// For drops: address of the code that freed the skb, 0 if unknown.
    pub location: u64,
    /// Hook-specific, see [`crate::extra`]: the result of `nf_conntrack_in` ([`flag::RETURNED`]), the flags of a
    /// redirect, or an ICMP error.
    pub extra: u64,
    /// Device name, NUL-padded (`IFNAMSIZ`).
    pub ifname: [u8; 16],
    /// ifindex, 0 if there is no device.
    pub ifindex: u32,
    /// Inode number of the netns, 0 if unknown.
    pub netns: u32,
    /// `skb->mark`.
    pub mark: u32,
    /// `skb->len`.
    pub len: u32,
    /// For drops: `enum skb_drop_reason` of the running kernel, or a subsystem's number in the upper 16 bits and its
    /// reason in the others.
    pub reason: u32,
    /// `NFPROTO_*` of the netfilter hook, 0 outside netfilter.
    pub pf: u8,
    /// `NF_INET_*` of the netfilter hook.
    pub nf_hook: u8,
    /// Bits of [`flag`].
    pub flags: u8,
    /// Zero.
    pub pad: u8,
}

/// Values of [`Decision::via`]: what decided.
pub mod via {
    /// Unknown to the kernel side.
    pub const UNKNOWN: u32 = 0;
    /// An nftables rule; [`super::Decision::rule`] is its handle.
    pub const RULE: u32 = 1;
    /// The base chain's policy.
    pub const POLICY: u32 = 2;
    /// An entry of a legacy table; [`super::Decision::rule`] is its byte offset in the table.
    pub const ENTRY: u32 = 3;
}

/// Bit of a legacy [`Decision::rule`]: the entry is the chain's policy (`xt_table_info.underflow`).
pub const LEGACY_POLICY: u64 = 1 << 63;

/// What a table, chain or rule did to a packet.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// The packet at the hook that reports the decision.
    pub step: Step,
    /// The verdict, and what gave it.
    pub decision: Decision,
}

/// A decision about a packet, and the part of the ruleset that made it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Decision {
    /// Address of the base chain, or of the legacy `xt_table`.
    pub base: u64,
    /// Address of the chain that holds the rule, or of the legacy `xt_table_info`.
    pub chain: u64,
    /// Handle or offset, see [`via`].
    pub rule: u64,
    /// `NF_*` verdict, or [`Decision::NOTRACK`].
    pub code: i32,
    /// One of [`via`].
    pub via: u32,
    /// Legacy: name of the table, NUL-padded (`XT_TABLE_MAXNAMELEN`). Zero for nftables.
    pub table: [u8; 32],
}

impl Decision {
    /// Not an `NF_*` verdict: the packet was made UNTRACKED.
    pub const NOTRACK: i32 = 0x100;
}

/// A conntrack tuple in network byte order (`struct nf_conntrack_tuple`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CtTuple {
    /// Source address.
    pub saddr: [u32; 4],
    /// Destination address.
    pub daddr: [u32; 4],
    /// `src.u.all`.
    pub sport: u16,
    /// `dst.u.all`.
    pub dport: u16,
    /// `dst.protonum`.
    pub proto: u8,
    /// Zero.
    pub pad: [u8; 3],
}

/// The conntrack entry that a packet points to. This record precedes the first step that shows the entry.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Conntrack {
    /// `kind` is `CONNTRACK`.
    pub header: Header,
    /// `skb->_nfct`.
    pub nfct: u64,
    /// `nf_conn.status`.
    pub status: u32,
    /// `nf_conn.mark`.
    pub mark: u32,
    /// `nf_conn.zone.id`.
    pub zone: u16,
    /// `src.l3num`: `AF_INET` or `AF_INET6`.
    pub l3num: u16,
    /// Zero.
    pub pad: u32,
    /// Original direction.
    pub orig: CtTuple,
    /// Expected reply.
    pub reply: CtTuple,
}

/// Names of an nftables chain. This record precedes the first verdict that cites the chain.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chain {
    /// `kind` is `CHAIN`.
    pub header: Header,
    /// Address of the `nft_chain`.
    pub chain: u64,
    /// Handle of the chain in its table.
    pub handle: u64,
    /// Handle of the table in its netns.
    pub table_handle: u64,
    /// Inode number of the netns.
    pub netns: u32,
    /// Priority of a base chain.
    pub priority: i32,
    /// `NFPROTO_*` of the table, from the base chain's hook; 0 if this is not a base chain.
    pub family: u8,
    /// `NF_INET_*` of a base chain.
    pub hooknum: u8,
    /// `NF_ACCEPT` or `NF_DROP` of a base chain.
    pub policy: u8,
    /// 1 for a base chain.
    pub base: u8,
    /// Zero.
    pub pad: u32,
    /// Name of the table, NUL-terminated.
    pub table: [u8; NAME_LEN],
    /// Name of the chain, NUL-terminated.
    pub name: [u8; NAME_LEN],
}

/// Values of [`Change::by`]: what may have changed the packet.
pub mod by {
    /// Unknown: the tuple differs from that of the previous step.
    pub const UNKNOWN: u32 = 0;
    /// A BPF program of type `BPF_PROG_TYPE_SCHED_CLS`, `_XDP` or `_CGROUP_SKB`; [`super::Change::program`] is its
    /// id and [`super::Change::code`] its return value.
    pub const PROGRAM: u32 = 1;
    /// `nf_nat_manip_pkt`; [`super::Change::code`] is the `enum nf_nat_manip_type`.
    pub const CONNTRACK: u32 = 2;
}

/// A packet after something that may have changed it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Change {
    /// The packet after the change.
    pub step: Step,
    /// Its tuple before the change.
    pub before: Tuple,
    /// `skb->mark` before the change.
    pub mark_before: u32,
    /// One of [`by`].
    pub by: u32,
    /// Program id.
    pub program: u32,
    /// See [`by`].
    pub code: i32,
}

/// Bytes of the transport header that an [`Outer`] shows: enough for UDP with VXLAN or Geneve, GRE with
/// its key, and ESP's SPI.
pub const OUTER_L4: usize = 24;

/// A change of a packet's outermost headers: they are no longer its own, or are its own again. This record precedes
/// the first step that shows the change.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Outer {
    /// `kind` is `OUTER`.
    pub header: Header,
    /// The outermost headers.
    pub outer: OuterDetails,
}

/// The outermost headers of a packet.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OuterDetails {
    /// The outermost tuple; `version` is 0 if it is the packet's own again.
    pub tuple: Tuple,
    /// The first bytes after the outermost IP header.
    pub l4: [u8; OUTER_L4],
}

/// A network device. This record precedes the first step on the device.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Device {
    /// `kind` is `DEVICE`.
    pub header: Header,
    /// Inode number of its netns.
    pub netns: u32,
    /// ifindex.
    pub ifindex: u32,
    /// `net_device.mtu`
    pub mtu: u32,
    /// Zero.
    pub pad: u32,
    /// Name, NUL-padded.
    pub ifname: [u8; 16],
    /// `rtnl_link_ops.kind`, NUL-terminated; empty for hardware.
    pub kind: [u8; 16],
}

/// The WireGuard peer that a packet goes to or comes from. This record precedes the step that shows the peer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peer {
    /// `kind` is `PEER`.
    pub header: Header,
    /// The peer.
    pub peer: PeerDetails,
}

/// A WireGuard peer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PeerDetails {
    /// `handshake.remote_static`
    pub public_key: [u8; 32],
    /// `endpoint.addr`: `struct sockaddr_in`, `struct sockaddr_in6`, or zero.
    pub endpoint: [u8; 28],
    /// Zero.
    pub pad: u32,
}

const _: () = {
    assert!(size_of::<Change>() == 184);
    assert!(size_of::<Outer>() == 88);
    assert!(size_of::<Device>() == 72);
    assert!(size_of::<Peer>() == 88);
    assert!(size_of::<Header>() == 24);
    assert!(size_of::<Tuple>() == 40);
    assert!(size_of::<Step>() == 128);
    assert!(size_of::<Decision>() == 64);
    assert!(size_of::<Verdict>() == 192);
    assert!(size_of::<CtTuple>() == 40);
    assert!(size_of::<Conntrack>() == 128);
    assert!(size_of::<Chain>() == 576);
};
