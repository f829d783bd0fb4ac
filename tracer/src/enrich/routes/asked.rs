//! Describes the packet that a route is asked for.

use std::net::IpAddr;

use netlink_packet_route::{
    AddressFamily,
    route::{RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage},
};

/// A packet to be routed. A field without a value counts as zero, as in the kernel's own look-ups.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Asked {
    /// Destination.
    pub dst: IpAddr,
    /// Source, of the same family. For a packet that this host sends (no `iif`) it must be an address of the host, or
    /// the kernel refuses the question.
    pub src: Option<IpAddr>,
    /// `skb->mark`.
    pub mark: u32,
    /// ifindex of the receiving device; `None` for a packet that this host sends.
    pub iif: Option<u32>,
    /// ifindex of the device that the packet is bound to.
    pub oif: Option<u32>,
    /// `IPPROTO_TCP`, `IPPROTO_UDP` or ICMP: the kernel accepts no other protocol in a question.
    pub proto: Option<u8>,
    /// Source port.
    pub sport: Option<u16>,
    /// Destination port.
    pub dport: Option<u16>,
}

impl Asked {
    /// Describes a packet that this host sends to `dst`.
    #[must_use]
    pub fn to(dst: IpAddr) -> Self {
        Self { dst, src: None, mark: 0, iif: None, oif: None, proto: None, sport: None, dport: None }
    }

    pub(super) fn family(&self) -> AddressFamily {
        if self.dst.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
    }

    /// Returns ` by mark 0x40`, or nothing without a mark.
    pub(super) fn by_mark(&self) -> String {
        if self.mark == 0 { String::new() } else { format!(" by mark {:#x}", self.mark) }
    }

    pub(super) fn message(&self, flags: RouteFlags) -> RouteMessage {
        let src = self.src.filter(|src| src.is_ipv4() == self.dst.is_ipv4());
        let full = |addr: IpAddr| if addr.is_ipv4() { 32 } else { 128 };
        let mut message = RouteMessage::default();
        message.header = RouteHeader {
            address_family: self.family(),
            destination_prefix_length: full(self.dst),
            source_prefix_length: src.map_or(0, full),
            flags,
            ..RouteHeader::default()
        };
        let attributes = [
            Some(RouteAttribute::Destination(RouteAddress::from(self.dst))),
            src.map(|src| RouteAttribute::Source(RouteAddress::from(src))),
            Some(RouteAttribute::Mark(self.mark)),
            self.iif.map(RouteAttribute::Iif),
            self.oif.map(RouteAttribute::Oif),
            self.proto.map(RouteAttribute::IpProto),
            self.sport.map(RouteAttribute::Sport),
            self.dport.map(RouteAttribute::Dport),
        ];
        message.attributes = attributes.into_iter().flatten().collect();
        message
    }
}
