use serde_json::{Value, json};

use super::{Row, rows};
use crate::{
    model::{Step, Trace},
    output::text::{sample::step, tone::Tone},
};

/// Returns the rows of a packet that passes these hooks, as device and words.
fn shown(steps: &[(&str, Value)], verbose: bool) -> Vec<(String, String)> {
    let says = |row: &Row| (row.says.ifname.clone(), row.says.what.join(", "));
    path(steps, verbose).iter().map(says).collect()
}

fn path(steps: &[(&str, Value)], verbose: bool) -> Vec<Row> {
    let steps: Vec<Step> = steps.iter().map(|(hook, facts)| step(hook, facts.clone())).collect();
    rows(&steps.iter().collect::<Vec<_>>(), &Trace::default(), verbose)
}

fn row(ifname: &str, words: &str) -> (String, String) {
    (ifname.to_owned(), words.to_owned())
}

fn guard(verdict: &str) -> Value {
    json!({"program": "guard", "id": 12, "kind": "tc", "verdict": verdict})
}

fn tuple(src: &str, sport: u16, dport: u16, proto: &str) -> Value {
    json!({"src": src, "dst": "192.0.2.20", "sport": sport, "dport": dport, "proto": proto})
}

#[test]
fn a_program_and_its_redirect_are_one_row_where_the_program_runs() {
    let redirect = json!({"ifname": "wg0", "ifindex": 9, "ingress": false, "up": true});
    let by = json!({"bpf": guard("TC_ACT_REDIRECT"), "redirect": redirect, "ifname": "wg0", "ifindex": 9});
    let steps = [
        ("net_dev_queue", json!({})),
        ("bpf_program", json!({"bpf": guard("TC_ACT_REDIRECT")})),
        ("__bpf_redirect", by),
    ];
    assert_eq!(shown(&steps, false), [row("eth0", "queued"), row("eth0", "BPF program guard sends it to wg0")]);
    assert_eq!(shown(&steps, true).len(), 3);
    // A redirect of another program is another event.
    let mut other = steps;
    other[2].1["bpf"]["id"] = json!(13);
    assert_eq!(shown(&other, false)[1], row("eth0", "BPF program guard redirects it"));
    assert_eq!(shown(&other, false).len(), 3);
}

#[test]
fn programs_that_pass_share_a_row_with_what_is_around_them() {
    let steps = [
        ("net_dev_queue", json!({})),
        ("bpf_program", json!({"bpf": guard("TC_ACT_OK")})),
        ("net_dev_start_xmit", json!({})),
    ];
    assert_eq!(shown(&steps, false), [row("eth0", "queued, passes BPF program guard, transmitted")]);
}

#[test]
fn a_drop_names_the_program_that_decided_it() {
    let drop = json!({"reason": "TC_EGRESS", "location": "__dev_queue_xmit+0x1"});
    let steps = [("bpf_program", json!({"bpf": guard("TC_ACT_SHOT")})), ("kfree_skb", drop.clone())];
    let rows = path(&steps, false);
    assert_eq!(shown(&steps, false), [row("eth0", "dropped by BPF program guard: TC_EGRESS")]);
    assert_eq!(rows[0].says.tone, Tone::Bad);
    // A program that passes the packet is unrelated to a drop that follows.
    let steps = [("bpf_program", json!({"bpf": guard("TC_ACT_OK")})), ("kfree_skb", drop)];
    assert_eq!(shown(&steps, false)[1], row("eth0", "dropped: TC_EGRESS"));
}

#[test]
fn wireguard_discards_a_source_silently() {
    let refused = json!({"reason": "CONSUMED", "location": "wg_packet_rx_poll+0x5d2"});
    let rows = path(&[("consume_skb", refused)], false);
    assert_eq!(rows[0].says.what, ["silently discarded by WireGuard: 10.0.1.5 is not an allowed IP of the peer"]);
    assert_eq!(rows[0].says.tone, Tone::Bad);
}

#[test]
fn headers_are_told_where_they_change_and_once() {
    let (outer, beneath) = (tuple("198.51.100.1", 51820, 51820, "udp"), tuple("10.9.9.9", 4789, 4789, "udp"));
    let unwrap = json!({"kind": "wireguard", "enters": false, "ifname": "wg0"});
    let steps = [
        ("__ip_local_out", json!({"outer": outer})),
        ("ip_output", json!({"outer": outer})),
        ("wg_allowedips_lookup_src", json!({"outer": beneath, "tunnel": unwrap})),
        ("netif_receive_skb", json!({"outer": beneath})),
        ("ip_rcv", json!({})),
        ("ip_forward", json!({"tuple": tuple("10.0.1.5", 40000, 8443, "tcp")})),
    ];
    let words: Vec<_> = shown(&steps, false).into_iter().map(|(_, words)| words).collect();
    assert_eq!(
        words,
        [
            "sent by this host as UDP 198.51.100.1:51820 → 192.0.2.20:51820, leaves IPv4",
            "decrypted by WireGuard device wg0, still in UDP 10.9.9.9:4789 → 192.0.2.20:4789",
            "received, enters IPv4, forwarded, now 10.0.1.5:40000 → 192.0.2.20:8443",
        ]
    );
}

#[test]
fn several_functions_of_one_event_are_one_row() {
    let tunnel = json!({"kind": "vxlan", "enters": true, "ifname": "vx0", "id": 7});
    let steps = [("vxlan_xmit", json!({"tunnel": tunnel})), ("vxlan_xmit_one", json!({"tunnel": tunnel}))];
    assert_eq!(shown(&steps, false), [row("eth0", "encapsulated in VXLAN VNI 7 by vx0")]);
    assert_eq!(shown(&steps, true).len(), 2);
}
