//! Names for the kernel's numbers that nftables and iptables share.

use crate::model::{NfFamily, NfHook};

/// `NF_CT_STATE_BIT`s (include/uapi/linux/netfilter/nf_conntrack_common.h).
pub(super) const CT_STATES: &[(u64, &str)] =
    &[(0x1, "invalid"), (0x2, "established"), (0x4, "related"), (0x8, "new"), (0x40, "untracked")];

/// Names as in `/etc/protocols`, which `nft` and iptables read.
pub(super) const L4_PROTOCOLS: &[(u64, &str)] = &[
    (1, "icmp"),
    (2, "igmp"),
    (4, "ipencap"),
    (6, "tcp"),
    (17, "udp"),
    (33, "dccp"),
    (41, "ipv6"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "ipv6-icmp"),
    (108, "comp"),
    (132, "sctp"),
    (136, "udplite"),
];

/// Returns the names of the bits of `ct state`.
pub(super) fn state_names(bits: u64) -> Vec<String> {
    CT_STATES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| (*name).to_owned()).collect()
}

/// Returns the name of a protocol number, as iptables writes it.
pub(super) fn protocol(number: u8) -> String {
    let known = L4_PROTOCOLS.iter().find(|(known, _)| *known == u64::from(number));
    known.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
}

/// Returns the hook that a number means in this family (`NF_INET_*`, `NF_NETDEV_*`, `NF_ARP_*`, `NF_BR_*`).
pub(super) fn hook(family: NfFamily, number: u32) -> Option<NfHook> {
    let hooks: &[NfHook] = match family {
        NfFamily::Netdev => &[NfHook::Ingress, NfHook::Egress],
        NfFamily::Arp => &[NfHook::Input, NfHook::Output, NfHook::Forward],
        _ => {
            &[NfHook::Prerouting, NfHook::Input, NfHook::Forward, NfHook::Output, NfHook::Postrouting, NfHook::Ingress]
        }
    };
    hooks.get(usize::try_from(number).ok()?).copied()
}
