//! Looks up whether a netns could send to an address.

use std::net::IpAddr;

use super::{
    super::{
        netns::Netns,
        routes::{Asked, answer},
    },
    cannot_enter,
    link::Links,
    owners::Owners,
    sockets,
};
use crate::model::{NodeFact, Proto, Tuple};

/// Where packets are sent.
#[derive(Clone, Copy, Debug)]
pub struct Destination {
    /// Address.
    pub addr: IpAddr,
    /// Port, if one is asked for.
    pub port: Option<u16>,
    /// Protocol, if one is asked for.
    pub proto: Option<Proto>,
}

/// Asks a netns for its route to a destination, its sockets that are connected to it, and, if the address is local, the
/// sockets that would take such packets. `owners` says whose they are.
///
/// # Errors
/// Returns one sentence if the netns cannot be entered, which takes `CAP_SYS_ADMIN`.
pub fn senders(netns: &Netns, to: Destination, owners: &Owners) -> Result<Vec<NodeFact>, String> {
    netns.run_in(|| here(to, owners)).map_err(|error| cannot_enter(netns, &error))
}

fn here(to: Destination, owners: &Owners) -> Vec<NodeFact> {
    let links = Links::here().unwrap_or_else(|_| Links::none());
    let route = answer(&Asked::to(to.addr), |ifindex| links.name(ifindex).to_owned());
    let is_local = route.kind.as_deref() == Some("local");
    let mut facts = vec![NodeFact::Route(route)];
    for proto in [Proto::TCP, Proto::UDP].into_iter().filter(|proto| to.proto.is_none_or(|asked| asked == *proto)) {
        facts.extend(sockets::connections(to.addr, to.port, proto, owners));
        if let Some(dport) = to.port.filter(|_| is_local && (proto == Proto::TCP || to.proto.is_some())) {
            let tuple = Tuple { src: to.addr, dst: to.addr, sport: 0, dport, proto };
            facts.extend(sockets::facts(tuple, Some(owners)));
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_address_has_a_route_and_perhaps_a_socket() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = Some(listener.local_addr().expect("an address").port());
        let to = Destination { addr: [127, 0, 0, 1].into(), port, proto: Some(Proto::TCP) };
        let facts = here(to, &Owners::default());
        let [NodeFact::Route(route), NodeFact::Listener { owner: Some(_), .. }] = &facts[..] else {
            panic!("{facts:?}")
        };
        assert_eq!(route.kind.as_deref(), Some("local"));
    }
}
