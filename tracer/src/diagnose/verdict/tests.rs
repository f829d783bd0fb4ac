use super::*;
use crate::{
    diagnose::diagnose,
    model::{
        Confidence, Drop, IcmpError, Lost, Name, NodeFact, Pending, RouteAnswer, Severity, Start, Step, Summary,
        TcpFlags, Trace,
    },
};

const SYN: u8 = 0x02;
const SYN_ACK: u8 = 0x12;
const ACK: u8 = 0x10;
const RST_ACK: u8 = 0x14;
const SENT: &str = "__ip_local_out";
const LEFT: &str = "net_dev_start_xmit";
const CAME: &str = "netif_receive_skb";
const DELIVERED: &str = "ip_protocol_deliver_rcu";

/// A packet of flow 1 with steps at these hooks, a millisecond apart. Packets of odd number are of the original
/// direction.
fn packet(number: u64, flags: u8, hooks: &[&'static str]) -> Vec<Step> {
    let direction = if number % 2 == 1 { Direction::Orig } else { Direction::Reply };
    let step = |(at, hook): (u64, &&'static str)| Step {
        ts: number * 1_000_000_000 + at * 1_000_000,
        packet: number,
        direction,
        hook: Name::new_static(hook),
        tcp_flags: Some(TcpFlags(flags)),
        ..Step::sample()
    };
    (0..).zip(hooks).map(step).collect()
}

fn dropped(mut steps: Vec<Step>, reason: &str) -> Vec<Step> {
    if let Some(last) = steps.last().cloned() {
        let drop = Some(Drop { reason: reason.into(), location: "nf_hook_slow+0x1".into() });
        steps.push(Step { ts: last.ts + 1, hook: "kfree_skb".into(), drop, ..last });
    }
    steps
}

fn trace(packets: &[Vec<Step>]) -> Trace {
    let mut trace = Trace { steps: packets.concat(), complete: true, ..Trace::default() };
    trace.summary = Summary { duration_ns: 60_000_000_000, ..Summary::default() };
    trace.netns_names.insert(1, "A".to_owned());
    trace
}

/// Returns the verdict and sentence about the only flow, and its findings.
fn concluded(mut trace: Trace) -> (FlowVerdict, String, Vec<String>) {
    trace.findings = diagnose(&trace);
    let flows = verdicts(&trace);
    let [flow] = &flows[..] else { panic!("{flows:?}") };
    (flow.verdict, flow.title.clone(), flow.findings.clone())
}

fn verdict(packets: &[Vec<Step>]) -> (FlowVerdict, String) {
    let (verdict, title, _) = concluded(trace(packets));
    (verdict, title)
}

#[test]
fn an_answer_must_get_through() {
    let syn = packet(1, SYN, &[SENT, LEFT]);
    let answered = verdict(&[syn.clone(), packet(2, SYN_ACK, &[CAME, DELIVERED])]);
    assert_eq!(
        answered,
        (FlowVerdict::Answered, "the first answer (SYN-ACK) came 1.001 s after the first packet".into())
    );
    let lost = [syn, dropped(packet(2, SYN_ACK, &[CAME]), "NETFILTER_DROP"), packet(3, SYN, &[SENT, LEFT])];
    let (found, title) = verdict(&lost);
    assert_eq!(found, FlowVerdict::Dropped, "although the SYN left again");
    assert_eq!(title, "the SYN-ACK on eth0 in netns A: NETFILTER_DROP");
}

#[test]
fn a_syn_ack_that_left_must_have_arrived() {
    let opened = [packet(1, SYN, &[CAME, DELIVERED]), packet(2, SYN_ACK, &[SENT, LEFT])];
    let (found, title, findings) = concluded(trace(&opened));
    assert_eq!((found, findings), (FlowVerdict::Left, vec!["no-answer-from-outside".to_owned()]));
    assert_eq!(title, "the SYN-ACK left by eth0 of netns A, but nothing came back within 57.999 s");
    let [syn, syn_ack] = opened;
    assert_eq!(verdict(&[syn, syn_ack, packet(3, ACK, &[CAME, DELIVERED])]).0, FlowVerdict::Answered);
}

#[test]
fn resets_and_icmp_errors_refuse() {
    let syn = packet(1, SYN, &[SENT, LEFT]);
    let from_outside = verdict(&[syn.clone(), packet(2, RST_ACK, &[CAME, DELIVERED])]);
    assert_eq!(from_outside, (FlowVerdict::Refused, "a TCP reset of 127.0.0.1 came in by eth0 of netns A".into()));
    let own = verdict(&[packet(1, SYN, &[CAME, DELIVERED]), packet(2, RST_ACK, &[SENT, LEFT])]);
    assert_eq!(own, (FlowVerdict::Refused, "netns A answered with a TCP reset".into()));
    let with_error = |mtu: Option<u32>| {
        let mut steps = dropped(packet(1, SYN, &[CAME, "icmp_send"]), "NOT_SPECIFIED");
        steps[1].icmp = Some(IcmpError { kind: 3, code: if mtu.is_some() { 4 } else { 1 }, mtu });
        verdict(&[steps]).0
    };
    assert_eq!(with_error(None), FlowVerdict::Refused);
    assert_eq!(with_error(Some(1400)), FlowVerdict::Dropped);
    let mut expired = dropped(packet(1, SYN, &[CAME, "icmp6_send"]), "IP_INHDR");
    expired[1].icmp = Some(IcmpError { kind: 3, code: 0, mtu: None });
    assert_eq!(verdict(&[expired]).0, FlowVerdict::Dropped, "ICMPv6 type 3 is an expired hop limit");
}

#[test]
fn only_a_connection_that_was_opened_later_outlives_an_error() {
    let lost = dropped(packet(1, SYN, &[CAME, DELIVERED]), "TCP_MD5NOTFOUND");
    let again =
        [packet(3, SYN, &[CAME, DELIVERED]), packet(4, SYN_ACK, &[SENT, LEFT]), packet(5, ACK, &[CAME, DELIVERED])];
    let all = [&[lost][..], &again].concat();
    let (found, _, findings) = concluded(trace(&all));
    assert_eq!((found, findings), (FlowVerdict::Answered, vec!["dropped-for-reason".to_owned()]));
    let data = dropped(packet(7, ACK, &[CAME, DELIVERED]), "TCP_MD5NOTFOUND");
    let (found, title, _) = concluded(trace(&[&again[..], &[data]].concat()));
    assert_eq!((found, title.as_str()), (FlowVerdict::Dropped, "dropped-for-reason on eth0 in netns A"));
}

#[test]
fn what_waits_is_held() {
    let (found, title) = verdict(&[packet(1, SYN, &[SENT, "net_dev_queue"])]);
    assert_eq!(found, FlowVerdict::Held);
    assert_eq!(title, "the SYN has waited in the queueing discipline on eth0 in netns A for 58.999 s");
    assert_eq!(verdict(&[packet(1, SYN, &[SENT, "wg_xmit"])]).0, FlowVerdict::Held);
    assert_eq!(verdict(&[packet(1, SYN, &[CAME])]).0, FlowVerdict::Unknown);
}

/// What was looked up about flow 1 at the end: packets that were still in the kernel, and the node's answers.
fn pending(mut trace: Trace, in_kernel: &[u64], node: &[NodeFact]) -> Trace {
    let (ts, in_kernel, node) = (60_000_000_000, Some(in_kernel.to_vec()), node.to_vec());
    trace.pending = vec![Pending { flow: 1, ts, in_kernel, packet: 1, netns: 1, node }];
    trace
}

fn neighbour(state: &str) -> NodeFact {
    NodeFact::Neighbour { addr: [10, 0, 0, 9].into(), ifname: "eth1".to_owned(), state: state.to_owned() }
}

#[test]
fn what_was_freed_is_not_held() {
    let queued = || trace(&[packet(1, SYN, &[SENT, "net_dev_queue"])]);
    let (found, title, findings) = concluded(pending(queued(), &[1], &[]));
    assert_eq!((found, findings), (FlowVerdict::Held, vec!["qdisc-held".to_owned()]));
    assert_eq!(title, "the SYN has waited in the queueing discipline on eth0 in netns A for 58.999 s");
    let (found, _, findings) = concluded(pending(queued(), &[], &[]));
    assert_eq!((found, findings), (FlowVerdict::Unknown, Vec::new()));
    let (found, _, findings) = concluded(queued());
    assert_eq!((found, findings), (FlowVerdict::Held, Vec::new()), "an older capture");
}

#[test]
fn what_is_not_known_to_be_freed_is_not_silent() {
    let unknown = |hooks: &[&'static str]| {
        let mut trace = pending(trace(&[packet(1, SYN, hooks)]), &[], &[neighbour("INCOMPLETE")]);
        trace.pending[0].in_kernel = None;
        let findings = diagnose(&trace);
        let (verdict, _, ids) = concluded(trace);
        (verdict, ids, findings.iter().map(|finding| finding.confidence).collect::<Vec<_>>())
    };
    let likely = |id: &str| (vec![id.to_owned()], vec![Confidence::Likely]);
    let (verdict, ids, confidence) = unknown(&[SENT, "net_dev_queue"]);
    assert_eq!((verdict, (ids, confidence)), (FlowVerdict::Held, likely("qdisc-held")));
    let (verdict, ids, confidence) = unknown(&[CAME, DELIVERED]);
    assert_eq!((verdict, (ids, confidence)), (FlowVerdict::Delivered, likely("no-answer-from-here")));
    assert_eq!(unknown(&[SENT]), (FlowVerdict::Unknown, Vec::new(), Vec::new()));
}

#[test]
fn what_is_in_the_kernel_waits_for_a_neighbour_or_something_else() {
    let sent = || trace(&[packet(1, SYN, &[SENT])]);
    let (found, title, findings) = concluded(pending(sent(), &[1], &[neighbour("INCOMPLETE")]));
    assert_eq!((found, findings), (FlowVerdict::Held, vec!["neighbour-failed".to_owned()]));
    assert_eq!(title, "the SYN has waited for the hardware address of 10.0.0.9 on eth1 in netns A for 59.000 s");
    let (found, title, findings) = concluded(pending(sent(), &[1], &[neighbour("REACHABLE")]));
    assert_eq!((found, findings), (FlowVerdict::Held, vec!["packet-held".to_owned()]));
    assert_eq!(
        title,
        "the SYN has waited in the kernel since it was seen at __ip_local_out on eth0 in netns A for 59.000 s"
    );
    let (found, _, findings) = concluded(pending(sent(), &[], &[neighbour("INCOMPLETE")]));
    assert_eq!((found, findings), (FlowVerdict::Unknown, Vec::new()));
}

#[test]
fn a_flow_that_was_answered_may_be_held_later() {
    let opened = [packet(1, SYN, &[SENT, LEFT]), packet(2, SYN_ACK, &[CAME, DELIVERED]), packet(3, ACK, &[SENT])];
    let incomplete = neighbour("INCOMPLETE");
    let (found, _, findings) = concluded(pending(trace(&opened), &[3], std::slice::from_ref(&incomplete)));
    assert_eq!((found, findings), (FlowVerdict::Held, vec!["neighbour-failed".to_owned()]));
    let (found, _, findings) = concluded(pending(trace(&opened), &[], &[incomplete]));
    assert_eq!((found, findings), (FlowVerdict::Answered, Vec::new()));
    let mut short = pending(trace(&opened), &[3], &[]);
    short.pending[0].ts = 3_900_000_000;
    assert_eq!(concluded(short).0, FlowVerdict::Answered, "it has not waited for long");
}

#[test]
fn what_was_delivered_and_not_answered_is_explained() {
    let found = |flags: u8, node: &[NodeFact]| {
        let trace = trace(&[packet(1, flags, &[CAME, DELIVERED])]);
        let (verdict, _, findings) = concluded(pending(trace, &[1], node));
        assert_eq!(verdict, FlowVerdict::Delivered);
        findings
    };
    let back = |error: Option<&str>| {
        let to = Some(Step::sample().tuple.src);
        NodeFact::Route(RouteAnswer { to, error: error.map(str::to_owned), ..RouteAnswer::default() })
    };
    let socket = |rmem| NodeFact::Socket { local: "a".to_owned(), rmem, rcvbuf: None, drops: None, owner: None };
    assert_eq!(found(SYN, &[]), ["no-answer-from-here"]);
    assert_eq!(found(ACK, &[]), [""; 0], "only what asks must be answered");
    assert_eq!(found(SYN, &[back(Some("ENETUNREACH"))]), ["reply-without-route"]);
    assert_eq!(found(ACK, &[back(Some("ENETUNREACH"))]), ["reply-without-route"]);
    assert_eq!(found(SYN, &[back(None)]), ["no-answer-from-here"]);
    assert_eq!(found(ACK, &[socket(1)]), [""; 0], "a FIN");
    assert_eq!(found(ACK, &[socket(7)]), ["receive-queue-unread"]);
    let read = pending(trace(&[packet(1, ACK, &[CAME, DELIVERED])]), &[], &[socket(7)]);
    assert_eq!(concluded(read).2, [""; 0], "what waits came later");
}

#[test]
fn a_program_that_does_not_read_is_found_although_the_kernel_answers() {
    let opened =
        [packet(1, SYN, &[CAME, DELIVERED]), packet(2, SYN_ACK, &[SENT, LEFT]), packet(3, ACK, &[CAME, DELIVERED])];
    let socket = |rmem| NodeFact::Socket { local: "a".to_owned(), rmem, rcvbuf: None, drops: None, owner: None };
    let found = |in_kernel: &[u64], rmem| concluded(pending(trace(&opened), in_kernel, &[socket(rmem)]));
    let (verdict, _, findings) = found(&[3], 4);
    assert_eq!((verdict, findings), (FlowVerdict::Answered, vec!["receive-queue-unread".to_owned()]));
    // The kernel frees what was read when it likes to.
    assert_eq!(found(&[3], 0).2, [""; 0]);
    assert_eq!(found(&[], 4).2, [""; 0]);
}

#[test]
fn requests_may_be_absent_or_unanswered() {
    assert_eq!(verdict(&[packet(2, ACK, &[CAME, DELIVERED])]).0, FlowVerdict::Absent);
    let (found, title) = verdict(&[packet(1, ACK, &[CAME, DELIVERED]), packet(3, ACK, &[CAME, DELIVERED])]);
    assert_eq!(found, FlowVerdict::Delivered);
    assert_eq!(title, "2 packets (ACK) reached netns A, but nothing came back within 58.999 s");
}

#[test]
fn losses_forbid_what_an_absence_would_prove() {
    let lost = Lost { events: 2, ..Lost::default() };
    let lossy = |packets: &[Vec<Step>]| {
        let mut trace = trace(packets);
        trace.summary.lost = lost;
        concluded(trace)
    };
    let syn = packet(1, SYN, &[SENT, LEFT]);
    let (found, title, findings) = lossy(std::slice::from_ref(&syn));
    assert_eq!((found, findings), (FlowVerdict::Unknown, Vec::new()));
    assert_eq!(title, "2 events were lost, so that a missing answer proves nothing");
    assert_eq!(lossy(&[syn, packet(2, SYN_ACK, &[CAME, DELIVERED])]).0, FlowVerdict::Answered);
}

#[test]
fn a_filter_that_may_miss_answers_claims_less() {
    let mut trace = trace(&[packet(1, SYN, &[SENT, LEFT])]);
    assert_eq!(concluded(trace.clone()).2, ["no-answer-from-outside"]);
    trace.start.misses_answers = true;
    let (found, title, findings) = concluded(trace.clone());
    assert_eq!((found, findings), (FlowVerdict::Left, Vec::new()));
    assert_eq!(title, "the SYN left by eth0 of netns A, but this filter may miss answers");
    trace.start = Start { drops: true, ..Start::default() };
    assert_eq!(verdicts(&trace), []);
}

#[test]
fn only_what_asks_must_be_answered() {
    let severity = |flags: u8, change: fn(&mut Step)| {
        let mut steps = packet(1, flags, &[SENT, LEFT]);
        steps.iter_mut().for_each(change);
        diagnose(&trace(&[steps])).first().map(|finding| finding.severity)
    };
    let protocol = |step: &mut Step, proto: u8| {
        step.tcp_flags = None;
        step.tuple.proto = crate::model::Proto(proto);
    };
    assert_eq!(severity(SYN, |_| ()), Some(Severity::Error));
    assert_eq!(severity(ACK, |_| ()), Some(Severity::Info));
    assert_eq!(severity(0, |step| step.tuple.dst = [224, 0, 0, 251].into()), None);
    let mut echo = packet(1, 0, &[SENT, LEFT]);
    echo.iter_mut().for_each(|step| protocol(step, 1));
    assert_eq!(diagnose(&trace(std::slice::from_ref(&echo)))[0].severity, Severity::Error);
    echo.iter_mut().for_each(|step| step.tuple.sport = 0);
    assert_eq!(diagnose(&trace(&[echo]))[0].severity, Severity::Info, "no echo has identifier 0");
    let mut short = trace(&[packet(1, SYN, &[SENT, LEFT])]);
    short.summary.duration_ns = 1_500_000_000;
    assert_eq!(diagnose(&short), []);
}
