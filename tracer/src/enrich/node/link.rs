//! Looks up the devices of a netns (`RTM_GETLINK`; `rtnl_fill_ifinfo`, net/core/rtnetlink.c).

use std::io;

use netlink_sys::protocols::NETLINK_ROUTE;

use super::super::{
    attrs::{Attrs, encode},
    bytes,
    netlink::{Question, ask},
};
use crate::model::NodeFact;

/// All devices of a netns.
pub(super) struct Links(Vec<Link>);

/// One device.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) flags: u32,
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
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Port {
    /// `BR_STATE_*`.
    pub(super) state: u8,
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
        let header = [0; IFINFOMSG];
        let body = [&header[..], &encode(IFLA_EXT_MASK, &RTEXT_FILTER_SKIP_STATS.to_ne_bytes())].concat();
        let question = Question { protocol: NETLINK_ROUTE, kind: RTM_GETLINK, dump: true, body: &body };
        Ok(Self(ask(&question, link)?.into_iter().flatten().collect()))
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

    /// Reports the properties of a device that a finding can cite.
    pub(super) fn fact(&self, index: u32) -> Option<NodeFact> {
        let link = self.get(index)?;
        Some(NodeFact::Link {
            ifname: link.name.clone(),
            up: link.flags & IFF_UP != 0,
            carrier: link.flags & IFF_LOWER_UP != 0,
            mtu: link.mtu,
            address: link.address.clone(),
            master: link.master.map(|master| self.name(master).to_owned()).filter(|name| !name.is_empty()),
            kind: link.kind.clone(),
        })
    }
}

impl Link {
    pub(super) fn is_loopback(&self) -> bool {
        self.flags & IFF_LOOPBACK != 0
    }
}

fn link(answer: &[u8]) -> Option<Link> {
    let attrs = Attrs(answer.get(IFINFOMSG..)?);
    let info = attrs.nested(IFLA_LINKINFO);
    let kind = info.text(IFLA_INFO_KIND).unwrap_or_default();
    let filtering = info.nested(IFLA_INFO_DATA).u8(IFLA_BR_VLAN_FILTERING).map(|on| on != 0);
    let slave = info.nested(IFLA_INFO_SLAVE_DATA);
    let port = slave.u8(IFLA_BRPORT_STATE).map(|state| Port {
        state,
        hairpin: slave.u8(IFLA_BRPORT_MODE).is_some_and(|on| on != 0),
        isolated: slave.u8(IFLA_BRPORT_ISOLATED).is_some_and(|on| on != 0),
    });
    Some(Link {
        index: bytes::u32_at(answer, 4)?,
        name: attrs.text(IFLA_IFNAME)?,
        flags: bytes::u32_at(answer, 8)?,
        mtu: attrs.host_u32(IFLA_MTU).unwrap_or(0),
        address: address(attrs.get(IFLA_ADDRESS).unwrap_or_default()),
        master: attrs.host_u32(IFLA_MASTER),
        vlan_filtering: filtering.filter(|_| kind == "bridge"),
        port: port.filter(|_| info.text(IFLA_INFO_SLAVE_KIND).as_deref() == Some("bridge")),
        kind,
    })
}

fn address(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// From include/uapi/linux/rtnetlink.h.
const RTM_GETLINK: u16 = 18;
const IFINFOMSG: usize = 16;
const RTEXT_FILTER_SKIP_STATS: u32 = 1 << 3;
/// From include/uapi/linux/if_link.h.
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_EXT_MASK: u16 = 29;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_INFO_SLAVE_DATA: u16 = 5;
const IFLA_BR_VLAN_FILTERING: u16 = 7;
const IFLA_BRPORT_STATE: u16 = 1;
const IFLA_BRPORT_MODE: u16 = 4;
const IFLA_BRPORT_ISOLATED: u16 = 33;
/// From include/uapi/linux/if.h.
const IFF_UP: u32 = 1;
const IFF_LOOPBACK: u32 = 1 << 3;
const IFF_LOWER_UP: u32 = 1 << 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(index: u32, flags: u32, attrs: &[Vec<u8>]) -> Vec<u8> {
        [&[0, 0, 1, 0], &index.to_ne_bytes()[..], &flags.to_ne_bytes(), &[0; 4], &attrs.concat()].concat()
    }

    fn port() -> Vec<u8> {
        let slave = [encode(IFLA_BRPORT_STATE, &[3]), encode(IFLA_BRPORT_MODE, &[0]), encode(33, &[1])].concat();
        let info = [
            encode(IFLA_INFO_KIND, b"veth\0"),
            encode(IFLA_INFO_SLAVE_KIND, b"bridge\0"),
            encode(IFLA_INFO_SLAVE_DATA, &slave),
        ];
        let attrs = [
            encode(IFLA_IFNAME, b"eth0\0"),
            encode(IFLA_MTU, &1500u32.to_ne_bytes()),
            encode(IFLA_MASTER, &7u32.to_ne_bytes()),
            encode(IFLA_ADDRESS, &[2, 0, 0, 0, 0, 0xaf]),
            encode(IFLA_LINKINFO, &info.concat()),
        ];
        answer(2, IFF_UP | IFF_LOWER_UP, &attrs)
    }

    fn bridge() -> Vec<u8> {
        let data = encode(IFLA_BR_VLAN_FILTERING, &[1]);
        let info = [encode(IFLA_INFO_KIND, b"bridge\0"), encode(IFLA_INFO_DATA, &data)].concat();
        answer(7, 0, &[encode(IFLA_IFNAME, b"br0\0"), encode(IFLA_LINKINFO, &info)])
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
        assert_eq!(links.get(2).and_then(|l| l.port), Some(Port { state: 3, hairpin: false, isolated: true }));
        assert_eq!(links.get(7).and_then(|link| link.vlan_filtering), Some(true));
        assert_eq!(links.ports(7).map(|link| link.index).collect::<Vec<_>>(), [2]);
        assert_eq!((links.name(3), links.fact(3)), ("", None));
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
