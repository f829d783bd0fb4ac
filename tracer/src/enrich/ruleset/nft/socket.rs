//! Dumps over a netfilter netlink socket of the calling thread's netns.

use std::{io, os::fd::AsFd as _};

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST};
use netlink_sys::{Socket, protocols::NETLINK_NETFILTER};
use nix::sys::{
    socket::{setsockopt, sockopt::ReceiveTimeout},
    time::{TimeVal, TimeValLike as _},
};

use super::super::bytes;

/// One object of a dump.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Message {
    /// `NFPROTO_*` from `struct nfgenmsg`.
    pub(super) family: u8,
    /// Attributes.
    pub(super) attrs: Vec<u8>,
}

/// Who answers dumps.
pub(super) trait Kernel {
    /// All objects that `NFT_MSG_GET*` number `message` lists for `family` (0: all) under `attrs`.
    fn dump(&self, message: u8, family: u8, attrs: &[u8]) -> io::Result<Vec<Message>>;
}

/// The kernel that runs this program.
pub(super) struct Running;

impl Kernel for Running {
    fn dump(&self, message: u8, family: u8, attrs: &[u8]) -> io::Result<Vec<Message>> {
        let mut found = Vec::new();
        for _ in 0..TRIES {
            found = Vec::new();
            if !dump_once(&request(message, family, attrs), &mut found)? {
                return Ok(found);
            }
        }
        // Somebody rewrites the ruleset all the time: what was seen last is the best there is.
        Ok(found)
    }
}

/// A dump that the ruleset changed under is asked for again this many times.
const TRIES: usize = 5;

/// Whether the dump was interrupted by a change.
fn dump_once(request: &[u8], found: &mut Vec<Message>) -> io::Result<bool> {
    let socket = Socket::new(NETLINK_NETFILTER)?;
    // The kernel answers at once or not at all.
    setsockopt(&socket.as_fd(), ReceiveTimeout, &TimeVal::seconds(5))?;
    socket.send(request, 0)?;
    let mut interrupted = false;
    loop {
        // A part of a dump is at most 32 KiB (netlink_dump, net/netlink/af_netlink.c).
        let mut part = Vec::with_capacity(1 << 16);
        socket.recv(&mut part, 0)?;
        if part.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match read_part(&part, found)? {
            Part { done: true, interrupted: last } => return Ok(interrupted || last),
            Part { interrupted: this, .. } => interrupted |= this,
        }
    }
}

/// What one datagram said besides its objects.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) done: bool,
    pub(super) interrupted: bool,
}

/// Takes the objects out of one datagram.
pub(super) fn read_part(mut part: &[u8], found: &mut Vec<Message>) -> io::Result<Part> {
    let mut interrupted = false;
    while let Some(len) = bytes::u32_at(part, 0) {
        let Some(message) = usize::try_from(len).ok().and_then(|len| part.get(HEADER..len)) else { break };
        let (kind, flags) = (bytes::u16_at(part, 4).unwrap_or(0), bytes::u16_at(part, 6).unwrap_or(0));
        interrupted |= flags & NLM_F_DUMP_INTR != 0;
        match kind {
            NLMSG_ERROR | NLMSG_DONE => {
                let errno = bytes::u32_at(message, 0).map_or(0, u32::cast_signed);
                if errno < 0 {
                    return Err(io::Error::from_raw_os_error(errno.wrapping_neg()));
                }
                return Ok(Part { done: true, interrupted });
            }
            _ if message.len() >= NFGENMSG => {
                found.push(Message { family: message[0], attrs: message[NFGENMSG..].to_vec() });
            }
            _ => {}
        }
        part = part.get((HEADER + message.len()).next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(Part { done: false, interrupted })
}

/// `struct nlmsghdr` and `struct nfgenmsg` before the attributes.
fn request(message: u8, family: u8, attrs: &[u8]) -> Vec<u8> {
    let len = u32::try_from(HEADER + NFGENMSG + attrs.len()).unwrap_or(u32::MAX);
    let mut bytes = len.to_ne_bytes().to_vec();
    bytes.extend(u16::from_be_bytes([NFNL_SUBSYS_NFTABLES, message]).to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    // Sequence and port number: one request a socket, nothing to tell apart.
    bytes.extend([0; 8]);
    bytes.extend([family, NFNETLINK_V0, 0, 0]);
    bytes.extend_from_slice(attrs);
    bytes
}

/// `sizeof(struct nlmsghdr)` (include/uapi/linux/netlink.h).
const HEADER: usize = 16;
/// `sizeof(struct nfgenmsg)` (include/uapi/linux/netfilter/nfnetlink.h).
const NFGENMSG: usize = 4;
const NFNL_SUBSYS_NFTABLES: u8 = 10;
const NFNETLINK_V0: u8 = 0;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_DUMP_INTR: u16 = 0x10;
