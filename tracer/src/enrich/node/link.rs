//! Looks up the devices of a netns (`RTM_GETLINK`; `rtnl_fill_ifinfo`, net/core/rtnetlink.c).
//!
//! netlink-packet-route decodes single attributes of a device, and not its whole message: it refuses a message for an
//! alias that is not UTF-8, and 0.34 panics at a short attribute of `bareudp`. The device's name is decoded here,
//! because the kernel does not require UTF-8 of it either (`dev_valid_name`, net/core/dev.c).

use std::io;

use netlink_packet_core::{Emitable as _, Parseable as _, ParseableParametrized as _};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    link::{
        BridgePortState, InfoBridge, InfoBridgePort, InfoKind, InfoPortKind, LinkAttribute, LinkExtentMask, LinkFlags,
        LinkHeader, LinkMessage,
    },
};

use super::super::{attrs::Attrs, netlink::ask_route};
use crate::model::NodeFact;

/// All devices of a netns.
pub(super) struct Links(Vec<Link>);

/// One device.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) flags: LinkFlags,
    pub(super) mtu: u32,
    pub(super) address: String,
    /// ifindex of its bridge, bond or VRF.
    pub(super) master: Option<u32>,
    pub(super) kind: String,
    /// Whether it filters VLANs, if it is a bridge.
    pub(super) vlan_filtering: Option<bool>,
    /// Its properties as a port, if it belongs to a bridge.
    pub(super) port: Option<Port>,
}

/// A port of a bridge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Port {
    pub(super) state: BridgePortState,
    pub(super) hairpin: bool,
    pub(super) isolated: bool,
}

impl Links {
    /// Returns an empty list.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// Lists all devices. An ioctl for one name could make the kernel load a module of that name (`dev_load`).
    pub(super) fn here() -> io::Result<Self> {
        Ok(Self(dump(AddressFamily::Unspec, LinkExtentMask::SkipStats, link)?.into_iter().flatten().collect()))
    }

    #[cfg(test)]
    pub(super) fn of(links: &[Link]) -> Self {
        Self(links.to_vec())
    }

    pub(super) fn get(&self, index: u32) -> Option<&Link> {
        self.0.iter().find(|link| link.index == index)
    }

    /// Returns the name of a device, empty if no device has this ifindex.
    pub(super) fn name(&self, index: u32) -> &str {
        self.get(index).map_or("", |link| &link.name)
    }

    /// Returns the ifindex of a device.
    pub(super) fn index(&self, name: &str) -> Option<u32> {
        self.0.iter().find(|link| link.name == name).map(|link| link.index)
    }

    /// Returns the ports of a bridge.
    pub(super) fn ports(&self, bridge: u32) -> impl Iterator<Item = &Link> {
        self.0.iter().filter(move |link| link.master == Some(bridge) && link.port.is_some())
    }

    /// Returns the names of the devices of this kind.
    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |link| link.kind == kind).map(|link| link.name.as_str())
    }

    /// Reports the properties of a device that a finding can cite.
    pub(super) fn fact(&self, index: u32) -> Option<NodeFact> {
        let link = self.get(index)?;
        Some(NodeFact::Link {
            ifname: link.name.clone(),
            up: link.flags.contains(LinkFlags::Up),
            carrier: link.flags.contains(LinkFlags::LowerUp),
            mtu: link.mtu,
            address: link.address.clone(),
            master: link.master.map(|master| self.name(master).to_owned()).filter(|name| !name.is_empty()),
            kind: link.kind.clone(),
        })
    }
}

impl Link {
    pub(super) fn is_loopback(&self) -> bool {
        self.flags.contains(LinkFlags::Loopback)
    }
}

/// Asks for all devices (`AF_UNSPEC`) or the ports of bridges (`AF_BRIDGE`).
pub(super) fn dump<T>(family: AddressFamily, mask: LinkExtentMask, read: impl Fn(&[u8]) -> T) -> io::Result<Vec<T>> {
    ask_route(&question(family, mask), true, read)
}

fn question(interface_family: AddressFamily, mask: LinkExtentMask) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header = LinkHeader { interface_family, ..LinkHeader::default() };
    message.attributes = vec![LinkAttribute::ExtMask(vec![mask])];
    RouteNetlinkMessage::GetLink(message)
}

fn link(answer: &[u8]) -> Option<Link> {
    let header = LinkHeader::parse(answer).ok()?;
    let attrs = Attrs(answer.get(header.buffer_len()..)?);
    let info = attrs.nested(libc::IFLA_LINKINFO);
    let kind = info.decoded(InfoKind::parse).next();
    let mut link = Link {
        index: header.index,
        name: attrs.text(libc::IFLA_IFNAME)?,
        flags: header.flags,
        vlan_filtering: if kind == Some(InfoKind::Bridge) { filters(info) } else { None },
        port: port(info),
        kind: kind.map(|kind| kind.to_string()).unwrap_or_default(),
        ..Link::default()
    };
    for attribute in attrs.decoded(|nla| match nla.kind() {
        libc::IFLA_ADDRESS | libc::IFLA_MTU | libc::IFLA_MASTER => {
            LinkAttribute::parse_with_param(nla, header.interface_family)
        }
        _ => Err("not needed".into()),
    }) {
        match attribute {
            LinkAttribute::Address(bytes) => link.address = address(&bytes),
            LinkAttribute::Mtu(mtu) => link.mtu = mtu,
            LinkAttribute::Controller(master) => link.master = Some(master),
            _ => {}
        }
    }
    Some(link)
}

/// Returns whether a bridge filters VLANs.
fn filters(info: Attrs<'_>) -> Option<bool> {
    info.nested(libc::IFLA_INFO_DATA).decoded(InfoBridge::parse).find_map(|attribute| match attribute {
        InfoBridge::VlanFiltering(on) => Some(on),
        _ => None,
    })
}

fn port(info: Attrs<'_>) -> Option<Port> {
    if info.decoded(InfoPortKind::parse).next() != Some(InfoPortKind::Bridge) {
        return None;
    }
    let (mut state, mut hairpin, mut isolated) = (None, false, false);
    for attribute in info.nested(libc::IFLA_INFO_SLAVE_DATA).decoded(InfoBridgePort::parse) {
        match attribute {
            InfoBridgePort::State(found) => state = Some(found),
            InfoBridgePort::HairpinMode(on) => hairpin = on,
            InfoBridgePort::Isolated(on) => isolated = on,
            _ => {}
        }
    }
    Some(Port { state: state?, hairpin, isolated })
}

fn address(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::super::attrs::encode, *};

    /// From include/uapi/linux/if_link.h.
    const IFLA_BR_VLAN_FILTERING: u16 = 7;
    const IFLA_BRPORT_STATE: u16 = 1;
    const IFLA_BRPORT_MODE: u16 = 4;
    const IFLA_BRPORT_ISOLATED: u16 = 33;

    fn answer(index: u32, flags: LinkFlags, attrs: &[Vec<u8>]) -> Vec<u8> {
        [&[0, 0, 1, 0], &index.to_ne_bytes()[..], &flags.bits().to_ne_bytes(), &[0; 4], &attrs.concat()].concat()
    }

    fn port() -> Vec<u8> {
        let slave =
            [encode(IFLA_BRPORT_STATE, &[3]), encode(IFLA_BRPORT_MODE, &[0]), encode(IFLA_BRPORT_ISOLATED, &[1])]
                .concat();
        let info = [
            encode(libc::IFLA_INFO_KIND, b"veth\0"),
            encode(libc::IFLA_INFO_SLAVE_KIND, b"bridge\0"),
            encode(libc::IFLA_INFO_SLAVE_DATA, &slave),
        ];
        let attrs = [
            encode(libc::IFLA_IFNAME, b"eth0\0"),
            encode(libc::IFLA_MTU, &1500u32.to_ne_bytes()),
            encode(libc::IFLA_MASTER, &7u32.to_ne_bytes()),
            encode(libc::IFLA_ADDRESS, &[2, 0, 0, 0, 0, 0xaf]),
            encode(libc::IFLA_LINKINFO, &info.concat()),
        ];
        answer(2, LinkFlags::Up | LinkFlags::LowerUp, &attrs)
    }

    fn bridge() -> Vec<u8> {
        let data = encode(IFLA_BR_VLAN_FILTERING, &[1]);
        let info = [encode(libc::IFLA_INFO_KIND, b"bridge\0"), encode(libc::IFLA_INFO_DATA, &data)].concat();
        answer(7, LinkFlags::empty(), &[encode(libc::IFLA_IFNAME, b"br0\0"), encode(libc::IFLA_LINKINFO, &info)])
    }

    #[test]
    fn a_port_and_its_bridge() {
        let links = Links([port(), bridge()].iter().filter_map(|bytes| link(bytes)).collect());
        let fact = NodeFact::Link {
            ifname: "eth0".to_owned(),
            up: true,
            carrier: true,
            mtu: 1500,
            address: "02:00:00:00:00:af".to_owned(),
            master: Some("br0".to_owned()),
            kind: "veth".to_owned(),
        };
        assert_eq!(links.fact(2), Some(fact));
        assert_eq!(
            links.get(2).and_then(|l| l.port),
            Some(Port { state: BridgePortState::Forwarding, hairpin: false, isolated: true })
        );
        assert_eq!(links.get(7).and_then(|link| link.vlan_filtering), Some(true));
        assert_eq!(links.ports(7).map(|link| link.index).collect::<Vec<_>>(), [2]);
        assert_eq!((links.name(3), links.fact(3)), ("", None));
    }

    #[test]
    fn attributes_that_the_crate_cannot_decode_hide_no_others() {
        let short_port = encode(libc::IFLA_INFO_DATA, &encode(3, &[1]));
        let attrs = |alias: &[u8], data: &[u8]| {
            let info = [&encode(libc::IFLA_INFO_KIND, b"bareudp\0"), data].concat();
            [
                encode(libc::IFLA_IFALIAS, alias),
                encode(libc::IFLA_LINKINFO, &info),
                encode(libc::IFLA_IFNAME, b"eth\xff\0"),
                encode(libc::IFLA_MTU, &9000u32.to_ne_bytes()),
            ]
        };
        let bytes = answer(2, LinkFlags::Up, &attrs(b"\xff", &[]));
        assert!(LinkMessage::parse(&bytes).is_err(), "then whole messages could be decoded");
        for bytes in [bytes, answer(2, LinkFlags::Up, &attrs(b"", &short_port))] {
            let link = link(&bytes).expect("a device");
            let found = (link.index, link.name.as_str(), link.kind.as_str(), link.mtu);
            assert_eq!(found, (2, "eth\u{fffd}", "bareudp", 9000));
        }
    }

    #[test]
    fn the_question_is_an_ifinfomsg_and_a_mask() {
        let question = question(AddressFamily::Bridge, LinkExtentMask::BrvlanCompressed);
        let mut bytes = vec![0; question.buffer_len()];
        question.emit(&mut bytes);
        let header = [&[7][..], &[0; 15]].concat();
        assert_eq!(question.message_type(), 18);
        assert_eq!(bytes, [header, encode(libc::IFLA_EXT_MASK, &4u32.to_ne_bytes())].concat());
    }

    #[test]
    fn this_machine_has_a_loopback_device() {
        let links = Links::here().expect("links can be dumped");
        assert!(links.0.iter().any(Link::is_loopback));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..200) {
            let _ = link(&bytes);
            let whole = port();
            let _ = link(whole.get(..cut).unwrap_or(&whole));
        }
    }
}
