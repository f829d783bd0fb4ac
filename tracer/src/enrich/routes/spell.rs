//! Spells rules in the words of `ip rule`.

use std::{borrow::Cow, fmt};

use netlink_packet_route::rule::RuleAction;

use super::rule::Rule;
use crate::model::Proto;

/// Returns the name of a routing table in `ip route`: `default`, `main`, `local`, else its number (`RT_TABLE_*`,
/// include/uapi/linux/rtnetlink.h). Names in `/etc/iproute2/rt_tables` are the host's own and may mean another table in
/// a container.
#[must_use]
pub fn table(number: u32) -> Cow<'static, str> {
    match number {
        253 => "default".into(),
        254 => "main".into(),
        255 => "local".into(),
        _ => number.to_string().into(),
    }
}

impl fmt::Display for Rule {
    /// Writes a rule as `32766: from all lookup main`. `from all` is omitted beside other selectors, as people type it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let selectors = self.selectors();
        write!(f, "{}:", self.priority)?;
        if self.not {
            f.write_str(" not")?;
        }
        if selectors.is_empty() {
            f.write_str(" from all")?;
        }
        for selector in selectors {
            write!(f, " {selector}")?;
        }
        match (self.action, self.goto) {
            (RuleAction::ToTable, _) if self.l3mdev => f.write_str(" lookup [l3mdev-table]")?,
            (RuleAction::ToTable, _) => write!(f, " lookup {}", table(self.table))?,
            (RuleAction::Goto, Some(priority)) => write!(f, " goto {priority}")?,
            (RuleAction::Goto, None) => f.write_str(" goto none")?,
            (RuleAction::Nop, _) => f.write_str(" nop")?,
            (RuleAction::Blackhole, _) => f.write_str(" blackhole")?,
            (RuleAction::Unreachable, _) => f.write_str(" unreachable")?,
            (RuleAction::Prohibit, _) => f.write_str(" prohibit")?,
            (other, _) => write!(f, " action {}", u8::from(other))?,
        }
        if let Some(len) = self.suppress_prefix_len {
            write!(f, " suppress_prefixlength {len}")?;
        }
        if let Some(group) = self.suppress_ifgroup {
            write!(f, " suppress_ifgroup {group}")?;
        }
        Ok(())
    }
}

impl Rule {
    fn selectors(&self) -> Vec<String> {
        let ports = |name: &str, start: u16, end: u16| {
            if start == end { format!("{name} {start}") } else { format!("{name} {start}-{end}") }
        };
        let known = [
            self.from.map(|net| format!("from {}", host_or_net(net))),
            self.to.map(|net| format!("to {}", host_or_net(net))),
            (self.tos != 0).then(|| format!("tos {:#04x}", self.tos)),
            self.fwmark.map(|(value, mask)| match mask {
                u32::MAX => format!("fwmark {value:#x}"),
                _ => format!("fwmark {value:#x}/{mask:#x}"),
            }),
            self.iif.as_ref().map(|name| format!("iif {name}")),
            self.oif.as_ref().map(|name| format!("oif {name}")),
            self.uids.map(|uids| format!("uidrange {}-{}", uids.start, uids.end)),
            self.proto.map(|proto| format!("ipproto {}", protocol(proto))),
            self.sports.map(|range| ports("sport", range.start, range.end)),
            self.dports.map(|range| ports("dport", range.start, range.end)),
            self.tun_id.map(|id| format!("tun_id {id}")),
        ];
        let unknown = self.unknown.iter().map(|kind| format!("[selector {kind}]"));
        known.into_iter().flatten().chain(unknown).collect()
    }
}

/// Formats a prefix, and a host without its length.
pub(super) fn host_or_net(net: ipnet::IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

/// Returns the name of a protocol in `/etc/protocols`, which `ip rule` accepts.
fn protocol(number: u8) -> String {
    if number == 58 { "ipv6-icmp".to_owned() } else { Proto(number).to_string() }
}
