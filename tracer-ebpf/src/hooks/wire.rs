//! Compares the headers on the wire with what is known: a packet may have been translated, wrapped into a tunnel or
//! unwrapped.

use core::mem::MaybeUninit;

use tracer_common::{HookId, OUTER_L4, OuterDetails, Tuple, by};

use crate::{
    emit::{self, At, Changed, Place},
    frozen::field,
    headers, matching,
    packet::Packet,
    read::{Probed, Read, copy},
};

/// What may have changed the headers since the last look.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum By {
    /// The BPF program that ends here, which reports the change itself.
    Program,
    /// Nothing that is known; a device receives the packet, or WireGuard has decrypted it.
    Receiver,
    /// Nothing that is known; the packet is being dropped.
    ///
    /// An unreported translation is noticed, so that a drop never shows a tuple that the packet no longer has.
    /// Other differences mean nothing, because a packet may be freed half wrapped.
    Dropper,
    /// Nothing that is known.
    Unknown,
}

/// A look at a packet's headers.
#[derive(Clone, Copy)]
pub struct Look {
    /// The hook.
    pub hook: HookId,
    /// What may have changed them.
    pub suspect: By,
    /// The `struct sk_buff`, null if there is none yet.
    pub skb: *const u8,
    /// What is known of the packet.
    pub packet: *mut Packet,
    /// Its IP header.
    pub l3: *const u8,
    /// Where the packet is.
    pub place: Place,
}

/// Compares the IP header at `l3` with what is known of a tracked packet.
///
/// Returns false if the skb carries another packet. The end of the previous one may have gone unseen, because the
/// kernel does not run a program twice at once on a CPU.
#[inline(never)]
pub fn look(at: &Look) -> bool {
    // SAFETY: a packet from the map.
    let (own, outer, known) = unsafe { (&mut (*at.packet).tuple, &mut (*at.packet).outer, (*at.packet).fingerprint) };
    if outer.version == 0 && headers::unchanged(at.l3, own, known) {
        return true;
    }
    let mut seen = MaybeUninit::uninit();
    let Some(seen) = headers::read(at.l3, &mut seen) else { return true };
    let now = &mut seen.tuple;
    let same = headers::same(now, own);
    let translated = !same && outer.version == 0 && is_translation(own, now);
    if at.suspect == By::Dropper && !translated {
        return true;
    }
    if same || translated {
        if known != 0 && known != seen.fingerprint {
            return false;
        }
    } else if at.suspect == By::Receiver && outer.version == 0 {
        // Packets are wrapped when they go out, not when they are received.
        return false;
    }
    if same {
        if outer.version != 0 {
            report_outer(at, &headers::EMPTY);
            *outer = headers::EMPTY;
        }
    } else if translated {
        now.tcp_flags = own.tcp_flags;
        now.direction = own.direction;
        exchange(own, now);
        matching::learn(own);
        if at.suspect != By::Program {
            report_change(at, now);
        }
    } else if !headers::same(now, outer) {
        report_outer(at, now);
        *outer = *now;
    }
    true
}

/// Exchanges addresses and ports word by word, because a third tuple would need its place on the stack.
#[inline(always)]
fn exchange(a: &mut Tuple, b: &mut Tuple) {
    for word in 0..4 {
        (a.saddr[word], b.saddr[word]) = (b.saddr[word], a.saddr[word]);
        (a.daddr[word], b.daddr[word]) = (b.daddr[word], a.daddr[word]);
    }
    (a.sport, b.sport) = (b.sport, a.sport);
    (a.dport, b.dport) = (b.dport, a.dport);
}

#[inline(never)]
fn report_change(at: &Look, before: &Tuple) {
    let mark_before = Probed::at(at.skb, field!(layout.skb_mark));
    let changed = Changed { before, mark_before, by: by::UNKNOWN, program: 0, code: 0 };
    emit::report::<Probed, _>(&At { hook: at.hook, skb: at.skb, packet: at.packet, place: at.place }, changed);
}

/// Returns whether the change is a translation: one end may differ, but the other is as it was. Nothing wraps a
/// packet into headers like that. A later fragment has no ports to compare.
#[inline(always)]
fn is_translation(own: &Tuple, now: &Tuple) -> bool {
    own.proto == now.proto
        && own.version == now.version
        && (own.saddr == now.saddr && own.sport == now.sport || own.daddr == now.daddr && own.dport == now.dport)
}

/// Reports the headers that the packet has now as its outermost ones.
#[inline(never)]
fn report_outer(at: &Look, tuple: &Tuple) {
    emit::note(at.hook, at.packet, |outer: &mut OuterDetails| {
        outer.tuple = *tuple;
        outer.l4 = [0; OUTER_L4];
        copy(outer.l4.as_mut_ptr(), headers::l4(at.l3), OUTER_L4 as u32);
    });
}
