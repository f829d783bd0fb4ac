//! What the packet looks like on the wire: translated by somebody, wrapped into a tunnel, unwrapped.

use tracer_common::{OUTER_L4, Outer, OuterDetails, Tuple, by, kind};

use crate::{
    emit::{self, Changed, Place},
    headers,
    layout::field,
    matching,
    packet::Packet,
    read::{Probed, Read, copy},
    recorder,
};

/// Who may have changed the headers since the last look.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum By {
    /// The BPF program that ends here, which reports the change itself.
    Program,
    /// Nobody that is known; the packet is received by a device.
    Receiver,
    /// Nobody that is known.
    Unknown,
}

/// Compares the IP header at `l3` with what is known of a tracked packet. False where the skb carries
/// another packet: the kernel does not run a program twice at once on a CPU, so that the end of the one
/// before may have gone unseen.
#[inline(always)]
pub fn look(hook: u16, skb: *const u8, packet: *mut Packet, l3: *const u8, place: Place, suspect: By) -> bool {
    let Some(now) = headers::tuple(l3) else { return true };
    // SAFETY: a packet from the map.
    let (own, outer, known) = unsafe { (&mut (*packet).tuple, &mut (*packet).outer, (*packet).fingerprint) };
    let same = headers::same(&now, own);
    let translated = !same && outer.version == 0 && is_translation(own, &now);
    if same || translated {
        if known != 0 && known != headers::fingerprint(l3, now.proto) {
            return false;
        }
    } else if suspect == By::Receiver && outer.version == 0 {
        // Packets are wrapped on their way out.
        return false;
    }
    if same {
        if outer.version != 0 && tell(hook, packet, &headers::EMPTY, l3) {
            *outer = headers::EMPTY;
        }
    } else if translated {
        let before = *own;
        *own = Tuple { tcp_flags: before.tcp_flags, direction: before.direction, ..now };
        matching::learn(own);
        if suspect != By::Program {
            let mark = Probed::at(skb, field!(layout.skb_mark));
            let changed = Changed { before, mark_before: mark, by: by::UNKNOWN, program: 0, code: 0 };
            emit::change::<Probed>(hook, skb, packet, place, changed);
        }
    } else if !headers::same(&now, outer) && tell(hook, packet, &now, l3) {
        *outer = now;
    }
    true
}

/// A packet is being dropped: a translation that nobody has told is noticed now, so that a drop never shows
/// a tuple that the packet has no more. Other differences say nothing: what is freed may be half wrapped.
#[inline(always)]
pub fn look_last(hook: u16, skb: *const u8, packet: *mut Packet, l3: *const u8, place: Place) {
    // SAFETY: a packet from the map.
    let (own, wrapped) = unsafe { ((*packet).tuple, (*packet).outer.version != 0) };
    if !wrapped && headers::tuple(l3).is_some_and(|now| !headers::same(&now, &own) && is_translation(&own, &now)) {
        look(hook, skb, packet, l3, place, By::Unknown);
    }
}

/// One end may be another, the other end is as it was: nobody wraps a packet into headers like that. A
/// later fragment has no ports to compare.
#[inline(always)]
fn is_translation(own: &Tuple, now: &Tuple) -> bool {
    own.proto == now.proto
        && own.version == now.version
        && (own.saddr == now.saddr && own.sport == now.sport || own.daddr == now.daddr && own.dport == now.dport)
}

#[inline(always)]
fn tell(hook: u16, packet: *mut Packet, tuple: &Tuple, l3: *const u8) -> bool {
    let read = |outer: &mut OuterDetails| {
        outer.tuple = *tuple;
        outer.l4 = [0; OUTER_L4];
        copy(outer.l4.as_mut_ptr(), headers::l4(l3), OUTER_L4 as u32);
    };
    if recorder::is_on() {
        // SAFETY: a valid destination in the trail.
        recorder::note(kind::OUTER, hook, packet, |outer| read(unsafe { &mut *outer }));
        return true;
    }
    emit::reserve(|record: *mut Outer| {
        // SAFETY: a valid destination in the ring buffer.
        let record = unsafe { &mut *record };
        record.header = emit::header(kind::OUTER, hook, packet);
        read(&mut record.outer);
    })
}
