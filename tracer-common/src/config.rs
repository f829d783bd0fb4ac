//! The configuration that user space writes into the programs' frozen `.rodata` before loading them.

use core::num::NonZeroU32;

use crate::Layout;

/// Everything that the programs must know. The values are constants to the verifier, which prunes dead branches.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Config {
    /// Which packets to trace.
    pub filter: Filter,
    /// Field offsets of the running kernel.
    pub layout: Layout,
    /// Address of `__per_cpu_offset`; [`Self::NONE`] if unknown.
    pub per_cpu_offset: u64,
    /// Address of `bpf_prog_active`; [`Self::NONE`] if unknown or if kprobes are not mixed with other methods.
    pub prog_active: u64,
    /// 1 if only tracepoints are attached. Each of them then matches on its own, and those of the frees end a
    /// packet.
    pub tracepoints_only: u32,
    /// 1 if `skb:kfree_skb` reports a reason (5.17).
    pub has_reason: u32,
    /// Number of `SKB_DROP_REASON_NETFILTER_DROP`; [`Self::NONE`] if the kernel has no reasons.
    pub netfilter_drop: u32,
    /// 1 if `skb:consume_skb` reports a location (6.0).
    pub has_consume_location: u32,
    /// Flight recorder: number of trails for each CPU, a power of two. [`Self::NONE`] means that
    /// every step is sent at once.
    pub trails: u32,
    /// 1 if the kernel has `bpf_loop` (5.17).
    pub has_loop: u32,
    /// 1 if `xt_counters` are per CPU.
    pub counters_per_cpu: u32,
    /// BTF id of `bpf_rdonly_cast` if it lets programs load from any address (6.17), else [`Self::NONE`].
    pub rdonly_cast: u32,
    /// 1 to log rare events (`TRACER_LOG=trace`).
    pub log: u32,
    /// Zero.
    pub pad: u32,
}

impl Config {
    /// Value of a number that there is none of. The wire has no `Option`.
    pub const NONE: u32 = 0;

    /// What stands in the object until user space writes the configuration of a run. The programs must not rely on it.
    pub const UNSET: Self = Self {
        filter: Filter::ANY,
        layout: Layout::NONE,
        per_cpu_offset: 0,
        prog_active: 0,
        tracepoints_only: 0,
        has_reason: 0,
        netfilter_drop: 0,
        has_consume_location: 0,
        trails: 0,
        has_loop: 0,
        counters_per_cpu: 0,
        rdonly_cast: 0,
        log: 0,
        pad: 0,
    };

    /// Returns [`Self::rdonly_cast`], if there is one.
    #[must_use]
    pub const fn cast(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.rdonly_cast)
    }
}

/// The flow to trace. A zero field does not restrict it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Filter {
    /// Source.
    pub src: Prefix,
    /// Destination.
    pub dst: Prefix,
    /// Either end.
    pub host: Prefix,
    /// `skb->dev->name`, NUL-padded; all zero for any.
    pub ifname: [u64; 2],
    /// Inode number of the netns.
    pub netns: u32,
    /// Bits of `skb->mark` to compare, 0 for none.
    pub mark_mask: u32,
    /// Value of these bits.
    pub mark: u32,
    /// Source port in network byte order.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
    /// Either port.
    pub port: u16,
    /// 4, 6, or 0 for both.
    pub version: u8,
    /// `IPPROTO_*` plus one, so that 0 means any.
    pub proto_plus_one: u8,
    /// 1 to leave replies out.
    pub one_way: u8,
    /// 1 if `src`, `dst`, `sport` or `dport` is set, so that a match has a direction.
    pub directed: u8,
    /// Zero.
    pub pad: [u8; 2],
}

impl Filter {
    /// Restricts nothing.
    pub const ANY: Self = Self {
        src: Prefix::ANY,
        dst: Prefix::ANY,
        host: Prefix::ANY,
        ifname: [0; 2],
        netns: 0,
        mark_mask: 0,
        mark: 0,
        sport: 0,
        dport: 0,
        port: 0,
        version: 0,
        proto_plus_one: 0,
        one_way: 0,
        directed: 0,
        pad: [0; 2],
    };
}

/// An address prefix in network byte order; an all-zero mask matches everything.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Prefix {
    /// Address, host bits zero.
    pub addr: [u32; 4],
    /// Mask.
    pub mask: [u32; 4],
}

impl Prefix {
    /// Matches everything.
    pub const ANY: Self = Self { addr: [0; 4], mask: [0; 4] };
}

const _: () = {
    assert!(size_of::<Filter>() == 96 + 16 + 24);
    assert!(size_of::<Config>().is_multiple_of(8));
};
