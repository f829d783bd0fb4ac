//! The trail that the flight recorder keeps of a packet, and sends when the packet is dropped.

use crate::{
    event::{Decision, OuterDetails, PeerDetails, Step, Tuple},
    hooks::HookId,
};

/// Number of [`Mark`]s that a trail has room for. A packet through two netfilter hooks with ten rules, a tunnel and
/// a BPF program makes about 40.
pub const MARKS: usize = 48;

/// Number of first marks that a full trail retains. Newer marks replace those after them.
pub const MARKS_KEPT: usize = 12;

/// Number of marks that the details of a mark other than a step occupy.
pub const MARKS_OF_DETAILS: usize = 2;

/// Size of the details in bytes.
pub const DETAILS: usize = MARKS_OF_DETAILS * size_of::<Mark>();

/// A packet at a hook, reduced to what does not follow from the rest of the trail.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Mark {
    /// See [`crate::Header::ts`].
    pub ts: u64,
    /// See [`Step::nfct`].
    pub nfct: u64,
    /// See [`Step::extra`].
    pub extra: u64,
    /// See [`Step::ifindex`].
    pub ifindex: u32,
    /// See [`Step::netns`].
    pub netns: u32,
    /// See [`Step::mark`].
    pub mark: u32,
    /// See [`Step::len`].
    pub len: u32,
    /// The hook.
    pub hook: HookId,
    /// CPU.
    pub cpu: u16,
    /// See [`Step::pf`].
    pub pf: u8,
    /// See [`Step::nf_hook`].
    pub nf_hook: u8,
    /// See [`Step::flags`].
    pub flags: u8,
    /// One of [`crate::kind`]. Unless it is a step, the two marks that follow hold its details: a [`Decision`],
    /// [`ChangeDetails`], [`OuterDetails`] or [`PeerDetails`].
    pub kind: u8,
}

/// Details of a change: [`crate::Change`] without its step, but with the tuple afterwards.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChangeDetails {
    /// The tuple before the change.
    pub before: Tuple,
    /// The tuple after the change.
    pub after: Tuple,
    /// See [`crate::Change::mark_before`].
    pub mark_before: u32,
    /// See [`crate::Change::by`].
    pub by: u32,
    /// See [`crate::Change::program`].
    pub program: u32,
    /// See [`crate::Change::code`].
    pub code: i32,
}

/// The path of one packet so far.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Trail {
    /// Raw id of the packet.
    pub packet: u64,
    /// Its tuple when it was first seen.
    pub tuple: Tuple,
    /// Number of [`Self::marks`] in use.
    pub used: u32,
    /// How many times the marks after [`MARKS_KEPT`] were discarded for newer ones.
    pub wraps: u32,
    /// Marks in order of time. A full trail never replaces the first [`MARKS_KEPT`].
    pub marks: [Mark; MARKS],
}

/// A dropped packet, with its trail.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dropped {
    /// The drop; `kind` is `DROPPED`.
    pub step: Step,
    /// The steps before the drop.
    pub trail: Trail,
}

const _: () = {
    assert!(size_of::<Mark>() == 48);
    assert!(size_of::<Decision>() <= DETAILS);
    assert!(size_of::<ChangeDetails>() == DETAILS);
    assert!(size_of::<OuterDetails>() <= DETAILS && size_of::<PeerDetails>() <= DETAILS);
    assert!(size_of::<Trail>() == 56 + MARKS * 48);
    assert!(size_of::<Dropped>() == 128 + size_of::<Trail>());
};
