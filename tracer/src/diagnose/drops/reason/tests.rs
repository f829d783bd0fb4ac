use super::*;
use crate::{
    diagnose::diagnose,
    model::{Drop, Finding, Name, Start, Step, Trace},
};

fn found(reason: &str, location: &str, change: impl Fn(&mut Step), drops: bool) -> Vec<Finding> {
    let drop = Drop { reason: Name::from(reason), location: Name::from(location) };
    let mut step = Step { drop: Some(drop), ..Step::sample() };
    change(&mut step);
    diagnose(&Trace { start: Start { drops, ..Start::default() }, steps: vec![step], ..Trace::default() })
}

#[test]
fn a_reason_says_what_it_means() {
    let findings = found("TCP_MD5NOTFOUND", "tcp_v4_rcv+0x1", |_| {}, false);
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((finding.id.as_str(), finding.severity, finding.confidence), (ID, Severity::Error, Confidence::Certain));
    assert!(finding.title.contains("eth0"), "{}", finding.title);
    assert!(finding.cause.did.starts_with("the kernel's reason is TCP_MD5NOTFOUND: a segment "), "{:?}", finding.cause);
    assert!(!finding.advice.is_empty());
}

#[test]
fn severity_follows_from_what_is_known() {
    let of = |reason: &str, drops: bool| found(reason, "f+0x1", |_| {}, drops).first().map(|found| found.severity);
    assert_eq!(of("TCP_OFOMERGE", false), None);
    assert_eq!(of("TCP_OVERWINDOW", false), Some(Severity::Warning));
    assert_eq!(of("UNKNOWN", false), Some(Severity::Error));
    assert_eq!(of("NOT_SPECIFIED", true), Some(Severity::Warning));
    assert_eq!(of("NOT_INVENTED_YET", true), Some(Severity::Error));
    let to_many = |step: &mut Step| step.tuple.dst = [239, 1, 2, 3].into();
    assert_eq!(found("UNKNOWN", "f+0x1", to_many, false)[0].severity, Severity::Info);
}

#[test]
fn a_segment_of_a_connection_that_went_on_is_no_finding() {
    let data = |ts: u64, packet: u64, reason: Option<&str>| Step {
        ts,
        packet,
        tcp_flags: Some(crate::model::TcpFlags(0x18)),
        drop: reason.map(|reason| Drop { reason: reason.into(), location: "tcp_validate_incoming+0x1".into() }),
        ..Step::sample()
    };
    let severities = |steps: &[Step], drops: bool| -> Vec<_> {
        let start = Start { drops, ..Start::default() };
        diagnose(&Trace { start, steps: steps.to_vec(), ..Trace::default() })
            .iter()
            .map(|found| found.severity)
            .collect()
    };
    let repeated = Step { tcp_flags: Some(crate::model::TcpFlags(0x12)), ..data(5, 2, Some("TCP_INVALID_SYN")) };
    assert_eq!(severities(std::slice::from_ref(&repeated), true), [Severity::Info]);
    let lost = data(5, 2, Some("TCP_RFC7323_PAWS"));
    assert_eq!(severities(std::slice::from_ref(&lost), false), [Severity::Warning]);
    assert_eq!(severities(std::slice::from_ref(&lost), true), [Severity::Info]);
    assert_eq!(severities(&[lost.clone(), data(6, 3, None)], false), []);
    let reset = Step { tcp_flags: Some(crate::model::TcpFlags(0x14)), ..data(6, 3, None) };
    assert_eq!(severities(&[lost.clone(), reset], false), [Severity::Warning], "it did not go on");
    assert_eq!(severities(&[data(1, 1, None), lost, data(6, 3, Some("TCP_RFC7323_PAWS"))], false), [Severity::Warning]);
}

#[test]
fn tcp_frees_duplicates_without_a_reason_on_old_kernels() {
    let severity = |location: &str, drops: bool| {
        let data = |step: &mut Step| step.tcp_flags = Some(crate::model::TcpFlags(0x18));
        found("UNKNOWN", location, data, drops)[0].severity
    };
    assert_eq!(severity("tcp_v4_do_rcv+0x1", true), Severity::Info);
    assert_eq!(severity("tcp_v4_do_rcv+0x1", false), Severity::Error);
    assert_eq!(severity("ip_rcv+0x1", true), Severity::Warning);
}

#[test]
fn what_usually_ends_there_is_no_finding() {
    let flags = |flags: u8| move |step: &mut Step| step.tcp_flags = Some(crate::model::TcpFlags(flags));
    assert_eq!(found("UNKNOWN", "tcp_v4_rcv+0x62", flags(0x04), false), []);
    assert_eq!(found("UNKNOWN", "tcp_v4_rcv+0x62", flags(0x12), false).len(), 1);
    assert_eq!(found("UNKNOWN", "icmp_rcv+0x16f", |_| {}, false), []);
    assert_eq!(found("NOT_SPECIFIED", "veth_xdp_rcv_skb+0x28d", |_| {}, false).len(), 1, "no program says so");
}

#[test]
fn counters_of_the_reason_are_cited() {
    let fact = |name: &str| NodeFact::Counter { name: name.to_owned(), before: 1, after: 3 };
    let node = |step: &mut Step| step.node = vec![fact("TcpExt.TCPMD5NotFound"), fact("TcpExt.TCPOFOQueue")];
    let evidence = &found("TCP_MD5NOTFOUND", "tcp_v4_rcv+0x1", node, false)[0].evidence;
    let counted: Vec<_> = evidence.iter().filter(|sentence| sentence.contains("rose")).collect();
    assert_eq!(counted, ["TcpExt.TCPMD5NotFound rose from 1 to 3 during the trace"]);
}

#[test]
fn every_row_reads_as_a_sentence() {
    for row in reasons::all().filter(|row| row.loss != Loss::Never && row.name != "NOT_SPECIFIED") {
        for finding in found(row.name, "nobody_knows+0x1", |_| {}, false).iter().filter(|finding| finding.id == ID) {
            let said = finding.cause.did.split_once(": ").expect("what it means").1;
            assert!(!said.is_empty() && !said.ends_with('.'), "{}: {said}", row.name);
            assert!(finding.advice.lines().all(|line| line.ends_with('.')), "{}: {}", row.name, finding.advice);
        }
    }
}

#[test]
fn names_keep_their_capitals() {
    assert_eq!(uncapitalized("A segment"), "a segment");
    assert_eq!(uncapitalized("The queue"), "the queue");
    assert_eq!(uncapitalized("IPv6 is off"), "IPv6 is off");
    assert_eq!(uncapitalized("TCP segment"), "TCP segment");
    assert_eq!(uncapitalized(""), "");
}
