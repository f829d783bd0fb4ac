//! Looks up the ports of bridges and the VLANs that may pass (`br_fill_ifinfo`, net/bridge/br_netlink.c).

use std::io;

use netlink_packet_core::{Emitable as _, Parseable as _};
use netlink_packet_route::{
    AddressFamily,
    link::{AfSpecBridge, BridgeVlanInfo, BridgeVlanInfoFlags, LinkExtentMask, LinkHeader},
};

use super::{
    super::attrs::Attrs,
    link::{Link, Links, Port, dump},
};
use crate::model::NodeFact;

/// Reports the ports of the bridge that a device is, or is a port of. The device's own port comes first.
pub(super) fn facts(ifindex: u32, links: &Links) -> Vec<NodeFact> {
    let Some(link) = links.get(ifindex) else { return Vec::new() };
    let bridge = link.port.and(link.master).and_then(|master| links.get(master)).unwrap_or(link);
    let mut ports: Vec<_> = links.ports(bridge.index).collect();
    if ports.is_empty() {
        return Vec::new();
    }
    ports.sort_by_key(|port| port.index != ifindex);
    let vlans = vlans().unwrap_or_default();
    let told = ports.into_iter().take(TOLD_AT_MOST);
    told.filter_map(|port| Some(fact(port, port.port?, bridge, &vlans))).collect()
}

/// Maximum number of ports to report.
const TOLD_AT_MOST: usize = 32;

fn fact(link: &Link, port: Port, bridge: &Link, vlans: &[(u32, Vec<String>)]) -> NodeFact {
    NodeFact::BridgePort {
        ifname: link.name.clone(),
        bridge: bridge.name.clone(),
        state: port.state.to_string(),
        vlan_filtering: bridge.vlan_filtering.unwrap_or(false),
        vlans: vlans.iter().find(|(index, _)| *index == link.index).map(|(_, v)| v.clone()).unwrap_or_default(),
        hairpin: port.hairpin,
        isolated: port.isolated,
        mtu: link.mtu,
    }
}

/// Returns the VLANs of each port, by ifindex.
fn vlans() -> io::Result<Vec<(u32, Vec<String>)>> {
    Ok(dump(AddressFamily::Bridge, LinkExtentMask::BrvlanCompressed, of_port)?.into_iter().flatten().collect())
}

fn of_port(answer: &[u8]) -> Option<(u32, Vec<String>)> {
    let header = LinkHeader::parse(answer).ok()?;
    let spec = Attrs(answer.get(header.buffer_len()..)?).nested(libc::IFLA_AF_SPEC);
    let (mut vlans, mut begin) = (Vec::new(), None);
    for attribute in spec.decoded(AfSpecBridge::parse) {
        let AfSpecBridge::VlanInfo(BridgeVlanInfo { flags, vid }) = attribute else { continue };
        if flags.contains(BridgeVlanInfoFlags::RangeBegin) {
            begin = Some(vid);
            continue;
        }
        let first = begin.take().filter(|_| flags.contains(BridgeVlanInfoFlags::RangeEnd));
        let mut text = first.map_or_else(|| vid.to_string(), |first| format!("{first}-{vid}"));
        for (flag, word) in [(BridgeVlanInfoFlags::Pvid, " pvid"), (BridgeVlanInfoFlags::Untagged, " untagged")] {
            text.push_str(if flags.contains(flag) { word } else { "" });
        }
        vlans.push(text);
    }
    Some((header.index, vlans))
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::BridgePortState;
    use proptest::prelude::*;

    use super::{super::super::attrs::encode, *};

    const IFLA_AF_SPEC: u16 = libc::IFLA_AF_SPEC;
    /// `BRIDGE_VLAN_INFO_*` (include/uapi/linux/if_bridge.h).
    const PVID: u16 = 1 << 1;
    const UNTAGGED: u16 = 1 << 2;
    const RANGE_BEGIN: u16 = 1 << 3;
    const RANGE_END: u16 = 1 << 4;

    fn answer(infos: &[(u16, u16)]) -> Vec<u8> {
        let one = |(flags, vid): &(u16, u16)| encode(2, &[flags.to_ne_bytes(), vid.to_ne_bytes()].concat());
        let spec = encode(IFLA_AF_SPEC, &infos.iter().flat_map(one).collect::<Vec<_>>());
        [&[7, 0, 0, 0, 5, 0, 0, 0][..], &[0; 8], &spec].concat()
    }

    #[test]
    fn vlans_are_spelled_as_bridge_vlan_does() {
        let bytes = answer(&[(PVID | UNTAGGED, 1), (0, 10), (RANGE_BEGIN, 100), (RANGE_END, 200)]);
        let vlans = ["1 pvid untagged", "10", "100-200"].map(str::to_owned).to_vec();
        assert_eq!(of_port(&bytes), Some((5, vlans)));
    }

    #[test]
    fn the_port_in_question_comes_first() {
        let port = |index: u32, state: u8| Link {
            index,
            name: format!("port{index}"),
            master: Some(9),
            port: Some(Port { state: BridgePortState::from(state), hairpin: false, isolated: false }),
            ..Link::default()
        };
        let bridge = Link { index: 9, name: "br0".to_owned(), vlan_filtering: Some(true), ..Link::default() };
        let links = Links::of(&[bridge, port(900_001, 3), port(900_002, 4)]);
        let told = |facts: Vec<NodeFact>| -> Vec<(String, String)> {
            let pair = |fact| match fact {
                NodeFact::BridgePort { ifname, state, bridge, vlan_filtering: true, .. } if bridge == "br0" => {
                    (ifname, state)
                }
                other => panic!("{other:?}"),
            };
            facts.into_iter().map(pair).collect()
        };
        let [forwarding, blocking] =
            [("port900001", "forwarding"), ("port900002", "blocking")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(told(facts(900_002, &links)), [blocking.clone(), forwarding.clone()]);
        assert_eq!(told(facts(9, &links)), [forwarding, blocking]);
        assert_eq!(facts(1, &links), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), cut in 0usize..60) {
            let _ = of_port(&bytes);
            let whole = answer(&[(RANGE_END, 1)]);
            let _ = of_port(whole.get(..cut).unwrap_or(&whole));
        }
    }
}
