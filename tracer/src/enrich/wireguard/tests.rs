use super::{
    super::attrs::{Attrs, encode},
    attrs::{merge, peers},
    *,
};

const NESTED: u16 = 0x8000;

fn allowed(family: i32, addr: &[u8], len: u8) -> Vec<u8> {
    let family = u16::try_from(family).unwrap_or_default();
    let attributes = [encode(1, &family.to_ne_bytes()), encode(2, addr), encode(3, &[len])].concat();
    encode(NESTED, &attributes)
}

/// A device with one peer, as `wg_get_device_dump` writes it, secrets included.
fn device(key: u8, endpoint: &[u8], allowed: &[Vec<u8>]) -> Vec<u8> {
    let peer = [
        encode(1, &[key; 32]),
        encode(2, &[0xee; 32]),
        encode(4, endpoint),
        encode(5, &[25, 0]),
        encode(9 | NESTED, &allowed.concat()),
    ];
    let private_key = encode(3, &[0xdd; 32]);
    [encode(1, &7u32.to_ne_bytes()), private_key, encode(8 | NESTED, &encode(NESTED, &peer.concat()))].concat()
}

fn allowed_ips_of(device: &[u8]) -> Vec<AllowedIps> {
    peers(Attrs(device)).into_iter().map(|peer| peer.allowed).collect()
}

fn sockaddr_in(addr: [u8; 4], port: u16) -> Vec<u8> {
    let family = u16::try_from(libc::AF_INET).unwrap_or_default();
    [&family.to_ne_bytes()[..], &port.to_be_bytes(), &addr, &[0; 8]].concat()
}

fn sockaddr_in6(addr: [u8; 16], port: u16) -> Vec<u8> {
    let family = u16::try_from(libc::AF_INET6).unwrap_or_default();
    [&family.to_ne_bytes()[..], &port.to_be_bytes(), &[0; 4], &addr, &[0; 4]].concat()
}

#[test]
fn a_peer_of_both_families() {
    let v6 = "fd00::".parse::<std::net::Ipv6Addr>().expect("an address").octets();
    let prefixes = [allowed(libc::AF_INET, &[10, 0, 0, 0], 24), allowed(libc::AF_INET6, &v6, 64)];
    let bytes = device(1, &sockaddr_in([192, 0, 2, 20], 51820), &prefixes);
    let expected = AllowedIps {
        public_key: "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=".to_owned(),
        endpoint: Some("192.0.2.20:51820".to_owned()),
        prefixes: vec!["10.0.0.0/24".to_owned(), "fd00::/64".to_owned()],
    };
    assert_eq!(allowed_ips_of(&bytes), [expected]);

    let bytes = device(1, &sockaddr_in6(v6, 1), &[]);
    assert_eq!(allowed_ips_of(&bytes)[0].endpoint.as_deref(), Some("[fd00::]:1"));
    assert_eq!(allowed_ips_of(&device(1, &[], &[]))[0].endpoint, None);
}

#[test]
fn a_peer_that_comes_in_parts_is_one() {
    let first = device(1, &sockaddr_in([192, 0, 2, 20], 51820), &[allowed(libc::AF_INET, &[10, 0, 0, 0], 24)]);
    let more = device(1, &[], &[allowed(libc::AF_INET, &[10, 1, 0, 0], 16)]);
    let other = device(2, &[], &[]);
    let merged = merge([first, more, other].iter().map(|part| peers(Attrs(part))).collect());
    assert_eq!(merged.len(), 2);
    assert_eq!(merged[0].allowed.prefixes, ["10.0.0.0/24", "10.1.0.0/16"]);
    assert_eq!(merged[0].allowed.endpoint.as_deref(), Some("192.0.2.20:51820"));
}

#[test]
fn when_a_peer_answered_last() {
    let peer = |seconds: u64| {
        let handshake = [seconds.to_ne_bytes(), 7u64.to_ne_bytes()].concat();
        let [received, sent] = [92u64, 148].map(u64::to_ne_bytes);
        let peer = [encode(1, &[1; 32]), encode(6, &handshake), encode(7, &received), encode(8, &sent)].concat();
        peers(Attrs(&encode(8 | NESTED, &encode(NESTED, &peer)))).remove(0)
    };
    let known = peer(1_700_000_000);
    assert_eq!((known.last_handshake, known.received, known.sent), (Some(1_700_000_000), 92, 148));
    assert_eq!(peer(0).last_handshake, None);
}

#[test]
fn whatever_the_bytes_nothing_panics() {
    let whole = device(1, &sockaddr_in([192, 0, 2, 20], 51820), &[allowed(libc::AF_INET, &[10, 0, 0, 0], 24)]);
    for len in 0..whole.len() {
        assert!(peers(Attrs(&whole[..len])).len() <= 1);
    }
    let too_long = device(1, &[], &[allowed(libc::AF_INET, &[10, 0, 0, 0], 33), allowed(99, &[1], 1)]);
    assert!(allowed_ips_of(&too_long)[0].prefixes.is_empty());
}

#[test]
fn what_is_not_there_is_said_in_a_sentence() {
    let netns = Netns::current().expect("/proc is there");
    let error = allowed_ips(&netns, "no-such-device").expect_err("there is none");
    assert!(error.starts_with("the peers of no-such-device in netns "), "{error}");
}
