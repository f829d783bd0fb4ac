//! Decodes rules of the routing policy database from the kernel's dump.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_core::{DefaultNla, Nla as _};
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage, RulePortRange, RuleUidRange};

/// `struct fib_rule` (include/net/fib_rules.h), limited to the fields that take part in a choice.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    pub(super) priority: u32,
    pub(super) not: bool,
    pub(super) from: Option<IpNet>,
    pub(super) to: Option<IpNet>,
    pub(super) tos: u8,
    /// Value and mask.
    pub(super) fwmark: Option<(u32, u32)>,
    pub(super) iif: Option<String>,
    pub(super) oif: Option<String>,
    pub(super) l3mdev: bool,
    pub(super) uids: Option<RuleUidRange>,
    pub(super) proto: Option<u8>,
    pub(super) sports: Option<RulePortRange>,
    pub(super) dports: Option<RulePortRange>,
    pub(super) tun_id: Option<u64>,
    /// Kinds of selectors that cannot be decoded here, e.g. `FRA_DSCP`.
    pub(super) unknown: Vec<u16>,
    pub(super) action: RuleAction,
    pub(super) table: u32,
    /// Priority of the rule to continue with.
    pub(super) goto: Option<u32>,
    /// Routes with prefixes of up to this length are ignored.
    pub(super) suppress_prefix_len: Option<u32>,
    /// Routes by devices of this group are ignored.
    pub(super) suppress_ifgroup: Option<u32>,
}

impl From<RuleMessage> for Rule {
    fn from(message: RuleMessage) -> Self {
        let header = &message.header;
        let mut rule = Self {
            not: header.flags.contains(RuleFlags::Invert),
            tos: header.tos,
            action: header.action,
            table: header.table.into(),
            ..Self::default()
        };
        let (mut mark, mut mask) = (None, None);
        for attribute in message.attributes {
            match attribute {
                RuleAttribute::Priority(priority) => rule.priority = priority,
                RuleAttribute::Source(addr) => rule.from = prefix(addr, header.src_len),
                RuleAttribute::Destination(addr) => rule.to = prefix(addr, header.dst_len),
                RuleAttribute::FwMark(value) => mark = Some(value),
                RuleAttribute::FwMask(value) => mask = Some(value),
                RuleAttribute::Iifname(name) => rule.iif = Some(name),
                RuleAttribute::Oifname(name) => rule.oif = Some(name),
                RuleAttribute::L3MDev(set) => rule.l3mdev = set,
                RuleAttribute::UidRange(range) => rule.uids = Some(range),
                RuleAttribute::IpProtocol(proto) => rule.proto = Some(proto.into()),
                RuleAttribute::SourcePortRange(range) => rule.sports = Some(range),
                RuleAttribute::DestinationPortRange(range) => rule.dports = Some(range),
                RuleAttribute::TunId(id) => rule.tun_id = Some(id),
                RuleAttribute::Table(table) => rule.table = table,
                RuleAttribute::Goto(priority) => rule.goto = Some(priority),
                // The kernel reports all ones if nothing is suppressed.
                RuleAttribute::SuppressPrefixLen(len) => {
                    rule.suppress_prefix_len = Some(len).filter(|l| *l != u32::MAX)
                }
                RuleAttribute::SuppressIfGroup(group) => rule.suppress_ifgroup = Some(group).filter(|g| *g != u32::MAX),
                RuleAttribute::Other(attribute) if selects(&attribute) => rule.unknown.push(attribute.kind()),
                // A rule's origin and the tag that it sets select nothing.
                _ => {}
            }
        }
        // The kernel omits the mark if it is zero, and the mask only if both are zero (fib_nl_fill_rule).
        rule.fwmark = mark.or(mask.map(|_| 0)).map(|mark| (mark, mask.unwrap_or(u32::MAX)));
        rule
    }
}

/// Returns whether an attribute narrows the rule. Since 6.15 each single port has a mask, usually the full one.
fn selects(attribute: &DefaultNla) -> bool {
    let mut value = [0; 2];
    match attribute.kind() {
        FRA_PAD => false,
        FRA_SPORT_MASK | FRA_DPORT_MASK if attribute.value_len() == value.len() => {
            attribute.emit_value(&mut value);
            value != [0xff; 2]
        }
        _ => true,
    }
}

/// From include/uapi/linux/fib_rules.h.
const FRA_PAD: u16 = 18;
const FRA_SPORT_MASK: u16 = 28;
const FRA_DPORT_MASK: u16 = 29;

fn prefix(addr: IpAddr, len: u8) -> Option<IpNet> {
    IpNet::new(addr, len).ok()
}
