//! Reports a packet's conntrack entry.

use core::mem::MaybeUninit;

use tracer_common::{Conntrack, CtTuple, HookId, NFCT_INFOMASK, counter, flag, kind};

use super::{At, attempt, stamp};
use crate::{
    frozen::field,
    packet::{Packet, count, uncount},
    read::{Probed, Read, words},
};

/// Reports the packet's conntrack entry, once for each entry that it points to.
#[inline(always)]
pub fn report_if_new<R: Read>(at: &At) {
    let At { hook, skb, packet, .. } = *at;
    let nfct: u64 = R::at(skb, field!(layout.skb_nfct));
    // SAFETY: a packet from the map.
    if nfct == unsafe { (*packet).nfct } {
        return;
    }
    forget_look_up_of_scrubbed(nfct, packet);
    // SAFETY: a packet from the map.
    let packet = unsafe { &mut *packet };
    let sent = report(hook, nfct, packet);
    match (sent, packet.nfct_unsent == nfct && nfct != 0) {
        (true, true) => uncount(counter::EVENTS),
        (false, false) => count(counter::EVENTS),
        _ => {}
    }
    if sent {
        packet.nfct = nfct;
    }
    packet.nfct_unsent = if sent { 0 } else { nfct };
}

/// Handles an skb whose entry was removed on the path into or out of a tunnel or netns: nothing has looked it up
/// since.
#[inline(always)]
pub fn forget_look_up_of_scrubbed(nfct: u64, packet: *mut Packet) {
    if nfct == 0 {
        // SAFETY: a packet from the map.
        unsafe { (*packet).flags &= !flag::CT_LOOKED_UP };
    }
}

/// Reports the conntrack entry that `nfct` points to, if any. Returns false if the ring buffer has no room.
#[inline(always)]
pub fn report(hook: HookId, nfct: u64, packet: *const Packet) -> bool {
    // SAFETY: a packet from the map.
    nfct & !NFCT_INFOMASK == 0 || send_conntrack(hook.0.into(), nfct, unsafe { (*packet).id }) != 0
}

/// Writes a [`Conntrack`] record. Returns 0 if the ring buffer has no room. Global so that the verifier checks it
/// once: see `skip_extensions` in [`crate::headers`].
#[unsafe(no_mangle)]
extern "C" fn send_conntrack(hook: u64, nfct: u64, packet: u64) -> u64 {
    let entry = (nfct & !NFCT_INFOMASK) as *const u8;
    let sent = attempt(|record: *mut Conntrack| {
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
    sent.into()
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
