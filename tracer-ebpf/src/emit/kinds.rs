//! The kinds of reports: what each adds to a step, and how it lies in a record and in a trail.

use tracer_common::{
    Change, ChangeDetails, Decision, Header, Outer, OuterDetails, Peer, PeerDetails, Step, Tuple, Verdict, kind,
};

use crate::packet::Packet;

/// What a hook reports of a packet.
pub trait Report {
    /// One of [`kind`].
    const KIND: u16;
    /// Its record in the ring buffer.
    type Record: 'static;
    /// What a trail keeps behind the step; `()` for nothing.
    type Kept: 'static;

    /// Returns what it adds to the step itself.
    #[inline(always)]
    fn details(&self) -> Details {
        Details::default()
    }

    /// Returns the step within the record.
    fn step(record: *mut Self::Record) -> *mut Step;

    /// Writes everything in the record but the step.
    fn write(self, record: *mut Self::Record);

    /// Writes what the trail keeps.
    fn keep(self, kept: *mut Self::Kept, packet: &Packet);
}

/// A step, and what a hook adds to it.
#[derive(Clone, Copy, Default)]
pub struct Details {
    /// See [`Step::extra`].
    pub extra: u64,
    /// See [`Step::location`].
    pub location: u64,
    /// See [`Step::reason`].
    pub reason: u32,
    /// Bits of `tracer_common::flag` to set only in this step.
    pub flags: u32,
}

impl Report for Details {
    const KIND: u16 = kind::STEP;
    type Record = Step;
    type Kept = ();

    #[inline(always)]
    fn details(&self) -> Details {
        *self
    }

    #[inline(always)]
    fn step(record: *mut Step) -> *mut Step {
        record
    }

    #[inline(always)]
    fn write(self, _: *mut Step) {}

    #[inline(always)]
    fn keep(self, _: *mut (), _: &Packet) {}
}

/// Something that may have changed the packet, and the packet's state before it.
#[derive(Clone, Copy)]
pub struct Changed<'a> {
    /// See [`Change::before`].
    pub before: &'a Tuple,
    /// See [`Change::mark_before`].
    pub mark_before: u32,
    /// One of `tracer_common::by`.
    pub by: u32,
    /// See [`Change::program`].
    pub program: u32,
    /// See [`Change::code`].
    pub code: i32,
}

impl Report for Changed<'_> {
    const KIND: u16 = kind::CHANGE;
    type Record = Change;
    type Kept = ChangeDetails;

    #[inline(always)]
    fn step(record: *mut Change) -> *mut Step {
        // SAFETY: a valid destination in the ring buffer.
        unsafe { &raw mut (*record).step }
    }

    #[inline(always)]
    fn write(self, record: *mut Change) {
        // SAFETY: a valid destination in the ring buffer.
        unsafe {
            (*record).before = *self.before;
            (*record).mark_before = self.mark_before;
            (*record).by = self.by;
            (*record).program = self.program;
            (*record).code = self.code;
        }
    }

    #[inline(always)]
    fn keep(self, kept: *mut ChangeDetails, packet: &Packet) {
        // SAFETY: a valid destination in the trail.
        unsafe {
            (*kept).before = *self.before;
            (*kept).after = packet.tuple;
            (*kept).mark_before = self.mark_before;
            (*kept).by = self.by;
            (*kept).program = self.program;
            (*kept).code = self.code;
        }
    }
}

/// What a table, chain or rule did. The function writes every field of the decision but the table, which it may leave
/// empty.
pub struct Decided<F>(pub F);

impl<F: FnOnce(&mut Decision)> Report for Decided<F> {
    const KIND: u16 = kind::VERDICT;
    type Record = Verdict;
    type Kept = Decision;

    #[inline(always)]
    fn step(record: *mut Verdict) -> *mut Step {
        // SAFETY: a valid destination in the ring buffer.
        unsafe { &raw mut (*record).step }
    }

    #[inline(always)]
    fn write(self, record: *mut Verdict) {
        // SAFETY: a valid destination in the ring buffer.
        self.write_decision(unsafe { &mut (*record).decision });
    }

    #[inline(always)]
    fn keep(self, kept: *mut Decision, _: &Packet) {
        // SAFETY: a valid destination in the trail.
        self.write_decision(unsafe { &mut *kept });
    }
}

impl<F: FnOnce(&mut Decision)> Decided<F> {
    #[inline(always)]
    fn write_decision(self, decision: &mut Decision) {
        decision.table = [0; 32];
        self.0(decision);
    }
}

/// Something about a packet that is not a step.
pub trait Note: 'static {
    /// One of [`kind`].
    const KIND: u16;
    /// Its record in the ring buffer.
    type Record: 'static;

    /// Returns the header and the note within the record.
    fn parts(record: &mut Self::Record) -> (&mut Header, &mut Self);
}

impl Note for OuterDetails {
    const KIND: u16 = kind::OUTER;
    type Record = Outer;

    #[inline(always)]
    fn parts(record: &mut Outer) -> (&mut Header, &mut Self) {
        (&mut record.header, &mut record.outer)
    }
}

impl Note for PeerDetails {
    const KIND: u16 = kind::PEER;
    type Record = Peer;

    #[inline(always)]
    fn parts(record: &mut Peer) -> (&mut Header, &mut Self) {
        (&mut record.header, &mut record.peer)
    }
}
