//! Writes records into the ring buffer.

use core::mem::MaybeUninit;

use aya_ebpf::{
    helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_boot_ns},
    macros::map,
    maps::RingBuf,
};
use tracer_common::{
    Change, ChangeDetails, Conntrack, CtTuple, Decision, Header, HookId, Step, Tuple, Verdict, counter, flag, kind,
};

use crate::{
    frozen::field,
    packet::{Packet, count, uncount},
    read::{Probed, Read, copy, words},
    recorder,
};

pub mod device;
pub mod told;

/// The ring buffer. User space resizes it before creating it.
#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(4 << 20, 0);

/// Low bits of `skb->_nfct` that hold `ctinfo` (`NFCT_INFOMASK`).
const NFCT_INFOMASK: u64 = 7;

/// Where a packet is, as far as the hook's arguments show. A pointer is null if they do not show it.
#[derive(Clone, Copy)]
pub struct Place {
    /// `struct net_device`.
    pub dev: *const u8,
    /// `struct net`, if it is known without a device.
    pub net: *const u8,
}

impl Place {
    /// Returns the device that the skb is on.
    #[inline(always)]
    pub fn of<R: Read>(skb: *const u8) -> Self {
        Self { dev: R::pointer(skb, field!(layout.skb_dev)), net: core::ptr::null() }
    }
}

/// What a hook adds to a step.
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

/// Reports a tracked packet at a hook.
#[inline(always)]
pub fn step<R: Read>(hook: HookId, skb: *const u8, packet: *mut Packet, place: Place, details: Details) {
    device::locate::<R>(hook, packet, place);
    if recorder::is_on() {
        recorder::step::<R>(hook, skb, packet, place, details);
    } else {
        conntrack_if_new::<R>(hook, skb, packet);
        reserve(|step: *mut Step| fill::<R>(step, kind::STEP, hook, skb, packet, place, details));
    }
    // SAFETY: a packet from the map.
    unsafe { (*packet).flags &= !flag::AT_ALLOWED_IPS };
}

/// Reports the step at which a tracked packet ends without arriving.
#[inline(always)]
pub fn end<R: Read>(hook: HookId, skb: *const u8, packet: *mut Packet, place: Place, details: Details) {
    if recorder::is_on() {
        device::locate::<R>(hook, packet, place);
        recorder::send::<R>(hook, skb, packet, place, details);
    } else {
        step::<R>(hook, skb, packet, place, details);
    }
}

/// The cause of a change, and the packet's state before it.
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

/// Reports a tracked packet after something that may have changed it.
#[inline(always)]
pub fn change<R: Read>(hook: HookId, skb: *const u8, packet: *mut Packet, place: Place, changed: &Changed<'_>) {
    device::locate::<R>(hook, packet, place);
    if recorder::is_on() {
        recorder::step_with::<R, ChangeDetails>(kind::CHANGE, hook, skb, packet, place, |details| {
            // SAFETY: a valid destination, and a packet from the map.
            unsafe {
                (*details).before = *changed.before;
                (*details).after = (*packet).tuple;
                (*details).mark_before = changed.mark_before;
                (*details).by = changed.by;
                (*details).program = changed.program;
                (*details).code = changed.code;
            }
        });
        return;
    }
    conntrack_if_new::<R>(hook, skb, packet);
    reserve(|change: *mut Change| {
        // SAFETY: `reserve` passes a valid destination; every field is written here.
        let step = unsafe {
            (*change).before = *changed.before;
            (*change).mark_before = changed.mark_before;
            (*change).by = changed.by;
            (*change).program = changed.program;
            (*change).code = changed.code;
            &raw mut (*change).step
        };
        fill::<R>(step, kind::CHANGE, hook, skb, packet, place, Details::default());
    });
}

/// Reports what a table, chain or rule did to a tracked packet.
#[inline(always)]
pub fn verdict<R: Read>(
    hook: HookId,
    skb: *const u8,
    packet: *mut Packet,
    place: Place,
    decided: impl FnOnce(*mut Decision),
) {
    device::locate::<R>(hook, packet, place);
    let decided = |decision: *mut Decision| {
        // SAFETY: a valid destination; `decided` writes every other field.
        unsafe { (*decision).table = [0; 32] };
        decided(decision);
    };
    if recorder::is_on() {
        recorder::step_with::<R, Decision>(kind::VERDICT, hook, skb, packet, place, decided);
        return;
    }
    conntrack_if_new::<R>(hook, skb, packet);
    reserve(|verdict: *mut Verdict| {
        // SAFETY: `reserve` passes a valid destination.
        let (step, decision) = unsafe { (&raw mut (*verdict).step, &raw mut (*verdict).decision) };
        fill::<R>(step, kind::VERDICT, hook, skb, packet, place, Details::default());
        decided(decision);
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

/// Returns the header of a record about a packet.
#[inline(always)]
pub fn header(kind: u16, hook: HookId, packet: *const Packet) -> Header {
    // SAFETY: a packet from the map.
    stamp(kind, hook, unsafe { (*packet).id })
}

#[inline(always)]
pub fn stamp(kind: u16, hook: HookId, packet: u64) -> Header {
    // SAFETY: helpers without arguments.
    unsafe { Header { kind, hook, cpu: bpf_get_smp_processor_id(), ts: bpf_ktime_get_boot_ns(), packet } }
}

/// Returns the value of [`Step::flags`].
#[inline(always)]
pub fn flags(packet: &Packet, details: Details) -> u8 {
    let wrapped = if packet.outer.version != 0 { flag::WRAPPED } else { 0 };
    packet.flags | details.flags as u8 | wrapped
}

/// Writes a step.
#[inline(always)]
pub fn fill<R: Read>(
    step: *mut Step,
    kind: u16,
    hook: HookId,
    skb: *const u8,
    packet: *mut Packet,
    place: Place,
    details: Details,
) {
    // SAFETY: both pointers are valid, one from the ring buffer, one from the map.
    let (step, packet) = unsafe { (&mut *step, &mut *packet) };
    step.ifindex = device::ifindex(packet, place);
    if place.dev.is_null() {
        step.ifname = [0; 16];
    } else {
        let name = place.dev.wrapping_add(usize::from(field!(layout.dev_name)));
        copy(step.ifname.as_mut_ptr(), name, 16);
    }
    step.header = header(kind, hook, packet);
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

/// Reports the packet's conntrack entry, once for each entry that it points to.
#[inline(always)]
fn conntrack_if_new<R: Read>(hook: HookId, skb: *const u8, packet: *mut Packet) {
    let nfct: u64 = R::at(skb, field!(layout.skb_nfct));
    // SAFETY: a packet from the map.
    if nfct == unsafe { (*packet).nfct } {
        return;
    }
    // The skb was scrubbed on the path into or out of a tunnel or netns, and nothing has looked it up since.
    if nfct == 0 {
        // SAFETY: a packet from the map.
        unsafe { (*packet).flags &= !flag::CT_LOOKED_UP };
    }
    // SAFETY: a packet from the map.
    let packet = unsafe { &mut *packet };
    let told = conntrack(hook, nfct, packet);
    match (told, packet.untold == nfct && nfct != 0) {
        (true, true) => uncount(counter::EVENTS),
        (false, false) => count(counter::EVENTS),
        _ => {}
    }
    if told {
        packet.nfct = nfct;
    }
    packet.untold = if told { 0 } else { nfct };
}

/// Reports the conntrack entry that `nfct` points to, if any. Returns false if the ring buffer has no room.
#[inline(always)]
pub fn conntrack(hook: HookId, nfct: u64, packet: *const Packet) -> bool {
    // SAFETY: a packet from the map.
    nfct & !NFCT_INFOMASK == 0 || tell_conntrack(hook.0.into(), nfct, unsafe { (*packet).id }) != 0
}

/// Writes a [`Conntrack`] record. Returns 0 if the ring buffer has no room. Global so that the verifier checks it
/// once: see `skip_extensions` in [`crate::headers`].
#[unsafe(no_mangle)]
extern "C" fn tell_conntrack(hook: u64, nfct: u64, packet: u64) -> u64 {
    let entry = (nfct & !NFCT_INFOMASK) as *const u8;
    let told = attempt(|record: *mut Conntrack| {
        // SAFETY: `attempt` passes a valid destination.
        let record = unsafe { &mut *record };
        let hash = entry.wrapping_add(usize::from(field!(layout.ct_tuplehash)));
        let tuple = hash.wrapping_add(usize::from(field!(layout.ct_tuplehash_tuple)));
        record.header = stamp(kind::CONNTRACK, HookId(hook as u16), packet);
        record.nfct = nfct;
        record.status = Probed::at(entry, field!(layout.ct_status));
        record.mark = Probed::at(entry, field!(layout.ct_mark));
        record.zone = Probed::at(entry, field!(layout.ct_zone));
        record.l3num = Probed::at(tuple, field!(layout.ct_tuple_l3num));
        record.pad = 0;
        ct_tuple(&mut record.orig, tuple);
        ct_tuple(&mut record.reply, tuple.wrapping_add(usize::from(field!(layout.ct_tuplehash_size))));
    });
    told.into()
}

/// Reads a `struct nf_conntrack_tuple`: at once if its fields are in the order that they have had since 2.6.
#[inline(always)]
pub fn ct_tuple(to: &mut CtTuple, tuple: *const u8) {
    let known = field!(layout.ct_tuple_saddr) == 0
        && field!(layout.ct_tuple_sport) == 16
        && field!(layout.ct_tuple_daddr) == 20
        && field!(layout.ct_tuple_dport) == 36
        && field!(layout.ct_tuple_proto) == 38;
    if known {
        let mut raw = MaybeUninit::<[u64; 5]>::uninit();
        words(&mut raw, tuple);
        // SAFETY: `words` fills it, with zeroes if it fails.
        let raw = unsafe { raw.assume_init_ref() };
        let word = |at: usize| (raw[at / 8] >> (at % 8 * 8)) as u32;
        to.saddr = [word(0), word(4), word(8), word(12)];
        to.sport = word(16) as u16;
        to.daddr = [word(20), word(24), word(28), word(32)];
        (to.dport, to.proto) = (word(36) as u16, (word(36) >> 16) as u8);
        to.pad = [0; 3];
        return;
    }
    Probed::into(to.saddr.as_mut_ptr().cast(), 16, tuple, field!(layout.ct_tuple_saddr));
    Probed::into(to.daddr.as_mut_ptr().cast(), 16, tuple, field!(layout.ct_tuple_daddr));
    to.sport = Probed::at(tuple, field!(layout.ct_tuple_sport));
    to.dport = Probed::at(tuple, field!(layout.ct_tuple_dport));
    to.proto = Probed::at(tuple, field!(layout.ct_tuple_proto));
    to.pad = [0; 3];
}
