//! Looks up the peers of a WireGuard device by generic netlink (include/uapi/linux/wireguard.h).
//!
//! Answers are decoded here and not by netlink-packet-wireguard, because that crate makes values of the device's
//! private key and of the preshared keys, which the kernel sends unasked. Nothing here looks at these keys, and the
//! bytes of an answer are wiped once it is read.

mod attrs;
#[cfg(test)]
mod tests;

use std::io;

use netlink_sys::protocols::NETLINK_GENERIC;

use super::{
    attrs::{Attrs, encode_text},
    bytes,
    netlink::{Question, ask},
    netns::Netns,
};
use crate::model::AllowedIps;
pub(super) use attrs::Peer;

/// Returns the addresses that belong to each peer of a device.
///
/// # Errors
/// Returns one sentence if the netns cannot be entered, which takes `CAP_SYS_ADMIN`, if the device is not a WireGuard
/// device, or if it may not be asked, which takes `CAP_NET_ADMIN`.
pub fn allowed_ips(netns: &Netns, ifname: &str) -> Result<Vec<AllowedIps>, String> {
    let found = netns.run_in(|| peers_here(ifname)).and_then(|found| found);
    found.map(|peers| peers.into_iter().map(|peer| peer.allowed).collect()).map_err(|error| {
        let why = match error.raw_os_error() {
            Some(libc::ENODEV) => "there is no such device".to_owned(),
            Some(libc::EOPNOTSUPP) => "it is not a WireGuard device".to_owned(),
            Some(libc::EPERM) => "no permission (run as root)".to_owned(),
            _ => error.to_string(),
        };
        format!("the peers of {ifname} in netns {} are not known: {why}", netns.name())
    })
}

/// Returns the peers of a device in the calling thread's netns.
pub(super) fn peers_here(ifname: &str) -> io::Result<Vec<Peer>> {
    Ok(attrs::merge(ask_device(ifname, attrs::peers)?))
}

/// Returns the port that a device of the calling thread's netns receives on, and how many peers it has.
pub(super) fn port_here(ifname: &str) -> io::Result<Option<(u16, usize)>> {
    let parts = ask_device(ifname, |device| (attrs::port(device), attrs::peers(device)))?;
    let port = parts.iter().find_map(|(port, _)| *port);
    let peers = attrs::merge(parts.into_iter().map(|(_, peers)| peers).collect());
    Ok(port.map(|port| (port, peers.len())))
}

fn ask_device<T>(ifname: &str, read: impl Fn(Attrs<'_>) -> T) -> io::Result<Vec<T>> {
    let device = encode_text(WGDEVICE_A_IFNAME, ifname);
    let body = [&[WG_CMD_GET_DEVICE, 1, 0, 0], device.as_slice()].concat();
    let question = Question { protocol: NETLINK_GENERIC, kind: family("wireguard")?, dump: true, body: &body };
    ask(&question, |answer| read(attributes(answer)))
}

/// Returns the number of a generic netlink family. A dump is used because asking for one name makes the kernel load a
/// module if it has no such family (`ctrl_getfamily`, net/netlink/genetlink.c).
fn family(name: &str) -> io::Result<u16> {
    let body = [CTRL_CMD_GETFAMILY, 1, 0, 0];
    let question = Question { protocol: NETLINK_GENERIC, kind: GENL_ID_CTRL, dump: true, body: &body };
    let found = ask(&question, |answer| {
        let family = attributes(answer);
        let number = family.get(CTRL_ATTR_FAMILY_ID).and_then(|value| bytes::u16_at(value, 0));
        number.filter(|_| family.text(CTRL_ATTR_FAMILY_NAME).as_deref() == Some(name))
    })?;
    found.into_iter().flatten().next().ok_or_else(|| io::Error::other("WireGuard is not loaded"))
}

/// Returns the attributes after `struct genlmsghdr`.
fn attributes(answer: &[u8]) -> Attrs<'_> {
    Attrs(answer.get(GENL_HDRLEN..).unwrap_or_default())
}

/// From include/uapi/linux/genetlink.h.
const GENL_HDRLEN: usize = 4;
const GENL_ID_CTRL: u16 = 0x10;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
/// From include/uapi/linux/wireguard.h.
const WG_CMD_GET_DEVICE: u8 = 0;
const WGDEVICE_A_IFNAME: u16 = 2;
