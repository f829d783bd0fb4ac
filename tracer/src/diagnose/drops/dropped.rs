//! A drop, with the queries that families make about it.

use std::net::IpAddr;

use tracer_common::HookId;

use super::super::{facts::Facts, firewall::packet_with_tuple};
use crate::model::{Drop, NodeFact, RouteAnswer, Step, Tuple};

/// A drop and its context.
pub struct Dropped<'a> {
    /// The whole capture.
    pub facts: &'a Facts<'a>,
    /// The drop.
    pub step: &'a Step,
    /// Reason and location.
    pub drop: &'a Drop,
    /// The function of the location, without the offset and without suffixes that compilers add (`.isra.0`).
    pub function: &'a str,
}

impl<'a> Dropped<'a> {
    /// Wraps a step; `None` if it is no drop.
    pub fn new(facts: &'a Facts<'a>, step: &'a Step) -> Option<Self> {
        let drop = step.drop.as_ref()?;
        Some(Self { facts, step, drop, function: drop.function() })
    }

    /// Whether the kernel's reason is one of these (`SKB_DROP_REASON_*` without the prefix).
    pub fn because(&self, reasons: &[&str]) -> bool {
        reasons.contains(&self.drop.reason.as_str())
    }

    /// Whether the kernel gives no specific reason. Before 5.17 it gives none, and since then a general one in many
    /// places.
    pub fn unspecified(&self) -> bool {
        self.because(&["", "NOT_SPECIFIED", "UNKNOWN"])
    }

    /// Whether the packet was freed in one of these functions.
    pub fn within(&self, functions: &[&str]) -> bool {
        functions.contains(&self.function)
    }

    /// Whether the packet was freed in one of these functions without a specific reason. The list should include
    /// the functions that they may be inlined into.
    pub fn unspecified_within(&self, functions: &[&str]) -> bool {
        self.unspecified() && self.within(functions)
    }

    /// The tuple that the code at the place of the drop sees: the outermost.
    pub fn tuple(&self) -> Tuple {
        self.step.outer.unwrap_or(self.step.tuple)
    }

    /// The packet's earlier steps, the latest first.
    pub fn before(&self) -> impl Iterator<Item = &'a Step> + use<'a> {
        self.facts.before(self.step)
    }

    /// The packet's last step in the netns of the drop at one of these hooks.
    pub fn passed(&self, hooks: &[HookId]) -> Option<&'a Step> {
        self.before().find(|step| step.netns == self.step.netns && step.is_at(hooks))
    }

    /// Full name and value of the first setting whose name ends like this.
    pub fn sysctl(&self, ends: &str) -> Option<(&'a str, &'a str)> {
        self.step.node.iter().find_map(|fact| match fact {
            NodeFact::Sysctl { name, value } if name.ends_with(ends) => Some((name.as_str(), value.as_str())),
            _ => None,
        })
    }

    /// Full names and values of all settings whose names end like this.
    pub fn sysctls(&self, ends: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.step.node.iter().filter_map(move |fact| match fact {
            NodeFact::Sysctl { name, value } if name.ends_with(ends) => Some((name.as_str(), value.as_str())),
            _ => None,
        })
    }

    /// A sentence about the first of these counters that rose since the trace began. Other packets may have raised
    /// it, too.
    pub fn counted(&self, counters: &[&str]) -> Option<String> {
        self.step.node.iter().find_map(|fact| match fact {
            NodeFact::Counter { name, before, after } if counters.contains(&name.as_str()) => {
                Some(format!("{name} rose from {before} to {after} during the trace"))
            }
            _ => None,
        })
    }

    /// The kernel's answers to how it would route such a packet.
    pub fn routes(&self) -> impl Iterator<Item = &'a RouteAnswer> + use<'a> {
        self.step.node.iter().filter_map(|fact| match fact {
            NodeFact::Route(answer) => Some(answer),
            _ => None,
        })
    }

    /// The first answer for the packet's destination.
    pub fn route(&self) -> Option<&'a RouteAnswer> {
        let to = self.tuple().dst;
        self.routes().find(|answer| answer.to == Some(to))
    }

    /// The device of this netns that has the address.
    pub fn local(&self, wanted: IpAddr) -> Option<&'a str> {
        self.step.node.iter().find_map(|fact| match fact {
            NodeFact::LocalAddress { addr, ifname } if *addr == wanted => Some(ifname.as_str()),
            _ => None,
        })
    }

    /// All of the node's answers.
    pub fn node(&self) -> &'a [NodeFact] {
        &self.step.node
    }

    /// Names the packet: "the TCP SYN 10.0.0.1:4000 → 10.0.0.5:443".
    pub fn packet(&self) -> String {
        format!("the {}", packet_with_tuple(self.step))
    }

    /// Name of the netns.
    pub fn netns(&self) -> String {
        self.facts.netns(self.step.netns)
    }

    /// Names the place: "on eth0 in netns A", or without the device if it is unknown.
    pub fn place(&self) -> String {
        let netns = self.facts.netns(self.step.netns);
        match self.step.ifname.as_str() {
            "" => format!("in netns {netns}"),
            ifname => format!("on {ifname} in netns {netns}"),
        }
    }

    /// The sentence about the end itself: "packet 4 at 1.234 ms (ts 1000001234000): dropped in ip_error, reason
    /// IP_INNOROUTES".
    pub fn end(&self) -> String {
        let place = match self.function {
            "" => String::new(),
            function => format!(" in {function}"),
        };
        let reason = if self.unspecified() {
            "; the kernel gives no specific reason".to_owned()
        } else {
            format!(", reason {}", self.drop.reason)
        };
        format!("{}: dropped{place}{reason}", self.facts.cite(self.step))
    }
}
