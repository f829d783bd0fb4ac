//! Reports the names of a chain to user space, once.

use core::mem::MaybeUninit;

use aya_ebpf::{
    macros::map,
    maps::{Array, LruHashMap},
};
use tracer_common::{Chain, HookId, NAME_LEN, kind};

use super::rule::base_of;
use crate::{
    emit::{
        self,
        once::{self, RECENT, Thing},
    },
    frozen::field,
    packet::Packet,
    read::{Probed, Read, words},
};

/// Chains that were reported, by address, handle, table and netns: each table numbers its chains from the start,
/// and each netns its tables.
#[map]
static CHAINS_SENT: LruHashMap<Thing, u8> = LruHashMap::with_max_entries(4096, 0);

#[map]
static RECENT_CHAINS: Array<Thing> = Array::with_max_entries(RECENT, 0);

/// Emits a [`Chain`] record unless this chain has had one.
#[inline(never)]
pub fn name_once(hook: HookId, packet: *mut Packet, chain: u64, is_base: u8) {
    let at = chain as *const u8;
    let (table, number) = table_and_handle(at);
    let table_handle: u64 = Probed::at(table, field!(layout.table_handle));
    // SAFETY: a packet from the map.
    let (id, netns) = unsafe { ((*packet).id, (*packet).netns) };
    let thing = Thing { address: chain, number, owner: u64::from(netns) << 32 ^ table_handle };
    if chain == 0 || once::was_sent(&thing, &RECENT_CHAINS, &CHAINS_SENT) {
        return;
    }
    let sent = emit::attempt(|record: *mut Chain| {
        // SAFETY: a valid destination in the ring buffer.
        let record = unsafe { &mut *record };
        record.header = emit::stamp(kind::CHAIN, hook, id);
        record.chain = chain;
        record.handle = thing.number;
        record.table_handle = table_handle;
        record.netns = netns;
        record.base = is_base;
        record.pad = 0;
        let base = base_of(chain);
        record.family = if is_base == 1 { Probed::at(base, field!(layout.base_chain_pf)) } else { 0 };
        record.hooknum =
            if is_base == 1 { Probed::at::<u32>(base, field!(layout.base_chain_hooknum)) as u8 } else { 0 };
        record.policy = if is_base == 1 { Probed::at(base, field!(layout.base_chain_policy)) } else { 0 };
        record.priority = if is_base == 1 { Probed::at(base, field!(layout.base_chain_priority)) } else { 0 };
        text(&mut record.table, Probed::at(table, field!(layout.table_name)));
        text(&mut record.name, Probed::at(at, field!(layout.chain_name)));
    });
    if sent {
        once::keep_sent(&thing, &CHAINS_SENT);
    }
}

/// Reads a chain's table and handle: at once if they are beside each other.
#[inline(always)]
fn table_and_handle(chain: *const u8) -> (*const u8, u64) {
    let (table, handle) = (field!(layout.chain_table), field!(layout.chain_handle));
    if handle != table.wrapping_add(size_of::<u64>() as u16) {
        return (Probed::at(chain, table), Probed::at(chain, handle));
    }
    let mut both = MaybeUninit::<[u64; 2]>::uninit();
    words(&mut both, chain.wrapping_add(usize::from(table)));
    // SAFETY: `words` fills it, with zeroes if it fails.
    let [table, handle] = unsafe { both.assume_init() };
    (table as *const u8, handle)
}

#[inline(always)]
fn text(to: &mut [u8; NAME_LEN], from: *const u8) {
    // SAFETY: the destination has that many bytes; the helper checks the source.
    let length = unsafe {
        aya_ebpf::helpers::generated::bpf_probe_read_kernel_str(to.as_mut_ptr().cast(), NAME_LEN as u32, from.cast())
    };
    if length <= 0 {
        to[0] = 0;
    }
}
