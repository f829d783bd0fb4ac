//! `bridge-port-blocked` and `bridge-vlan-filtered`: no port of a bridge lets the frame through. Also
//! `device-mtu-exceeded` for a frame that is longer than a port takes.

use super::{super::firewall::on_device, Dropped, Explained};
use crate::model::{Cause, Confidence, NodeFact, Where};

/// Explains drops by bridges.
pub fn explain(dropped: &Dropped<'_>) -> Option<Explained> {
    let ports: Vec<_> = dropped.node().iter().filter_map(Port::of).collect();
    // The port that the frame came in on is listed first.
    let own = ports.first().filter(|port| port.ifname == dropped.step.ifname);
    let others = if own.is_some() { &ports[1..] } else { &ports[..] };
    if let Some(explained) = own.and_then(|own| refused_at_entry(dropped, own)) {
        return Some(explained);
    }
    too_long(dropped, &ports).or_else(|| nowhere_to_go(dropped, own, others))
}

/// Functions that free a frame before a port is chosen (net/bridge/br_input.c; with a reason since 6.14).
const ENTRY: &[&str] = &["br_handle_frame", "br_handle_frame_finish"];
/// Functions that check the VLAN of an incoming frame (net/bridge/br_vlan.c).
const ENTRY_VLAN: &[&str] = &["br_allowed_ingress", "__allowed_ingress"];
/// Functions that choose ports, and free a frame that none may have (net/bridge/br_forward.c, inlined differently).
const CHOICE: &[&str] = &["br_handle_frame_finish", "br_forward", "__br_forward", "br_flood", "br_dev_xmit"];
/// Functions that send a frame out of the chosen port.
const EXIT: &[&str] = &["br_dev_queue_push_xmit", "br_forward_finish"];

fn refused_at_entry(dropped: &Dropped<'_>, port: &Port<'_>) -> Option<Explained> {
    let Port { ifname, bridge, state, .. } = port;
    let by_state = dropped.because(&["BRIDGE_INGRESS_STP_STATE"]) || dropped.unspecified_within(ENTRY);
    if by_state && *state != "forwarding" {
        return Some(Explained {
            why: format!("port {ifname} of bridge {bridge} is {state}"),
            cause: cause(dropped, ifname, format!("port {ifname} of bridge {bridge} is {state} and takes no frames")),
            evidence: vec![port.describe()],
            ..blocked(ifname, bridge)
        });
    }
    if dropped.unspecified_within(ENTRY_VLAN) && port.vlan_filtering {
        let vlans = port.vlans();
        return Some(Explained {
            why: format!("port {ifname} of bridge {bridge} does not admit the packet's VLAN"),
            cause: cause(dropped, ifname, format!("port {ifname} of bridge {bridge} admits {vlans}")),
            evidence: vec![port.describe()],
            ..filtered(ifname, bridge)
        });
    }
    None
}

/// Explains drops by `br_dev_queue_push_xmit`, which calls `is_skb_forwardable`: the limit is MTU, Ethernet header
/// and VLAN tag.
fn too_long(dropped: &Dropped<'_>, ports: &[Port<'_>]) -> Option<Explained> {
    let len = dropped.step.len;
    let small: Vec<_> = ports.iter().filter(|port| port.mtu > 0 && len > port.mtu + FRAME).collect();
    let port = small.first().filter(|_| dropped.unspecified_within(EXIT))?;
    let Port { ifname, bridge, mtu, .. } = port;
    let bytes = len - ETH_HLEN;
    Some(Explained {
        id: "device-mtu-exceeded",
        why: format!("its {bytes} bytes exceed the MTU of port {ifname} of bridge {bridge}, which is {mtu}"),
        cause: cause(
            dropped,
            ifname,
            format!("the MTU of port {ifname} of bridge {bridge} is {mtu}, the packet has {bytes} bytes"),
        ),
        evidence: vec![format!("{ifname} has an MTU of {mtu}, and a bridge does not fragment")],
        confidence: if small.len() == 1 { Confidence::Certain } else { Confidence::Likely },
        advice: format!("Set the same MTU on all devices of the network of {bridge}."),
        ..Explained::default()
    })
}

/// Explains a frame that no port may have, by what closes each port.
fn nowhere_to_go(dropped: &Dropped<'_>, own: Option<&Port<'_>>, others: &[Port<'_>]) -> Option<Explained> {
    if !dropped.because(&["NO_TX_TARGET"]) && !dropped.unspecified_within(CHOICE) {
        return None;
    }
    // A frame for a multicast group without members is no loss.
    if dropped.tuple().dst.is_multicast() {
        return None;
    }
    let closed: Vec<_> = others.iter().filter_map(|port| Some((port, port.closed_to(own)?))).collect();
    let (port, (id, did)) = closed.first()?;
    let common = if *id == FILTERED { filtered(port.ifname, port.bridge) } else { blocked(port.ifname, port.bridge) };
    Some(Explained {
        why: format!("no port of bridge {} may send it", port.bridge),
        cause: cause(dropped, port.ifname, did.clone()),
        evidence: closed.iter().map(|(port, _)| port.describe()).chain(own.map(Port::describe)).collect(),
        confidence: if closed.len() == others.len() { Confidence::Certain } else { Confidence::Likely },
        ..common
    })
}

const BLOCKED: &str = "bridge-port-blocked";
const FILTERED: &str = "bridge-vlan-filtered";
const ETH_HLEN: u32 = 14;
/// Ethernet header and VLAN tag.
const FRAME: u32 = ETH_HLEN + 4;

fn blocked(ifname: &str, bridge: &str) -> Explained {
    Explained {
        id: BLOCKED,
        advice: format!(
            "Check the port: `bridge -d link show dev {ifname}`.\nWith STP, a port of {bridge} takes up to 30 s to \
             start forwarding. A port that stays blocked has a loop behind it, or was configured so."
        ),
        ..Explained::default()
    }
}

fn filtered(ifname: &str, bridge: &str) -> Explained {
    Explained {
        id: FILTERED,
        advice: format!(
            "Add the VLAN to the port: `bridge vlan add vid … dev {ifname}`, with `pvid untagged` for frames without a \
             tag.\nCompare all ports of {bridge}: `bridge vlan show`."
        ),
        ..Explained::default()
    }
}

fn cause(dropped: &Dropped<'_>, ifname: &str, did: String) -> Cause {
    let place = Where { ifname: Some(ifname.into()), ..on_device(dropped.step) };
    Cause { place, did, ..Cause::default() }
}

struct Port<'a> {
    ifname: &'a str,
    bridge: &'a str,
    state: &'a str,
    vlan_filtering: bool,
    vlans: &'a [String],
    isolated: bool,
    mtu: u32,
}

impl<'a> Port<'a> {
    fn of(fact: &'a NodeFact) -> Option<Self> {
        match fact {
            NodeFact::BridgePort { ifname, bridge, state, vlan_filtering, vlans, isolated, mtu, .. } => Some(Self {
                ifname,
                bridge,
                state,
                vlan_filtering: *vlan_filtering,
                vlans,
                isolated: *isolated,
                mtu: *mtu,
            }),
            _ => None,
        }
    }

    /// Returns why a frame may not leave by this port (`should_deliver`, net/bridge/br_forward.c), with the
    /// finding's id.
    fn closed_to(&self, from: Option<&Port<'_>>) -> Option<(&'static str, String)> {
        let Self { ifname, bridge, state, .. } = self;
        if *state != "forwarding" {
            return Some((BLOCKED, format!("port {ifname} of bridge {bridge} is {state} and sends no frames")));
        }
        if let Some(from) = from.filter(|from| from.isolated && self.isolated) {
            return Some((BLOCKED, format!("ports {} and {ifname} of bridge {bridge} are isolated", from.ifname)));
        }
        let from = from.filter(|_| self.vlan_filtering)?;
        let vlan = from.vlans.iter().find(|vlan| vlan.contains("pvid"))?.split(' ').next()?;
        let differs = !self.vlans.iter().any(|own| covers(own, vlan));
        let vlans = self.vlans();
        differs.then(|| {
            (
                FILTERED,
                format!(
                    "port {ifname} of bridge {bridge} admits {vlans}, but the packet arrived on {} in VLAN {vlan}",
                    from.ifname
                ),
            )
        })
    }

    fn vlans(&self) -> String {
        match self.vlans {
            [] => "no VLAN".to_owned(),
            [one] => format!("only VLAN {one}"),
            more => format!("only VLANs {}", more.join(", ")),
        }
    }

    fn describe(&self) -> String {
        let Self { ifname, bridge, state, .. } = self;
        let filtered = if self.vlan_filtering { format!(", {}", self.vlans()) } else { String::new() };
        let isolated = if self.isolated { ", isolated" } else { "" };
        format!("port {ifname} of bridge {bridge}: {state}{filtered}{isolated}")
    }
}

/// Whether `10-20 untagged` includes VLAN `12`.
fn covers(vlans: &str, vlan: &str) -> bool {
    let Some(range) = vlans.split(' ').next() else { return false };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let numbers = first.parse::<u16>().ok().zip(last.parse::<u16>().ok()).zip(vlan.parse::<u16>().ok());
    numbers.is_some_and(|((first, last), vlan)| (first..=last).contains(&vlan))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_vlans() {
        let cases =
            [("10", "10", true), ("10-20 untagged", "12", true), ("10-20", "21", false), ("1 pvid", "10", false)];
        for (vlans, vlan, expected) in cases {
            assert_eq!(covers(vlans, vlan), expected, "{vlans} {vlan}");
        }
    }
}
