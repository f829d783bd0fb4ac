//! Looks up the names of hosts that the filter was given.

use std::{
    io,
    net::{IpAddr, ToSocketAddrs as _},
};

use crate::{
    cli::{Filter, Lookup},
    live::IpNet,
    model::Host,
};

/// Sets the filter's networks to the addresses of these hosts, and returns the hosts.
///
/// # Errors
/// One sentence if a name is unknown, or has no address of the family that the rest of the filter asks for.
pub fn look_up(filter: &mut Filter, lookups: &[Lookup]) -> Result<Vec<Host>, String> {
    resolve(filter, lookups, |name| Ok((name, 0).to_socket_addrs()?.map(|addr| addr.ip()).collect()))
}

fn resolve(
    filter: &mut Filter,
    lookups: &[Lookup],
    ask: impl Fn(&str) -> io::Result<Vec<IpAddr>>,
) -> Result<Vec<Host>, String> {
    let mut hosts = Vec::new();
    for Lookup { flag, name } in lookups {
        let found =
            ask(name).map_err(|error| format!("{flag} {name} cannot be looked up: {error}: give its address"))?;
        let mut addrs: Vec<IpAddr> = Vec::new();
        for addr in found.into_iter().map(|addr| addr.to_canonical()) {
            if !addrs.contains(&addr) {
                addrs.push(addr);
            }
        }
        // The first is the one that a program on this host would try first.
        let v6 = family(filter);
        let Some(at) = addrs.iter().position(|addr| v6.is_none_or(|v6| addr.is_ipv6() == v6)) else {
            let family = v6.map_or("", |v6| if v6 { "IPv6 " } else { "IPv4 " });
            return Err(format!("{flag} {name} has no {family}address: give an address of a host that has one"));
        };
        let addr = addrs.remove(at);
        *filter.network_of(flag) = Some(IpNet::from(addr));
        hosts.push(Host { name: name.clone(), addr, others: addrs });
    }
    Ok(hosts)
}

/// Returns whether the filter asks for IPv6 (`true`) or IPv4, if it asks for one of them.
fn family(filter: &Filter) -> Option<bool> {
    const ICMP: u8 = 1;
    const ICMPV6: u8 = 58;
    let net = [filter.src, filter.dst, filter.host].into_iter().flatten().next();
    net.map(|net| matches!(net, IpNet::V6(_))).or_else(|| match filter.proto.map(|proto| proto.0) {
        Some(ICMP) => Some(false),
        Some(ICMPV6) => Some(true),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(mut filter: Filter, flags: &[&'static str], found: &[&str]) -> Result<(String, Vec<Host>), String> {
        let lookups: Vec<_> = flags.iter().map(|flag| Lookup { flag, name: "web.example".to_owned() }).collect();
        let addrs: Vec<IpAddr> = found.iter().map(|addr| addr.parse().expect("an address")).collect();
        resolve(&mut filter, &lookups, |_| Ok(addrs.clone())).map(|hosts| (filter.to_string(), hosts))
    }

    #[test]
    fn the_first_address_is_traced_and_the_others_are_named() {
        let (words, hosts) =
            resolved(Filter::default(), &["--dst"], &["fd00::5", "10.0.0.5", "::ffff:10.0.0.5", "fd00::5"])
                .expect("known");
        assert_eq!(words, "dst fd00::5");
        let others = vec!["10.0.0.5".parse().expect("an address")];
        assert_eq!(
            hosts,
            [Host { name: "web.example".to_owned(), addr: "fd00::5".parse().expect("an address"), others }]
        );
    }

    #[test]
    fn the_rest_of_the_filter_chooses_the_family() {
        let both = ["fd00::5", "10.0.0.5"];
        let icmp = Filter { proto: Some(crate::model::Proto(1)), ..Filter::default() };
        assert_eq!(
            resolved(icmp, &["--host"], &both).map(|(words, _)| words).as_deref(),
            Ok("proto icmp and host 10.0.0.5")
        );
        let from = Filter { src: Some("10.1.0.0/16".parse().expect("a network")), ..Filter::default() };
        assert_eq!(
            resolved(from.clone(), &["--dst"], &both).map(|(words, _)| words).as_deref(),
            Ok("src 10.1.0.0/16 and dst 10.0.0.5")
        );
        let error = resolved(from, &["--dst"], &["fd00::5"]).expect_err("no such address");
        assert_eq!(error, "--dst web.example has no IPv4 address: give an address of a host that has one");
    }

    #[test]
    fn an_unknown_name_is_one_sentence() {
        let lookups = [Lookup { flag: "--dst", name: "web.example".to_owned() }];
        let error = resolve(&mut Filter::default(), &lookups, |_| Err(io::Error::other("unknown name")));
        assert_eq!(
            error.expect_err("unknown"),
            "--dst web.example cannot be looked up: unknown name: give its address"
        );
    }
}
