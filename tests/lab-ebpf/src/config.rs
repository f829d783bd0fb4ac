//! What `lab cilium` sets before it loads the programs, and the marks that are Cilium's own.

use aya_ebpf::Global;

use crate::headers::Address;

/// Remote nodes that the object has room for, of each family.
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

/// IPv4 addresses of the remote nodes in network byte order; unused places are 0.
#[unsafe(no_mangle)]
static REMOTE_NODES_V4: Global<[u32; MAX_REMOTE_NODES]> = Global::new([0; MAX_REMOTE_NODES]);

/// IPv6 addresses of the remote nodes in network byte order; unused places are `::`.
#[unsafe(no_mangle)]
static REMOTE_NODES_V6: Global<[[u32; 4]; MAX_REMOTE_NODES]> = Global::new([[0; 4]; MAX_REMOTE_NODES]);

/// `MARK_MAGIC_DECRYPT`: this packet was, or is about to be, decrypted.
pub const MARK_DECRYPT: u32 = 0x0d00;
/// `MARK_MAGIC_WG_ENCRYPTED`: the fwmark of Cilium's WireGuard device.
pub const MARK_WG_ENCRYPTED: u32 = 0x1e00;
/// The bits that hold such a magic number.
pub const MARK_KEY_MASK: u32 = 0xff00;
/// A mark's upper half holds the identity.
pub const MARK_IDENTITY_SHIFT: u32 = 16;

/// Whether the address is a remote node's.
#[inline(always)]
pub fn is_remote_node(addr: &Address) -> bool {
    match addr {
        Address::V4(addr) => *addr != 0 && REMOTE_NODES_V4.load().contains(addr),
        Address::V6(addr) => *addr != [0; 4] && REMOTE_NODES_V6.load().contains(addr),
    }
}
