//! x_tables: the targets that make a packet UNTRACKED (legacy iptables and iptables-nft alike), and
//! legacy iptables' own walk.

use tracer_common::{Decision, HookId, NF_DROP, hook, via};

use super::{
    netfilter::{place, remember},
    nft,
};
use crate::{
    attach::{Args, on_entry, on_entry_shared, on_return},
    emit::{self, At, Decided},
    frozen::field,
    packet::{self, Packet},
    read::{Probed, Read},
};

mod entries;
use entries::NOT_FOUND;

/// `struct xt_ct_target_info` and `…_v1` begin with their flags; `XT_CT_NOTRACK` is the lowest
/// (`include/uapi/linux/netfilter/xt_CT.h`).
const XT_CT_NOTRACK: u16 = 1;

on_entry! {
    xt_ct_target_v0 => |args| ct_target::<_>(hook::XT_CT_TARGET_V0, args);
    xt_ct_target_v1 => |args| ct_target::<_>(hook::XT_CT_TARGET_V1, args);
    notrack_tg => |args| target::<_>(hook::NOTRACK_TG, args);
}

on_entry_shared! {
    untracked => ct_target;
}

on_return! {
    ipt_do_table/3, skb |args: &_| Args::arg(args, 1),
        entry |args| walk_begins::<_, entries::Ipv4>(args)
        => |args, ret| walk_ends::<_, entries::Ipv4>(hook::IPT_DO_TABLE, args, ret);
    ip6t_do_table/3, skb |args: &_| Args::arg(args, 1),
        entry |args| walk_begins::<_, entries::Ipv6>(args)
        => |args, ret| walk_ends::<_, entries::Ipv6>(hook::IP6T_DO_TABLE, args, ret);
}

/// Handles a CT target if it is `--notrack`; the target has other uses, too.
#[inline(always)]
fn ct_target<A: Args>(hook: HookId, args: &A) {
    if !packet::is_tracked(args.arg(0)) {
        return;
    }
    let info: *const u8 = Probed::at(args.arg(1), field!(layout.par_targinfo));
    if Probed::at::<u16>(info, 0) & XT_CT_NOTRACK != 0 {
        target(hook, args);
    }
}

/// Handles a target of `(skb, par)`. The target leaves a packet alone if conntrack already tracks it or it is
/// UNTRACKED.
#[inline(always)]
fn target<A: Args>(hook: HookId, args: &A) {
    let (skb, par) = (args.arg(0), args.arg(1));
    let Some(packet) = packet::tracked(skb) else { return };
    if Probed::at::<u64>(skb, field!(layout.skb_nfct)) != 0 {
        return;
    }
    let info: *const u8 = Probed::at(par, field!(layout.par_targinfo));
    let state: *const u8 = Probed::at(par, field!(layout.par_state));
    // SAFETY: a packet from the map.
    let table = unsafe { (*packet).table } as *const u8;
    if table.is_null() {
        nft::report_notrack(hook, place::<Probed>(state), skb, packet, info);
    } else {
        let entry = entries::holding(packet, table, info);
        report(hook, skb, packet, state, table, entry, Decision::NOTRACK);
    }
}

/// `ipt_do_table(table, skb, state)`, 5.16 and newer.
#[inline(always)]
fn walk_begins<A: Args, E: entries::Layout>(args: &A) {
    let skb = args.arg(1);
    if let Some(packet) = packet::tracked(skb) {
        remember::<A::Read>(packet, args.arg(2));
        // SAFETY: a packet from the map.
        unsafe { (*packet).table = args.arg(0) as u64 };
        entries::remember_counters::<E>(skb, args.arg(0));
    }
}

#[inline(always)]
fn walk_ends<A: Args, E: entries::Layout>(hook: HookId, args: &A, ret: i32) {
    let (skb, table) = (args.arg(1), args.arg(0));
    let Some(packet) = packet::tracked(skb) else { return };
    let entry = if ret == NF_DROP { entries::that_dropped::<E>(packet, skb, table) } else { NOT_FOUND };
    entries::forget(skb);
    report(hook, skb, packet, args.arg(2), table, entry, ret);
    // SAFETY: a packet from the map.
    unsafe { (*packet).table = 0 };
}

#[inline(always)]
fn report(
    hook: HookId,
    skb: *const u8,
    packet: *mut Packet,
    state: *const u8,
    table: *const u8,
    entry: u64,
    code: i32,
) {
    emit::report::<Probed, _>(
        &At { hook, skb, packet, place: place::<Probed>(state) },
        Decided(|decision: &mut Decision| {
            decision.base = table as u64;
            // A changed table gets a new blob, so a reader of the offset can detect the change.
            decision.chain = Probed::at(table, field!(layout.xt_table_private));
            decision.rule = entry;
            decision.code = code;
            decision.via = if entry == NOT_FOUND { via::UNKNOWN } else { via::ENTRY };
            let name = table.wrapping_add(usize::from(field!(layout.xt_table_name)));
            crate::read::copy(decision.table.as_mut_ptr(), name, 32);
        }),
    );
}
