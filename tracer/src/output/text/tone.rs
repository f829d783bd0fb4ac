//! How a step is told: quietly or not.

/// How much a step matters to somebody who looks for a lost packet.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Tone {
    /// The usual course of things; rows of it may be merged.
    #[default]
    Quiet,
    /// Changed the packet's course or somebody's belief about it.
    Notable,
    /// The packet's end, or the decision to end it.
    Bad,
}
