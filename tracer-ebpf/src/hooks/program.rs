//! BPF programs that packets pass: tc, cgroup_skb and XDP, each traced when it begins and when it ends.
//!
//! The programs here are loaded once for each traced program, whose id the loader writes into their code. Attach
//! cookies for tracing programs exist only from 5.19 on, and tracer supports older kernels.

use core::mem::MaybeUninit;

use aya_ebpf::{
    macros::map,
    maps::PerCpuArray,
    programs::{FEntryContext, FExitContext},
};
use tracer_common::{Tuple, by, hook, placeholder};

use super::{
    ip::network_header,
    wire::{self, By, Look},
};
use crate::{
    emit::{self, At, Changed, Place},
    frozen::field,
    headers::{self, ETH_P_IP, ETH_P_IPV6},
    matching,
    packet::{self, Packet},
    raised::Raised,
    read::{Probed, Read, Typed},
};

/// Length of Ethernet's header (`ETH_HLEN`), and the offset of its type.
const ETH_HLEN: usize = 14;
const ETH_TYPE: u16 = 12;
/// `enum xdp_action` (`include/uapi/linux/bpf.h`).
const XDP_ABORTED: i32 = 0;
const XDP_DROP: i32 = 1;
const XDP_PASS: i32 = 2;

/// Returns the traced program's id, which the loader writes into the code here (`probe/programs.rs`).
#[inline(always)]
fn program_id() -> u32 {
    let id: u64;
    // SAFETY: the instruction only moves a number into a register.
    unsafe {
        core::arch::asm!(
            "w0 = {id}",
            id = const placeholder::PROGRAM_ID,
            lateout("r0") id,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    id as u32
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "fentry/bpf_program")]
extern "C" fn fentry_bpf_program(ctx: *mut core::ffi::c_void) -> i32 {
    let skb: *const u8 = FEntryContext::new(ctx).arg(0);
    if let Some(packet) = packet::tracked(skb) {
        let mark = Typed::at(skb, field!(layout.skb_mark));
        // SAFETY: a packet from the map.
        unsafe { (*packet).mark = mark };
    }
    0
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "fexit/bpf_program")]
extern "C" fn fexit_bpf_program(ctx: *mut core::ffi::c_void) -> i32 {
    let args = FExitContext::new(ctx);
    let (skb, code): (*const u8, u64) = (args.arg(0), args.arg(1));
    let Some(packet) = packet::tracked(skb) else { return 0 };
    // SAFETY: a packet from the map.
    let (before, mark_before) = unsafe { ((*packet).tuple, (*packet).mark) };
    let place = Place::of::<Typed>(skb);
    let protocol: u16 = Typed::at(skb, field!(layout.skb_protocol));
    if matches!(protocol, ETH_P_IP | ETH_P_IPV6)
        && !wire::look(&Look {
            hook: hook::BPF_PROGRAM,
            skb,
            packet,
            l3: network_header::<Typed>(skb),
            place,
            suspect: By::Program,
        })
    {
        packet::end_stale(skb);
        return 0;
    }
    let changed = Changed { before: &before, mark_before, by: by::PROGRAM, program: program_id(), code: code as i32 };
    emit::report::<Typed, _>(&At { hook: hook::BPF_PROGRAM, skb, packet, place }, changed);
    0
}

/// Handles the end of an XDP program, which sees no skb. Generic XDP runs on an skb that was received before.
/// Native XDP runs on a buffer that becomes an skb's head later; until then, the buffer is tracked under its own
/// address.
#[unsafe(no_mangle)]
#[unsafe(link_section = "fexit/xdp_program")]
extern "C" fn fexit_xdp_program(ctx: *mut core::ffi::c_void) -> i32 {
    let args = FExitContext::new(ctx);
    let (xdp, code): (*const u8, u64) = (args.arg(0), args.arg(1));
    ANY_XDP.raise();
    let head: *const u8 = Typed::at(xdp, field!(layout.xdp_data_hard_start));
    let data: *const u8 = Typed::at(xdp, field!(layout.xdp_data));
    let rxq: *const u8 = Typed::at(xdp, field!(layout.xdp_rxq));
    let place = Place::device(Typed::at(rxq, field!(layout.rxq_dev)));
    let skb = received_with(head);
    let l3 = behind_ethernet(data);
    let packet = match packet::tracked(skb) {
        Some(packet) => packet,
        None => xdp_first_sight(head, place.dev, l3.unwrap_or(core::ptr::null())),
    };
    if packet.is_null() {
        return 0;
    }
    // SAFETY: a packet from the map.
    let before = unsafe { (*packet).tuple };
    if let Some(l3) = l3
        && !wire::look(&Look { hook: hook::BPF_PROGRAM, skb, packet, l3, place, suspect: By::Program })
    {
        packet::end_stale(if skb.is_null() { head } else { skb });
        return 0;
    }
    xdp_changed(skb, packet, place.dev, &before, code as i32);
    if code as i32 != XDP_PASS && skb.is_null() {
        packet::end(head);
    }
    0
}

/// Reports a packet after an XDP program. Not inlined, to save stack.
#[inline(never)]
fn xdp_changed(skb: *const u8, packet: *mut Packet, dev: *const u8, before: &Tuple, code: i32) {
    let at = At { hook: hook::BPF_PROGRAM, skb, packet, place: Place::device(dev) };
    let changed = Changed { before, mark_before: 0, by: by::PROGRAM, program: program_id(), code };
    emit::report::<Probed, _>(&at, changed);
    if skb.is_null() && matches!(code, XDP_ABORTED | XDP_DROP) {
        emit::end_reported::<Probed>(&at);
    }
}

/// Starts to track a packet that XDP sees first. Returns null if it does not match. Not inlined, to save stack.
#[inline(never)]
fn xdp_first_sight(head: *const u8, dev: *const u8, l3: *const u8) -> *mut Packet {
    // The buffer is used again, so nothing that was tracked under its address exists any more.
    packet::end(head);
    let nobody = core::ptr::null_mut();
    if l3.is_null() || !super::place_matches::<Probed>(core::ptr::null(), Place::device(dev)) {
        return nobody;
    }
    let mut seen = MaybeUninit::uninit();
    let Some(seen) = headers::read(l3, &mut seen) else { return nobody };
    let Some(direction) = matching::direction(&seen.tuple) else { return nobody };
    seen.tuple.direction = direction;
    emit::begin(head, seen).unwrap_or(nobody)
}

#[inline(always)]
fn behind_ethernet(data: *const u8) -> Option<*const u8> {
    super::link::behind_vlan(data.wrapping_add(ETH_HLEN), Probed::at(data, ETH_TYPE))
}

/// The tracked skb that each CPU received last.
#[map]
static RECEIVED: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

/// Whether any XDP program has run. Until then, packets skip the checks below.
static ANY_XDP: Raised = Raised::NO;

/// Handles an skb that is received, which may carry what an XDP program saw as a buffer.
#[inline(always)]
pub fn received<R: Read>(skb: *const u8) {
    if ANY_XDP.get() && !packet::is_tracked(skb) {
        packet::renamed(skb, R::at(skb, field!(layout.skb_head)));
    }
}

/// Remembers a tracked skb that was received, because generic XDP may run on it next.
#[inline(always)]
pub fn remember_received(skb: *const u8) {
    if let Some(last) = RECEIVED.get_ptr_mut(0) {
        // SAFETY: a per-CPU slot.
        unsafe { *last = skb as u64 };
    }
}

/// Returns the skb that this CPU received last, if it has this head; else null.
#[inline(always)]
fn received_with(head: *const u8) -> *const u8 {
    let Some(last) = RECEIVED.get_ptr_mut(0) else { return core::ptr::null() };
    // SAFETY: a per-CPU slot.
    let skb = unsafe { *last } as *const u8;
    let its: *const u8 = Probed::at(skb, field!(layout.skb_head));
    if !skb.is_null() && its == head { skb } else { core::ptr::null() }
}
