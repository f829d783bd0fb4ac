//! Records to steps: dense packet ids, flows of two directions across translations, conntrack
//! entries, chain names, programs and tunnels put where they belong.
//!
//! Invariant: no I/O, no clock. What only the kernel knows (symbols, names of reasons) comes in as
//! [`Words`].

mod closed;
mod conntrack;
mod end;
mod flows;
mod free;
mod nat;
mod netfilter;
mod packet;
mod program;
mod recent;
mod redirect;
mod trail;
mod tunnel;

use tracer_common::{Change as WireChange, Dropped, HOOKS, Peer, Step as WireStep, hook};

use crate::{
    decode::{Wire, name},
    model::{CtState, Device, IcmpError, Name, Proto, Route, Step, TcpFlags, Verdict},
};
pub use flows::tuple;
pub use netfilter::{Locus, Named};
use packet::Packet;
use recent::Recent;

/// The kernel's words for numbers.
pub trait Words {
    /// Name of a drop reason.
    fn reason(&mut self, number: u32) -> Name;
    /// Symbol and offset of a code address.
    fn location(&mut self, address: u64) -> Name;
}

/// What a record tells.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are steps: a box would be an allocation for each")]
pub enum Told {
    /// A step.
    Step(Tracked),
    /// A device that packets pass.
    Device(Device),
}

impl From<Step> for Told {
    fn from(step: Step) -> Self {
        Self::Step(Tracked { step, locus: None })
    }
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
pub struct Tracker {
    packets: Recent<u64, Packet>,
    flows: flows::Flows,
    translations: nat::Translations,
    closed: closed::Closed,
    chains: netfilter::Chains,
    programs: program::Programs,
    /// The peer of a packet that is still to come.
    peer: Option<Peer>,
    /// The kernel's id of the packet whose step came last.
    raw: Option<u64>,
    devices: trail::Names,
    /// How many packets got an id, and how many of them were nothing to tell of.
    numbered: u64,
    untold: u64,
    drops: u64,
}

impl Tracker {
    /// Nothing is seen yet. So many packets and flows are remembered at most, those in use.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            packets: Recent::new(most),
            flows: flows::Flows::new(most),
            translations: nat::Translations::new(most),
            closed: closed::Closed::new(most),
            chains: netfilter::Chains::default(),
            programs: program::Programs::default(),
            peer: None,
            raw: None,
            devices: trail::Names::default(),
            numbered: 0,
            untold: 0,
            drops: 0,
        }
    }

    /// Adds what a record tells, in order; nothing where it is only about records to come.
    pub fn record(&mut self, wire: Wire, words: &mut dyn Words, told: &mut Vec<Told>) {
        if let Wire::Dropped(dropped) = wire {
            return self.dropped(&dropped, words, told);
        }
        let Some(news) = self.one(wire, words) else { return };
        if let Told::Step(tracked) = &news
            && let Some(packet) = self.raw.and_then(|raw| self.packets.get(&raw))
        {
            let waited = packet.redirected.take().and_then(|waited| redirect::completed(*waited, &tracked.step));
            told.extend(waited.map(Told::from));
            if tracked.step.hook == redirect::HOOK {
                packet.redirected = Some(Box::new(tracked.step.clone()));
                return;
            }
        }
        told.extend(rest(self.packets.forgotten().iter_mut()).into_iter().map(Told::from));
        told.push(news);
    }

    /// A packet's end with all that came before. An end that is no loss tells nothing.
    fn dropped(&mut self, dropped: &Dropped, words: &mut dyn Words, told: &mut Vec<Told>) {
        let before = told.len();
        for wire in trail::unfold(dropped, &self.devices) {
            self.record(wire, words, told);
        }
        if told[before..].iter().any(|told| matches!(told, Told::Step(tracked) if tracked.step.drop.is_some())) {
            return;
        }
        told.truncate(before);
        self.untold += u64::from(self.packets.remove(&dropped.step.header.packet).is_some());
    }

    fn one(&mut self, wire: Wire, words: &mut dyn Words) -> Option<Told> {
        let told = |step, locus| Some(Told::Step(Tracked { step, locus }));
        match wire {
            Wire::Step(step) => told(self.step(&step, words), None),
            Wire::Change(change) => told(self.change(&change, words), None),
            Wire::Verdict(verdict) => {
                let (netfilter, locus) = self.chains.verdict(&verdict);
                let netfilter = Box::new(netfilter);
                let mut step = self.step(&verdict.step, words);
                if netfilter.verdict == Some(Verdict::Drop)
                    && let Some(packet) = self.packets.get(&verdict.step.header.packet)
                {
                    packet.sentence = Some(netfilter.clone());
                }
                step.netfilter = Some(netfilter);
                told(step, locus)
            }
            Wire::Device(device) => {
                self.devices.insert((device.netns, device.ifindex), device.ifname);
                Some(Told::Device(Device {
                    netns: device.netns,
                    ifindex: device.ifindex,
                    ifname: name(&device.ifname).into(),
                    kind: name(&device.kind).into(),
                    mtu: device.mtu,
                    allowed_ips: None,
                }))
            }
            // Unfolded before.
            Wire::Dropped(_) => None,
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
            Wire::Outer(outer) => {
                if let Some(packet) = self.packets.get(&outer.header.packet) {
                    packet.layers.look(&outer, &packet.ifname);
                }
                None
            }
            Wire::Peer(peer) => {
                // Like an entry, possibly before the packet's first step.
                match self.packets.get(&peer.header.packet) {
                    Some(packet) => packet.layers.meet(&peer),
                    None => self.peer = Some(peer),
                }
                None
            }
        }
    }

    /// What still waits for a packet's next step when there will be none.
    pub fn rest(&mut self) -> Vec<Step> {
        rest(self.packets.values())
    }

    /// Keeps the name and kind (`tc`, `xdp`, `cgroup_skb`) of a BPF program.
    pub fn learn_program(&mut self, id: u32, name: &str, kind: &str) {
        self.programs.learn(id, name, kind);
    }

    /// How many packets were seen.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.numbered - self.untold
    }

    /// How many flows were seen.
    #[must_use]
    pub fn flows(&self) -> u64 {
        self.flows.count()
    }

    /// How many flows were forgotten for newer ones: what comes of them later counts as another flow.
    #[must_use]
    pub fn forgotten_flows(&self) -> u64 {
        self.flows.forgotten()
    }

    /// How many drops were seen.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.drops
    }

    /// The text that a look-up has found for the rule of the step just told, for the drop to come.
    pub fn sentenced(&mut self, step: &Step) {
        let packet = self.raw.and_then(|raw| self.packets.get(&raw)).filter(|packet| packet.id == step.packet);
        if let Some(packet) = packet.filter(|packet| packet.sentence.is_some()) {
            packet.sentence.clone_from(&step.netfilter);
        }
    }

    /// Something ran over the packet.
    fn change(&mut self, wire: &WireChange, words: &mut dyn Words) -> Step {
        let before = tuple(&wire.before);
        // A packet that is seen here first belongs to the flow that it came as.
        let first = WireStep { tuple: wire.before, ..wire.step };
        self.packet(&first);
        let mut step = self.step(&wire.step, words);
        if before != step.tuple {
            self.flows.also(step.tuple, step.flow, step.direction);
            let nat = self.translations.note(before, step.tuple, step.direction, step.ct.as_ref());
            step.nat = Some(Box::new(nat));
        }
        step.bpf = self.programs.of(wire);
        if let Some(packet) = self.packets.get(&wire.step.header.packet) {
            packet.program.clone_from(&step.bpf);
        }
        if let Some(bpf) = step.bpf.as_ref().filter(|bpf| program::ended_in_xdp(bpf, wire)) {
            step.drop = Some(end::in_xdp(bpf));
            self.drops += 1;
        }
        step
    }

    /// The packet of a step, new or known.
    fn packet(&mut self, wire: &WireStep) -> &mut Packet {
        let (flows, closed, numbered) = (&mut self.flows, &mut self.closed, &mut self.numbered);
        let packet = self.packets.get_or_insert(wire.header.packet, || {
            *numbered += 1;
            let tuple = tuple(&wire.tuple);
            let (flow, direction) = flows.of(tuple, tcp_flags(wire), wire.tuple.direction);
            closed.note(*numbered, flow, direction, tcp_flags(wire));
            Packet::new(*numbered, flow, direction)
        });
        if let Some(entry) = self.flows.take_entry(wire.header.packet) {
            packet.entry = Some(entry);
        }
        if let Some(peer) = self.peer.take_if(|peer| peer.header.packet == wire.header.packet) {
            packet.layers.meet(&peer);
        }
        packet
    }

    fn step(&mut self, wire: &WireStep, words: &mut dyn Words) -> Step {
        self.raw = Some(wire.header.packet);
        let packet = self.packet(wire);
        let hook = usize::from(wire.header.hook).checked_sub(1).and_then(|row| HOOKS.get(row));
        let tunnel = packet.layers.step(wire);
        let wrapped = wire.flags & tracer_common::flag::WRAPPED != 0;
        let mut step = Step {
            ts: wire.header.ts,
            packet: packet.id,
            flow: packet.flow,
            direction: packet.direction,
            hook: hook.map_or_else(|| format!("hook {}", wire.header.hook).into(), |hook| Name::new_static(hook.name)),
            ifname: name(&wire.ifname),
            ifindex: wire.ifindex,
            netns: wire.netns,
            cpu: wire.header.cpu,
            mark: wire.mark,
            len: wire.len,
            tuple: tuple(&wire.tuple),
            outer: packet.layers.outer().filter(|_| wrapped),
            tcp_flags: tcp_flags(wire),
            ct: Some(conntrack::belief(wire.nfct, wire.flags, packet.entry.as_ref())),
            netfilter: None,
            bpf: None,
            redirect: None,
            nat: None,
            tunnel,
            route: None,
            icmp: None,
            node: Vec::new(),
            drop: None,
        };
        match wire.header.hook {
            hook::NF_CONNTRACK_IN => {
                // What is INVALID has no entry to tell the zone.
                if let Some(ct) = step.ct.as_mut().filter(|ct| ct.state == CtState::Invalid) {
                    ct.zone = u16::try_from(wire.extra >> 32).ok();
                }
                end::note(&mut step, wire, packet, words);
            }
            hook::NF_HOOK_SLOW => step.netfilter = Some(Box::new(netfilter::hook_point(wire))),
            hook::BPF_REDIRECT => {
                step.redirect = Some(redirect::told(&step, wire));
                step.bpf = packet.program.take();
            }
            hook::SKB_DO_REDIRECT => step.bpf.clone_from(&packet.program),
            hook::IP_ROUTE_ME_HARDER | hook::IP6_ROUTE_ME_HARDER => {
                let from = step.ifname.clone();
                let route = Route { mark: step.mark, from: from.into(), to: String::new(), rule: None, table: None };
                step.route = Some(Box::new(route));
            }
            hook::ICMP_SEND | hook::ICMP6_SEND => step.icmp = Some(icmp(wire)),
            _ => end::note(&mut step, wire, packet, words),
        }
        // An ICMP error is about the packet, but leaves by a device of its own.
        if step.ifindex != 0 && step.icmp.is_none() {
            packet.ifname.clone_from(&step.ifname);
            packet.ifindex = step.ifindex;
        }
        step.drop = step.drop.take().filter(|drop| !self.closed.outlived_by(&step, drop));
        self.drops += u64::from(step.drop.is_some());
        step
    }
}

/// The redirects that still wait for their packet's next step, in order of time.
fn rest<'a>(packets: impl Iterator<Item = &'a mut Packet>) -> Vec<Step> {
    let mut rest: Vec<_> = packets.filter_map(|packet| packet.redirected.take()).map(|step| *step).collect();
    rest.sort_by_key(|step| step.ts);
    rest
}

fn tcp_flags(wire: &WireStep) -> Option<TcpFlags> {
    (Proto(wire.tuple.proto) == Proto::TCP).then_some(TcpFlags(wire.tuple.tcp_flags))
}

/// Type, code and, where the error tells one, the MTU (`include/uapi/linux/icmp.h`, `icmpv6.h`).
fn icmp(wire: &WireStep) -> IcmpError {
    const ICMP_FRAG_NEEDED: (u8, u8) = (3, 4);
    const ICMPV6_PKT_TOOBIG: u8 = 2;
    let [kind, code, ..] = wire.extra.to_le_bytes();
    let info = (wire.extra >> 32) as u32;
    let mtu = match wire.header.hook {
        // IPv4 hands it over as it will stand in the packet, IPv6 as a number.
        hook::ICMP_SEND if (kind, code) == ICMP_FRAG_NEEDED => Some(u32::from_be(info)),
        hook::ICMP6_SEND if kind == ICMPV6_PKT_TOOBIG => Some(info),
        _ => None,
    };
    IcmpError { kind, code, mtu }
}

#[cfg(test)]
mod tests;
