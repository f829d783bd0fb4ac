//! The text report, from captures in `tests/data`. `forward`, `masquerade` and `egress` are the first packets of
//! scenarios on kernel 6.18.15 (`scenarios run --keep`).

use std::path::Path;

use anstream::adapter::strip_str;
use insta::assert_snapshot;

use super::{Look, text::write_report, write_check};
use crate::{
    diagnose::verdicts,
    marks::Marks,
    model::{Check, CheckRow, CheckStatus, Name, Record, Trace},
};

fn capture(name: &str) -> Trace {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name).with_extension("jsonl");
    let text = std::fs::read_to_string(path).expect(name);
    let mut trace: Trace = text.lines().map(|line| serde_json::from_str::<Record>(line).expect(line)).collect();
    trace.flows = verdicts(&trace);
    trace
}

fn coloured(trace: &Trace, width: usize, verbose: bool) -> String {
    let mut out = Vec::new();
    let written = write_report(&mut out, trace, &Marks::default(), Look { width, verbose });
    assert!(written.is_ok_and(|written| written.is_continue()));
    String::from_utf8(out).expect("the report is text")
}

fn plain(trace: &Trace, width: usize, verbose: bool) -> String {
    strip_str(&coloured(trace, width, verbose)).to_string()
}

#[test]
fn reports_at_two_widths() {
    for name in ["founding", "healthy", "ipv6", "forward", "masquerade", "egress"] {
        for width in [80, 120] {
            let text = plain(&capture(name), width, false);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{name} fits {width} columns");
            assert_snapshot!(format!("{name}_{width}"), text);
        }
    }
}

#[test]
fn verbose_report() {
    for name in ["founding", "forward"] {
        assert_snapshot!(format!("{name}_verbose_120"), plain(&capture(name), 120, true));
    }
}

#[test]
fn colours() {
    let text = coloured(&capture("ipv6"), 80, false);
    assert_snapshot!("ipv6_80_colours", text.replace('\x1b', "␛"));
}

#[test]
fn no_packet_and_no_summary() {
    let mut trace = capture("healthy");
    trace.steps.clear();
    trace.summary = Default::default();
    trace.complete = false;
    assert_snapshot!("nothing_80", plain(&trace, 80, false));
}

#[test]
fn names_from_outside_cannot_steer_the_terminal() {
    let evil = "\x1b[2J\x07\r";
    for name in ["founding", "masquerade", "egress"] {
        let mut trace = capture(name);
        spoil(&mut trace, evil);
        for verbose in [false, true] {
            let text = plain(&trace, 80, verbose);
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
            let whole = coloured(&trace, 80, verbose);
            assert!(!whole.contains("\x1b[2J"));
        }
    }
}

/// Adds `evil` to every text that comes from outside.
fn spoil(trace: &mut Trace, evil: &str) {
    let spoiled = |name: &mut Name| *name = format!("{name}{evil}").into();
    for step in &mut trace.steps {
        spoiled(&mut step.ifname);
        spoiled(&mut step.hook);
        if let Some(netfilter) = &mut step.netfilter {
            netfilter.text = netfilter.text.as_ref().map(|text| format!("{text}{evil}").into());
            netfilter.chain = netfilter.chain.as_ref().map(|chain| format!("{chain}{evil}").into());
        }
        if let Some(redirect) = &mut step.redirect {
            spoiled(&mut redirect.ifname);
        }
        if let Some(bpf) = &mut step.bpf {
            spoiled(&mut bpf.program);
            spoiled(&mut bpf.verdict);
            spoiled(&mut bpf.kind);
        }
        if let Some(tunnel) = &mut step.tunnel {
            spoiled(&mut tunnel.ifname);
            if let Some(peer) = &mut tunnel.peer {
                peer.public_key.insert_str(0, evil);
                peer.endpoint = Some(evil.into());
            }
        }
        if let Some(route) = &mut step.route {
            route.from += evil;
            route.to += evil;
            route.rule = Some(evil.into());
        }
        if let Some(drop) = &mut step.drop {
            spoiled(&mut drop.reason);
            spoiled(&mut drop.location);
        }
    }
    for device in trace.devices.values_mut() {
        device.ifname += evil;
        device.kind += evil;
    }
    for name in trace.netns_names.values_mut() {
        *name += evil;
    }
    trace.start.filter += evil;
    trace.start.node += evil;
    trace.start.backend += evil;
    trace.summary.coverage += evil;
    for drop in &mut trace.summary.drops {
        spoiled(&mut drop.reason);
        spoiled(&mut drop.location);
        drop.r#where.ifname = Some(evil.into());
        drop.r#where.table = Some(evil.into());
    }
    for finding in &mut trace.findings {
        finding.title += evil;
        finding.advice += evil;
        spoiled(&mut finding.reason);
        finding.cause.did += evil;
        finding.cause.program = Some(evil.into());
        finding.cause.text = Some(evil.into());
        finding.evidence.push(evil.to_owned());
    }
}

#[test]
fn the_users_marks_stand_under_the_flow() {
    let marks: Marks = "0x40/0x60 goes home\n0x20 \x1b[2Jred\n".parse().expect("a good file");
    let mut out = Vec::new();
    let written = write_report(&mut out, &capture("masquerade"), &marks, Look { width: 80, verbose: false });
    assert!(written.is_ok());
    let text = strip_str(&String::from_utf8_lossy(&out)).to_string();
    assert!(text.contains("0x40 = goes home\n") && text.contains(r"0x20 = \u{1b}[2Jred"), "{text}");
}

#[test]
fn many_paths_and_flows_stay_readable() {
    let sample = capture("healthy");
    let mut trace = Trace { start: sample.start.clone(), complete: true, ..Trace::default() };
    for flow in 1..=30 {
        for packet in 1..=40 {
            let mut step = sample.steps[0].clone();
            step.flow = flow;
            step.packet = flow * 100 + packet;
            step.mark = u32::try_from(packet).unwrap_or_default();
            trace.steps.push(step);
        }
    }
    let text = plain(&trace, 80, false);
    assert!(text.contains("… and 28 more packets on other paths without a drop: -v shows them"));
    assert!(text.contains("… and 20 more flows without a drop: -v shows them"));
    assert!(plain(&trace, 80, true).lines().count() > 30 * 40);
}

#[test]
fn check() {
    let row = |what: &str, status, detail: &str| CheckRow { what: what.into(), status, detail: detail.into() };
    let check = Check {
        rows: vec![
            row("privileges", CheckStatus::Works, "root with all capabilities"),
            row("kernel types (BTF)", CheckStatus::Works, "/sys/kernel/btf/vmlinux, 34 modules"),
            row(
                "kprobe.multi",
                CheckStatus::Degraded,
                "this kernel is built without CONFIG_FPROBE: single kprobes are used, attaching takes longer",
            ),
            row("legacy iptables", CheckStatus::Missing, "module ip_tables is not loaded: nothing is lost by that"),
        ],
        verdict: "tracer works here, by fentry.".into(),
    };
    let mut out = Vec::new();
    let written = write_check(&mut out, &check, Look { width: 80, verbose: false });
    assert!(written.is_ok());
    assert_snapshot!("check_80", strip_str(&String::from_utf8_lossy(&out)).to_string());
}
