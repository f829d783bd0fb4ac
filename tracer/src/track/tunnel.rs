//! Tunnels: the layers of headers that a packet is wrapped in.

use bytes::Buf as _;
use tracer_common::{OUTER_L4, Outer as WireOuter, Peer as WirePeer, Step as WireStep, hook};

use super::flows::tuple;
use crate::{
    decode::name,
    model::{Name, Peer, Proto, Tunnel, TunnelKind, Tuple},
};

mod peer;

/// The layers around one packet, the outermost last.
#[derive(Default)]
pub struct Layers {
    layers: Vec<Layer>,
    /// The tunnel device that the packet has entered and whose headers it has not got yet.
    entered: Option<(TunnelKind, Name)>,
    peer: Option<Peer>,
    /// The change of layers that the packet's next step reports.
    news: Option<Box<Tunnel>>,
}

struct Layer {
    kind: TunnelKind,
    ifname: Name,
    id: Option<u32>,
    outer: Option<Tuple>,
}

impl Layers {
    /// The outermost tuple, if there is any layer.
    pub fn outer(&self) -> Option<Tuple> {
        self.layers.last().and_then(|layer| layer.outer)
    }

    /// Keeps the peer for the packet's next step.
    pub fn meet(&mut self, wire: &WirePeer) {
        self.peer = Some(peer::read(&wire.peer));
    }

    /// Handles a change of the headers on the wire. `ifname` is the device that the packet was on before.
    pub fn look(&mut self, wire: &WireOuter, ifname: &Name) {
        let seen = wire.outer.tuple().map(tuple);
        let beneath = self.layers.iter().position(|layer| layer.outer == seen && seen.is_some());
        match (seen, beneath) {
            (None, _) => self.unwrap_to(0),
            (Some(_), Some(layer)) => self.unwrap_to(layer + 1),
            (Some(outer), None) => self.wrap(outer, &wire.outer.l4, ifname),
        }
    }

    /// Returns the tunnel that the packet enters or leaves at a step, if any.
    pub fn step(&mut self, wire: &WireStep) -> Option<Box<Tunnel>> {
        match wire.header.hook {
            hook::VXLAN_XMIT => self.entered = Some((TunnelKind::Vxlan, name(&wire.ifname))),
            hook::GENEVE_XMIT => self.entered = Some((TunnelKind::Geneve, name(&wire.ifname))),
            hook::WG_XMIT => self.entered = Some((TunnelKind::Wireguard, name(&wire.ifname))),
            hook::XFRM_OUTPUT => self.entered = Some((TunnelKind::Esp, Name::default())),
            hook::WG_SOCKET_SEND_SKB_TO_PEER => self.news = Some(Box::new(self.encrypt(wire))),
            hook::WG_ALLOWEDIPS_LOOKUP_SRC => self.news = Some(Box::new(self.decrypt(wire))),
            _ => {}
        }
        let mut news = self.news.take()?;
        // The device at the other end of a tunnel may have another name, so this end's name is used.
        if !news.enters && wire.ifname[0] != 0 {
            news.ifname = name(&wire.ifname);
        }
        Some(news)
    }

    /// Adds a layer for a packet to a peer. The datagram's own headers are known when its socket sends it.
    fn encrypt(&mut self, wire: &WireStep) -> Tunnel {
        let entered = self.entered.take().filter(|(kind, _)| *kind == TunnelKind::Wireguard);
        let ifname = entered.map_or_else(|| name(&wire.ifname), |(_, ifname)| ifname);
        let again =
            self.layers.last().is_some_and(|layer| layer.kind == TunnelKind::Wireguard && layer.outer.is_none());
        if !again {
            self.layers.push(Layer { kind: TunnelKind::Wireguard, ifname: ifname.clone(), id: None, outer: None });
        }
        Tunnel { kind: TunnelKind::Wireguard, enters: true, ifname, id: None, outer: None, peer: self.peer.take() }
    }

    fn decrypt(&mut self, wire: &WireStep) -> Tunnel {
        let outer = self.news.take().and_then(|news| news.outer);
        let (kind, ifname) = (TunnelKind::Wireguard, name(&wire.ifname));
        Tunnel { kind, enters: false, ifname, id: None, outer, peer: self.peer.take() }
    }

    fn wrap(&mut self, outer: Tuple, l4: &[u8; OUTER_L4], ifname: &Name) {
        if let Some(layer) = self.layers.last_mut() {
            let translated = layer.outer.is_some_and(|old| {
                old.proto == outer.proto
                    && ((old.src, old.sport) == (outer.src, outer.sport)
                        || (old.dst, old.dport) == (outer.dst, outer.dport))
            });
            if layer.outer.is_none() || translated {
                layer.outer = Some(outer);
                return;
            }
        }
        let (kind, ifname) = match self.entered.take() {
            Some((kind, ifname)) if fits(kind, outer.proto) => (kind, ifname),
            _ => (by_protocol(outer), ifname.clone()),
        };
        let id = id(kind, l4);
        let news = Tunnel { kind, enters: true, ifname: ifname.clone(), id, outer: Some(outer), peer: None };
        self.news = Some(Box::new(news));
        self.layers.push(Layer { kind, ifname, id, outer: Some(outer) });
    }

    /// Removes layers until `left` remain.
    fn unwrap_to(&mut self, left: usize) {
        while self.layers.len() > left
            && let Some(Layer { kind, ifname, id, outer }) = self.layers.pop()
        {
            self.news = Some(Box::new(Tunnel { kind, enters: false, ifname, id, outer, peer: None }));
        }
    }
}

/// Whether a tunnel of that kind sends this protocol.
fn fits(kind: TunnelKind, proto: Proto) -> bool {
    match kind {
        TunnelKind::Vxlan | TunnelKind::Geneve | TunnelKind::Wireguard => proto == Proto::UDP,
        // ESP travels in UDP if there is NAT on the path.
        TunnelKind::Esp => proto == Proto(ESP) || proto == Proto::UDP,
        _ => false,
    }
}

const IPIP: u8 = 4;
const IPV6: u8 = 41;
const GRE: u8 = 47;
const ESP: u8 = 50;

fn by_protocol(outer: Tuple) -> TunnelKind {
    match outer.proto.0 {
        IPIP => TunnelKind::Ipip,
        IPV6 if outer.src.is_ipv4() => TunnelKind::Sit,
        IPV6 => TunnelKind::Ipip,
        GRE => TunnelKind::Gre,
        ESP => TunnelKind::Esp,
        _ => TunnelKind::Other,
    }
}

/// Reads the id that distinguishes tunnels of one kind, from the bytes after the outer IP header.
fn id(kind: TunnelKind, l4: &[u8; OUTER_L4]) -> Option<u32> {
    const UDP_HEADER: usize = 8;
    /// `GRE_CSUM` and `GRE_KEY` in the first byte (RFC 2890).
    const GRE_CSUM: u8 = 0x80;
    const GRE_KEY: u8 = 0x20;
    let word = |at: usize| l4.get(at..)?.try_get_u32().ok();
    match kind {
        // Both carry the VNI in the upper 24 bits of the second word (RFC 7348, RFC 8926).
        TunnelKind::Vxlan | TunnelKind::Geneve => word(UDP_HEADER + 4).map(|word| word >> 8),
        TunnelKind::Gre if l4[0] & GRE_KEY == 0 => None,
        TunnelKind::Gre => word(if l4[0] & GRE_CSUM == 0 { 4 } else { 8 }),
        TunnelKind::Esp => word(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
