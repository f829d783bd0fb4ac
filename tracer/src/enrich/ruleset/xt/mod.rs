//! Decodes match and target extensions of iptables, which have the same binary form in legacy tables and, as compat
//! expressions, in nf_tables.

pub(super) mod line;
mod matches;
mod ranges;
mod targets;

use crate::model::Verdict;

pub(super) use matches::flag_names as tcp_flags;

/// One extension of a rule.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Extension {
    /// `mark`, `conntrack`, `CT`, …
    pub(super) name: String,
    /// Whether it is IPv6's: some extensions have another layout or other codes for IPv6.
    pub(super) ipv6: bool,
    /// Revision of the layout of `info`.
    pub(super) revision: u8,
    /// The extension's own structure.
    pub(super) info: Vec<u8>,
}

impl Extension {
    /// Returns a match as `iptables-save` writes it, or `-m name …` if its options cannot be decoded.
    pub(super) fn match_text(&self) -> String {
        if let Some(options) = matches::state_alias(self) {
            return format!("-m state {options}");
        }
        let options = matches::options(self).unwrap_or_else(|| "…".to_owned());
        format!("-m {} {options}", self.name).trim_end().to_owned()
    }

    /// Returns a target as `iptables-save` writes it, or `-j NAME …` if its options cannot be decoded.
    pub(super) fn target_text(&self) -> String {
        let (name, options) = targets::options(self).unwrap_or_else(|| (self.name.clone(), "…".to_owned()));
        format!("-j {name} {options}").trim_end().to_owned()
    }

    /// Returns the bits of `ct state` that this match names, and whether it is negated.
    pub(super) fn ct_state(&self) -> Option<(u64, bool)> {
        matches::ct_state(self)
    }

    /// Returns how this target ends the walk, if it does.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match self.name.as_str() {
            "REJECT" | "TARPIT" => Some(Verdict::Drop),
            "NFQUEUE" => Some(Verdict::Queue),
            "SNAT" | "DNAT" | "MASQUERADE" | "REDIRECT" | "NETMAP" | "TPROXY" => Some(Verdict::Accept),
            _ => None,
        }
    }

    /// Returns whether this target may drop or queue a packet. The targets in `NEVER` always return `XT_CONTINUE`
    /// (net/netfilter/xt_*.c, 6.18).
    pub(super) fn may_drop(&self) -> bool {
        const NEVER: &[&str] =
            &["CLASSIFY", "CONNMARK", "CT", "LOG", "MARK", "NFLOG", "NOTRACK", "SET", "TEE", "TRACE"];
        !NEVER.contains(&self.name.as_str())
    }
}
