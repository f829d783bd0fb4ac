//! Selects the packets to follow.

use std::fmt;

use ipnet::IpNet;

use super::{Usage, address, address::Target, args::FilterArgs, netns::Netns, quantity};
use crate::model::Proto;

/// Selects the packets that start a flow to follow. All conditions must hold; without any, all packets match. Replies
/// are found by the reversed tuple, unless `one_way` is set.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Filter {
    /// Source network, host bits zero.
    pub src: Option<IpNet>,
    /// Destination network, host bits zero; of the same family as `src`.
    pub dst: Option<IpNet>,
    /// Source or destination network; never together with `src` or `dst`.
    pub host: Option<IpNet>,
    /// Source or destination port; never together with `sport` or `dport`.
    pub port: Option<u16>,
    /// Source port.
    pub sport: Option<u16>,
    /// Destination port.
    pub dport: Option<u16>,
    /// Transport protocol.
    pub proto: Option<Proto>,
    /// Device that the packet is first seen on. It is not checked here whether the device exists.
    pub iface: Option<String>,
    /// Network namespace that the packet is first seen in: a name under `/run/netns`, an inode number, a path, or
    /// `pid:N`.
    pub netns: Option<String>,
    /// Value and mask of the packet mark; the value has no bit outside the mask.
    pub mark: Option<(u32, u32)>,
    /// Whether to ignore replies.
    pub one_way: bool,
}

/// A name to look up for the filter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lookup {
    /// `--src`, `--dst` or `--host`.
    pub flag: &'static str,
    /// The host's name.
    pub name: String,
}

impl Filter {
    /// Whether every packet matches.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self { one_way: self.one_way, ..Self::default() }
    }

    /// Whether it asks for an address or a port.
    pub(crate) fn is_aimed(&self) -> bool {
        let ports = [self.port, self.sport, self.dport];
        [self.src, self.dst, self.host].iter().any(Option::is_some) || ports.iter().any(Option::is_some)
    }

    /// Whether answers to a matching packet may not match: they may pass another device or carry another mark.
    pub(crate) fn misses_answers(&self) -> bool {
        self.one_way || self.iface.is_some() || self.mark.is_some()
    }

    /// Returns the filter, and the names of hosts whose addresses it lacks.
    pub(super) fn resolve(typed: FilterArgs) -> Result<(Self, Vec<Lookup>), Usage> {
        let mut lookups = Vec::new();
        let mut network = |flag, text: Option<String>| {
            Ok::<_, String>(match text.map(|text| address::target(flag, &text)).transpose()? {
                Some(Target::Network(net)) => Some(net),
                Some(Target::Name(name)) => {
                    lookups.push(Lookup { flag, name });
                    None
                }
                None => None,
            })
        };
        let port = |flag, text: Option<String>| text.map(|text| quantity::port(flag, &text)).transpose();
        let build = || {
            Ok(Self {
                src: network("--src", typed.src)?,
                dst: network("--dst", typed.dst)?,
                host: network("--host", typed.host)?,
                port: port("--port", typed.port)?,
                sport: port("--sport", typed.sport)?,
                dport: port("--dport", typed.dport)?,
                proto: typed.proto.map(|text| proto(&text)).transpose()?,
                iface: typed.iface.map(iface).transpose()?,
                netns: typed.netns.map(netns).transpose()?,
                mark: typed.mark.map(|text| quantity::mark(&text)).transpose()?,
                one_way: typed.one_way,
            })
        };
        let filter = build().and_then(|filter: Self| filter.contradiction().map_or(Ok(filter), Err)).map_err(Usage)?;
        Ok((filter, lookups))
    }

    /// Returns the network that a flag (`--src`, `--dst` or `--host`) sets.
    pub(crate) fn network_of(&mut self, flag: &str) -> &mut Option<IpNet> {
        match flag {
            "--src" => &mut self.src,
            "--dst" => &mut self.dst,
            _ => &mut self.host,
        }
    }

    /// Returns why no packet can match, if there is such a reason.
    pub(crate) fn contradiction(&self) -> Option<String> {
        let addrs = [("--src", self.src), ("--dst", self.dst), ("--host", self.host)];
        let v6 = |net: IpNet| matches!(net, IpNet::V6(_));
        if let (Some(_), Some((flag, _))) = (self.host, addrs[..2].iter().find(|(_, net)| net.is_some())) {
            return Some(format!("--host already matches both directions: omit {flag}, or use --src and --dst"));
        }
        if let (Some(src), Some(dst)) = (self.src, self.dst)
            && v6(src) != v6(dst)
        {
            return Some(format!(
                "--src {} and --dst {} are of different families: give two IPv4 or two IPv6 addresses",
                address::words(src),
                address::words(dst)
            ));
        }
        let ports = [("--port", self.port), ("--sport", self.sport), ("--dport", self.dport)];
        if let (Some(_), Some((flag, _))) = (self.port, ports[1..].iter().find(|(_, port)| port.is_some())) {
            return Some(format!("--port already matches both ends: omit {flag}, or use --sport and --dport"));
        }
        let proto = self.proto?;
        if let Some((flag, _)) = ports.iter().find(|(_, port)| port.is_some())
            && !proto.has_ports()
        {
            return Some(format!("{proto} has no ports: omit {flag}, or trace tcp or udp"));
        }
        let other = match proto.0 {
            1 => (true, "icmp is IPv4 only: use --proto icmp6"),
            58 => (false, "icmp6 is IPv6 only: use --proto icmp"),
            _ => return None,
        };
        let (flag, net) = addrs.into_iter().find_map(|(flag, net)| Some((flag, net?)))?;
        (v6(net) == other.0).then(|| format!("{} with {flag} {}", other.1, address::words(net)))
    }
}

impl fmt::Display for Filter {
    /// Writes `dst 10.0.0.5 and port 443`, or nothing for all packets in both directions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |word, port: Option<u16>| port.map(|port| format!("{word} {port}"));
        let net = |word, net: Option<IpNet>| net.map(|net| format!("{word} {}", address::words(net)));
        let terms = [
            self.proto.map(|proto| format!("proto {proto}")),
            net("src", self.src),
            net("dst", self.dst),
            net("host", self.host),
            number("port", self.port),
            number("sport", self.sport),
            number("dport", self.dport),
            self.iface.as_ref().map(|iface| format!("iface {iface}")),
            self.netns.as_ref().map(|netns| format!("netns {netns}")),
            self.mark.map(|(value, mask)| match mask {
                u32::MAX => format!("mark {value:#x}"),
                mask => format!("mark {value:#x}/{mask:#x}"),
            }),
        ];
        f.write_str(&terms.into_iter().flatten().collect::<Vec<_>>().join(" and "))?;
        match (self.one_way, self.is_all()) {
            (true, true) => f.write_str("all packets, one way"),
            (true, false) => f.write_str(", one way"),
            (false, _) => Ok(()),
        }
    }
}

fn proto(text: &str) -> Result<Proto, String> {
    text.to_ascii_lowercase().parse().map_err(|error| format!("--proto: {error}"))
}

/// Checks a device name like the kernel's `dev_valid_name`: 1 to 15 bytes without slash, colon or white space. Control
/// characters are refused, too.
fn iface(name: String) -> Result<String, String> {
    let fits = (1..16).contains(&name.len()) && name != "." && name != "..";
    if fits && !name.contains(|c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control()) {
        return Ok(name);
    }
    Err(format!("--iface `{}` is not a device name: give one that `ip link` shows", name.escape_debug()))
}

fn netns(text: String) -> Result<String, String> {
    text.parse::<Netns>().map(|_| text)
}
