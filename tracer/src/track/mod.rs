//! Records to steps: dense packet ids, flows of two directions, conntrack entries and chain names
//! put where they belong.
//!
//! Invariant: no I/O, no clock. What only the kernel knows (symbols, names of reasons) comes in as
//! [`Words`].

mod conntrack;
mod flows;
mod free;
mod netfilter;

use std::collections::HashMap;

use tracer_common::{HOOKS, Step as WireStep, flag, hook};

use crate::{
    decode::{Wire, name},
    model::{Direction, Drop, Netfilter, Proto, Redirect, Step, TcpFlags, Verdict},
};
pub use flows::tuple;
pub use netfilter::Locus;

/// The kernel's words for numbers.
pub trait Words {
    /// Name of a drop reason.
    fn reason(&mut self, number: u32) -> String;
    /// Symbol and offset of a code address.
    fn location(&mut self, address: u64) -> String;
}

/// A step, with what a look-up in the ruleset needs to name its rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracked {
    /// The step.
    pub step: Step,
    /// Set where a table, chain or rule acted.
    pub locus: Option<Locus>,
}

/// Follows packets through their records.
#[derive(Default)]
pub struct Tracker {
    packets: HashMap<u64, Packet>,
    flows: flows::Flows,
    chains: netfilter::Chains,
    drops: u64,
}

/// What is remembered of a packet between its steps.
struct Packet {
    id: u64,
    flow: u64,
    direction: Direction,
    ifname: String,
    ifindex: u32,
    entry: Option<conntrack::Entry>,
    /// The drop that netfilter has decided and the kernel not yet carried out.
    sentence: Option<Netfilter>,
}

impl Tracker {
    /// The step that a record tells of, if it tells of one.
    pub fn record(&mut self, wire: Wire, words: &mut dyn Words) -> Option<Tracked> {
        match wire {
            Wire::Step(step) => Some(Tracked { step: self.step(&step, words), locus: None }),
            Wire::Verdict(verdict) => {
                let (netfilter, locus) = self.chains.verdict(&verdict);
                let mut step = self.step(&verdict.step, words);
                if netfilter.verdict == Some(Verdict::Drop)
                    && let Some(packet) = self.packets.get_mut(&verdict.step.header.packet)
                {
                    packet.sentence = Some(netfilter.clone());
                }
                step.netfilter = Some(netfilter);
                Some(Tracked { step, locus })
            }
            Wire::Conntrack(entry) => {
                // The entry comes before the first step that shows it, possibly the packet's first.
                let packet = entry.header.packet;
                self.flows.keep_entry(packet, conntrack::entry(&entry));
                None
            }
            Wire::Chain(chain) => {
                self.chains.learn(&chain);
                None
            }
        }
    }

    /// How many packets were seen.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets.len() as u64
    }

    /// How many flows were seen.
    #[must_use]
    pub fn flows(&self) -> u64 {
        self.flows.count()
    }

    /// How many drops were seen.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.drops
    }

    /// The text that a look-up has found for the rule that dropped a packet, for the drop to come.
    pub fn sentenced(&mut self, step: &Step) {
        for packet in self.packets.values_mut().filter(|packet| packet.id == step.packet) {
            if packet.sentence.is_some() {
                packet.sentence.clone_from(&step.netfilter);
            }
        }
    }

    fn step(&mut self, wire: &WireStep, words: &mut dyn Words) -> Step {
        let tuple = flows::tuple(&wire.tuple);
        let tcp_flags = (tuple.proto == Proto::TCP).then_some(TcpFlags(wire.tuple.tcp_flags));
        let next_id = self.packets.len() as u64 + 1;
        let flows = &mut self.flows;
        let packet = self.packets.entry(wire.header.packet).or_insert_with(|| {
            let (flow, direction) = flows.of(tuple, tcp_flags, wire.tuple.direction);
            Packet { id: next_id, flow, direction, ifname: String::new(), ifindex: 0, entry: None, sentence: None }
        });
        if let Some(entry) = self.flows.take_entry(wire.header.packet) {
            packet.entry = Some(entry);
        }
        let hook = usize::from(wire.header.hook).checked_sub(1).and_then(|row| HOOKS.get(row));
        let mut step = Step {
            ts: wire.header.ts,
            packet: packet.id,
            flow: packet.flow,
            direction: packet.direction,
            hook: hook.map_or_else(|| format!("hook {}", wire.header.hook), |hook| hook.name.to_owned()),
            ifname: name(&wire.ifname),
            ifindex: wire.ifindex,
            netns: wire.netns,
            cpu: wire.header.cpu,
            mark: wire.mark,
            len: wire.len,
            tuple,
            outer: None,
            tcp_flags,
            ct: Some(conntrack::belief(wire.nfct, wire.flags, packet.entry.as_ref())),
            netfilter: (wire.header.hook == hook::NF_HOOK_SLOW).then(|| netfilter::hook_point(wire)),
            bpf: None,
            redirect: None,
            nat: None,
            tunnel: None,
            route: None,
            icmp: None,
            drop: None,
        };
        match wire.header.hook {
            hook::BPF_REDIRECT => {
                step.redirect = Some(Redirect {
                    ifname: step.ifname.clone(),
                    ifindex: step.ifindex,
                    ingress: wire.extra & BPF_F_INGRESS != 0,
                    up: true,
                });
            }
            hook::NF_CONNTRACK_IN if wire.flags & flag::RETURNED != 0 && wire.extra == NF_DROP => {
                let dropped = Netfilter { verdict: Some(Verdict::Drop), ..netfilter::hook_point(wire) };
                packet.sentence = Some(dropped.clone());
                step.netfilter = Some(dropped);
            }
            hook::KFREE_SKB | hook::SK_SKB_REASON_DROP | hook::KFREE_SKB_REASON | hook::KFREE_SKB_FUNCTION => {
                let drop = Drop {
                    reason: words.reason(wire.reason),
                    location: if wire.location == 0 { String::new() } else { words.location(wire.location) },
                };
                if !free::is_ordinary(&drop) {
                    self.drops += 1;
                    step.drop = Some(drop);
                }
                step.netfilter = packet.sentence.take();
                if step.ifindex == 0 {
                    step.ifname.clone_from(&packet.ifname);
                    step.ifindex = packet.ifindex;
                }
            }
            _ => {}
        }
        if step.ifindex != 0 {
            packet.ifname.clone_from(&step.ifname);
            packet.ifindex = step.ifindex;
        }
        step
    }
}

/// `include/uapi/linux/bpf.h`
const BPF_F_INGRESS: u64 = 1;
/// `include/uapi/linux/netfilter.h`
const NF_DROP: u64 = 0;
