//! Asks the node about a step when the step first raises a question.
//!
//! The questions are: the rule that a marked packet was routed by, the addresses that a WireGuard device allows, and
//! the evidence about a drop.

use std::collections::HashSet;

use super::{
    evidence::{Evidence, Witness},
    rules::Rules,
};
use crate::{
    enrich::{
        node::{self, Question, Site, Snapshot},
        routes::{self, Asked, SelectedRoute},
        wireguard,
    },
    fast::Map,
    model::{AllowedIps, Device, NodeFact, Record, Route, Step},
};

/// Answers questions about a netns. Each answer is `None` if the netns cannot be found.
pub trait Node: Witness {
    /// See [`routes::route`].
    fn route(&self, netns: u32, asked: &Asked) -> Option<Result<SelectedRoute, String>>;
    /// See [`wireguard::allowed_ips`].
    fn allowed_ips(&self, netns: u32, ifname: &str) -> Option<Result<Vec<AllowedIps>, String>>;
}

impl Node for Rules {
    fn route(&self, netns: u32, asked: &Asked) -> Option<Result<SelectedRoute, String>> {
        self.netns(netns).map(|netns| routes::route(netns, asked))
    }

    fn allowed_ips(&self, netns: u32, ifname: &str) -> Option<Result<Vec<AllowedIps>, String>> {
        self.netns(netns).map(|netns| wireguard::allowed_ips(netns, ifname))
    }
}

impl Witness for Rules {
    fn facts(
        &self,
        netns: u32,
        place: &Site,
        asked: &[Question],
        before: Option<&Snapshot>,
    ) -> Option<Result<Vec<NodeFact>, String>> {
        self.netns(netns).map(|netns| node::look_up(netns, place, asked, before, self.owners()))
    }

    fn snapshot(&self, netns: u32) -> Option<Result<Snapshot, String>> {
        self.netns(netns).map(node::snapshot)
    }
}

/// The lookups made so far.
#[derive(Default)]
pub struct Lookups {
    /// Evidence about drops.
    pub evidence: Evidence,
    routes: Map<(u32, Asked), Option<SelectedRoute>>,
    devices: Map<(u32, u32), Device>,
    reported: HashSet<(u32, u32)>,
    problems: Vec<String>,
    full: bool,
}

/// Maximum number of route lookups. Each takes a few milliseconds in which the ring buffer is not read.
const ROUTES_AT_MOST: usize = 1024;

impl Lookups {
    /// Completes lines before they are written.
    ///
    /// Fills in the rule, table and device of steps that were routed again, and the evidence of drops. If a WireGuard
    /// device refused a packet, adds a line for the device with its allowed IPs. Must be called with every line, to
    /// know the devices.
    pub fn complete(&mut self, lines: &mut Vec<Record>, node: &impl Node) {
        let mut more = Vec::new();
        for line in &mut *lines {
            match line {
                Record::Device(device) => {
                    self.devices.insert((device.netns, device.ifindex), device.clone());
                }
                Record::Step(step) | Record::Drop(step) => {
                    self.complete_route(step, node);
                    more.extend(self.refusing_device(step, node));
                    let device = place(step).and_then(|place| self.devices.get(&place));
                    self.evidence.complete(step, device.map_or("", |device| &device.kind), node);
                }
                _ => {}
            }
        }
        lines.extend(more.into_iter().map(Record::Device));
    }

    /// Returns sentences about lookups that failed or were not made.
    pub fn problems(&mut self) -> Vec<String> {
        if std::mem::take(&mut self.full) {
            self.problems.push(format!("some routes have no `ip rule`: a trace looks up at most {ROUTES_AT_MOST}"));
        }
        let mut problems = std::mem::take(&mut self.problems);
        problems.extend(self.evidence.problems());
        problems
    }

    fn complete_route(&mut self, step: &mut Step, node: &impl Node) {
        let Some(asked) = asked(step) else { return };
        let Some(route) = &mut step.route else { return };
        let key = (step.netns, asked);
        if !self.routes.contains_key(&key) {
            if self.routes.len() == ROUTES_AT_MOST {
                self.full = true;
                return;
            }
            let found = self.look_up(step.netns, &asked, node);
            self.routes.insert(key, found);
        }
        if let Some(Some(found)) = self.routes.get(&key) {
            fill(route, found);
        }
    }

    fn look_up(&mut self, netns: u32, asked: &Asked, node: &impl Node) -> Option<SelectedRoute> {
        let found = node.route(netns, asked)?.or_else(|problem| {
            // The kernel routes packets from any source, but refuses questions about a foreign one.
            let anyone = Asked { src: None, ..*asked };
            node.route(netns, &anyone).and_then(Result::ok).ok_or(problem)
        });
        found.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn refusing_device(&mut self, step: &Step, node: &impl Node) -> Option<Device> {
        let key = place(step)?;
        let device = self.devices.get(&key).filter(|device| device.kind == "wireguard" && is_refused(step))?;
        if !self.reported.insert(key) {
            return None;
        }
        match node.allowed_ips(step.netns, &device.ifname)? {
            Ok(allowed_ips) => Some(Device { allowed_ips: Some(allowed_ips), ..device.clone() }),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }
}

/// Returns the question that `ip_route_me_harder` and `ip6_route_me_harder` ask (net/ipv4/netfilter.c,
/// net/ipv6/netfilter.c): addresses and mark, but neither protocol nor ports.
fn asked(step: &Step) -> Option<Asked> {
    let route = step.route.as_ref()?;
    let tuple = step.outer.unwrap_or(step.tuple);
    Some(Asked { src: Some(tuple.src), mark: route.mark, ..Asked::to(tuple.dst) })
}

/// Fills in an answer only if it agrees with the step, because the routes may have changed since.
fn fill(route: &mut Route, found: &SelectedRoute) {
    let agrees = route.to.is_empty() || route.to == found.device;
    // Without a rule, the answer may not hold for this packet.
    if !agrees || found.rule.is_none() || route.rule.is_some() {
        return;
    }
    route.rule.clone_from(&found.rule);
    route.table = Some(found.table);
    route.to.clone_from(&found.device);
}

/// Returns netns and ifindex of the step's device, if it has one.
fn place(step: &Step) -> Option<(u32, u32)> {
    Some((step.netns, step.ifindex?.get()))
}

/// Whether WireGuard's own code dropped the packet.
fn is_refused(step: &Step) -> bool {
    step.drop.as_ref().is_some_and(|drop| drop.location.starts_with("wg_") || step.hook.starts_with("wg_"))
}

#[cfg(test)]
mod tests;
