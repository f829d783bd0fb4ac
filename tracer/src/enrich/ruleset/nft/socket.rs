//! Dumps objects over a netfilter netlink socket of the calling thread's netns.

use std::io;

use netlink_sys::protocols::NETLINK_NETFILTER;

use crate::enrich::netlink::{Question, ask};

/// One object of a dump.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Message {
    /// `NFPROTO_*` from `struct nfgenmsg`.
    pub(super) family: u8,
    /// Attributes.
    pub(super) attrs: Vec<u8>,
}

/// Answers dumps: the running kernel, or a recording in tests.
pub(super) trait Dump {
    /// Returns all objects that `NFT_MSG_GET*` number `message` lists for `family` (0: all) under `attrs`.
    fn dump(&self, message: u8, family: u8, attrs: &[u8]) -> io::Result<Vec<Message>>;
}

/// The kernel that runs this program.
pub(super) struct Running;

impl Dump for Running {
    fn dump(&self, message: u8, family: u8, attrs: &[u8]) -> io::Result<Vec<Message>> {
        let kind = u16::from_be_bytes([NFNL_SUBSYS_NFTABLES, message]);
        let body = [&[family, NFNETLINK_V0, 0, 0], attrs].concat();
        let found = ask(&Question { protocol: NETLINK_NETFILTER, kind, dump: true, body: &body }, object)?;
        Ok(found.into_iter().flatten().collect())
    }
}

fn object(answer: &[u8]) -> Option<Message> {
    let attrs = answer.get(NFGENMSG..)?.to_vec();
    Some(Message { family: answer[0], attrs })
}

/// `sizeof(struct nfgenmsg)` (include/uapi/linux/netfilter/nfnetlink.h).
const NFGENMSG: usize = 4;
const NFNL_SUBSYS_NFTABLES: u8 = 10;
const NFNETLINK_V0: u8 = 0;
