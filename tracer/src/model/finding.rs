//! Findings with their evidence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CtState, Direction, Name, NfFamily, NfHook, Tuple};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Traffic is lost.
    Error,
    /// Something is wrong that may lose traffic.
    Warning,
    /// Worth knowing.
    Info,
}

/// How sure a finding is, the surest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Every link of the chain was seen on the packet itself.
    Certain,
    /// One link is inferred.
    Likely,
    /// More than one link is inferred.
    Possible,
}

/// A place. Unknown fields are absent.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Where {
    /// Inode number of the netns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netns: Option<u32>,
    /// Device name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ifname: Option<Name>,
    /// Netfilter hook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<NfHook>,
    /// Family of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<NfFamily>,
    /// Table name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Name>,
    /// Chain name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Name>,
    /// nftables: rule handle. Legacy iptables: number of the rule in its chain, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<u64>,
    /// Whether the chain's policy decided.
    #[serde(default)]
    pub policy: bool,
}

/// An earlier event that made the packet end as it did.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Cause {
    /// Where it happened.
    #[serde(flatten)]
    pub place: Where,
    /// The rule's text, if there is a rule and its text is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Name>,
    /// The BPF program, if one did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Name>,
    /// What it did to the packet, as a sentence.
    pub did: String,
}

/// A conclusion that cites its evidence.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Finding {
    /// Stable kebab-case id, listed in `docs/findings.md`.
    pub id: String,
    /// Severity.
    pub severity: Severity,
    /// One sentence in plain words.
    pub title: String,
    /// Flow id.
    pub flow: u64,
    /// Direction of the packets that the finding is about.
    pub direction: Direction,
    /// Their tuple.
    pub tuple: Tuple,
    /// Ids of the packets that it was seen on.
    pub packets: Vec<u64>,
    /// Where it happened.
    pub r#where: Where,
    /// The kernel's drop reason.
    pub reason: Name,
    /// Conntrack's belief at that place.
    pub ct_state: CtState,
    /// The cause.
    pub cause: Cause,
    /// Sentences, each with packet id and time since the start of the trace.
    pub evidence: Vec<String>,
    /// How sure.
    pub confidence: Confidence,
    /// What would let the packet through: sentences, one per line.
    pub advice: String,
}
