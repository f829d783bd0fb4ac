use serde_json::{Value, json};

use super::clauses;
use crate::{
    model::{Device, Trace},
    output::text::{sample::step, tone::Tone},
};

fn described(hook: &str, facts: Value) -> (String, Tone) {
    let clauses = clauses(&step(hook, facts), None, &Trace::default(), false);
    let tone = clauses.iter().map(|(_, tone)| *tone).max().expect("something happened");
    (clauses.into_iter().map(|(words, _)| words).collect::<Vec<_>>().join(", "), tone)
}

fn notable(hook: &str, facts: Value) -> String {
    let (words, tone) = described(hook, facts);
    assert_eq!(tone, Tone::Notable, "{words}");
    words
}

fn bpf(kind: &str, verdict: &str) -> Value {
    json!({"program": "guard", "id": 12, "kind": kind, "verdict": verdict})
}

fn tuple(src: &str, sport: u16, dst: &str, dport: u16) -> Value {
    json!({"src": src, "dst": dst, "sport": sport, "dport": dport, "proto": "tcp"})
}

#[test]
fn programs_that_pass_are_quiet_and_those_that_drop_are_not() {
    for (kind, verdict) in [
        ("tc", "TC_ACT_OK"),
        ("tc", "TC_ACT_UNSPEC"),
        ("xdp", "XDP_PASS"),
        ("cgroup_skb", "SK_PASS"),
        ("cgroup_skb", "3"),
    ] {
        assert_eq!(described("bpf_program", json!({"bpf": bpf(kind, verdict)})).1, Tone::Quiet, "{verdict}");
    }
    for (kind, verdict) in [
        ("tc", "TC_ACT_SHOT"),
        ("xdp", "XDP_DROP"),
        ("xdp", "XDP_ABORTED"),
        ("cgroup_skb", "SK_DROP"),
        ("cgroup_skb", "2"),
    ] {
        assert_eq!(described("bpf_program", json!({"bpf": bpf(kind, verdict)})).1, Tone::Bad, "{verdict}");
    }
    assert_eq!(described("bpf_program", json!({"bpf": bpf("tc", "TC_ACT_OK")})).0, "passes BPF program guard");
    assert_eq!(
        described("bpf_program", json!({"bpf": bpf("xdp", "XDP_DROP")})).0,
        "XDP program guard drops it: XDP_DROP"
    );
    assert_eq!(
        notable("bpf_program", json!({"bpf": bpf("tc", "TC_ACT_STOLEN")})),
        "BPF program guard decides: TC_ACT_STOLEN"
    );
}

#[test]
fn marks_and_redirects() {
    let mut marked = bpf("tc", "TC_ACT_OK");
    marked["mark_before"] = json!(0);
    assert_eq!(notable("bpf_program", json!({"bpf": marked})), "BPF program guard sets mark 0x40");
    let unchanged = described("bpf_program", json!({"bpf": marked, "mark": 0}));
    assert_eq!(unchanged, ("passes BPF program guard".into(), Tone::Quiet));
    marked["mark_before"] = json!(0x40);
    assert_eq!(notable("bpf_program", json!({"bpf": marked, "mark": 0})), "BPF program guard clears its mark");
    let to = |up: bool| json!({"ifname": "wg0", "ifindex": 9, "ingress": false, "up": up});
    let redirect = |up| json!({"bpf": bpf("tc", "TC_ACT_REDIRECT"), "redirect": to(up)});
    assert_eq!(notable("__bpf_redirect", redirect(true)), "BPF program guard sends it to wg0");
    assert_eq!(notable("__bpf_redirect", redirect(false)), "BPF program guard sends it to wg0, which is down");
    assert_eq!(notable("__bpf_redirect", json!({"redirect": to(true)})), "redirected by BPF to wg0");
    let nameless = json!({"program": "program 12", "id": 12, "kind": "", "verdict": "0"});
    assert!(notable("bpf_program", json!({"bpf": nameless})).starts_with("BPF program 12 decides"));
}

#[test]
fn the_kind_of_a_target_is_said_where_it_says_what_comes_next() {
    let mut trace = Trace::default();
    let facts = json!({"redirect": {"ifname": "wg0", "ifindex": 9, "ingress": true, "up": true}});
    for (kind, words) in [("wireguard", "WireGuard device wg0"), ("veth", "wg0"), ("", "wg0")] {
        let device =
            Device { netns: 7, ifindex: 9, ifname: "wg0".into(), kind: kind.into(), mtu: 1420, ..Device::default() };
        trace.devices.insert((7, 9), device);
        let clauses = clauses(&step("__bpf_redirect", facts.clone()), None, &trace, false);
        assert_eq!(clauses[0].0, format!("redirected by BPF to the ingress of {words}"));
    }
}

#[test]
fn translations() {
    let pod = tuple("10.0.1.5", 40000, "203.0.113.80", 80);
    let node = tuple("198.51.100.10", 1024, "203.0.113.80", 80);
    let nat = json!({"kind": "SNAT", "before": pod, "after": node, "reverses": false});
    assert_eq!(
        notable("nf_nat_manip_pkt", json!({"nat": nat})),
        "SNAT by conntrack: 10.0.1.5:40000 → 198.51.100.10:1024"
    );
    assert_eq!(
        notable("bpf_program", json!({"nat": nat, "bpf": bpf("tc", "TC_ACT_OK")})),
        "SNAT by BPF program guard: 10.0.1.5:40000 → 198.51.100.10:1024"
    );
    assert!(notable("ip_rcv", json!({"nat": nat})).starts_with("SNAT, translator not seen: "));
    let rule = json!({"family": "ip", "table": "nat", "chain": "POSTROUTING", "rule": 3});
    assert!(
        notable("nft_do_chain", json!({"nat": nat, "netfilter": rule}))
            .starts_with("SNAT by ip nat POSTROUTING rule 3: ")
    );
    let back = json!({
        "kind": "SNAT", "reverses": true,
        "before": tuple("203.0.113.80", 80, "198.51.100.10", 1024), "after": tuple("203.0.113.80", 80, "10.0.1.5", 40000),
    });
    assert_eq!(
        notable("nf_nat_manip_pkt", json!({"nat": back})),
        "SNAT reversed by conntrack: 198.51.100.10:1024 → 10.0.1.5:40000"
    );
    let six = json!({
        "kind": "DNAT", "reverses": false,
        "before": tuple("fd00::5", 40000, "fd00::1", 80), "after": tuple("fd00::5", 40000, "fd00:1::7", 8080),
    });
    assert_eq!(notable("nf_nat_manip_pkt", json!({"nat": six})), "DNAT by conntrack: [fd00::1]:80 → [fd00:1::7]:8080");
    let both = json!({
        "kind": "SNAT+DNAT", "reverses": false, "before": pod, "after": tuple("198.51.100.10", 1024, "10.0.0.7", 8080),
    });
    assert_eq!(
        notable("nf_nat_manip_pkt", json!({"nat": both})),
        "SNAT+DNAT by conntrack: 10.0.1.5:40000 → 203.0.113.80:80 becomes 198.51.100.10:1024 → 10.0.0.7:8080"
    );
}

#[test]
fn an_echo_has_one_identifier_for_both_ends() {
    let echo =
        |src: &str, id: u16| json!({"src": src, "dst": "203.0.113.80", "sport": id, "dport": id, "proto": "icmp"});
    let nat =
        json!({"kind": "SNAT", "before": echo("10.0.1.5", 7), "after": echo("198.51.100.10", 9), "reverses": false});
    assert_eq!(notable("nf_nat_manip_pkt", json!({"nat": nat})), "SNAT by conntrack: 10.0.1.5 → 198.51.100.10");
}

#[test]
fn routes() {
    let route = |from: &str, to: &str, rule: Option<&str>, table: Option<u32>| {
        described(
            "ip_route_me_harder",
            json!({"route": {"mark": 0x40, "from": from, "to": to, "rule": rule, "table": table}}),
        )
    };
    let rule = Some("32500: fwmark 0x40/0x60 lookup 180");
    assert_eq!(
        route("eth0", "kubespan", rule, Some(180)).0,
        "routed again by mark 0x40: rule 32500: fwmark 0x40/0x60 lookup 180 sends it to kubespan instead of eth0"
    );
    assert_eq!(route("", "kubespan", None, Some(180)).0, "routed again by mark 0x40: table 180 sends it to kubespan");
    assert_eq!(route("eth0", "", None, None), ("routed again by mark 0x40".into(), Tone::Notable));
    assert_eq!(route("eth0", "eth0", None, None), ("routed again by mark 0x40, to eth0 as before".into(), Tone::Quiet));
}

#[test]
fn icmp_errors_by_family() {
    let error = |hook, kind: u8, code: u8, mtu: Option<u32>| {
        notable(hook, json!({"icmp": {"kind": kind, "code": code, "mtu": mtu}}))
    };
    assert_eq!(error("__icmp_send", 3, 4, Some(1370)), "answered with ICMP fragmentation needed, MTU 1370");
    assert_eq!(error("icmp6_send", 2, 0, Some(1280)), "answered with ICMPv6 packet too big, MTU 1280");
    assert_eq!(error("__icmp_send", 3, 1, None), "answered with ICMP host unreachable");
    assert_eq!(error("icmp6_send", 1, 4, None), "answered with ICMPv6 port unreachable");
    assert_eq!(error("__icmp_send", 77, 1, None), "answered with ICMP type 77 code 1");
}

#[test]
fn tunnels() {
    let peer = json!({"public_key": "hbFEmhv0ZQ3Wj0mhRVbSbJ2hWDpJ4nYpyCrcT1b4m2s=", "endpoint": "192.0.2.20:51871"});
    let tunnel = |tunnel: Value| notable("net_dev_xmit", json!({"tunnel": tunnel}));
    let of = |kind: &str, enters: bool, id: Option<u32>| {
        tunnel(json!({"kind": kind, "enters": enters, "ifname": "t0", "id": id}))
    };
    assert_eq!(
        tunnel(json!({"kind": "wireguard", "enters": true, "ifname": "wg0", "peer": peer})),
        "encrypted by WireGuard device wg0 for peer hbFEmhv0… at 192.0.2.20:51871"
    );
    assert_eq!(
        tunnel(json!({"kind": "wireguard", "enters": false, "ifname": "wg0", "peer": peer})),
        "decrypted by WireGuard device wg0, from peer hbFEmhv0… at 192.0.2.20:51871"
    );
    let roaming = json!({"public_key": "hbFEmhv0ZQ3Wj0mhRVbSbJ2hWDpJ4nYpyCrcT1b4m2s="});
    assert!(
        tunnel(json!({"kind": "wireguard", "enters": true, "ifname": "wg0", "peer": roaming}))
            .ends_with("for peer hbFEmhv0…, endpoint unknown")
    );
    assert_eq!(of("wireguard", true, None), "enters WireGuard device t0");
    assert_eq!(of("vxlan", true, Some(12345)), "encapsulated in VXLAN VNI 12345 by t0");
    assert_eq!(of("geneve", false, Some(7)), "decapsulated from Geneve VNI 7 by t0");
    assert_eq!(of("gre", true, Some(7)), "encapsulated in GRE key 7 by t0");
    assert_eq!(of("esp", true, Some(0xc0de)), "encrypted by IPsec, ESP SPI 0xc0de");
    assert_eq!(of("sit", true, None), "encapsulated in SIT by t0");
    assert_eq!(of("other", false, None), "decapsulated from a tunnel by t0");
    let outer = json!({"src": "fd00::1", "dst": "fd00::2", "sport": 51871, "dport": 51871, "proto": "udp"});
    assert_eq!(
        tunnel(json!({"kind": "vxlan", "enters": true, "ifname": "t0", "outer": outer})),
        "encapsulated in VXLAN by t0, sent as UDP [fd00::1]:51871 → [fd00::2]:51871"
    );
}
