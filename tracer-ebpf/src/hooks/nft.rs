//! nftables: which rule, or which policy, decided.
//!
//! A walk begins at `nft_do_chain`. The packet keeps the last expression that gave a verdict, and a list of the
//! chains that jumps have visited. When the walk returns, the rule is the one whose data holds that expression.
//! Without an expression, it was the base chain's policy.

use core::mem::MaybeUninit;

use tracer_common::{ABSENT, Decision, HookId, NF_DROP, NF_VERDICT_MASK, hook, via};

use super::netfilter::{place, remember};
use crate::{
    attach::{Args, on_entry, on_entry_shared, on_return},
    emit::{self, At, Decided, Place},
    frozen::field,
    packet::{self, Packet, VISITED},
    per_cpu,
    read::{Probed, Read, words},
};

mod chain;
mod rule;

/// Verdicts of nftables (`include/uapi/linux/netfilter/nf_tables.h`), after which the walk goes on.
const NFT_CONTINUE: i32 = -1;
const NFT_JUMP: i32 = -3;
const NFT_GOTO: i32 = -4;
/// What a verdict map maps to (`NFT_DATA_VERDICT`).
const NFT_DATA_VERDICT: u32 = 0xffff_ff00;

on_return! {
    nft_do_chain/2, skb skb_walked, entry walk_begins => walk_ends;
}

on_entry! {
    nft_immediate_eval => immediate;
    nft_lookup_eval => looked_up;
    nft_target_eval_xt => may_give;
    nft_queue_eval => may_give;
    nft_queue_sreg_eval => may_give;
    nft_reject_ipv4_eval => reject;
    nft_reject_ipv6_eval => reject;
    nft_reject_inet_eval => reject;
    nft_reject_bridge_eval => reject;
    nft_reject_netdev_eval => reject;
    nft_notrack_eval => notrack;
}

on_entry_shared! {
    verdict => |row, args| if row == hook::NFT_LOOKUP_EVAL { looked_up(args) } else { may_give(args) };
    rejected => |_, args| reject(args);
}

/// `nft_do_chain(pkt, chain)`: a walk begins.
#[inline(always)]
fn walk_begins<A: Args>(args: &A) {
    let pkt = args.arg(0);
    if let Some(packet) = packet::tracked(skb_of::<A::Read>(pkt)) {
        remember::<A::Read>(packet, A::Read::at(pkt, field!(layout.pkt_state)));
        let chain = args.arg(1) as u64;
        // SAFETY: a packet from the map.
        unsafe {
            (*packet).base = chain;
            (*packet).expr = 0;
            (*packet).pending = 0;
            (*packet).code = NFT_CONTINUE;
            (*packet).visited[0] = chain;
            (*packet).visits = 1;
        }
    }
}

/// `nft_do_chain` has returned `ret`: the walk ends.
#[inline(always)]
fn walk_ends<A: Args>(args: &A, ret: i32) {
    let pkt = args.arg(0);
    let skb = skb_of::<A::Read>(pkt);
    if let Some(packet) = packet::tracked(skb) {
        decided::<A, A::Read>(skb, packet, place::<A::Read>(A::Read::at(pkt, field!(layout.pkt_state))), ret);
    }
}

/// Ends the walk of a packet that is being freed. Newer kernels (6.x: `NF_DROP_REASON`) free it inside
/// `nft_do_chain`, which then returns `NF_STOLEN`. The walk in progress has decided to drop.
#[inline(always)]
pub fn freed_in_walk<A: Args>(skb: *const u8, packet: *mut Packet, place: Place) {
    decided::<A, Probed>(skb, packet, place, NF_DROP);
}

/// Reports what decided the walk in progress, if there is one.
#[inline(never)]
fn decided<A: Args, R: Read>(skb: *const u8, packet: *mut Packet, place: Place, ret: i32) {
    // SAFETY: a packet from the map.
    let base = unsafe { (*packet).base };
    if base == 0 {
        return;
    }
    settle(packet);
    // SAFETY: a packet from the map.
    let code = unsafe { (*packet).code };
    let ruled = code >= 0 && code & NF_VERDICT_MASK == ret & NF_VERDICT_MASK;
    let found = if ruled { rule::find(packet) } else { rule::Found::default() };
    let decided_by = if ruled {
        if found.handle == 0 { via::UNKNOWN } else { via::RULE }
    } else if rule::policy(base) == ret && (A::OF_KPROBE || !per_cpu::skips_kprobes()) {
        // No expression ended the walk, none was missed, and the return value matches the policy.
        via::POLICY
    } else {
        via::UNKNOWN
    };
    let chain = if decided_by == via::RULE { found.chain } else { base };
    report::<R>(hook::NFT_DO_CHAIN, place, skb, packet, base, chain, found.handle, ret, decided_by);
    // SAFETY: a packet from the map.
    unsafe { (*packet).base = 0 };
}

/// Words of a `struct nft_immediate_expr` (`include/net/netfilter/nf_tables_core.h`): the data, then the register.
const IMMEDIATE: usize = 3;

/// `nft_immediate_eval(expr, regs, pkt)`: a rule's own verdict, or a number for a register.
#[inline(always)]
fn immediate<A: Args>(args: &A) {
    let Some(packet) = packet::tracked(skb_of::<A::Read>(args.arg(2))) else { return };
    let expr = args.arg(0);
    let data = expr.wrapping_add(usize::from(field!(layout.expr_data)));
    settle(packet);
    let mut immediate = MaybeUninit::<[u64; IMMEDIATE]>::uninit();
    words(&mut immediate, data);
    let word = |offset: u16| -> i32 {
        let offset = usize::from(offset);
        if offset > size_of::<[u64; IMMEDIATE]>() - size_of::<i32>() {
            return 0;
        }
        // SAFETY: the offset is inside, and `words` fills it, with zeroes if it fails.
        unsafe { immediate.as_ptr().cast::<u8>().add(offset).cast::<i32>().read_unaligned() }
    };
    let (dreg, code) = (word(field!(layout.immediate_dreg)) as u8, word(field!(layout.immediate_code)));
    if dreg == 0 {
        gave(packet, expr, code, || Probed::at(data, field!(layout.immediate_chain)));
    }
}

/// `nft_lookup_eval(expr, regs, pkt)`. Only a verdict map gives a verdict. After a look-up in any other set or map, a
/// verdict in the registers comes from a later expression.
#[inline(always)]
fn looked_up<A: Args>(args: &A) {
    let Some(packet) = packet::tracked(skb_of::<A::Read>(args.arg(2))) else { return };
    settle(packet);
    let lookup = args.arg(0).wrapping_add(usize::from(field!(layout.expr_data)));
    let set: *const u8 = Probed::at(lookup, field!(layout.lookup_set));
    let maps_to: u32 = Probed::at(set, field!(layout.set_dtype));
    if maps_to == NFT_DATA_VERDICT || field!(layout.set_dtype) == ABSENT || field!(layout.lookup_set) == ABSENT {
        expect_verdict(packet, args);
    }
}

/// Handles an xt target or `queue`: functions of `(expr, regs, pkt)`.
#[inline(always)]
fn may_give<A: Args>(args: &A) {
    if let Some(packet) = packet::tracked(skb_of::<A::Read>(args.arg(2))) {
        settle(packet);
        expect_verdict(packet, args);
    }
}

/// Keeps an expression that leaves its verdict in the registers when it returns. No hook waits for the return: the
/// registers last until the walk ends, and its next hook reads them ([`settle`]).
#[inline(always)]
fn expect_verdict<A: Args>(packet: *mut Packet, args: &A) {
    // SAFETY: a packet from the map.
    unsafe {
        (*packet).pending = args.arg(0) as u64;
        (*packet).regs = args.arg(1) as u64;
    }
}

/// Reads the verdict of the pending expression ([`expect_verdict`]).
///
/// A verdict that ends the walk is still in the registers, because nothing is evaluated after it. If it was a jump,
/// its code is overwritten by now, but its chain is not: the chain is kept as visited, even if it is a leftover. A
/// leftover does no harm, because a rule is named only if the deciding expression lies in it.
#[inline(always)]
fn settle(packet: *mut Packet) {
    // SAFETY: a packet from the map.
    let (expr, regs) = unsafe { ((*packet).pending, (*packet).regs as *const u8) };
    if expr == 0 {
        return;
    }
    // SAFETY: a packet from the map.
    unsafe { (*packet).pending = 0 };
    let code: i32 = Probed::at(regs, field!(layout.regs_code));
    if code >= 0 {
        gave(packet, expr as *const u8, code, || 0);
    } else {
        visit(packet, Probed::at(regs, field!(layout.regs_chain)));
    }
}

/// `nft_reject_…_eval(expr, regs, pkt)` always ends in a drop.
///
/// The drop is kept at entry, because the answer that `reject` sends walks the ruleset as a packet of its own
/// before this walk ends. A pending expression gave no verdict, or `reject` would not have been reached. That
/// expression is settled here, before the registers hold the verdict of `reject`.
#[inline(always)]
fn reject<A: Args>(args: &A) {
    if let Some(packet) = packet::tracked(skb_of::<A::Read>(args.arg(2))) {
        settle(packet);
        gave(packet, args.arg(0), NF_DROP, || 0);
    }
}

/// `nft_notrack_eval(expr, regs, pkt)`: leaves a packet alone if conntrack already tracks it or it is UNTRACKED.
#[inline(always)]
fn notrack<A: Args>(args: &A) {
    let pkt = args.arg(2);
    let skb = skb_of::<Probed>(pkt);
    if let Some(packet) = packet::tracked(skb)
        && Probed::at::<u64>(skb, field!(layout.skb_nfct)) == 0
    {
        let place = place::<Probed>(Probed::at(pkt, field!(layout.pkt_state)));
        report_notrack(hook::NFT_NOTRACK_EVAL, place, skb, packet, args.arg(0));
    }
}

/// Reports that a rule of the walk in progress makes the packet UNTRACKED; `inside` lies in that rule's data.
#[inline(always)]
pub fn report_notrack(hook: HookId, place: Place, skb: *const u8, packet: *mut Packet, inside: *const u8) {
    settle(packet);
    // SAFETY: a packet from the map.
    let (base, kept) = unsafe { ((*packet).base, (*packet).expr) };
    // SAFETY: a packet from the map.
    unsafe { (*packet).expr = inside as u64 };
    let found = rule::find(packet);
    // SAFETY: a packet from the map.
    unsafe { (*packet).expr = kept };
    let (chain, via) = if found.handle == 0 { (base, via::UNKNOWN) } else { (found.chain, via::RULE) };
    report::<Probed>(hook, place, skb, packet, base, chain, found.handle, Decision::NOTRACK, via);
}

/// Keeps the expression that gave a verdict, and the chain that it leads to.
#[inline(always)]
fn gave(packet: *mut Packet, expr: *const u8, code: i32, target: impl FnOnce() -> u64) {
    if code == NFT_CONTINUE {
        return;
    }
    // SAFETY: a packet from the map.
    unsafe {
        (*packet).expr = expr as u64;
        (*packet).code = code;
    }
    if code == NFT_JUMP || code == NFT_GOTO {
        visit(packet, target());
    }
}

/// Keeps a chain as visited. The oldest are replaced, so a walk that visits more chains may end in a rule that is
/// not found.
#[inline(always)]
fn visit(packet: *mut Packet, chain: u64) {
    // SAFETY: a packet from the map.
    let packet = unsafe { &mut *packet };
    let newest = packet.visited[packet.visits.wrapping_sub(1) as usize & (VISITED - 1)];
    if chain != 0 && chain != newest {
        packet.visited[packet.visits as usize & (VISITED - 1)] = chain;
        packet.visits += 1;
    }
}

#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a verdict is that many facts; a struct for one call says no more")]
fn report<R: Read>(
    hook: HookId,
    place: Place,
    skb: *const u8,
    packet: *mut Packet,
    base: u64,
    chain: u64,
    handle: u64,
    code: i32,
    decided_by: u32,
) {
    chain::name_once(hook, packet, base, 1);
    if chain != base {
        chain::name_once(hook, packet, chain, 0);
    }
    emit::report::<R, _>(
        &At { hook, skb, packet, place },
        Decided(|decision: &mut Decision| {
            decision.base = base;
            decision.chain = chain;
            decision.rule = handle;
            decision.code = code;
            decision.via = decided_by;
        }),
    );
}

/// Returns the packet of a walk.
#[inline(always)]
fn skb_walked<A: Args>(args: &A) -> *const u8 {
    skb_of::<A::Read>(args.arg(0))
}

/// Returns the packet that a `struct nft_pktinfo` is about.
#[inline(always)]
fn skb_of<R: Read>(pkt: *const u8) -> *const u8 {
    R::at(pkt, field!(layout.pkt_skb))
}
