//! Decodes options of target extensions. Layouts: include/uapi/linux/netfilter/xt_*.h and netfilter_ipv4/ipt_*.h, 6.18.

use super::{
    super::bytes,
    Extension,
    ranges::{masked, nat, quoted},
};

/// Returns name and options as `iptables-save` writes them; `None` if the extension or its layout is not known.
pub(super) fn options(extension: &Extension) -> Option<(String, String)> {
    let info = extension.info.as_slice();
    let u32_at = |at| bytes::u32_at(info, at);
    let options = match (extension.name.as_str(), extension.revision) {
        ("CT", _) => return ct(info, extension.revision),
        ("NOTRACK" | "TRACE", _) => String::new(),
        // struct xt_mark_tginfo2
        ("MARK", 2) => format!("--set-xmark {:#x}/{:#x}", u32_at(0)?, u32_at(4)?),
        ("CONNMARK", 1) => connmark(info, *info.get(12)?)?,
        ("CONNMARK", 2) if info.get(13) == Some(&0) => connmark(info, *info.get(14)?)?,
        ("REJECT", 0) => reject(extension)?,
        ("LOG", 0) => log(info)?,
        ("NFLOG", 0) => nflog(info)?,
        ("NFQUEUE", 0) => format!("--queue-num {}", bytes::u16_at(info, 0)?),
        ("MASQUERADE" | "REDIRECT", 0) => {
            // The IPv6 versions have the newer, longer structure under the same revision.
            let to = nat(info, u8::from(extension.ipv6), extension.ipv6)?;
            if to.is_empty() { to } else { format!("--to-ports {}", to.trim_start_matches(':')) }
        }
        ("SNAT" | "DNAT", 0..=2) => nat_to(extension)?,
        // struct xt_tcpmss_info
        ("TCPMSS", 0) => match bytes::u16_at(info, 0)? {
            u16::MAX => "--clamp-mss-to-pmtu".to_owned(),
            mss => format!("--set-mss {mss}"),
        },
        ("TPROXY", 1) => tproxy(extension)?,
        _ => return None,
    };
    Some((extension.name.clone(), options))
}

/// Decodes `struct xt_ct_target_info` and `_v1`: flags, zone, events, expected events, helper.
fn ct(info: &[u8], revision: u8) -> Option<(String, String)> {
    let (flags, zone) = (bytes::u16_at(info, 0)?, bytes::u16_at(info, 2)?);
    let (events, expected) = (bytes::u32_at(info, 4)?, bytes::u32_at(info, 8)?);
    if flags & XT_CT_NOTRACK_ALIAS != 0 {
        return Some(("NOTRACK".to_owned(), String::new()));
    }
    if flags & XT_CT_NOTRACK != 0 {
        return Some(("CT".to_owned(), "--notrack".to_owned()));
    }
    let mut parts = Vec::new();
    let helper = bytes::text_at(info, 12, 16)?;
    parts.extend((!helper.is_empty()).then(|| format!("--helper {helper}")));
    if revision > 0 {
        let timeout = bytes::text_at(info, 28, 32)?;
        parts.extend((!timeout.is_empty()).then(|| format!("--timeout {timeout}")));
    }
    let direction = match flags & (XT_CT_ZONE_DIR_ORIG | XT_CT_ZONE_DIR_REPL) {
        XT_CT_ZONE_DIR_ORIG => "-orig",
        XT_CT_ZONE_DIR_REPL => "-reply",
        _ => "",
    };
    if flags & XT_CT_ZONE_MARK != 0 {
        parts.push(format!("--zone{direction} mark"));
    } else if zone != 0 || !direction.is_empty() {
        parts.push(format!("--zone{direction} {zone}"));
    }
    parts.extend((events != 0 || expected != 0).then(|| "…".to_owned()));
    Some(("CT".to_owned(), parts.join(" ")))
}

const XT_CT_NOTRACK: u16 = 1;
const XT_CT_NOTRACK_ALIAS: u16 = 1 << 1;
const XT_CT_ZONE_DIR_ORIG: u16 = 1 << 2;
const XT_CT_ZONE_DIR_REPL: u16 = 1 << 3;
const XT_CT_ZONE_MARK: u16 = 1 << 4;

/// Decodes `struct xt_connmark_tginfo1`: value, mask of the connection's mark, mask of the packet's.
fn connmark(info: &[u8], mode: u8) -> Option<String> {
    let (value, ctmask, nfmask) = (bytes::u32_at(info, 0)?, bytes::u32_at(info, 4)?, bytes::u32_at(info, 8)?);
    let masks = format!("--nfmask {nfmask:#x} --ctmask {ctmask:#x}");
    Some(match mode {
        0 => format!("--set-xmark {value:#x}/{ctmask:#x}"),
        1 => format!("--save-mark {masks}"),
        2 => format!("--restore-mark {masks}"),
        _ => return None,
    })
}

/// Decodes `enum ipt_reject_with` or `enum ip6t_reject_with`.
fn reject(extension: &Extension) -> Option<String> {
    const IPV4: [&str; 9] = [
        "icmp-net-unreachable",
        "icmp-host-unreachable",
        "icmp-proto-unreachable",
        "icmp-port-unreachable",
        "echoreply",
        "icmp-net-prohibited",
        "icmp-host-prohibited",
        "tcp-reset",
        "icmp-admin-prohibited",
    ];
    const IPV6: [&str; 9] = [
        "icmp6-no-route",
        "icmp6-adm-prohibited",
        "icmp6-not-neighbour",
        "icmp6-addr-unreachable",
        "icmp6-port-unreachable",
        "icmp6-echoreply",
        "tcp-reset",
        "icmp6-policy-fail",
        "icmp6-reject-route",
    ];
    let names = if extension.ipv6 { IPV6 } else { IPV4 };
    let name = names.get(usize::try_from(bytes::u32_at(&extension.info, 0)?).ok()?)?;
    Some(format!("--reject-with {name}"))
}

/// Decodes `struct xt_log_info`: level, flags, prefix.
fn log(info: &[u8]) -> Option<String> {
    let prefix = bytes::text_at(info, 2, 30)?;
    let mut parts = Vec::new();
    parts.extend((!prefix.is_empty()).then(|| format!("--log-prefix {}", quoted(&prefix))));
    // iptables omits the default level, 4.
    parts.extend((*info.first()? != 4).then(|| format!("--log-level {}", info[0])));
    parts.extend((*info.get(1)? != 0).then(|| "…".to_owned()));
    Some(parts.join(" "))
}

/// Decodes `struct xt_nflog_info`: length, group, threshold, flags, padding, prefix.
fn nflog(info: &[u8]) -> Option<String> {
    let (group, prefix) = (bytes::u16_at(info, 4)?, bytes::text_at(info, 12, 64)?);
    let mut parts = Vec::new();
    parts.extend((!prefix.is_empty()).then(|| format!("--nflog-prefix {}", quoted(&prefix))));
    parts.extend((group != 0).then(|| format!("--nflog-group {group}")));
    Some(parts.join(" "))
}

fn nat_to(extension: &Extension) -> Option<String> {
    let option = if extension.name == "SNAT" { "--to-source" } else { "--to-destination" };
    Some(format!("{option} {}", nat(&extension.info, extension.revision, extension.ipv6)?))
}

/// Decodes `struct xt_tproxy_target_info_v1`: mark mask, mark value, address, port.
fn tproxy(extension: &Extension) -> Option<String> {
    let info = extension.info.as_slice();
    let (mask, value, port) = (bytes::u32_at(info, 0)?, bytes::u32_at(info, 4)?, bytes::be16_at(info, 24)?);
    let ip = bytes::ip(bytes::slice_at(info, 8, if extension.ipv6 { 16 } else { 4 })?)?;
    Some(format!("--on-port {port} --on-ip {ip} --tproxy-mark {}", masked(value, mask)))
}
