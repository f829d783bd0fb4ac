//! Tables, chains, rules and verdicts.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Name;

/// A netfilter protocol family as `nft` spells it (`NFPROTO_*`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NfFamily {
    /// `NFPROTO_INET`.
    Inet,
    /// `NFPROTO_IPV4`.
    Ip,
    /// `NFPROTO_ARP`.
    Arp,
    /// `NFPROTO_NETDEV`.
    Netdev,
    /// `NFPROTO_BRIDGE`.
    Bridge,
    /// `NFPROTO_IPV6`.
    Ip6,
}

impl NfFamily {
    /// Converts `NFPROTO_*` (`include/uapi/linux/netfilter.h`).
    #[must_use]
    pub(crate) fn from_nfproto(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Inet,
            2 => Self::Ip,
            3 => Self::Arp,
            5 => Self::Netdev,
            7 => Self::Bridge,
            10 => Self::Ip6,
            _ => return None,
        })
    }
}

impl fmt::Display for NfFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inet => "inet",
            Self::Ip => "ip",
            Self::Arp => "arp",
            Self::Netdev => "netdev",
            Self::Bridge => "bridge",
            Self::Ip6 => "ip6",
        })
    }
}

/// A netfilter hook (`NF_INET_*`, `NF_NETDEV_*`) as `nft` spells it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NfHook {
    /// `NF_INET_PRE_ROUTING`.
    Prerouting,
    /// `NF_INET_LOCAL_IN`.
    Input,
    /// `NF_INET_FORWARD`.
    Forward,
    /// `NF_INET_LOCAL_OUT`.
    Output,
    /// `NF_INET_POST_ROUTING`.
    Postrouting,
    /// `NF_INET_INGRESS`, `NF_NETDEV_INGRESS`.
    Ingress,
    /// `NF_NETDEV_EGRESS`.
    Egress,
}

impl fmt::Display for NfHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}

/// What netfilter decided, or did, at one step.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// `NF_ACCEPT`.
    Accept,
    /// `NF_DROP`.
    Drop,
    /// `NF_STOLEN`.
    Stolen,
    /// `NF_QUEUE`.
    Queue,
    /// `NF_REPEAT`.
    Repeat,
    /// Not a verdict: the packet was made UNTRACKED here.
    Notrack,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Drop => "drop",
            Self::Stolen => "stolen",
            Self::Queue => "queue",
            Self::Repeat => "repeat",
            Self::Notrack => "notrack",
        })
    }
}

/// Where in the ruleset a step happened, and what was decided. Unknown fields are absent.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Netfilter {
    /// Family of the table (nftables) or of the packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<NfFamily>,
    /// Table name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Name>,
    /// Chain that holds the rule or the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Name>,
    /// Base chain that the walk began in, if it is not `chain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_chain: Option<Name>,
    /// Netfilter hook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<NfHook>,
    /// Priority of the base chain at the hook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// nftables: rule handle. Legacy iptables: number of the rule in its chain, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<u64>,
    /// The rule's text as its own tool prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Name>,
    /// Verdict, or what else was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Whether the base chain's policy decided.
    #[serde(default)]
    pub policy: bool,
    /// Whether this is legacy iptables (`ip_tables`), not nf_tables.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub legacy: bool,
}

/// A chain that took part in a verdict, as it was when it was looked up in the packet's netns.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Chain {
    /// Inode number of the netns.
    pub netns: u32,
    /// Family of the table.
    pub family: NfFamily,
    /// Table name.
    pub table: Name,
    /// Chain name.
    pub chain: Name,
    /// Hook of a base chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<NfHook>,
    /// Priority of a base chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Policy of a base chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Verdict>,
    /// Whether this is legacy iptables.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub legacy: bool,
    /// The rules in order.
    pub rules: Vec<Rule>,
}

/// One rule, as far as the diagnosis needs it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Rule {
    /// nftables: rule handle. Legacy iptables: number of the rule in its chain, from 1.
    pub rule: u64,
    /// The rule's text as its own tool prints it, or as much of it as could be decoded from netlink.
    pub text: Name,
    /// States that a `ct state` (or `-m conntrack --ctstate`, `-m state`) match accepts, in lower case
    /// (`established`, `related`, `new`, `invalid`, `untracked`). Empty if the rule has no such match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ct_state: Vec<String>,
    /// Whether that match is negated (`ct state != …`, `! --ctstate …`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ct_state_negated: bool,
    /// Accept or drop, if the rule itself ends the walk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Whether nothing in the rule can drop, reject or queue a packet. Another rule must have ended such a walk.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_drops: bool,
    /// Chain that the rule jumps or goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<String>,
}
