//! Masquerading in BPF: SNAT of packets of pods that leave by the uplink, reversed for their replies.

use aya_ebpf::{
    bindings::BPF_F_PSEUDO_HDR, helpers::generated::bpf_csum_diff, macros::map, maps::LruHashMap,
    programs::sk_buff::SkBuff,
};

use crate::{
    config::{is_in_cluster, node_address},
    headers::{Address, IPPROTO_TCP, IPV4_CHECKSUM, IPV4_DST, IPV4_SRC, IPV6_DST, IPV6_SRC, Packet},
};

/// Identifies the connection of a translated packet, in network byte order.
#[repr(C)]
#[derive(Clone, Copy)]
struct Translated {
    remote: [u32; 4],
    remote_port: u16,
    port: u16,
    protocol: u32,
}

/// Maps a translated connection to the pod that opened it. The port is kept, as Cilium keeps it while it is free.
#[map(name = "cilium_snat")]
static SNAT: LruHashMap<Translated, [u32; 4]> = LruHashMap::with_max_entries(1024, 0);

/// Replaces the source address of a pod's packet to the outside by the node's own.
#[inline(always)]
pub fn snat(skb: &SkBuff, packet: &Packet) -> Option<()> {
    let (pod, remote) = (packet.source(skb)?, packet.destination(skb)?);
    let node = node_address(packet.v6)?;
    if !is_in_cluster(&pod) || is_in_cluster(&remote) {
        return None;
    }
    let (protocol, header) = packet.transport(skb)?;
    let [port, remote_port] = skb.load::<[u16; 2]>(header).ok()?;
    let key = Translated { remote: words(remote), remote_port, port, protocol: protocol.into() };
    SNAT.insert(key, words(pod), 0).ok()?;
    rewrite(skb, packet, End::Source, pod, node)
}

/// Restores the pod's address in a reply to such a packet, and returns the address.
#[inline(always)]
pub fn reverse(skb: &SkBuff, packet: &Packet) -> Option<Address> {
    let (remote, node) = (packet.source(skb)?, packet.destination(skb)?);
    if words(node_address(packet.v6)?) != words(node) {
        return None;
    }
    let (protocol, header) = packet.transport(skb)?;
    let [remote_port, port] = skb.load::<[u16; 2]>(header).ok()?;
    let key = Translated { remote: words(remote), remote_port, port, protocol: protocol.into() };
    // SAFETY: the entry is copied at once; nothing in it is a pointer.
    let pod = *unsafe { SNAT.get(key) }?;
    let pod = if packet.v6 { Address::V6(pod) } else { Address::V4(pod[0]) };
    rewrite(skb, packet, End::Destination, node, pod)?;
    Some(pod)
}

#[derive(Clone, Copy)]
enum End {
    Source,
    Destination,
}

/// Replaces an address, and updates the checksums that cover it.
#[inline(always)]
fn rewrite(skb: &SkBuff, packet: &Packet, end: End, old: Address, new: Address) -> Option<()> {
    const TCP_CHECKSUM: usize = 16;
    const UDP_CHECKSUM: usize = 6;
    let (protocol, header) = packet.transport(skb)?;
    let checksum = header + if protocol == IPPROTO_TCP { TCP_CHECKSUM } else { UDP_CHECKSUM };
    let pseudo = u64::from(BPF_F_PSEUDO_HDR);
    match (old, new) {
        (Address::V4(old), Address::V4(new)) => {
            let size = size_of::<u32>() as u64;
            let (from, to) = (u64::from(old), u64::from(new));
            skb.l4_csum_replace(checksum, from, to, pseudo | size).ok()?;
            skb.l3_csum_replace(packet.ip + IPV4_CHECKSUM, from, to, size).ok()?;
            let offset = if matches!(end, End::Source) { IPV4_SRC } else { IPV4_DST };
            skb.store(packet.ip + offset, &new, 0).ok()
        }
        (Address::V6(mut old), Address::V6(mut new)) => {
            let size = size_of::<[u32; 4]>() as u32;
            // SAFETY: both point to arrays of that size on the stack.
            let difference = unsafe { bpf_csum_diff(old.as_mut_ptr(), size, new.as_mut_ptr(), size, 0) };
            skb.l4_csum_replace(checksum, 0, difference as u64, pseudo).ok()?;
            let offset = if matches!(end, End::Source) { IPV6_SRC } else { IPV6_DST };
            skb.store(packet.ip + offset, &new, 0).ok()
        }
        _ => None,
    }
}

#[inline(always)]
fn words(addr: Address) -> [u32; 4] {
    match addr {
        Address::V4(addr) => [addr, 0, 0, 0],
        Address::V6(addr) => addr,
    }
}
