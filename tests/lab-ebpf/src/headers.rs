//! Headers read by `bpf_skb_load_bytes`. All fields are in network byte order.

use aya_ebpf::programs::TcContext;

/// `ETH_HLEN`.
pub const ETH_HLEN: usize = 14;
/// Offset of `h_proto` in `struct ethhdr`.
pub const ETH_PROTO: usize = 12;
/// `ETH_P_IP`.
pub const ETH_P_IP: u16 = 0x0800;
/// `ETH_P_IPV6`.
pub const ETH_P_IPV6: u16 = 0x86dd;
/// `IPPROTO_UDP`.
pub const IPPROTO_UDP: u8 = 17;

/// Offset of the time to live in an IPv4 header.
pub const IPV4_TTL: usize = 8;
const IPV4_PROTOCOL: usize = 9;
/// Offset of the header checksum in an IPv4 header.
pub const IPV4_CHECKSUM: usize = 10;
const IPV4_SRC: usize = 12;
const IPV4_DST: usize = 16;
/// The lab sends no IPv4 options.
const IPV4_HLEN: usize = 20;

/// Offset of the hop limit in an IPv6 header.
pub const IPV6_HOP_LIMIT: usize = 7;
const IPV6_NEXT_HEADER: usize = 6;
const IPV6_SRC: usize = 8;
const IPV6_DST: usize = 24;
/// The lab sends no extension headers.
const IPV6_HLEN: usize = 40;

/// An IP address as it stands in the header.
pub enum Address {
    /// IPv4.
    V4(u32),
    /// IPv6.
    V6([u32; 4]),
}

/// Where an IP packet's header starts in the skb, and of which version it is.
pub struct Packet {
    /// Offset of the IP header.
    pub ip: usize,
    /// Whether it is IPv6.
    pub v6: bool,
}

impl Packet {
    /// The IP packet whose header starts at `ip`; `None` where the skb carries something else.
    #[inline(always)]
    pub fn at(ctx: &TcContext, ip: usize) -> Option<Self> {
        // SAFETY: the kernel hands every tc program a valid context.
        let protocol = unsafe { (*ctx.skb.skb).protocol };
        if protocol == u32::from(ETH_P_IP.to_be()) {
            Some(Self { ip, v6: false })
        } else if protocol == u32::from(ETH_P_IPV6.to_be()) {
            Some(Self { ip, v6: true })
        } else {
            None
        }
    }

    /// Source address.
    #[inline(always)]
    pub fn source(&self, ctx: &TcContext) -> Option<Address> {
        self.address(ctx, IPV4_SRC, IPV6_SRC)
    }

    /// Destination address.
    #[inline(always)]
    pub fn destination(&self, ctx: &TcContext) -> Option<Address> {
        self.address(ctx, IPV4_DST, IPV6_DST)
    }

    /// Source and destination port of a UDP datagram.
    #[inline(always)]
    pub fn udp_ports(&self, ctx: &TcContext) -> Option<(u16, u16)> {
        let (protocol, length) = if self.v6 { (IPV6_NEXT_HEADER, IPV6_HLEN) } else { (IPV4_PROTOCOL, IPV4_HLEN) };
        if ctx.load::<u8>(self.ip + protocol).ok()? != IPPROTO_UDP {
            return None;
        }
        let [source, destination] = ctx.load::<[u16; 2]>(self.ip + length).ok()?;
        Some((source, destination))
    }

    #[inline(always)]
    fn address(&self, ctx: &TcContext, v4: usize, v6: usize) -> Option<Address> {
        if self.v6 {
            ctx.load(self.ip + v6).ok().map(Address::V6)
        } else {
            ctx.load(self.ip + v4).ok().map(Address::V4)
        }
    }
}
