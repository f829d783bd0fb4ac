//! Records as the kernel side writes them, of packets that go from one netns to another, through rules and conntrack.

use tracer_common::{
    Chain, Conntrack, CtTuple, Decision, Device, Header, HookId, Step, Tuple, Verdict, flag, hook, kind, via,
};

/// One packet in this many is dropped by a rule.
const DROPPED: u64 = 100;

/// Inode numbers that no netns has, so that nothing is looked up for them.
const NETNS: [u32; 2] = [1, 2];
const CHAINS: [u64; 2] = [0xffff_8880_0000_1000, 0xffff_8880_0000_2000];
const AF_INET: u16 = 2;
const NFPROTO_IPV4: u8 = 2;
const NF_INET_LOCAL_IN: u8 = 1;
const NF_INET_LOCAL_OUT: u8 = 3;
const NF_INET_POST_ROUTING: u8 = 4;
const NF_DROP: i32 = 0;
const NF_ACCEPT: i32 = 1;
const IP_CT_NEW: u64 = 2;

/// Records, each a piece of one buffer, as in the ring buffer.
#[derive(Default)]
pub struct Records {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    /// Returns the records that are sent once: chains and devices.
    pub fn names() -> Self {
        let mut records = Self::default();
        for (index, ifname) in ["eth0", "eth1"].into_iter().enumerate() {
            let header = header(kind::DEVICE, HookId::default(), 0, 0);
            let [netns, chain] = [u64::from(NETNS[index]), CHAINS[index]];
            let mut device: Device = zero();
            device = Device { header, netns: NETNS[index], ifindex: 2, mtu: 1500, ifname: padded(ifname), ..device };
            device.kind = padded("veth");
            records.push(&device);
            let (hooknum, name) = [(NF_INET_LOCAL_OUT, "output"), (NF_INET_LOCAL_IN, "input")][index];
            records.push(&Chain {
                header: self::header(kind::CHAIN, HookId::default(), 0, 0),
                chain,
                handle: netns,
                table_handle: netns,
                netns: NETNS[index],
                family: 1,
                hooknum,
                policy: 1,
                base: 1,
                table: padded("filter"),
                name: padded(name),
                ..zero()
            });
        }
        records
    }

    /// Adds the 12 records of packet number `packet` of the trace, in flow number `flow`.
    pub fn packet(&mut self, packet: u64, flow: u64) {
        let nfct = 0xffff_8881_0000_0000 + (flow << 8);
        let step = |hook, at: u64, end: usize| Step {
            header: header(kind::STEP, hook, packet * 20_000 + at * 1_000, packet << 8),
            tuple: tuple(flow),
            ifname: if hook == hook::IP_LOCAL_OUT { [0; 16] } else { padded(["eth0", "eth1"][end]) },
            ifindex: if hook == hook::IP_LOCAL_OUT { 0 } else { 2 },
            netns: NETNS[end],
            len: 64,
            pf: NFPROTO_IPV4,
            nf_hook: [NF_INET_LOCAL_OUT, NF_INET_LOCAL_IN][end],
            nfct: if at >= 2 && end == 0 { nfct | IP_CT_NEW } else { 0 },
            ..zero()
        };
        let verdict = |step: Step, end: usize, rule, code| Verdict {
            step: Step { header: Header { kind: kind::VERDICT, ..step.header }, ..step },
            decision: Decision { base: CHAINS[end], chain: CHAINS[end], rule, code, via: via::RULE, table: [0; 32] },
        };
        let dropped = packet.is_multiple_of(DROPPED);
        self.push(&step(hook::IP_LOCAL_OUT, 0, 0));
        self.push(&step(hook::NF_HOOK_SLOW, 1, 0));
        self.push(&conntrack(packet, flow, nfct));
        let looked_up = step(hook::NF_CONNTRACK_IN, 2, 0);
        self.push(&Step { flags: flag::CT_LOOKED_UP | flag::RETURNED, extra: 1, ..looked_up });
        self.push(&verdict(step(hook::NFT_DO_CHAIN, 3, 0), 0, 7, NF_ACCEPT));
        self.push(&Step { nf_hook: NF_INET_POST_ROUTING, ..step(hook::NF_HOOK_SLOW, 4, 0) });
        self.push(&step(hook::NET_DEV_QUEUE, 5, 0));
        self.push(&step(hook::NET_DEV_START_XMIT, 6, 0));
        self.push(&step(hook::NETIF_RECEIVE_SKB, 7, 1));
        self.push(&step(hook::NF_HOOK_SLOW, 8, 1));
        let (code, end) = if dropped { (NF_DROP, hook::KFREE_SKB) } else { (NF_ACCEPT, hook::IP_PROTOCOL_DELIVER_RCU) };
        self.push(&verdict(step(hook::NFT_DO_CHAIN, 9, 1), 1, 9, code));
        self.push(&Step { location: u64::from(dropped), ..step(end, 10, 1) });
    }

    /// Iterates over the records.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ends.iter().scan(0, |begin, &end| Some(&self.bytes[std::mem::replace(begin, end)..end]))
    }

    /// Removes all records.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn push<T: Copy>(&mut self, record: &T) {
        // SAFETY: records of the wire ABI are integers without padding.
        let bytes = unsafe { std::slice::from_raw_parts(std::ptr::from_ref(record).cast::<u8>(), size_of::<T>()) };
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
    }
}

fn header(kind: u16, hook: HookId, ts: u64, packet: u64) -> Header {
    Header { kind, hook, cpu: 0, ts, packet }
}

/// Returns the tuple of a flow. Each flow has another source address; the ports are always the same.
fn tuple(flow: u64) -> Tuple {
    let [.., a, b, c] = flow.to_be_bytes();
    Tuple {
        saddr: [u32::from_ne_bytes([10, a, b, c]), 0, 0, 0],
        daddr: [u32::from_ne_bytes([192, 0, 2, 1]), 0, 0, 0],
        sport: 40_000u16.to_be(),
        dport: 53u16.to_be(),
        proto: 17,
        version: 4,
        ..Tuple::default()
    }
}

fn conntrack(packet: u64, flow: u64, nfct: u64) -> Conntrack {
    let Tuple { saddr, daddr, sport, dport, proto, .. } = tuple(flow);
    let orig = CtTuple { saddr, daddr, sport, dport, proto, pad: [0; 3] };
    let reply = CtTuple { saddr: daddr, daddr: saddr, sport: dport, dport: sport, ..orig };
    let header = header(kind::CONNTRACK, HookId::default(), packet * 20_000 + 2_000, packet << 8);
    Conntrack { header, nfct: nfct | IP_CT_NEW, l3num: AF_INET, orig, reply, ..zero() }
}

fn padded<const N: usize>(name: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes
}

fn zero<T: Copy>() -> T {
    // SAFETY: used only for records of the wire ABI, which are integers.
    unsafe { std::mem::zeroed() }
}
