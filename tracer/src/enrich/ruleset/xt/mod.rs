//! Match and target extensions of iptables: the same binary form in legacy tables and, as compat
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
    /// Whether it is IPv6's: some extensions have another layout or other codes there.
    pub(super) ipv6: bool,
    /// Which of the extension's layouts `info` has.
    pub(super) revision: u8,
    /// Its own structure.
    pub(super) info: Vec<u8>,
}

impl Extension {
    /// A match as `iptables-save` writes it, `-m name …` where its options are not decoded.
    pub(super) fn match_text(&self) -> String {
        if let Some(options) = matches::state_alias(self) {
            return format!("-m state {options}");
        }
        let options = matches::options(self).unwrap_or_else(|| "…".to_owned());
        format!("-m {} {options}", self.name).trim_end().to_owned()
    }

    /// A target as `iptables-save` writes it, `-j NAME …` where its options are not decoded.
    pub(super) fn target_text(&self) -> String {
        let (name, options) = targets::options(self).unwrap_or_else(|| (self.name.clone(), "…".to_owned()));
        format!("-j {name} {options}").trim_end().to_owned()
    }

    /// Bits of `ct state` that this match accepts and whether it is negated.
    pub(super) fn ct_state(&self) -> Option<(u64, bool)> {
        matches::ct_state(self)
    }

    /// How this target ends the walk, where it does.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match self.name.as_str() {
            "REJECT" | "TARPIT" => Some(Verdict::Drop),
            "NFQUEUE" => Some(Verdict::Queue),
            "SNAT" | "DNAT" | "MASQUERADE" | "REDIRECT" | "NETMAP" | "TPROXY" => Some(Verdict::Accept),
            _ => None,
        }
    }

    /// Whether this target may drop or queue a packet. Those that it is false for always return `XT_CONTINUE`
    /// (net/netfilter/xt_*.c, 6.18).
    pub(super) fn may_drop(&self) -> bool {
        const NEVER: &[&str] =
            &["CLASSIFY", "CONNMARK", "CT", "LOG", "MARK", "NFLOG", "NOTRACK", "SET", "TEE", "TRACE"];
        !NEVER.contains(&self.name.as_str())
    }
}
