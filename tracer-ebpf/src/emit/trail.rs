//! The flight recorder (`--drops`): keeps the path of each packet, and sends it when the packet is dropped.
//!
//! Trails lie in rings, one for each CPU. Each new packet gets the next trail of its CPU's ring. A packet that is
//! still in flight when its trail is reassigned loses the trail. The loss is counted when that packet is dropped.

use aya_ebpf::{
    helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_boot_ns},
    macros::map,
    maps::{Array, PerCpuArray},
};
use tracer_common::{DETAILS, Dropped, HookId, MARKS, MARKS_KEPT, MARKS_OF_DETAILS, Mark, Trail, counter, kind};

use super::{At, Details, Note, Report, conntrack, device, ring};
use crate::{
    frozen::field,
    packet::{Packet, count},
    read::{Read, copy},
};

/// All trails. User space resizes the map before creating it: [`tracer_common::Config::trails`] for each CPU.
#[map]
static TRAILS: Array<Trail> = Array::with_max_entries(1, 0);

/// Number of trails that each CPU has assigned.
#[map]
static GIVEN: PerCpuArray<u32> = PerCpuArray::with_max_entries(1, 0);

/// Returns whether steps are kept rather than sent.
#[inline(always)]
pub fn is_on() -> bool {
    field!(trails) != 0
}

/// Assigns a trail to a new packet.
#[inline(always)]
pub fn begin(packet: *mut Packet) {
    let Some(given) = GIVEN.get_ptr_mut(0) else { return };
    let per_cpu = field!(trails);
    // SAFETY: a per-CPU slot, and helpers without arguments.
    let index = unsafe {
        *given = (*given).wrapping_add(1);
        bpf_get_smp_processor_id() * per_cpu + (*given & per_cpu.wrapping_sub(1))
    };
    let Some(trail) = TRAILS.get_ptr_mut(index) else { return };
    // SAFETY: a packet from the map.
    unsafe { (*packet).trail = index };
    clear(trail, packet);
}

/// Keeps a step with its details.
#[inline(always)]
pub fn keep<R: Read, W: Report>(at: &At, what: W) {
    const { assert!(size_of::<W::Kept>() <= DETAILS) };
    if let Some((trail, mark)) = room(at.packet) {
        fill::<R>(mark, W::KIND, at, what.details());
        // SAFETY: `room` leaves that much space behind the mark, and the packet is from the map.
        unsafe { what.keep(mark.add(1).cast(), &*at.packet) };
        used(trail, if size_of::<W::Kept>() == 0 { 1 } else { 1 + MARKS_OF_DETAILS as u32 });
    }
}

/// Keeps something about the packet that is not a step.
#[inline(always)]
pub fn note<N: Note>(hook: HookId, packet: *mut Packet, write: impl FnOnce(&mut N)) {
    const { assert!(size_of::<N>() <= DETAILS) };
    if let Some((trail, mark)) = room(packet) {
        // SAFETY: a place in the trail, with room for the details behind it.
        unsafe {
            *mark = Mark { ts: bpf_ktime_get_boot_ns(), hook, kind: N::KIND as u8, ..BLANK };
            write(&mut *mark.add(1).cast());
        }
        used(trail, 1 + MARKS_OF_DETAILS as u32);
    }
}

/// Sends a packet's end together with its trail.
#[inline(always)]
pub fn send<R: Read>(at: &At, details: Details) {
    let At { hook, skb, packet, .. } = *at;
    if !conntrack::report(hook, R::at(skb, field!(layout.skb_nfct)), packet) {
        count(counter::EVENTS);
    }
    ring::reserve(|dropped: *mut Dropped| {
        // SAFETY: a valid destination in the ring buffer.
        let (step, to) = unsafe { (&raw mut (*dropped).step, &raw mut (*dropped).trail) };
        ring::fill::<R>(step, kind::DROPPED, at, details);
        let copied =
            trail_of(packet).is_some_and(|trail| copy(to.cast(), trail.cast_const().cast(), size_of::<Trail>() as u32));
        if !copied {
            count(counter::TRAILS);
            clear(to, packet);
        }
    });
    // What a copy of the packet meets from here on is reported with the copy's own end.
    if let Some(trail) = trail_of(packet) {
        clear(trail, packet);
    }
}

/// Makes the trail one that begins with the packet as it is now. Marks behind [`Trail::used`] are not read.
#[inline(always)]
fn clear(trail: *mut Trail, packet: *const Packet) {
    // SAFETY: a trail in a map or in the ring buffer, and a packet from the map.
    unsafe {
        (*trail).packet = (*packet).id;
        (*trail).tuple = (*packet).tuple;
        (*trail).used = 0;
        (*trail).wraps = 0;
    }
}

/// Returns the packet's trail, unless it was reassigned to another packet.
#[inline(always)]
fn trail_of(packet: *mut Packet) -> Option<*mut Trail> {
    // SAFETY: a packet from the map.
    let (index, id) = unsafe { ((*packet).trail, (*packet).id) };
    // SAFETY: a trail in the map.
    TRAILS.get_ptr_mut(index).filter(|trail| unsafe { (**trail).packet } == id)
}

/// Returns the next free mark, with room for details behind it.
#[inline(always)]
fn room(packet: *mut Packet) -> Option<(*mut Trail, *mut Mark)> {
    const LAST: u32 = (MARKS - 1 - MARKS_OF_DETAILS) as u32;
    let trail = trail_of(packet)?;
    // SAFETY: a trail in the map; the index leaves room for details.
    unsafe {
        let mut next = (*trail).used;
        if next > LAST {
            next = MARKS_KEPT as u32;
            (*trail).used = next;
            (*trail).wraps += 1;
        }
        Some((trail, (&raw mut (*trail).marks).cast::<Mark>().add(next as usize)))
    }
}

#[inline(always)]
fn used(trail: *mut Trail, marks: u32) {
    // SAFETY: a trail in the map.
    unsafe { (*trail).used += marks };
}

#[inline(always)]
fn fill<R: Read>(mark: *mut Mark, kind: u16, at: &At, details: Details) {
    let At { hook, skb, packet, place } = *at;
    // SAFETY: a place in the trail, and a packet from the map.
    let (mark, packet) = unsafe { (&mut *mark, &mut *packet) };
    mark.nfct = R::at(skb, field!(layout.skb_nfct));
    if mark.nfct != packet.nfct {
        conntrack::forget_look_up_of_scrubbed(mark.nfct, packet);
        packet.nfct = mark.nfct;
    }
    // SAFETY: helpers without arguments.
    unsafe {
        mark.ts = bpf_ktime_get_boot_ns();
        mark.cpu = bpf_get_smp_processor_id() as u16;
    }
    mark.extra = details.extra;
    mark.ifindex = device::ifindex(packet, place);
    mark.netns = packet.netns;
    mark.mark = R::at(skb, field!(layout.skb_mark));
    mark.len = R::at(skb, field!(layout.skb_len));
    mark.hook = hook;
    mark.pf = packet.pf;
    mark.nf_hook = packet.nf_hook;
    mark.flags = ring::flags(packet, details);
    mark.kind = kind as u8;
}

const BLANK: Mark = Mark {
    ts: 0,
    nfct: 0,
    extra: 0,
    ifindex: 0,
    netns: 0,
    mark: 0,
    len: 0,
    hook: HookId(0),
    cpu: 0,
    pf: 0,
    nf_hook: 0,
    flags: 0,
    kind: 0,
};
