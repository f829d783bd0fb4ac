//! Converts the filter that the user wrote into the one that the kernel side reads.

use ipnet::IpNet;
use tracer_common::{Filter as WireFilter, Prefix};

use super::Filter;
use crate::{enrich::netns::Netns, model::Proto};

/// Resolves names and returns the wire form.
///
/// # Errors
/// One sentence if the netns or the interface does not exist.
pub fn resolve(filter: &Filter) -> Result<WireFilter, String> {
    let netns = filter.netns.as_deref().map(Netns::resolve).transpose()?;
    let mut ifname = [0u64; 2];
    if let Some(name) = &filter.iface {
        exists(name, netns.as_ref())?;
        ifname = packed(name);
    }
    let (mark, mark_mask) = filter.mark.unwrap_or((0, 0));
    let v6 = [filter.src, filter.dst, filter.host].into_iter().flatten().map(|net| matches!(net, IpNet::V6(_))).next();
    Ok(WireFilter {
        src: prefix(filter.src),
        dst: prefix(filter.dst),
        host: prefix(filter.host),
        ifname,
        netns: netns.map_or(0, |netns| netns.inum()),
        mark_mask,
        mark,
        sport: filter.sport.unwrap_or(0).to_be(),
        dport: filter.dport.unwrap_or(0).to_be(),
        port: filter.port.unwrap_or(0).to_be(),
        version: v6.map_or(0, |v6| if v6 { 6 } else { 4 }),
        // A filter for ports needs no protocol: the kernel side reads zeroes in protocols without ports.
        proto_plus_one: filter.proto.map_or(0, |Proto(number)| number.saturating_add(1)),
        one_way: u8::from(filter.one_way),
        directed: u8::from(
            filter.src.is_some() || filter.dst.is_some() || filter.sport.is_some() || filter.dport.is_some(),
        ),
        pad: [0; 2],
    })
}

fn exists(name: &str, netns: Option<&Netns>) -> Result<(), String> {
    let own;
    let place = match netns {
        Some(netns) => netns,
        None => {
            own = Netns::current().map_err(|error| format!("the current netns cannot be read: {error}"))?;
            &own
        }
    };
    match place.ifindex(name) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => {
            let known: Vec<String> = place.interfaces().unwrap_or_default().into_iter().map(|(_, name)| name).collect();
            Err(format!(
                "--iface {name}: netns {} has no such interface (it has {}): name one of them, or another netns with \
                 --netns",
                place.name(),
                known.join(", ")
            ))
        }
        Err(error) => Err(format!("--iface {name}: the interfaces of netns {} cannot be read: {error}", place.name())),
    }
}

fn packed(name: &str) -> [u64; 2] {
    let mut bytes = [0u8; 16];
    for (to, from) in bytes.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    let half = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_ne_bytes(word)
    };
    [half(0), half(8)]
}

fn prefix(net: Option<IpNet>) -> Prefix {
    match net {
        None => Prefix::default(),
        Some(IpNet::V4(net)) => Prefix {
            addr: [u32::from(net.network()).to_be(), 0, 0, 0],
            mask: [u32::from(net.netmask()).to_be(), 0, 0, 0],
        },
        Some(IpNet::V6(net)) => Prefix { addr: words(net.network().octets()), mask: words(net.netmask().octets()) },
    }
}

fn words(octets: [u8; 16]) -> [u32; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(octets.chunks_exact(4)) {
        let mut four = [0; 4];
        four.copy_from_slice(bytes);
        *word = u32::from_ne_bytes(four);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_stand_in_network_byte_order() -> Result<(), Box<dyn std::error::Error>> {
        let v4 = prefix(Some("10.1.0.0/16".parse()?));
        assert_eq!(v4.addr[0].to_ne_bytes(), [10, 1, 0, 0]);
        assert_eq!(v4.mask[0].to_ne_bytes(), [255, 255, 0, 0]);
        let v6 = prefix(Some("fd00::5/128".parse()?));
        assert_eq!((v6.addr[0].to_ne_bytes(), v6.addr[3].to_ne_bytes()), ([0xfd, 0, 0, 0], [0, 0, 0, 5]));
        assert_eq!(v6.mask, [u32::MAX; 4]);
        Ok(())
    }
}
