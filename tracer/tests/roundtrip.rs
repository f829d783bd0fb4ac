//! Data written as JSON Lines is read back unchanged.

use std::{net::IpAddr, num::NonZeroU32, path::Path};

use proptest::{collection::vec, option, prelude::*};
use tracer::capture::{
    self, Bpf, Conntrack, CtState, Direction, Drop, IcmpError, Lost, Name, Nat, Netfilter, NfFamily, NfHook, NodeFact,
    Peer, Pending, Proto, Record, Redirect, Route, RouteAnswer, Step, Summary, TcpFlags, Translation, Tunnel,
    TunnelKind, Tuple, Verdict,
};

fn tuple() -> impl Strategy<Value = Tuple> {
    (any::<IpAddr>(), any::<IpAddr>(), any::<u16>(), any::<u16>(), any::<u8>())
        .prop_map(|(src, dst, sport, dport, proto)| Tuple { src, dst, sport, dport, proto: Proto(proto) })
}

fn conntrack() -> BoxedStrategy<Conntrack> {
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
        .boxed()
}

fn netfilter() -> BoxedStrategy<Netfilter> {
    let family = prop::sample::select(vec![NfFamily::Inet, NfFamily::Ip, NfFamily::Ip6, NfFamily::Bridge]);
    let hook = prop::sample::select(vec![NfHook::Prerouting, NfHook::Input, NfHook::Egress]);
    let verdict = prop::sample::select(vec![Verdict::Accept, Verdict::Drop, Verdict::Queue, Verdict::Notrack]);
    let names = (any::<Option<String>>(), any::<Option<String>>(), any::<Option<String>>(), any::<Option<String>>());
    let rule = (any::<Option<u64>>(), any::<Option<i32>>(), any::<bool>(), any::<bool>());
    (option::of(family), option::of(hook), option::of(verdict), names, rule)
        .prop_map(|(family, hook, verdict, (table, chain, base_chain, text), (rule, priority, policy, legacy))| {
            let [table, chain, base_chain, text] = [table, chain, base_chain, text].map(|name| name.map(Name::from));
            Netfilter { family, table, chain, base_chain, hook, priority, rule, text, verdict, policy, legacy }
        })
        .boxed()
}

type Changes = (Option<Tuple>, Option<Translation>, Option<Tunnel>, Option<Route>, Option<IcmpError>);

fn changes() -> BoxedStrategy<Changes> {
    let kind = prop::sample::select(vec![Nat::Snat, Nat::Dnat, Nat::Both]);
    let nat = (kind, tuple(), tuple(), any::<bool>()).prop_map(|(kind, before, after, reverses)| Translation {
        kind,
        before,
        after,
        reverses,
    });
    let kind = prop::sample::select(vec![TunnelKind::Wireguard, TunnelKind::Vxlan, TunnelKind::Sit, TunnelKind::Esp]);
    let peer =
        (any::<String>(), any::<Option<String>>()).prop_map(|(public_key, endpoint)| Peer { public_key, endpoint });
    let tunnel =
        (kind, any::<bool>(), any::<String>(), any::<Option<u32>>(), option::of(tuple()), option::of(peer)).prop_map(
            |(kind, enters, ifname, id, outer, peer)| Tunnel { kind, enters, ifname: ifname.into(), id, outer, peer },
        );
    let route = (any::<u32>(), any::<[String; 2]>(), any::<Option<String>>(), any::<Option<u32>>())
        .prop_map(|(mark, [from, to], rule, table)| Route { mark, from, to, rule, table });
    let icmp =
        (any::<u8>(), any::<u8>(), any::<Option<u32>>()).prop_map(|(kind, code, mtu)| IcmpError { kind, code, mtu });
    (option::of(tuple()), option::of(nat), option::of(tunnel), option::of(route), option::of(icmp)).boxed()
}

fn node_fact() -> BoxedStrategy<NodeFact> {
    prop_oneof![counted_facts(), facts_of_devices(), facts_of_sockets()].boxed()
}

fn counted_facts() -> BoxedStrategy<NodeFact> {
    let sysctl = any::<[String; 2]>().prop_map(|[name, value]| NodeFact::Sysctl { name, value });
    let counter = (any::<String>(), any::<[u64; 2]>()).prop_map(|(name, [before, after])| NodeFact::Counter {
        name,
        before,
        after,
    });
    let qdisc = (any::<[String; 3]>(), any::<u64>(), any::<Option<u64>>(), any::<u32>()).prop_map(
        |([ifname, kind, handle], drops, before, qlen)| NodeFact::Qdisc { ifname, kind, handle, drops, before, qlen },
    );
    let table = any::<[u64; 2]>().prop_map(|[count, max]| NodeFact::ConntrackTable { count, max });
    let zones = vec(any::<u16>(), 0..3).prop_map(|zones| NodeFact::ConntrackZones { zones });
    prop_oneof![sysctl, counter, qdisc, table, zones].boxed()
}

fn facts_of_devices() -> BoxedStrategy<NodeFact> {
    let route = (any::<[Option<IpAddr>; 3]>(), any::<[Option<String>; 6]>()).prop_map(
        |([to, from, gateway], [iif, device, kind, route, rule, error])| {
            NodeFact::Route(RouteAnswer { to, from, iif, device, gateway, kind, route, rule, error })
        },
    );
    let neighbour = (any::<IpAddr>(), any::<[String; 2]>()).prop_map(|(addr, [ifname, state])| NodeFact::Neighbour {
        addr,
        ifname,
        state,
    });
    let link = (any::<[String; 3]>(), any::<[bool; 2]>(), any::<u32>(), any::<Option<String>>()).prop_map(
        |([ifname, address, kind], [up, carrier], mtu, master)| NodeFact::Link {
            ifname,
            up,
            carrier,
            mtu,
            address,
            master,
            kind,
        },
    );
    let address = (any::<IpAddr>(), any::<String>()).prop_map(|(addr, ifname)| NodeFact::LocalAddress { addr, ifname });
    let port = (any::<[String; 3]>(), any::<[bool; 3]>(), vec(any::<String>(), 0..3), any::<u32>()).prop_map(
        |([ifname, bridge, state], [vlan_filtering, hairpin, isolated], vlans, mtu)| NodeFact::BridgePort {
            ifname,
            bridge,
            state,
            vlan_filtering,
            vlans,
            hairpin,
            isolated,
            mtu,
        },
    );
    prop_oneof![route, neighbour, link, address, port].boxed()
}

fn facts_of_sockets() -> BoxedStrategy<NodeFact> {
    let owner = any::<Option<String>>;
    let listener = (any::<String>(), any::<u32>(), any::<Option<u32>>(), owner())
        .prop_map(|(local, queue, limit, owner)| NodeFact::Listener { local, queue, limit, owner });
    let socket = (any::<String>(), any::<u32>(), any::<[Option<u32>; 2]>(), owner())
        .prop_map(|(local, rmem, [rcvbuf, drops], owner)| NodeFact::Socket { local, rmem, rcvbuf, drops, owner });
    let connection =
        (any::<[String; 2]>(), any::<u8>(), owner(), owner()).prop_map(|([local, remote], proto, state, owner)| {
            NodeFact::Connection { local, remote, proto: Proto(proto), state, owner }
        });
    let queue = (any::<u16>(), owner(), any::<u32>()).prop_map(|(number, owner, waiting)| NodeFact::Queue {
        number,
        owner,
        waiting,
    });
    let device = (any::<String>(), any::<u16>(), any::<usize>())
        .prop_map(|(ifname, port, peers)| NodeFact::WireguardDevice { ifname, port, peers });
    let peer = (any::<[String; 2]>(), owner(), any::<Option<u64>>(), any::<[u64; 2]>()).prop_map(
        |([ifname, public_key], endpoint, handshake, [received, sent])| NodeFact::WireguardPeer {
            ifname,
            public_key,
            endpoint,
            handshake,
            received,
            sent,
        },
    );
    let policy = (any::<[String; 3]>(), any::<bool>()).prop_map(|([direction, action, selector], template)| {
        NodeFact::XfrmPolicy { direction, action, selector, template }
    });
    prop_oneof![listener, socket, connection, queue, device, peer, policy, Just(NodeFact::NoSocket)].boxed()
}

fn step() -> impl Strategy<Value = Step> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), any::<[u32; 5]>());
    let names = (any::<String>(), any::<String>());
    let direction = prop::sample::select(vec![Direction::Orig, Direction::Reply]);
    let bpf = (any::<String>(), any::<u32>(), any::<String>(), any::<Option<u32>>()).prop_map(
        |(program, id, verdict, mark_before)| Bpf {
            program: program.into(),
            id,
            kind: "tc".into(),
            verdict: verdict.into(),
            mark_before,
        },
    );
    let redirect =
        (any::<String>(), any::<u32>(), any::<bool>(), any::<bool>()).prop_map(|(ifname, ifindex, ingress, up)| {
            Redirect { ifname: ifname.into(), ifindex: NonZeroU32::new(ifindex), ingress, up }
        });
    let drop = (any::<String>(), any::<String>())
        .prop_map(|(reason, location)| Drop { reason: reason.into(), location: location.into() });
    let facts = (
        option::of(any::<u8>().prop_map(TcpFlags)),
        option::of(conntrack()),
        option::of(netfilter()),
        option::of(bpf),
        option::of(redirect),
        option::of(drop),
        vec(node_fact(), 0..4),
    );
    let both = (facts, changes());
    (numbers, names, direction, tuple(), both).prop_map(
        |(numbers, (hook, ifname), direction, tuple, (facts, changes))| {
            let (ts, packet, flow, [ifindex, netns, cpu, mark, len]) = numbers;
            let (tcp_flags, ct, netfilter, bpf, redirect, drop, node) = facts;
            let (outer, nat, tunnel, route, icmp) = changes;
            Step {
                ts,
                packet,
                flow,
                direction,
                hook: hook.into(),
                ifname: ifname.into(),
                ifindex: NonZeroU32::new(ifindex),
                netns,
                cpu,
                mark,
                len,
                tuple,
                outer,
                tcp_flags,
                ct,
                netfilter: netfilter.map(Box::new),
                bpf: bpf.map(Box::new),
                redirect: redirect.map(Box::new),
                nat: nat.map(Box::new),
                tunnel: tunnel.map(Box::new),
                route: route.map(Box::new),
                icmp,
                node,
                drop,
            }
        },
    )
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
    fn flows_without_an_end(numbers in any::<[u64; 3]>(), netns: u32, in_kernel in option::of(vec(any::<u64>(), 0..3)), node in vec(node_fact(), 0..4)) {
        let [flow, ts, packet] = numbers;
        let pending = Record::Pending(Pending { flow, ts, in_kernel, packet, netns, node });
        prop_assert_eq!(read_back(&pending).ok(), Some(pending));
    }

    #[test]
    fn counts_and_names(packets in any::<u64>(), lost in any::<[u64; 7]>(), coverage in any::<String>()) {
        let [events, tracked_overflow, missed_probes, unparsed, trails, forgotten_packets, forgotten_flows] = lost;
        let lost =
            Lost { events, tracked_overflow, missed_probes, unparsed, trails, forgotten_packets, forgotten_flows };
        let summary = Record::Summary(Summary { packets, lost, coverage: coverage.clone(), ..Summary::default() });
        prop_assert_eq!(read_back(&summary).ok(), Some(summary));
        let netns = Record::Netns { inum: 4_026_531_840, name: coverage };
        prop_assert_eq!(read_back(&netns).ok(), Some(netns));
    }
}

#[test]
fn captures_are_read_and_written_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let files = [folder.join("findings"), folder].map(|folder| std::fs::read_dir(folder).expect("the captures"));
    let paths = files.into_iter().flatten().map(|entry| entry.expect("a capture").path());
    let mut captures = 0;
    for path in paths.filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(&path).expect("a capture");
        let mut records = Vec::new();
        for line in text.lines() {
            let record: Record = serde_json::from_str(line).expect(line);
            let written = serde_json::to_string(&record).expect(line);
            assert!(written.starts_with("{\"type\":\""));
            assert_eq!(serde_json::from_str::<Record>(&written).expect(line), record);
            records.push(record);
        }
        // The reader silently skips lines of unknown types. This comparison shows that it knows all of them.
        let read: Vec<Record> = capture::read(&path).and_then(Iterator::collect).expect("a capture");
        assert_eq!(read, records, "{}", path.display());
        captures += 1;
    }
    assert!(captures > 0);
}
