//! The end of a packet, and verdicts that lead to it.

use tracer_common::{NF_DROP, Step as WireStep, extra, flag, hook};

use super::{Words, free, netfilter, packet::Packet};
use crate::model::{Bpf, Drop, Name, Netfilter, Step, Verdict};

/// Adds to a step the drop that ends the packet there, or the verdict that will end it.
pub fn note(step: &mut Step, wire: &WireStep, packet: &mut Packet, words: &mut dyn Words) {
    match wire.header.hook {
        hook::NF_CONNTRACK_IN if wire.flags & flag::RETURNED != 0 && extra::return_value(wire.extra) == NF_DROP => {
            let dropped = Box::new(Netfilter { verdict: Some(Verdict::Drop), ..netfilter::hook_point(wire) });
            packet.drop_verdict = Some(dropped.clone());
            step.netfilter = Some(dropped);
        }
        hook::KFREE_SKB | hook::SK_SKB_REASON_DROP | hook::KFREE_SKB_REASON | hook::KFREE_SKB_FUNCTION => {
            let drop = Drop { reason: words.reason(wire.reason), location: location(wire, words) };
            let tuple = step.outer.unwrap_or(step.tuple);
            step.drop = Some(drop).filter(|drop| !free::is_ordinary(drop, tuple, packet.delivered));
            step.netfilter = packet.drop_verdict.take();
            on_last_device(step, packet);
        }
        hook::CONSUME_SKB if wire.flags & flag::AT_ALLOWED_IPS != 0 && wire.location().is_some() => {
            let location = location(wire, words);
            if location.starts_with(WIREGUARD) {
                step.drop = Some(Drop { reason: Name::new_static("CONSUMED"), location });
                on_last_device(step, packet);
            }
        }
        hook::CONSUME_SKB if wire.flags & (flag::ACCEPTS_FULL | flag::REQUESTS_FULL) != 0 => {
            let accepts = wire.flags & flag::ACCEPTS_FULL != 0;
            let reason = if accepts { "ACCEPT_QUEUE_FULL" } else { "SYN_QUEUE_FULL" };
            step.drop = Some(Drop { reason: Name::new_static(reason), location: location(wire, words) });
            on_last_device(step, packet);
        }
        _ => {}
    }
}

/// Returns the drop of a packet that an XDP program dropped before there was an skb. The kernel uses the reason
/// `XDP` only for packets that already have one.
pub fn in_xdp(bpf: &Bpf) -> Drop {
    Drop { reason: Name::new_static("XDP"), location: bpf.program.clone() }
}

fn location(wire: &WireStep, words: &mut dyn Words) -> Name {
    wire.location().map(|address| words.location(address.get())).unwrap_or_default()
}

/// Uses the packet's last known device if the step has none, because `skb->dev` may be reused for something else by
/// then.
fn on_last_device(step: &mut Step, packet: &Packet) {
    if step.ifindex.is_none() {
        step.ifname.clone_from(&packet.ifname);
        step.ifindex = packet.ifindex;
    }
}

/// Prefix of the functions that refuse a source: WireGuard consumes such a packet without giving a reason.
const WIREGUARD: &str = "wg_";
