//! Looks up queueing disciplines with their counters (`RTM_GETQDISC`; `tc_fill_qdisc`, net/sched/sch_api.c).

use std::io;

use netlink_packet_core::{Emitable as _, ParseableParametrized as _};
use netlink_packet_route::{
    RouteNetlinkMessage,
    tc::{TcAttribute, TcHeader, TcMessage, TcStats2},
};

use super::{
    super::{attrs::Attrs, netlink::ask_route},
    counters::Snapshot,
    link::Links,
};
use crate::model::NodeFact;

/// One queueing discipline.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Qdisc {
    ifindex: u32,
    handle: u32,
    kind: String,
    qlen: u32,
    drops: u64,
}

/// Returns the queueing disciplines of the calling thread's netns.
pub(super) fn here() -> io::Result<Vec<Qdisc>> {
    let question = RouteNetlinkMessage::GetQueueDiscipline(TcMessage::default());
    Ok(ask_route(&question, true, qdisc)?.into_iter().flatten().collect())
}

/// Returns the number of dropped packets by (ifindex, handle).
pub(super) fn drops(qdiscs: &[Qdisc]) -> Vec<((u32, u32), u64)> {
    qdiscs.iter().map(|qdisc| ((qdisc.ifindex, qdisc.handle), qdisc.drops)).collect()
}

/// Reports the queueing disciplines of a device that have dropped packets, or in which packets wait.
pub(super) fn facts(ifindex: u32, qdiscs: &[Qdisc], before: &Snapshot, links: &Links) -> Vec<NodeFact> {
    let of_device = qdiscs.iter().filter(|qdisc| qdisc.ifindex == ifindex && (qdisc.drops > 0 || qdisc.qlen > 0));
    of_device
        .map(|qdisc| {
            let known = before.qdiscs.iter().find(|(key, _)| *key == (qdisc.ifindex, qdisc.handle));
            NodeFact::Qdisc {
                ifname: links.name(ifindex).to_owned(),
                kind: qdisc.kind.clone(),
                handle: handle(qdisc.handle),
                drops: qdisc.drops,
                before: known.map(|(_, drops)| *drops).filter(|before| *before <= qdisc.drops),
                qlen: qdisc.qlen,
            }
        })
        .collect()
}

/// Spells a handle as `tc` does.
fn handle(handle: u32) -> String {
    match handle & 0xffff {
        0 => format!("{:x}:", handle >> 16),
        minor => format!("{:x}:{minor:x}", handle >> 16),
    }
}

fn qdisc(answer: &[u8]) -> Option<Qdisc> {
    let header = TcHeader::parse(answer).ok()?;
    let attrs = Attrs(answer.get(header.buffer_len()..)?);
    let kind = attrs.decoded(|nla| TcAttribute::parse_with_param(nla, "")).find_map(|attribute| match attribute {
        TcAttribute::Kind(kind) => Some(kind),
        _ => None,
    });
    let mut stats = attrs.nested(libc::TCA_STATS2).decoded(|nla| TcStats2::parse_with_param(nla, ""));
    let queue = stats.find_map(|stats| match stats {
        TcStats2::Queue(queue) => Some(queue),
        _ => None,
    });
    let queue = queue.unwrap_or_default();
    Some(Qdisc {
        ifindex: header.index.cast_unsigned(),
        handle: header.handle.into(),
        kind: kind?,
        qlen: queue.qlen,
        drops: queue.drops.into(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{super::attrs::encode, link::Link},
        *,
    };

    const TCA_KIND: u16 = libc::TCA_KIND;
    const TCA_STATS2: u16 = libc::TCA_STATS2;
    const TCA_STATS_QUEUE: u16 = 3;

    fn answer(ifindex: u32, handle: u32, kind: &str, [qlen, drops]: [u32; 2]) -> Vec<u8> {
        let numbers = [qlen, 4500, drops, 0, 9].map(u32::to_ne_bytes).concat();
        let stats = encode(TCA_STATS2, &encode(TCA_STATS_QUEUE, &numbers));
        let header = [0, ifindex, handle, u32::MAX, 2].map(u32::to_ne_bytes).concat();
        [header, encode(TCA_KIND, format!("{kind}\0").as_bytes()), stats].concat()
    }

    #[test]
    fn those_with_drops_and_since_when() {
        let answers = [
            answer(2, 0x8001_0000, "tbf", [3, 7]),
            answer(2, 0, "noqueue", [0, 0]),
            answer(3, 0x1_0000, "fq", [3, 9]),
            answer(4, 0x2_0000, "netem", [1, 0]),
        ];
        let qdiscs: Vec<_> = answers.iter().filter_map(|bytes| qdisc(bytes)).collect();
        let links = Links::of(&[Link { index: 2, name: "eth0".to_owned(), ..Link::default() }]);
        let mut before = Snapshot::default();
        before.qdiscs.push(((2, 0x8001_0000), 5));
        let told = |before: Option<u64>| NodeFact::Qdisc {
            ifname: "eth0".to_owned(),
            kind: "tbf".to_owned(),
            handle: "8001:".to_owned(),
            drops: 7,
            before,
            qlen: 3,
        };
        assert_eq!(facts(2, &qdiscs, &before, &links), [told(Some(5))]);
        assert_eq!(facts(2, &qdiscs, &Snapshot::default(), &links), [told(None)]);
        let waiting = facts(4, &qdiscs, &Snapshot::default(), &links);
        assert!(matches!(waiting[..], [NodeFact::Qdisc { drops: 0, qlen: 1, .. }]), "{waiting:?}");
        assert_eq!(handle(0x1_000a), "1:a");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), cut in 0usize..120) {
            let _ = qdisc(&bytes);
            let whole = answer(2, 1, "fq", [3, 1]);
            let _ = qdisc(whole.get(..cut).unwrap_or(&whole));
        }
    }
}
