//! Globals that `lab cilium` sets before it loads the programs, and Cilium's own marks.

use aya_ebpf::Global;

use crate::headers::Address;

/// Maximum number of remote nodes of each family.
const MAX_REMOTE_NODES: usize = 4;

/// ifindex of `cilium_host`.
#[unsafe(no_mangle)]
pub static CILIUM_HOST_IFINDEX: Global<u32> = Global::new(0);

/// ifindex of the WireGuard device.
#[unsafe(no_mangle)]
pub static WIREGUARD_IFINDEX: Global<u32> = Global::new(0);

/// UDP port that WireGuard sends from and listens on.
#[unsafe(no_mangle)]
pub static WIREGUARD_PORT: Global<u16> = Global::new(0);

/// Security identity that decrypted packets get; 6 is Cilium's `remote-node`.
#[unsafe(no_mangle)]
pub static IDENTITY: Global<u32> = Global::new(0);

/// MAC address of `cilium_host`.
#[unsafe(no_mangle)]
pub static CILIUM_HOST_MAC: Global<[u8; 6]> = Global::new([0; 6]);

/// MAC address of the other end, `cilium_net`.
#[unsafe(no_mangle)]
pub static CILIUM_NET_MAC: Global<[u8; 6]> = Global::new([0; 6]);

/// IPv4 addresses of the remote nodes in network byte order; unused entries are 0.
#[unsafe(no_mangle)]
static REMOTE_NODES_V4: Global<[u32; MAX_REMOTE_NODES]> = Global::new([0; MAX_REMOTE_NODES]);

/// IPv6 addresses of the remote nodes in network byte order; unused entries are `::`.
#[unsafe(no_mangle)]
static REMOTE_NODES_V6: Global<[[u32; 4]; MAX_REMOTE_NODES]> = Global::new([[0; 4]; MAX_REMOTE_NODES]);

/// ifindex of the uplink.
#[unsafe(no_mangle)]
pub static UPLINK_IFINDEX: Global<u32> = Global::new(0);

/// ifindex of the host's side of the pod's veth; 0 if the node has no pod.
#[unsafe(no_mangle)]
pub static POD_IFINDEX: Global<u32> = Global::new(0);

/// 1 if BPF hands packets from device to device; 0 if the host's stack routes them.
#[unsafe(no_mangle)]
pub static HOST_ROUTING: Global<u8> = Global::new(0);

/// The node's IPv4 address for masqueraded packets in network byte order; 0 masquerades nothing.
#[unsafe(no_mangle)]
static NODE_V4: Global<u32> = Global::new(0);

/// The node's IPv6 address for masqueraded packets in network byte order; `::` masquerades nothing.
#[unsafe(no_mangle)]
static NODE_V6: Global<[u32; 4]> = Global::new([0; 4]);

/// ifindex of the VXLAN device.
#[unsafe(no_mangle)]
pub static OVERLAY_IFINDEX: Global<u32> = Global::new(0);

/// VNI of packets that are sent through the VXLAN device.
#[unsafe(no_mangle)]
pub static OVERLAY_VNI: Global<u32> = Global::new(0);

/// The VXLAN peer in network byte order, if VXLAN uses IPv4.
#[unsafe(no_mangle)]
static OVERLAY_PEER_V4: Global<u32> = Global::new(0);

/// The VXLAN peer in network byte order, if VXLAN uses IPv6.
#[unsafe(no_mangle)]
static OVERLAY_PEER_V6: Global<[u32; 4]> = Global::new([0; 4]);

/// `MARK_MAGIC_DECRYPT`: this packet was, or is about to be, decrypted.
pub const MARK_DECRYPT: u32 = 0x0d00;
/// `MARK_MAGIC_WG_ENCRYPTED`: the fwmark of Cilium's WireGuard device.
pub const MARK_WG_ENCRYPTED: u32 = 0x1e00;
/// The bits that hold such a magic number.
pub const MARK_KEY_MASK: u32 = 0xff00;
/// A mark's upper half holds the identity.
pub const MARK_IDENTITY_SHIFT: u32 = 16;

/// Whether the address belongs to a remote node.
#[inline(always)]
pub fn is_remote_node(addr: &Address) -> bool {
    match addr {
        Address::V4(addr) => *addr != 0 && REMOTE_NODES_V4.load().contains(addr),
        Address::V6(addr) => *addr != [0; 4] && REMOTE_NODES_V6.load().contains(addr),
    }
}

/// Whether the address belongs to a pod on any node: in 10.244.0.0/16 or fd00:10:244::/48.
#[inline(always)]
pub fn is_in_cluster(addr: &Address) -> bool {
    match addr {
        Address::V4(addr) => u32::from_be(*addr) >> 16 == 0x0af4,
        Address::V6([first, second, ..]) => {
            u32::from_be(*first) == 0xfd00_0010 && u32::from_be(*second) >> 16 == 0x0244
        }
    }
}

/// Whether the address belongs to a pod, and this node is the one with a pod.
#[inline(always)]
pub fn is_local_pod(addr: &Address) -> bool {
    POD_IFINDEX.load() != 0 && is_in_cluster(addr)
}

/// Returns the source address for masqueraded packets, if it is set.
#[inline(always)]
pub fn node_address(v6: bool) -> Option<Address> {
    given(if v6 { Address::V6(NODE_V6.load()) } else { Address::V4(NODE_V4.load()) })
}

/// Returns the VXLAN peer, if it is set.
#[inline(always)]
pub fn overlay_peer() -> Option<Address> {
    given(Address::V4(OVERLAY_PEER_V4.load())).or_else(|| given(Address::V6(OVERLAY_PEER_V6.load())))
}

#[inline(always)]
fn given(addr: Address) -> Option<Address> {
    let is_given = match addr {
        Address::V4(addr) => addr != 0,
        Address::V6(addr) => addr != [0; 4],
    };
    is_given.then_some(addr)
}
