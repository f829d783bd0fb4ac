//! How prominently the report shows a step.

/// How much a step matters to someone who looks for a lost packet.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Tone {
    /// Nothing unusual; such rows may be merged.
    #[default]
    Quiet,
    /// The packet, its path or its conntrack state changed.
    Notable,
    /// The packet was dropped, or a rule or program decided to drop it.
    Bad,
}
