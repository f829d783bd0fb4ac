//! The ICMP error that the stack sends about a packet.

use tracer_common::{Step as WireStep, extra, hook};

use crate::model::IcmpError;

/// Returns type and code, and the MTU if the error has one (`include/uapi/linux/icmp.h`, `icmpv6.h`).
pub fn error(wire: &WireStep) -> IcmpError {
    const ICMP_FRAG_NEEDED: (u8, u8) = (3, 4);
    const ICMPV6_PKT_TOOBIG: u8 = 2;
    let (kind, code, info) = extra::icmp_parts(wire.extra);
    let mtu = match wire.header.hook {
        // IPv4 passes the MTU in network byte order, as it stands in the packet. IPv6 passes a plain number.
        hook::ICMP_SEND if (kind, code) == ICMP_FRAG_NEEDED => Some(u32::from_be(info)),
        hook::ICMP6_SEND if kind == ICMPV6_PKT_TOOBIG => Some(info),
        _ => None,
    };
    IcmpError { kind, code, mtu }
}
