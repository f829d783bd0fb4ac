//! Headers read by `bpf_skb_load_bytes`. All fields are in network byte order.

use aya_ebpf::programs::sk_buff::SkBuff;

/// `ETH_HLEN`.
pub const ETH_HLEN: usize = 14;
/// Offset of `h_proto` in `struct ethhdr`.
pub const ETH_PROTO: usize = 12;
/// `ETH_P_IP`.
pub const ETH_P_IP: u16 = 0x0800;
/// `ETH_P_IPV6`.
pub const ETH_P_IPV6: u16 = 0x86dd;
/// `IPPROTO_TCP`.
pub const IPPROTO_TCP: u8 = 6;
/// `IPPROTO_UDP`.
pub const IPPROTO_UDP: u8 = 17;

/// Offset of the time to live in an IPv4 header.
pub const IPV4_TTL: usize = 8;
/// Offset of the protocol in an IPv4 header.
pub const IPV4_PROTOCOL: usize = 9;
/// Offset of the header checksum in an IPv4 header.
pub const IPV4_CHECKSUM: usize = 10;
/// Offset of the source address in an IPv4 header.
pub const IPV4_SRC: usize = 12;
/// Offset of the destination address in an IPv4 header.
pub const IPV4_DST: usize = 16;
/// Length of an IPv4 header. The lab sends no options.
pub const IPV4_HLEN: usize = 20;

/// Offset of the hop limit in an IPv6 header.
pub const IPV6_HOP_LIMIT: usize = 7;
/// Offset of the next header's protocol in an IPv6 header.
pub const IPV6_NEXT_HEADER: usize = 6;
/// Offset of the source address in an IPv6 header.
pub const IPV6_SRC: usize = 8;
/// Offset of the destination address in an IPv6 header.
pub const IPV6_DST: usize = 24;
/// Length of an IPv6 header. The lab sends no extension headers.
pub const IPV6_HLEN: usize = 40;

/// An IP address as it stands in the header.
#[derive(Clone, Copy)]
pub enum Address {
    /// IPv4.
    V4(u32),
    /// IPv6.
    V6([u32; 4]),
}

/// Where an IP packet's header starts in the skb, and its version.
pub struct Packet {
    /// Offset of the IP header.
    pub ip: usize,
    /// Whether it is IPv6.
    pub v6: bool,
}

impl Packet {
    /// Returns the IP packet whose header starts at `ip`, or `None` if the skb carries something else.
    #[inline(always)]
    pub fn at(skb: &SkBuff, ip: usize) -> Option<Self> {
        // SAFETY: the kernel hands every program a valid context.
        let protocol = unsafe { (*skb.skb).protocol };
        if protocol == u32::from(ETH_P_IP.to_be()) {
            Some(Self { ip, v6: false })
        } else if protocol == u32::from(ETH_P_IPV6.to_be()) {
            Some(Self { ip, v6: true })
        } else {
            None
        }
    }

    /// Returns the source address.
    #[inline(always)]
    pub fn source(&self, skb: &SkBuff) -> Option<Address> {
        self.address(skb, IPV4_SRC, IPV6_SRC)
    }

    /// Returns the destination address.
    #[inline(always)]
    pub fn destination(&self, skb: &SkBuff) -> Option<Address> {
        self.address(skb, IPV4_DST, IPV6_DST)
    }

    /// Returns `IPPROTO_TCP` or `IPPROTO_UDP`, and where its header starts. Returns `None` for all others.
    #[inline(always)]
    pub fn transport(&self, skb: &SkBuff) -> Option<(u8, usize)> {
        let (protocol, length) = if self.v6 { (IPV6_NEXT_HEADER, IPV6_HLEN) } else { (IPV4_PROTOCOL, IPV4_HLEN) };
        let protocol = skb.load::<u8>(self.ip + protocol).ok()?;
        (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP).then_some((protocol, self.ip + length))
    }

    /// Returns source and destination port of a UDP datagram.
    #[inline(always)]
    pub fn udp_ports(&self, skb: &SkBuff) -> Option<[u16; 2]> {
        match self.transport(skb)? {
            (IPPROTO_UDP, header) => skb.load(header).ok(),
            _ => None,
        }
    }

    #[inline(always)]
    fn address(&self, skb: &SkBuff, v4: usize, v6: usize) -> Option<Address> {
        if self.v6 {
            skb.load(self.ip + v6).ok().map(Address::V6)
        } else {
            skb.load(self.ip + v4).ok().map(Address::V4)
        }
    }
}
