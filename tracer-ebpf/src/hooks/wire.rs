//! What the packet looks like on the wire: translated by somebody, wrapped into a tunnel, unwrapped.

use tracer_common::{OUTER_L4, Outer, Tuple, by, kind};

use crate::{
    emit::{self, Changed, Place},
    headers,
    layout::field,
    matching,
    packet::Packet,
    read::{Read, copy},
};

/// Who may have changed the headers since the last look.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum By {
    /// The BPF program that ends here, which reports the change itself.
    Program,
    /// Nobody that is known.
    Unknown,
}

/// Compares the IP header at `l3` with what is known of a tracked packet.
#[inline(always)]
pub fn look<R: Read>(hook: u16, skb: *const u8, packet: *mut Packet, l3: *const u8, place: Place, suspect: By) {
    let Some(now) = headers::tuple(l3) else { return };
    // SAFETY: a packet from the map.
    let (own, outer) = unsafe { (&mut (*packet).tuple, &mut (*packet).outer) };
    if headers::same(&now, own) {
        if outer.version != 0 && tell(hook, packet, &headers::EMPTY, l3) {
            *outer = headers::EMPTY;
        }
        return;
    }
    if outer.version == 0 && is_translation(own, &now) {
        let before = *own;
        *own = Tuple { tcp_flags: before.tcp_flags, direction: before.direction, ..now };
        matching::learn(own);
        if suspect == By::Unknown {
            let mark = R::at(skb, field!(layout.skb_mark));
            let changed = Changed { before, mark_before: mark, by: by::UNKNOWN, program: 0, code: 0 };
            emit::change::<R>(hook, skb, packet, place, changed);
        }
        return;
    }
    if !headers::same(&now, outer) && tell(hook, packet, &now, l3) {
        *outer = now;
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
    emit::reserve(|record: *mut Outer| {
        // SAFETY: a valid destination in the ring buffer.
        let record = unsafe { &mut *record };
        record.header = emit::header(kind::OUTER, hook, packet);
        record.tuple = *tuple;
        record.l4 = [0; OUTER_L4];
        copy(record.l4.as_mut_ptr(), headers::l4(l3), OUTER_L4 as u32);
    })
}
