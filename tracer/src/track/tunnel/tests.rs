use std::net::IpAddr;

use tracer_common::{Header, HookId, OuterDetails, Tuple as WireTuple, kind};

use super::*;

fn outer(src: [u8; 4], dport: u16, proto: u8, l4: &[u8]) -> WireOuter {
    let addr = |bytes: [u8; 4]| [u32::from_ne_bytes(bytes), 0, 0, 0];
    let tuple = WireTuple {
        saddr: addr(src),
        daddr: addr([192, 0, 2, 20]),
        sport: 5555u16.to_be(),
        dport: dport.to_be(),
        proto,
        version: 4,
        ..WireTuple::default()
    };
    let mut bytes = [0; OUTER_L4];
    bytes[..l4.len()].copy_from_slice(l4);
    WireOuter { header: header(HookId::default()), outer: OuterDetails { tuple, l4: bytes } }
}

fn header(hook: HookId) -> Header {
    Header { kind: kind::OUTER, hook, cpu: 0, ts: 0, packet: 1 }
}

fn bare() -> WireOuter {
    WireOuter {
        header: header(HookId::default()),
        outer: OuterDetails { tuple: WireTuple::default(), l4: [0; OUTER_L4] },
    }
}

fn step(hook: HookId, ifname: &str) -> WireStep {
    // SAFETY: a record consists of integers, for which zero is a valid value.
    let mut step: WireStep = unsafe { std::mem::zeroed() };
    step.header = header(hook);
    step.ifname[..ifname.len()].copy_from_slice(ifname.as_bytes());
    step
}

/// UDP header, then VXLAN's flags and VNI 12345.
const VXLAN: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0x30, 0x39, 0];

#[test]
fn vxlan_in_wireguard_and_out_again() {
    let mut layers = Layers::default();
    assert_eq!(layers.step(&step(hook::VXLAN_XMIT, "cilium_vxlan")), None);
    layers.look(&outer([198, 51, 100, 10], 8472, 17, VXLAN), &Name::new_static("cilium_vxlan"));
    let news = layers.step(&step(hook::IP_LOCAL_OUT, "")).expect("it enters VXLAN");
    assert_eq!(
        (news.kind, news.enters, news.id, news.ifname.as_str()),
        (TunnelKind::Vxlan, true, Some(12345), "cilium_vxlan")
    );
    layers.step(&step(hook::WG_XMIT, "kubespan"));
    let news = layers.step(&step(hook::WG_SOCKET_SEND_SKB_TO_PEER, "kubespan")).expect("it is encrypted");
    assert_eq!((news.kind, news.enters, news.ifname.as_str()), (TunnelKind::Wireguard, true, "kubespan"));
    layers.look(&outer([198, 51, 100, 10], 51820, 17, &[]), &Name::new_static("kubespan"));
    assert_eq!(layers.step(&step(hook::IP_LOCAL_OUT, "")), None, "WireGuard has been told");
    assert_eq!(layers.outer().map(|outer| outer.dport), Some(51820));
    layers.look(&outer([198, 51, 100, 10], 8472, 17, VXLAN), &Name::new_static("eth0"));
    let news = layers.step(&step(hook::WG_ALLOWEDIPS_LOOKUP_SRC, "kubespan")).expect("it is decrypted");
    assert_eq!(
        (news.kind, news.enters, news.outer.map(|outer| outer.dport)),
        (TunnelKind::Wireguard, false, Some(51820))
    );
    layers.look(&bare(), &Name::new_static("kubespan"));
    let news = layers.step(&step(hook::NETIF_RECEIVE_SKB, "cilium_vxlan")).expect("it leaves VXLAN");
    assert_eq!((news.kind, news.enters, news.id), (TunnelKind::Vxlan, false, Some(12345)));
    assert_eq!(layers.outer(), None);
}

#[test]
fn a_datagram_that_is_translated_is_still_the_same_tunnel() {
    let mut layers = Layers::default();
    layers.look(&outer([10, 0, 0, 1], 0, 47, &[0x20, 0, 8, 0, 0, 0, 0, 7]), &Name::new_static("gre1"));
    let news = layers.step(&step(hook::IP_LOCAL_OUT, "")).expect("it enters GRE");
    assert_eq!((news.kind, news.id), (TunnelKind::Gre, Some(7)));
    layers.look(&outer([198, 51, 100, 10], 0, 47, &[0x20, 0, 8, 0, 0, 0, 0, 7]), &Name::new_static("eth0"));
    assert_eq!(layers.step(&step(hook::NET_DEV_QUEUE, "eth0")), None);
    assert_eq!(layers.outer().map(|outer| outer.src), Some(IpAddr::from([198, 51, 100, 10])));
}

#[test]
fn the_protocol_names_a_tunnel_without_a_hook_of_its_own() {
    for (proto, kind) in [(4, TunnelKind::Ipip), (41, TunnelKind::Sit), (47, TunnelKind::Gre), (50, TunnelKind::Esp)] {
        let mut layers = Layers::default();
        layers.look(&outer([10, 0, 0, 1], 0, proto, &[]), &Name::new_static("tun1"));
        assert_eq!(layers.step(&step(hook::IP_LOCAL_OUT, "")).map(|news| news.kind), Some(kind));
    }
}
