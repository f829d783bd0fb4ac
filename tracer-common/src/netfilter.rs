//! Masks and numbers of netfilter that both sides use.

/// Low bits of `skb->_nfct`, which hold `ctinfo`; the others point to the entry
/// (`include/linux/netfilter/nf_conntrack_common.h`).
pub const NFCT_INFOMASK: u64 = 7;

/// Bits of a verdict that say what happens to the packet. The others carry an errno or a queue number
/// (`include/uapi/linux/netfilter.h`).
pub const NF_VERDICT_MASK: i32 = 0xff;

/// The verdict that drops (`include/uapi/linux/netfilter.h`).
pub const NF_DROP: i32 = 0;
