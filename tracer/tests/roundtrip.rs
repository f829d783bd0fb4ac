//! What is written as JSON Lines is read back as the same data.

use std::net::IpAddr;

use proptest::{option, prelude::*};
use tracer::model::{
    Bpf, Conntrack, CtState, Direction, Drop, Lost, Netfilter, NfFamily, NfHook, Proto, Record, Redirect, Step,
    Summary, TcpFlags, Tuple, Verdict,
};

fn tuple() -> impl Strategy<Value = Tuple> {
    (any::<IpAddr>(), any::<IpAddr>(), any::<u16>(), any::<u16>(), any::<u8>())
        .prop_map(|(src, dst, sport, dport, proto)| Tuple { src, dst, sport, dport, proto: Proto(proto) })
}

fn conntrack() -> impl Strategy<Value = Conntrack> {
    let state = prop::sample::select(vec![
        CtState::New,
        CtState::Established,
        CtState::Related,
        CtState::ReplyEstablished,
        CtState::ReplyRelated,
        CtState::Untracked,
        CtState::Invalid,
        CtState::None,
    ]);
    (state, any::<Option<u32>>(), any::<Option<u16>>(), any::<Option<u32>>(), option::of(tuple()), option::of(tuple()))
        .prop_map(|(state, status, zone, mark, orig, reply)| Conntrack { state, status, zone, mark, orig, reply })
}

fn netfilter() -> impl Strategy<Value = Netfilter> {
    let family = prop::sample::select(vec![NfFamily::Inet, NfFamily::Ip, NfFamily::Ip6, NfFamily::Bridge]);
    let hook = prop::sample::select(vec![NfHook::Prerouting, NfHook::Input, NfHook::Egress]);
    let verdict = prop::sample::select(vec![Verdict::Accept, Verdict::Drop, Verdict::Queue, Verdict::Notrack]);
    let names = (any::<Option<String>>(), any::<Option<String>>(), any::<Option<String>>(), any::<Option<String>>());
    let rule = (any::<Option<u64>>(), any::<Option<i32>>(), any::<bool>(), any::<bool>());
    (option::of(family), option::of(hook), option::of(verdict), names, rule).prop_map(
        |(family, hook, verdict, (table, chain, base_chain, text), (rule, priority, policy, legacy))| Netfilter {
            family,
            table,
            chain,
            base_chain,
            hook,
            priority,
            rule,
            text,
            verdict,
            policy,
            legacy,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), any::<[u32; 5]>());
    let names = (any::<String>(), any::<String>());
    let direction = prop::sample::select(vec![Direction::Orig, Direction::Reply]);
    let bpf = (any::<String>(), any::<u32>(), any::<String>()).prop_map(|(program, id, verdict)| Bpf {
        program,
        id,
        verdict,
    });
    let redirect = (any::<String>(), any::<u32>(), any::<bool>()).prop_map(|(ifname, ifindex, ingress)| Redirect {
        ifname,
        ifindex,
        ingress,
    });
    let drop = (any::<String>(), any::<String>()).prop_map(|(reason, location)| Drop { reason, location });
    let facts = (
        option::of(any::<u8>().prop_map(TcpFlags)),
        option::of(conntrack()),
        option::of(netfilter()),
        option::of(bpf),
        option::of(redirect),
        option::of(drop),
    );
    (numbers, names, direction, tuple(), facts).prop_map(|(numbers, (hook, ifname), direction, tuple, facts)| {
        let (ts, packet, flow, [ifindex, netns, cpu, mark, len]) = numbers;
        let (tcp_flags, ct, netfilter, bpf, redirect, drop) = facts;
        Step {
            ts,
            packet,
            flow,
            direction,
            hook,
            ifname,
            ifindex,
            netns,
            cpu,
            mark,
            len,
            tuple,
            tcp_flags,
            ct,
            netfilter,
            bpf,
            redirect,
            drop,
        }
    })
}

fn read_back(record: &Record) -> Result<Record, serde_json::Error> {
    serde_json::from_str(&serde_json::to_string(record)?)
}

proptest! {
    #[test]
    fn steps_and_drops(step in step()) {
        let record = if step.drop.is_some() { Record::Drop(step) } else { Record::Step(step) };
        prop_assert_eq!(read_back(&record).ok(), Some(record));
    }

    #[test]
    fn counts_and_names(packets in any::<u64>(), lost in any::<[u64; 4]>(), coverage in any::<String>()) {
        let [events, tracked_overflow, missed_probes, unparsed] = lost;
        let lost = Lost { events, tracked_overflow, missed_probes, unparsed };
        let summary = Record::Summary(Summary { packets, lost, coverage: coverage.clone(), ..Summary::default() });
        prop_assert_eq!(read_back(&summary).ok(), Some(summary));
        let netns = Record::Netns { inum: 4_026_531_840, name: coverage };
        prop_assert_eq!(read_back(&netns).ok(), Some(netns));
    }
}

#[test]
fn captures_are_read_and_written_alike() {
    for text in
        [include_str!("data/founding.jsonl"), include_str!("data/healthy.jsonl"), include_str!("data/ipv6.jsonl")]
    {
        for line in text.lines() {
            let record: Record = serde_json::from_str(line).expect(line);
            let written = serde_json::to_string(&record).expect(line);
            assert!(written.starts_with("{\"type\":\""));
            assert_eq!(serde_json::from_str::<Record>(&written).expect(line), record);
        }
    }
}
