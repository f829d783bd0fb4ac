//! Looks up IPsec policies (`XFRM_MSG_GETPOLICY`; `dump_one_policy`, net/xfrm/xfrm_user.c). States are not asked for,
//! because they hold the keys. netlink-packet-route knows no IPsec, so policies are decoded here.

use std::{io, net::IpAddr};

use ::bytes::Buf as _;
use ipnet::IpNet;
use netlink_sys::protocols::NETLINK_XFRM;

use super::super::{
    attrs::Attrs,
    bytes,
    loaded::{XFRM_USER, is_loaded},
    netlink::{Question, ask},
};
use crate::model::{NodeFact, Proto, Tuple};

/// Reports the policies of the calling thread's netns that select the packet, newest first as the kernel lists them.
pub(super) fn facts(tuple: Tuple) -> Vec<NodeFact> {
    // Without xfrm_user there are no policies except those of IKE daemons over PF_KEY.
    if !is_loaded(&XFRM_USER) {
        return Vec::new();
    }
    let policies = policies().unwrap_or_default();
    policies.into_iter().filter(|policy| policy.selector.takes(tuple)).take(TOLD_AT_MOST).map(Policy::fact).collect()
}

const TOLD_AT_MOST: usize = 16;

/// One policy.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Policy {
    selector: Selector,
    direction: u8,
    action: u8,
    template: bool,
}

/// `struct xfrm_selector` (include/uapi/linux/xfrm.h); ports as value and mask.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Selector {
    src: IpNet,
    dst: IpNet,
    sport: (u16, u16),
    dport: (u16, u16),
    proto: u8,
}

fn policies() -> io::Result<Vec<Policy>> {
    let question = Question { protocol: NETLINK_XFRM, kind: XFRM_MSG_GETPOLICY, dump: true, body: &[0; USERPOLICY_ID] };
    Ok(ask(&question, policy)?.into_iter().flatten().collect())
}

fn policy(answer: &[u8]) -> Option<Policy> {
    let attrs = Attrs(answer.get(USERPOLICY_INFO..)?);
    Some(Policy {
        selector: selector(answer)?,
        direction: *answer.get(DIR_AT)?,
        action: *answer.get(DIR_AT + 1)?,
        template: attrs.get(XFRMA_TMPL).is_some_and(|templates| !templates.is_empty()),
    })
}

fn selector(answer: &[u8]) -> Option<Selector> {
    let (dst, rest) = answer.split_at_checked(16)?;
    let (src, mut rest) = rest.split_at_checked(16)?;
    let mut port = || Some((rest.try_get_u16().ok()?, rest.try_get_u16().ok()?));
    let (dport, sport) = (port()?, port()?);
    let family = i32::from(rest.try_get_u16_ne().ok()?);
    let net = |addr: &[u8], len: u8| {
        let addr = match family {
            libc::AF_INET => IpAddr::from(bytes::ipv4(addr)?),
            libc::AF_INET6 => IpAddr::from(bytes::ipv6(addr)?),
            _ => return None,
        };
        IpNet::new(addr, len).ok()
    };
    Some(Selector {
        dst: net(dst, rest.try_get_u8().ok()?)?,
        src: net(src, rest.try_get_u8().ok()?)?,
        dport,
        sport,
        proto: rest.try_get_u8().ok()?,
    })
}

impl Selector {
    /// Matches a packet as `__xfrm4_selector_match` does (net/xfrm/xfrm_policy.c).
    fn takes(&self, tuple: Tuple) -> bool {
        let port = |(value, mask): (u16, u16), port: u16| (value ^ port) & mask == 0;
        self.dst.contains(&tuple.dst)
            && self.src.contains(&tuple.src)
            && (self.proto == 0 || self.proto == tuple.proto.0)
            && (!tuple.proto.has_ports() || (port(self.sport, tuple.sport) && port(self.dport, tuple.dport)))
    }

    /// Spells a selector: `src 10.0.0.0/24 dst 10.0.1.0/24 proto tcp dport 443`.
    fn spell(&self) -> String {
        let mut text = format!("src {} dst {}", self.src, self.dst);
        if self.proto != 0 {
            text.push_str(&format!(" proto {}", Proto(self.proto)));
        }
        for (name, (value, mask)) in [("sport", self.sport), ("dport", self.dport)] {
            match mask {
                0 => {}
                u16::MAX => text.push_str(&format!(" {name} {value}")),
                _ => text.push_str(&format!(" {name} {value:#x}/{mask:#x}")),
            }
        }
        text
    }
}

impl Policy {
    fn fact(self) -> NodeFact {
        let direction = ["in", "out", "fwd"].get(usize::from(self.direction));
        NodeFact::XfrmPolicy {
            direction: direction.map_or_else(|| self.direction.to_string(), |name| (*name).to_owned()),
            action: if self.action == XFRM_POLICY_ALLOW { "allow" } else { "block" }.to_owned(),
            selector: self.selector.spell(),
            template: self.template,
        }
    }
}

/// From include/uapi/linux/xfrm.h.
const XFRM_MSG_GETPOLICY: u16 = 0x15;
const XFRMA_TMPL: u16 = 5;
const XFRM_POLICY_ALLOW: u8 = 0;
const USERPOLICY_ID: usize = 64;
/// Size of `struct xfrm_userpolicy_info`. A selector of 56 bytes, limits and use of 96, priority and index precede
/// `dir`.
const USERPOLICY_INFO: usize = 168;
const DIR_AT: usize = 160;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::super::attrs::encode, *};

    /// Builds an IPv4 policy from 10.0.0.0/24 to 10.0.1.0/24.
    fn answer(dport: Option<u16>, action: u8, template: bool) -> Vec<u8> {
        let mut bytes = vec![0; USERPOLICY_INFO];
        bytes[..4].copy_from_slice(&[10, 0, 1, 0]);
        bytes[16..20].copy_from_slice(&[10, 0, 0, 0]);
        if let Some(port) = dport {
            bytes[32..34].copy_from_slice(&port.to_be_bytes());
            bytes[34..36].copy_from_slice(&[0xff; 2]);
            bytes[44] = 6;
        }
        bytes[40..42].copy_from_slice(&u16::try_from(libc::AF_INET).expect("a small number").to_ne_bytes());
        bytes[42..44].copy_from_slice(&[24, 24]);
        bytes[DIR_AT..DIR_AT + 2].copy_from_slice(&[1, action]);
        if template {
            bytes.extend(encode(XFRMA_TMPL, &[0; 64]));
        }
        bytes
    }

    fn packet(src: &str, dst: &str, dport: u16) -> Tuple {
        let [src, dst] = [src, dst].map(|text| text.parse().expect(text));
        Tuple { src, dst, sport: 4000, dport, proto: Proto::TCP }
    }

    #[test]
    fn policies_are_spelled_as_ip_xfrm_does() {
        let told = |bytes: &[u8]| policy(bytes).map(Policy::fact);
        let fact = |action: &str, selector: &str, template| {
            let (direction, action) = ("out".to_owned(), action.to_owned());
            Some(NodeFact::XfrmPolicy { direction, action, selector: selector.to_owned(), template })
        };
        assert_eq!(told(&answer(None, 0, true)), fact("allow", "src 10.0.0.0/24 dst 10.0.1.0/24", true));
        let blocked = fact("block", "src 10.0.0.0/24 dst 10.0.1.0/24 proto tcp dport 443", false);
        assert_eq!(told(&answer(Some(443), 1, false)), blocked);
    }

    #[test]
    fn only_those_that_select_the_packet() {
        let takes = |bytes: &[u8], tuple| policy(bytes).is_some_and(|policy| policy.selector.takes(tuple));
        let (any, https) = (answer(None, 0, true), answer(Some(443), 1, false));
        assert!(takes(&any, packet("10.0.0.1", "10.0.1.1", 80)));
        assert!(takes(&https, packet("10.0.0.1", "10.0.1.1", 443)));
        assert!(!takes(&https, packet("10.0.0.1", "10.0.1.1", 80)));
        assert!(!takes(&any, packet("10.0.1.1", "10.0.0.1", 80)));
        assert!(!takes(&any, packet("fd00::1", "fd00::2", 80)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0usize..200) {
            let _ = policy(&bytes);
            let whole = answer(Some(1), 0, true);
            let _ = policy(whole.get(..cut).unwrap_or(&whole));
        }
    }
}
