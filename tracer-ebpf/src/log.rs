//! Logs rare events with `TRACER_LOG=trace`. Otherwise the loader removes the functions here and their calls.
//!
//! None of them is inlined, because a log record takes a large part of the stack.

use aya_log_ebpf::trace;

use crate::frozen::field;

/// There is no room to track an skb.
#[inline(always)]
pub fn table_is_full(skb: *const u8) {
    if is_on() {
        write_table_is_full(skb as u64);
    }
}

/// An skb has headers that cannot be read.
#[inline(always)]
pub fn unparsed(skb: *const u8) {
    if is_on() {
        write_unparsed(skb as u64);
    }
}

/// An skb carries another packet than the tracked one, whose end went unseen.
#[inline(always)]
pub fn stale(skb: *const u8) {
    if is_on() {
        write_stale(skb as u64);
    }
}

#[inline(always)]
fn is_on() -> bool {
    field!(log) != 0
}

#[inline(never)]
fn write_table_is_full(skb: u64) {
    trace!((), "no room to track skb {:x}", skb);
}

#[inline(never)]
fn write_unparsed(skb: u64) {
    trace!((), "the headers of skb {:x} cannot be read", skb);
}

#[inline(never)]
fn write_stale(skb: u64) {
    trace!((), "skb {:x} carries another packet by now", skb);
}
