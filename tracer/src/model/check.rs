//! What this kernel and these privileges allow.

/// The answer of `tracer check`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Check {
    /// One row per thing that tracer can use, in the order they matter.
    pub rows: Vec<CheckRow>,
    /// The overall result, as a sentence.
    pub verdict: String,
}

/// One thing that tracer can use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckRow {
    /// What it is, in a few words.
    pub what: String,
    /// Whether it works here.
    pub status: CheckStatus,
    /// What was found. If it does not work: what is lost, and how to get it.
    pub detail: String,
}

/// Whether a thing works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckStatus {
    /// Works fully.
    Works,
    /// Does not work here.
    Missing,
    /// Works in part.
    Degraded,
}
