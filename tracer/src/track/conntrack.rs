//! Derives conntrack's belief about a packet from `skb->_nfct`.

use tracer_common::{Conntrack as WireConntrack, CtTuple, NFCT_INFOMASK, flag};

use super::flows::address;
use crate::model::{Conntrack, CtState, Proto, Tuple};

/// `enum ip_conntrack_info` (`include/uapi/linux/netfilter/nf_conntrack_common.h`).
const IP_CT_ESTABLISHED: u64 = 0;
const IP_CT_RELATED: u64 = 1;
const IP_CT_NEW: u64 = 2;
const IP_CT_ESTABLISHED_REPLY: u64 = 3;
const IP_CT_RELATED_REPLY: u64 = 4;
const IP_CT_UNTRACKED: u64 = 7;
/// Bit of `nf_conn.status`: the entry is no connection but a template, by which a rule requests a zone or a helper.
const IPS_TEMPLATE: u32 = 1 << 11;
const AF_INET6: u16 = 10;

/// A conntrack entry that a packet points to.
#[derive(Clone, Debug)]
pub struct ConntrackEntry {
    nfct: u64,
    status: u32,
    zone: u16,
    mark: u32,
    orig: Tuple,
    reply: Tuple,
}

/// Converts the entry that a record describes.
pub fn entry(wire: &WireConntrack) -> ConntrackEntry {
    ConntrackEntry {
        nfct: wire.nfct,
        status: wire.status,
        zone: wire.zone,
        mark: wire.mark,
        orig: tuple(&wire.orig, wire.l3num),
        reply: tuple(&wire.reply, wire.l3num),
    }
}

/// Returns the belief behind a packet's `_nfct`, with the packet's latest entry if `_nfct` points to that entry.
pub fn belief(nfct: u64, flags: u8, entry: Option<&ConntrackEntry>) -> Conntrack {
    let pointer = nfct & !NFCT_INFOMASK;
    let entry = entry.filter(|entry| pointer != 0 && entry.nfct & !NFCT_INFOMASK == pointer);
    let template = entry.is_some_and(|entry| entry.status & IPS_TEMPLATE != 0);
    let state = match (pointer != 0, nfct & NFCT_INFOMASK) {
        (false, IP_CT_UNTRACKED) => CtState::Untracked,
        (false, _) if flags & flag::CT_LOOKED_UP != 0 => CtState::Invalid,
        (true, IP_CT_ESTABLISHED) if !template => CtState::Established,
        (true, IP_CT_RELATED) => CtState::Related,
        (true, IP_CT_NEW) if !template => CtState::New,
        (true, IP_CT_ESTABLISHED_REPLY) => CtState::ReplyEstablished,
        (true, IP_CT_RELATED_REPLY) => CtState::ReplyRelated,
        _ => CtState::None,
    };
    let entry = entry.filter(|_| !template);
    Conntrack {
        state,
        status: entry.map(|entry| entry.status),
        zone: entry.map(|entry| entry.zone),
        mark: entry.map(|entry| entry.mark),
        orig: entry.map(|entry| entry.orig),
        reply: entry.map(|entry| entry.reply),
    }
}

fn tuple(wire: &CtTuple, l3num: u16) -> Tuple {
    let version = if l3num == AF_INET6 { 6 } else { 4 };
    Tuple {
        src: address(&wire.saddr, version),
        dst: address(&wire.daddr, version),
        sport: u16::from_be(wire.sport),
        dport: u16::from_be(wire.dport),
        proto: Proto(wire.proto),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untracked_invalid_and_not_looked_up_are_told_apart() {
        assert_eq!(belief(7, 0, None).state, CtState::Untracked);
        assert_eq!(belief(7, flag::CT_LOOKED_UP, None).state, CtState::Untracked);
        assert_eq!(belief(0, flag::CT_LOOKED_UP, None).state, CtState::Invalid);
        assert_eq!(belief(0, 0, None).state, CtState::None);
    }

    #[test]
    fn the_low_bits_tell_the_state_of_an_entry() {
        for (info, state) in [
            (0, CtState::Established),
            (1, CtState::Related),
            (2, CtState::New),
            (3, CtState::ReplyEstablished),
            (4, CtState::ReplyRelated),
        ] {
            assert_eq!(belief(0xffff_8880_0000_1000 | info, 1, None).state, state);
        }
    }

    #[test]
    fn a_template_is_no_connection() {
        let template = ConntrackEntry {
            nfct: 0x1000,
            status: IPS_TEMPLATE,
            zone: 5,
            mark: 0,
            orig: tuple(&CtTuple::default(), 2),
            reply: tuple(&CtTuple::default(), 2),
        };
        let belief = belief(0x1000, 0, Some(&template));
        assert_eq!((belief.state, belief.zone), (CtState::None, None));
    }
}
