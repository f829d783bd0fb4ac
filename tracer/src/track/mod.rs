//! Turns records into steps: assigns dense packet ids and flows of two directions across translations, and attaches
//! conntrack entries, chain names, programs and tunnels.
//!
//! Invariant: no I/O, no clock. Only the kernel knows symbols and the names of drop reasons; they come in through
//! [`Words`].

mod closed;
mod conntrack;
mod counts;
mod end;
mod flows;
mod free;
mod icmp;
mod nat;
mod netfilter;
mod overtaken;
mod packet;
mod program;
mod recent;
mod redirect;
mod trail;
mod tunnel;

use std::sync::Arc;

use tracer_common::{Change as WireChange, Dropped, Peer, Step as WireStep, extra, hook};

use crate::{
    catalog::Catalog,
    decode::{Wire, name},
    model::{CtState, Device, Name, Proto, Route, Step, TcpFlags, Verdict},
};
pub use flows::tuple;
pub use netfilter::{Locus, Named};
use packet::Packet;
use recent::Recent;

/// Translates the kernel's numbers into names.
pub trait Words {
    /// Name of a drop reason.
    fn reason(&mut self, number: u32) -> Name;
    /// Symbol and offset of a code address.
    fn location(&mut self, address: u64) -> Name;
}

/// What a record results in.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are steps: a box would be an allocation for each")]
pub enum Observed {
    /// A step.
    Step(Tracked),
    /// A device that packets pass.
    Device(Device),
}

impl From<Step> for Observed {
    fn from(step: Step) -> Self {
        Self::Step(Tracked { step, locus: None })
    }
}

/// A step, with the key that a look-up in the ruleset needs to name its rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracked {
    /// The step.
    pub step: Step,
    /// Set if a table, chain or rule acted on the packet.
    pub locus: Option<Locus>,
}

/// Follows packets through their records.
pub struct Tracker {
    catalog: Arc<Catalog>,
    packets: Recent<u64, Packet>,
    flows: flows::Flows,
    translations: nat::Translations,
    closed: closed::Closed,
    overtaken: overtaken::Overtaken,
    chains: netfilter::ChainNames,
    programs: program::Programs,
    /// The WireGuard peer of a packet whose first step has not arrived yet.
    peer: Option<Peer>,
    /// The kernel's id of the packet that the latest step belongs to.
    raw: Option<u64>,
    devices: trail::Names,
    /// How many packets got an id. `unreported` counts those of them that were not reported, because their end was no
    /// loss, or because nothing happened to them after the trace began.
    numbered: u64,
    unreported: u64,
    drops: u64,
    /// Time from which steps are reported, in nanoseconds since boot.
    begin: u64,
}

impl Tracker {
    /// Creates a tracker that remembers at most `most` packets and `most` tuples of flows; the least recently used
    /// are evicted.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>, most: usize) -> Self {
        Self {
            catalog,
            packets: Recent::new(most),
            flows: flows::Flows::new(most),
            translations: nat::Translations::new(most),
            closed: closed::Closed::new(most),
            overtaken: overtaken::Overtaken::new(most),
            chains: netfilter::ChainNames::default(),
            programs: program::Programs::default(),
            peer: None,
            raw: None,
            devices: trail::Names::default(),
            numbered: 0,
            unreported: 0,
            drops: 0,
            begin: 0,
        }
    }

    /// Sets the time at which the trace begins, in nanoseconds since boot. While hooks are being attached, some already
    /// report what others miss: what happens to a packet before all are attached is not reported, because what is missing
    /// would count as something that did not happen.
    pub fn begin_at(&mut self, boot_time_ns: u64) {
        self.begin = boot_time_ns;
    }

    /// Adds the steps and devices that a record results in, in order. A record that only describes later records
    /// adds nothing.
    pub fn record(&mut self, wire: Wire, words: &mut dyn Words, observed: &mut Vec<Observed>) {
        if let Wire::Dropped(dropped) = wire {
            return self.dropped(&dropped, words, observed);
        }
        let Some(news) = self.one(wire, words) else { return };
        if let Observed::Step(tracked) = &news {
            if tracked.step.ts < self.begin {
                return;
            }
            let early = self.raw.and_then(|raw| self.packets.get(&raw)).map(|packet| std::mem::take(&mut packet.early));
            self.unreported -= u64::from(early.unwrap_or(false));
        }
        if let Observed::Step(tracked) = &news
            && let Some(packet) = self.raw.and_then(|raw| self.packets.get(&raw))
        {
            let waited = packet.redirected.take().and_then(|waited| redirect::completed(*waited, &tracked.step));
            observed.extend(waited.map(Observed::from));
            if tracked.step.is_at(&[redirect::HOOK]) {
                packet.redirected = Some(Box::new(tracked.step.clone()));
                return;
            }
        }
        observed.extend(rest(self.packets.forgotten().iter_mut()).into_iter().map(Observed::from));
        observed.push(news);
    }

    /// Unfolds a packet's end and its trail. Adds nothing if the end is no loss.
    fn dropped(&mut self, dropped: &Dropped, words: &mut dyn Words, observed: &mut Vec<Observed>) {
        let before = observed.len();
        for wire in trail::unfold(dropped, &self.devices) {
            self.record(wire, words, observed);
        }
        if observed[before..]
            .iter()
            .any(|observed| matches!(observed, Observed::Step(tracked) if tracked.step.drop.is_some()))
        {
            return;
        }
        observed.truncate(before);
        // A packet from before the trace began is counted already.
        let removed = self.packets.remove(&dropped.step.header.packet);
        self.unreported += u64::from(removed.is_some_and(|packet| !packet.early));
    }

    fn one(&mut self, wire: Wire, words: &mut dyn Words) -> Option<Observed> {
        let observed = |step, locus| Some(Observed::Step(Tracked { step, locus }));
        match wire {
            Wire::Step(step) => observed(self.step(&step, words), None),
            Wire::Change(change) => observed(self.change(&change, words), None),
            Wire::Verdict(verdict) => {
                let (netfilter, locus) = self.chains.verdict(&verdict);
                let netfilter = Box::new(netfilter);
                let mut step = self.step(&verdict.step, words);
                if netfilter.verdict == Some(Verdict::Drop)
                    && let Some(packet) = self.packets.get(&verdict.step.header.packet)
                {
                    packet.drop_verdict = Some(netfilter.clone());
                }
                step.netfilter = Some(netfilter);
                observed(step, locus)
            }
            Wire::Device(device) => {
                self.devices.insert((device.netns, device.ifindex), device.ifname);
                Some(Observed::Device(Device {
                    netns: device.netns,
                    ifindex: device.ifindex,
                    ifname: name(&device.ifname).into(),
                    kind: name(&device.kind).into(),
                    mtu: device.mtu,
                    allowed_ips: None,
                }))
            }
            // `record` unfolds these before it calls this function.
            Wire::Dropped(_) => None,
            Wire::Conntrack(entry) => {
                // The entry precedes the first step that shows it, which may be the packet's first step.
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
                // Like a conntrack entry, the peer may precede the packet's first step.
                match self.packets.get(&peer.header.packet) {
                    Some(packet) => packet.layers.meet(&peer),
                    None => self.peer = Some(peer),
                }
                None
            }
        }
    }

    /// Returns the redirects that still wait for their packet's next step; call it when no more records will come.
    pub fn rest(&mut self) -> Vec<Step> {
        rest(self.packets.values())
    }

    /// Records the name and kind (`tc`, `xdp`, `cgroup_skb`) of a BPF program.
    pub fn learn_program(&mut self, id: u32, name: &str, kind: &str) {
        self.programs.learn(id, name, kind);
    }

    /// Keeps the rule text that a look-up found for the latest step, so that the packet's drop carries it too.
    pub fn keep_rule_text(&mut self, step: &Step) {
        let packet = self.raw.and_then(|raw| self.packets.get(&raw)).filter(|packet| packet.id == step.packet);
        if let Some(packet) = packet.filter(|packet| packet.drop_verdict.is_some()) {
            packet.drop_verdict.clone_from(&step.netfilter);
        }
    }

    /// Handles a change: something ran over the packet and may have changed its tuple or mark.
    fn change(&mut self, wire: &WireChange, words: &mut dyn Words) -> Step {
        let before = tuple(&wire.before);
        // A packet first seen here belongs to the flow of the tuple that it arrived with.
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

    /// Returns the packet of a step, creating it if it is new.
    fn packet(&mut self, wire: &WireStep) -> &mut Packet {
        let (flows, closed, overtaken) = (&mut self.flows, &mut self.closed, &mut self.overtaken);
        let (numbered, unreported) = (&mut self.numbered, &mut self.unreported);
        let early = wire.header.ts < self.begin;
        let packet = self.packets.get_or_insert(wire.header.packet, || {
            *numbered += 1;
            *unreported += u64::from(early);
            let tuple = tuple(&wire.tuple);
            let (flow, direction) = flows.of(tuple, tcp_flags(wire), wire.tuple.direction);
            closed.note(*numbered, flow, direction, tcp_flags(wire));
            overtaken.note(*numbered, flow, direction);
            Packet { early, ..Packet::new(*numbered, flow, direction) }
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
        let hook = self.catalog.name(wire.header.hook);
        let packet = self.packet(wire);
        packet.note_delivery(wire.header.hook);
        let tunnel = packet.layers.step(wire);
        let wrapped = wire.flags & tracer_common::flag::WRAPPED != 0;
        let mut step = Step {
            ts: wire.header.ts,
            packet: packet.id,
            flow: packet.flow,
            direction: packet.direction,
            hook,
            ifname: name(&wire.ifname),
            ifindex: wire.ifindex(),
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
                // An INVALID packet has no entry that holds the zone; the hook reports the zone of the look-up.
                if let Some(ct) = step.ct.as_mut().filter(|ct| ct.state == CtState::Invalid) {
                    ct.zone = Some(extra::zone(wire.extra));
                }
                end::note(&mut step, wire, packet, words);
            }
            hook::NF_HOOK_SLOW => step.netfilter = Some(Box::new(netfilter::hook_point(wire))),
            hook::BPF_REDIRECT => {
                step.redirect = Some(redirect::reported(&step, wire));
                step.bpf = packet.program.take();
            }
            hook::SKB_DO_REDIRECT => step.bpf.clone_from(&packet.program),
            hook::IP_ROUTE_ME_HARDER | hook::IP6_ROUTE_ME_HARDER => {
                let from = step.ifname.clone();
                let route = Route { mark: step.mark, from: from.into(), to: String::new(), rule: None, table: None };
                step.route = Some(Box::new(route));
            }
            hook::ICMP_SEND | hook::ICMP6_SEND => step.icmp = Some(icmp::error(wire)),
            _ => end::note(&mut step, wire, packet, words),
        }
        // The device of an ICMP error is the one that the error leaves by, not the packet's.
        if step.ifindex.is_some() && step.icmp.is_none() {
            packet.ifname.clone_from(&step.ifname);
            packet.ifindex = step.ifindex;
        }
        step.drop = step
            .drop
            .take()
            .filter(|drop| !self.closed.outlived_by(&step, drop) && !self.overtaken.explains(&step, drop));
        self.drops += u64::from(step.drop.is_some() && step.ts >= self.begin);
        step
    }
}

/// Takes the redirects that still wait for their packet's next step, ordered by time.
fn rest<'a>(packets: impl Iterator<Item = &'a mut Packet>) -> Vec<Step> {
    let mut rest: Vec<_> = packets.filter_map(|packet| packet.redirected.take()).map(|step| *step).collect();
    rest.sort_by_key(|step| step.ts);
    rest
}

fn tcp_flags(wire: &WireStep) -> Option<TcpFlags> {
    (Proto(wire.tuple.proto) == Proto::TCP).then_some(TcpFlags(wire.tuple.tcp_flags))
}

#[cfg(test)]
mod tests;
