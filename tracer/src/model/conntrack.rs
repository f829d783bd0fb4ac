//! Conntrack's belief about a packet.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tuple;

/// The state that `ct state` and `-m conntrack --ctstate` would match, derived from `skb->_nfct`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CtState {
    /// `IP_CT_NEW`: first packet of a connection that is not confirmed yet.
    New,
    /// `IP_CT_ESTABLISHED`, original direction.
    Established,
    /// `IP_CT_RELATED`, original direction (e.g. an ICMP error).
    Related,
    /// `IP_CT_ESTABLISHED_REPLY`.
    ReplyEstablished,
    /// `IP_CT_RELATED_REPLY`.
    ReplyRelated,
    /// `IP_CT_UNTRACKED`: this packet was exempted from conntrack.
    Untracked,
    /// Conntrack looked the packet up and found no connection that it fits.
    Invalid,
    /// Conntrack has not looked at the packet (yet).
    None,
}

impl fmt::Display for CtState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::New => "NEW",
            Self::Established => "ESTABLISHED",
            Self::Related => "RELATED",
            Self::ReplyEstablished => "ESTABLISHED reply",
            Self::ReplyRelated => "RELATED reply",
            Self::Untracked => "UNTRACKED",
            Self::Invalid => "INVALID",
            Self::None => "-",
        })
    }
}

/// Conntrack's belief, with the packet's entry if it has one.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Conntrack {
    /// The state.
    pub state: CtState,
    /// `nf_conn.status`, bits `IPS_*` (`include/uapi/linux/netfilter/nf_conntrack_common.h`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u32>,
    /// `nf_conn.zone.id`. An INVALID packet has the zone that it was looked up in, at `nf_conntrack_in` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<u16>,
    /// `nf_conn.mark`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
    /// Tuple of the original direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orig: Option<Tuple>,
    /// Tuple that a reply is expected to carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Tuple>,
}
