//! Formats address and port ranges of iptables' NAT targets, masked values, and quoted arguments.

use super::super::bytes;

/// Formats `addr[-addr][:port[-port]]` from `struct nf_nat_ipv4_multi_range_compat` (revision 0) or
/// `struct nf_nat_range` (later; include/uapi/linux/netfilter/nf_nat.h). Empty if nothing is fixed.
pub(super) fn nat(info: &[u8], revision: u8, ipv6: bool) -> Option<String> {
    let address = |at| {
        let bytes = info.get(at..)?;
        if ipv6 {
            bytes::ipv6(bytes).map(|addr| format!("[{addr}]"))
        } else {
            bytes::ipv4(bytes).map(|a| a.to_string())
        }
    };
    let (flags, low, high, ports) = if revision == 0 && !ipv6 {
        (bytes::u32_at(info, 4)?, address(8)?, address(12)?, 16)
    } else {
        (bytes::u32_at(info, 0)?, address(4)?, address(20)?, 36)
    };
    let mut text = String::new();
    let with_ports = flags & NF_NAT_RANGE_PROTO_SPECIFIED != 0;
    if flags & NF_NAT_RANGE_MAP_IPS != 0 {
        // iptables writes the brackets of IPv6 only if ports follow.
        let plain =
            |address: &str| if with_ports { address.to_owned() } else { address.trim_matches(['[', ']']).to_owned() };
        text += &plain(&low);
        if high != low {
            text += &format!("-{}", plain(&high));
        }
    }
    if with_ports {
        let (first, last) = (bytes::be16_at(info, ports)?, bytes::be16_at(info, ports + 2)?);
        text += &if first == last { format!(":{first}") } else { format!(":{first}-{last}") };
    }
    Some(text)
}

const NF_NAT_RANGE_MAP_IPS: u32 = 1;
const NF_NAT_RANGE_PROTO_SPECIFIED: u32 = 2;

/// Formats `value` or `value/mask` in hexadecimal.
pub(super) fn masked(value: u32, mask: u32) -> String {
    if mask == u32::MAX { format!("{value:#x}") } else { format!("{value:#x}/{mask:#x}") }
}

/// Quotes an argument as `iptables-save` does: only if it must.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+/".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
