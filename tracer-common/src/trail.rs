//! What the flight recorder keeps of a packet, and sends when the packet is dropped.

use crate::event::{Decision, OuterDetails, PeerDetails, Step, Tuple};

/// How many [`Mark`]s a trail has room for. A packet through two netfilter hooks with ten rules, a tunnel and
/// a BPF program makes about 40.
pub const MARKS: usize = 48;

/// The first marks of a trail that is full stay; newer ones replace those after them.
pub const MARKS_KEPT: usize = 12;

/// Marks that the details of a mark other than a step take up.
pub const MARKS_OF_DETAILS: usize = 2;

/// Bytes of details.
pub const DETAILS: usize = MARKS_OF_DETAILS * size_of::<Mark>();

/// A packet at a hook, as far as it cannot be told from the rest of the trail.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Mark {
    /// As in [`crate::Header`].
    pub ts: u64,
    /// As in [`Step`].
    pub nfct: u64,
    /// As in [`Step`].
    pub extra: u64,
    /// As in [`Step`].
    pub ifindex: u32,
    /// As in [`Step`].
    pub netns: u32,
    /// As in [`Step`].
    pub mark: u32,
    /// As in [`Step`].
    pub len: u32,
    /// Row of the hook table.
    pub hook: u16,
    /// CPU.
    pub cpu: u16,
    /// As in [`Step`].
    pub pf: u8,
    /// As in [`Step`].
    pub nf_hook: u8,
    /// As in [`Step`].
    pub flags: u8,
    /// One of [`crate::kind`]: a step, or what else is told of it by the two marks that follow: a
    /// [`Decision`], [`ChangeDetails`], [`OuterDetails`] or [`PeerDetails`].
    pub kind: u8,
}

/// Details of a change: [`crate::Change`] without its step, and the tuple afterwards.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChangeDetails {
    /// The tuple before.
    pub before: Tuple,
    /// The tuple afterwards.
    pub after: Tuple,
    /// As in [`crate::Change`].
    pub mark_before: u32,
    /// As in [`crate::Change`].
    pub by: u32,
    /// As in [`crate::Change`].
    pub program: u32,
    /// As in [`crate::Change`].
    pub code: i32,
}

/// The way of one packet so far.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Trail {
    /// Raw id of the packet.
    pub packet: u64,
    /// Its tuple at first sight.
    pub tuple: Tuple,
    /// How many of [`Self::marks`] are in use.
    pub used: u32,
    /// How many times the marks after [`MARKS_KEPT`] were given up for newer ones.
    pub wraps: u32,
    /// In order of time; what came first stays.
    pub marks: [Mark; MARKS],
}

/// A packet that was dropped, with its way.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dropped {
    /// The end; `kind` is `DROPPED`.
    pub step: Step,
    /// What came before.
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
