//! Records in the ring buffer.

use aya_ebpf::{
    helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_boot_ns},
    macros::map,
    maps::RingBuf,
};
use tracer_common::{Header, HookId, Step, counter, flag};

use super::{At, Details, Note, Report, device};
use crate::{
    frozen::field,
    packet::{Packet, count},
    read::{Read, copy},
};

/// The ring buffer. User space resizes it before creating it.
#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(4 << 20, 0);

/// Writes a record about a packet at a hook.
#[inline(always)]
pub fn send<R: Read, W: Report>(at: &At, what: W) {
    reserve(|record: *mut W::Record| {
        fill::<R>(W::step(record), W::KIND, at, what.details());
        what.write(record);
    });
}

/// Writes a record of something that is not a step.
#[inline(always)]
pub fn note<N: Note>(hook: HookId, packet: *const Packet, write: impl FnOnce(&mut N)) {
    reserve(|record: *mut N::Record| {
        // SAFETY: `reserve` passes a valid destination.
        let (header, note) = N::parts(unsafe { &mut *record });
        // SAFETY: a packet from the map.
        *header = stamp(N::KIND, hook, unsafe { (*packet).id });
        write(note);
    });
}

/// Writes a record, or counts a lost event if the ring buffer has no room.
#[inline(always)]
pub fn reserve<T: 'static>(fill: impl FnOnce(*mut T)) {
    if !attempt(fill) {
        count(counter::EVENTS);
    }
}

/// Writes a record. Returns false and counts nothing if the ring buffer has no room.
#[inline(always)]
pub fn attempt<T: 'static>(fill: impl FnOnce(*mut T)) -> bool {
    match EVENTS.reserve::<T>(0) {
        Some(mut entry) => {
            fill(entry.as_mut_ptr());
            entry.submit(0);
            true
        }
        None => false,
    }
}

/// Returns the header of a record about a packet, whose id is given.
#[inline(always)]
pub fn stamp(kind: u16, hook: HookId, packet: u64) -> Header {
    // SAFETY: helpers without arguments.
    unsafe { Header { kind, hook, cpu: bpf_get_smp_processor_id(), ts: bpf_ktime_get_boot_ns(), packet } }
}

/// Writes a step.
#[inline(always)]
pub fn fill<R: Read>(step: *mut Step, kind: u16, at: &At, details: Details) {
    let At { hook, skb, packet, place } = *at;
    // SAFETY: both pointers are valid, one from the ring buffer, one from the map.
    let (step, packet) = unsafe { (&mut *step, &mut *packet) };
    step.ifindex = device::ifindex(packet, place);
    if place.dev.is_null() {
        step.ifname = [0; 16];
    } else {
        let name = place.dev.wrapping_add(usize::from(field!(layout.dev_name)));
        copy(step.ifname.as_mut_ptr(), name, 16);
    }
    step.header = stamp(kind, hook, packet.id);
    step.tuple = packet.tuple;
    step.nfct = R::at(skb, field!(layout.skb_nfct));
    step.location = details.location;
    step.extra = details.extra;
    step.netns = packet.netns;
    step.mark = R::at(skb, field!(layout.skb_mark));
    step.len = R::at(skb, field!(layout.skb_len));
    step.reason = details.reason;
    step.pf = packet.pf;
    step.nf_hook = packet.nf_hook;
    step.flags = flags(packet, details);
    step.pad = 0;
}

/// Returns the value of [`Step::flags`].
#[inline(always)]
pub fn flags(packet: &Packet, details: Details) -> u8 {
    let wrapped = if packet.outer.version != 0 { flag::WRAPPED } else { 0 };
    packet.flags | details.flags as u8 | wrapped
}
