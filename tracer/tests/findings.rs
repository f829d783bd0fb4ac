//! Findings derived from captures of real runs: the scenarios of these names on kernel 6.18.15, reduced to the
//! packets that the finding is about (`scenarios run --keep`).

use std::{collections::HashMap, path::Path};

use insta::assert_snapshot;
use tracer::{
    capture::{self, Confidence, Direction, Finding, NodeFact, Severity, Step, Trace, Tuple, Verdict},
    diagnose::{diagnose, verdicts},
};

fn capture(name: &str) -> Trace {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    // The tests of the report use this capture, too.
    let file = if name == "nat-reply-not-reversed" { "masquerade" } else { name };
    let folder = if file == name { data.join("findings") } else { data };
    let path = folder.join(file).with_extension("jsonl");
    capture::read(&path).and_then(Iterator::collect).expect(name)
}

const CASES: &[&str] = &[
    "bad-checksum",
    "blackhole-route",
    "forwarding-off",
    "fragments-incomplete",
    "martian-source",
    "no-route",
    "packet-for-other-host",
    "packet-too-big",
    "path-mtu-learned",
    "prohibit-route",
    "reverse-path-filtered",
    "ttl-exceeded",
    "unreachable-route",
    "asymmetric-reply-invalid",
    "bridge-port-blocked",
    "bridge-vlan-filtered",
    "cpu-backlog-full",
    "device-mtu-exceeded",
    "dnat-reply-not-reversed",
    "link-down",
    "nat-reply-not-reversed",
    "neighbour-failed",
    "neighbour-queue-full",
    "qdisc-drop",
    "redirect-to-down-device",
    "tunnel-mtu-exceeded",
    "wireguard-no-endpoint",
    "wireguard-no-peer",
    "accept-queue-full",
    "bpf-program-drop",
    "conntrack-table-full",
    "conntrack-zone-mismatch",
    "ct-invalid-dropped",
    "firewall-drop",
    "firewall-reject",
    "no-socket",
    "receive-buffer-full",
    "socket-filter-drop",
    "syn-queue-full",
    "wireguard-source-refused",
    "xfrm-no-state",
    "xfrm-policy-refused",
];

#[test]
fn one_finding_each_with_its_evidence() {
    for case in CASES {
        let findings = diagnose(&capture(case));
        assert!(matches!(&findings[..], [only] if only.id == *case), "{case}: {findings:#?}");
        assert_snapshot!(*case, told(&findings[0]));
    }
}

/// The report's first line about each flow.
#[test]
fn one_verdict_for_each_flow() {
    let ended = CASES.iter().map(|case| {
        let mut trace = capture(case);
        trace.findings = diagnose(&trace);
        let flows = verdicts(&trace);
        let lines = flows.iter().map(|flow| format!("{case} {}: {}: {}\n", flow.flow, flow.verdict, flow.title));
        lines.collect::<String>()
    });
    assert_snapshot!("verdicts", ended.collect::<String>());
}

fn told(finding: &Finding) -> String {
    let Finding { title, confidence, cause, evidence, advice, .. } = finding;
    format!("{title}\n\n{confidence:?}: {}\n\n{}\n\n{advice}\n", cause.did, evidence.join("\n"))
}

/// No two errors name different causes for the one end of a packet.
#[test]
fn one_end_has_one_cause() {
    for case in CASES {
        let trace = capture(case);
        let drops =
            |packet: u64| trace.steps.iter().filter(|step| step.drop.is_some() && step.packet == packet).count();
        let mut causes: HashMap<u64, String> = HashMap::new();
        for finding in diagnose(&trace).into_iter().filter(|finding| finding.severity == Severity::Error) {
            for packet in finding.packets.iter().filter(|packet| drops(**packet) <= 1) {
                let first = causes.entry(*packet).or_insert_with(|| finding.id.clone());
                assert_eq!(*first, finding.id, "{case}: packet {packet}");
            }
        }
    }
}

type Proof = fn(&Step) -> bool;

/// Without the step that proves it, a finding is not reported.
#[test]
fn nothing_without_evidence() {
    let proofs: &[(&str, Proof)] = &[
        ("asymmetric-reply-invalid", |step| step.drop.is_some()),
        ("dnat-reply-not-reversed", |step| step.nat.is_some()),
        ("nat-reply-not-reversed", |step| step.nat.is_some()),
        ("redirect-to-down-device", |step| step.redirect.is_some()),
        ("tunnel-mtu-exceeded", |step| step.icmp.is_some()),
        ("wireguard-no-peer", |step| step.hook == "wg_xmit"),
        ("bpf-program-drop", |step| step.bpf.is_some()),
        ("packet-too-big", |step| step.icmp.is_some()),
        ("ttl-exceeded", |step| step.icmp.is_some()),
        ("wireguard-source-refused", |step| step.hook == "wg_allowedips_lookup_src"),
    ];
    for (case, proof) in proofs {
        let mut trace = capture(case);
        let before = trace.steps.len();
        trace.steps.retain(|step| !proof(step));
        assert!(trace.steps.len() < before, "{case} has its proof");
        let claimed = diagnose(&trace).into_iter().find(|finding| finding.id != "dropped-for-reason");
        assert_eq!(claimed, None, "{case}");
    }
}

/// Reads the founding case and copies each verdict to the drop that it ordered, as newer captures have it.
fn founding() -> Trace {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/founding.jsonl");
    let mut trace: Trace = capture::read(&data).and_then(Iterator::collect).expect("the founding case");
    // This step was about the tunnel's outer headers, which this old capture does not distinguish.
    trace.steps.retain(|step| (step.ifname.as_str(), step.hook.as_str()) != ("eth0", "xt_ct_target_v1"));
    let mut ordered = None;
    for step in &mut trace.steps {
        if step.drop.is_some() {
            step.netfilter = ordered.take();
        } else if step.netfilter.as_ref().is_some_and(|by| by.verdict == Some(Verdict::Drop)) {
            ordered.clone_from(&step.netfilter);
        }
    }
    trace
}

/// A probe may miss the step that made one of several packets UNTRACKED. That packet still has the same cause.
#[test]
fn a_step_that_was_missed_makes_no_other_finding() {
    let whole = founding();
    let expected = diagnose(&whole);
    assert_eq!((expected[0].id.as_str(), expected[0].packets.len()), ("untracked-reply-dropped", 3));
    for missing in [2, 4, 6] {
        let mut trace = whole.clone();
        trace.steps.retain(|step| {
            (step.packet, step.ifname.as_str(), step.hook.as_str()) != (missing, "cilium_host", "xt_ct_target_v1")
        });
        assert_eq!(trace.steps.len(), whole.steps.len() - 1);
        let findings = diagnose(&trace);
        let seen: Vec<_> = findings
            .iter()
            .map(|finding| (&finding.id, &finding.packets, finding.confidence, &finding.cause))
            .collect();
        let wanted: Vec<_> = expected
            .iter()
            .map(|finding| (&finding.id, &finding.packets, finding.confidence, &finding.cause))
            .collect();
        assert_eq!(seen, wanted, "without it on packet {missing}");
    }
    let mut never_seen = whole.clone();
    never_seen.steps.retain(|step| step.hook != "xt_ct_target_v1");
    assert!(diagnose(&never_seen).iter().all(|finding| finding.id != "untracked-reply-dropped"));
}

fn entry(orig: Tuple, reply: Tuple) -> NodeFact {
    let state = Some("SYN_SENT".to_owned());
    NodeFact::ConntrackEntry { orig, reply, zone: 0, status: 8, timeout: Some(100), state }
}

/// A trace that began too late, and one of drops alone, do not show the SYN. Conntrack's table has the connection then.
#[test]
fn the_founding_case_without_its_syn() {
    let late = |fact: Option<fn(&Step) -> NodeFact>| {
        let mut trace = founding();
        trace.steps.retain(|step| step.direction == Direction::Reply);
        for step in trace.steps.iter_mut() {
            // Nothing shows which direction came first.
            step.direction = Direction::Orig;
            if step.drop.is_some() {
                step.node = fact.map(|fact| fact(step)).into_iter().collect();
            }
        }
        diagnose(&trace)
    };
    for (what, confidence, findings) in [
        ("asked", Some(Confidence::Certain), late(Some(|step| entry(step.tuple.reversed(), step.tuple)))),
        ("nobody could be asked", Some(Confidence::Likely), late(None)),
        ("there is no entry", None, late(Some(|_| NodeFact::NoConntrackEntry))),
        ("it would be the request", None, late(Some(|step| entry(step.tuple, step.tuple.reversed())))),
    ] {
        let found = findings.iter().find(|finding| finding.id == "untracked-reply-dropped");
        assert_eq!(found.map(|finding| finding.confidence), confidence, "{what}");
        assert!(found.is_none_or(|finding| finding.direction == Direction::Reply), "{what}");
    }
}

/// A packet whose rule was missed is part of the same finding, because it ended like the others.
#[test]
fn a_rule_that_was_missed_is_told_by_another_packet() {
    let whole = founding();
    let expected = diagnose(&whole);
    assert_eq!((expected[0].id.as_str(), expected[0].packets.len()), ("untracked-reply-dropped", 3));
    for missing in [2, 4, 6] {
        let mut trace = whole.clone();
        let drop = trace.steps.iter_mut().find(|step| step.packet == missing && step.drop.is_some());
        drop.expect("it is dropped").netfilter = None;
        assert_eq!(diagnose(&trace).iter().map(|finding| &finding.packets).collect::<Vec<_>>(), [&expected[0].packets]);
        assert_eq!(diagnose(&trace)[0].confidence, expected[0].confidence, "the others are certain");
        // In another variant, the verdict names the chain, but neither rule nor policy.
        let mut trace = whole.clone();
        let drop = trace.steps.iter_mut().find(|step| step.packet == missing && step.drop.is_some());
        drop.and_then(|drop| drop.netfilter.as_mut()).expect("a rule or policy drops it").policy = false;
        assert_eq!(diagnose(&trace).iter().map(|finding| &finding.packets).collect::<Vec<_>>(), [&expected[0].packets]);
    }
    let mut alone = whole.clone();
    alone.steps.iter_mut().for_each(|step| {
        if step.packet == 2 && step.drop.is_some() {
            step.netfilter = None;
        }
    });
    alone.steps.retain(|step| ![4, 6].contains(&step.packet));
    assert!(diagnose(&alone).iter().all(|finding| finding.confidence == Confidence::Likely));
}

/// A drop in the middle has no other drop more than a second away, and still belongs to the same finding.
#[test]
fn all_drops_of_a_sender_that_does_not_learn_are_one_finding() {
    let mut trace = capture("tunnel-mtu-exceeded");
    trace.steps.retain(|step| ![4, 7].contains(&step.packet));
    trace.steps.iter_mut().filter(|step| step.packet == 10).for_each(|step| step.ts -= 400_000_000);
    let findings = diagnose(&trace);
    assert_eq!(
        findings.iter().map(|finding| (finding.id.as_str(), &finding.packets[..])).collect::<Vec<_>>(),
        [("tunnel-mtu-exceeded", &[8, 9, 10][..])]
    );
}
