//! Addresses and networks as people write them.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

/// What `--src`, `--dst` or `--host` was given.
pub(super) enum Target {
    /// An address or a network.
    Network(IpNet),
    /// The name of a host, which must be looked up.
    Name(String),
}

/// Parses `ADDR[/LEN]` or the name of a host.
pub(super) fn target(flag: &str, text: &str) -> Result<Target, String> {
    if is_name(text) { Ok(Target::Name(text.to_owned())) } else { network(flag, text).map(Target::Network) }
}

/// Whether a text can be a host's name and cannot be an address: letters, digits, `-`, `_` and dots, with a letter.
fn is_name(text: &str) -> bool {
    let fits = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
    text.chars().all(fits) && text.contains(|char: char| char.is_ascii_alphabetic())
}

/// Parses `ADDR[/LEN]`. Host bits are masked off: `10.0.0.5/24` is `10.0.0.0/24`, as in every firewall tool. An
/// IPv4-mapped IPv6 address (`::ffff:10.0.0.5`, as `ss` prints it) becomes the IPv4 address, because that is what
/// packets carry.
fn network(flag: &str, text: &str) -> Result<IpNet, String> {
    let wrong = |hint: &str| format!("{flag} `{text}` is not an address or network: {hint}");
    let (addr, len) = match text.split_once('/') {
        Some((addr, len)) => (addr, Some(len)),
        None => (text, None),
    };
    let addr = parse_addr(addr).map_err(|hint| wrong(&hint))?;
    let max = if addr.is_ipv4() { 32 } else { 128 };
    let len = match len.map(str::parse::<u8>) {
        None => max,
        Some(Ok(len)) if len <= max => len,
        Some(_) => return Err(wrong(&format!("the prefix length must be 0 to {max}"))),
    };
    let net = IpNet::new(addr, len).map_err(|_| wrong(&format!("the prefix length must be 0 to {max}")))?;
    Ok(unmapped(net.trunc()))
}

/// Formats a network: `10.0.0.5` for a single address, otherwise `10.0.0.0/24`.
pub(super) fn words(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

fn parse_addr(text: &str) -> Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(addr) = bare.parse() {
        return Ok(addr);
    }
    if let Some((addr, device)) = bare.split_once('%')
        && addr.parse::<Ipv6Addr>().is_ok()
    {
        return Err(format!("give the device separately, with --iface {device}"));
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Err(format!("give the port separately, as in {} and --port {}", socket.ip(), socket.port()));
    }
    if let Some((name, port)) = text.split_once(':')
        && is_name(name)
    {
        return Err(format!("give the port separately, as in {name} and --port {port}"));
    }
    Err("write it like 10.0.0.5, 10.0.0.0/24, fd00::/64 or web.example".to_owned())
}

fn unmapped(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else { return net };
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
        (Some(addr), Some(len)) => Ipv4Net::new(addr, len).map_or(net, IpNet::V4),
        _ => net,
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, network, target, words};

    fn read(text: &str) -> Result<String, String> {
        network("--dst", text).map(words)
    }

    #[test]
    fn addresses_and_networks() {
        assert_eq!(read("10.0.0.5").as_deref(), Ok("10.0.0.5"));
        assert_eq!(read("10.0.0.5/24").as_deref(), Ok("10.0.0.0/24"));
        assert_eq!(read("0.0.0.0/0").as_deref(), Ok("0.0.0.0/0"));
        assert_eq!(read("FD00::0:1").as_deref(), Ok("fd00::1"));
        assert_eq!(read("fd00::1/64").as_deref(), Ok("fd00::/64"));
        assert_eq!(read("[fd00::1]").as_deref(), Ok("fd00::1"));
    }

    #[test]
    fn ipv4_in_ipv6_clothes_is_ipv4() {
        assert_eq!(read("::ffff:10.0.0.5").as_deref(), Ok("10.0.0.5"));
        assert_eq!(read("::ffff:10.0.0.5/120").as_deref(), Ok("10.0.0.0/24"));
        assert_eq!(read("::ffff:0:0/64").as_deref(), Ok("::/64"));
    }

    #[test]
    fn names_have_a_letter_and_no_colon() {
        let is_name = |text: &str| matches!(target("--dst", text), Ok(Target::Name(name)) if name == text);
        assert!(["web.example", "localhost", "my_pod-1", "3com.example", "cafe"].into_iter().all(is_name));
        assert!(
            !["10.0.0.5", "10.0.0", "fd00::1", "::", "", "-", "web example", "a\u{1b}[31m"].into_iter().any(is_name)
        );
    }

    #[test]
    fn mistakes_say_what_to_do() {
        let error = |text: &str| read(text).expect_err(text);
        assert_eq!(
            error("10.0.0.5/33"),
            "--dst `10.0.0.5/33` is not an address or network: the prefix length must be 0 to 32"
        );
        assert!(error("fd00::/129").ends_with("must be 0 to 128"));
        assert!(error("10.0.0.5/").contains("prefix length"));
        assert!(error("10.0.0.5:443").ends_with("give the port separately, as in 10.0.0.5 and --port 443"));
        assert!(error("[fd00::1]:443").ends_with("give the port separately, as in fd00::1 and --port 443"));
        assert!(error("fe80::1%eth0").ends_with("with --iface eth0"));
        assert!(error("example.org:443").ends_with("give the port separately, as in example.org and --port 443"));
        assert!(error("example.org/24").contains("write it like"));
        assert!(error("10.0.0").contains("write it like"));
        assert!(error("").contains("write it like"));
    }
}
