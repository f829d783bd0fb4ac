//! Lists nf_tables' objects by netlink (include/uapi/linux/netfilter/nf_tables.h, 6.18).

use std::io;

use super::{
    super::attrs::{Attrs, encode_text},
    data::{Data, Verdict},
    socket::{Dump, Message},
};

/// A table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Table {
    pub(super) family: u8,
    pub(super) name: String,
    pub(super) handle: u64,
}

/// A chain.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Chain {
    pub(super) name: String,
    pub(super) handle: u64,
    /// Hook number and priority of a base chain.
    pub(super) hook: Option<(u32, i32)>,
    /// `NF_DROP` 0 or `NF_ACCEPT` 1 of a base chain.
    pub(super) policy: Option<u32>,
}

/// A rule with its expressions still encoded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Rule {
    pub(super) handle: u64,
    /// `NFTA_LIST_ELEM`s.
    pub(super) expressions: Vec<u8>,
    /// The comment that user space stored with it.
    pub(super) comment: Option<String>,
}

/// A set or map.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Set {
    pub(super) name: String,
    /// `NFT_SET_*`.
    pub(super) flags: u32,
    /// Length of a key in bytes.
    pub(super) key_len: usize,
    /// User space's number for the type of a map's values.
    pub(super) data_type: u32,
}

impl Set {
    /// Returns whether `NFT_SET_ANONYMOUS` is set.
    pub(super) fn anonymous(&self) -> bool {
        self.flags & 0x1 != 0
    }

    /// Returns whether `NFT_SET_INTERVAL` is set.
    pub(super) fn interval(&self) -> bool {
        self.flags & 0x4 != 0
    }
}

/// An element of a set or map.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Element {
    pub(super) key: Vec<u8>,
    /// Upper end, in sets whose keys are concatenated ranges.
    pub(super) key_end: Option<Vec<u8>>,
    /// `NFT_SET_ELEM_INTERVAL_END`: the key is the first one after the interval.
    pub(super) interval_end: bool,
    /// `NFT_SET_ELEM_CATCHALL`: the element is `*`.
    pub(super) catchall: bool,
    /// The value of a map's element.
    pub(super) data: Option<Data>,
}

/// Returns all tables of all families.
pub(super) fn tables(kernel: &dyn Dump) -> io::Result<Vec<Table>> {
    Ok(kernel.dump(NFT_MSG_GETTABLE, 0, &[])?.iter().filter_map(table).collect())
}

/// Returns all chains of a table.
pub(super) fn chains(kernel: &dyn Dump, table: &Table) -> io::Result<Vec<Chain>> {
    // The kernel lists the chains of all tables of the family, whatever the request names.
    let all = kernel.dump(NFT_MSG_GETCHAIN, table.family, &[])?;
    let ours = |message: &&Message| Attrs(&message.attrs).text(1).as_ref() == Some(&table.name);
    Ok(all.iter().filter(ours).filter_map(|message| chain(Attrs(&message.attrs))).collect())
}

/// Returns the rules of a chain in order.
pub(super) fn rules(kernel: &dyn Dump, table: &Table, chain: &str) -> io::Result<Vec<Rule>> {
    let wanted = [encode_text(1, &table.name), encode_text(2, chain)].concat();
    let ours = |message: &&Message| {
        let attrs = Attrs(&message.attrs);
        attrs.text(1).as_ref() == Some(&table.name) && attrs.text(2).as_deref() == Some(chain)
    };
    Ok(kernel.dump(NFT_MSG_GETRULE, table.family, &wanted)?.iter().filter(ours).filter_map(rule).collect())
}

/// Returns all sets of a table, without their elements.
pub(super) fn sets(kernel: &dyn Dump, table: &Table) -> io::Result<Vec<Set>> {
    let all = kernel.dump(NFT_MSG_GETSET, table.family, &encode_text(1, &table.name))?;
    let ours = |message: &&Message| Attrs(&message.attrs).text(1).as_ref() == Some(&table.name);
    Ok(all.iter().filter(ours).filter_map(|message| set(Attrs(&message.attrs))).collect())
}

/// Returns the elements of a set, in the order in which the kernel lists them.
pub(super) fn elements(kernel: &dyn Dump, table: &Table, set: &str) -> io::Result<Vec<Element>> {
    let wanted = [encode_text(1, &table.name), encode_text(2, set)].concat();
    let parts = kernel.dump(NFT_MSG_GETSETELEM, table.family, &wanted)?;
    Ok(parts.iter().flat_map(|part| elements_in(Attrs(&part.attrs))).collect())
}

const NFT_MSG_GETTABLE: u8 = 1;
const NFT_MSG_GETCHAIN: u8 = 4;
const NFT_MSG_GETRULE: u8 = 7;
const NFT_MSG_GETSET: u8 = 10;
const NFT_MSG_GETSETELEM: u8 = 13;

fn table(message: &Message) -> Option<Table> {
    let attrs = Attrs(&message.attrs);
    Some(Table { family: message.family, name: attrs.text(1)?, handle: attrs.u64(4)? })
}

fn chain(attrs: Attrs<'_>) -> Option<Chain> {
    let hook = attrs.nested(4);
    Some(Chain {
        name: attrs.text(3)?,
        handle: attrs.u64(2)?,
        hook: hook.u32(1).zip(hook.u32(2).map(u32::cast_signed)),
        policy: attrs.u32(5),
    })
}

fn rule(message: &Message) -> Option<Rule> {
    let attrs = Attrs(&message.attrs);
    let expressions = attrs.get(4).unwrap_or_default().to_vec();
    Some(Rule { handle: attrs.u64(3)?, expressions, comment: attrs.get(7).and_then(comment) })
}

/// Returns the comment in user space's own notes: type, length, value; type 0 (`NFTNL_UDATA_RULE_COMMENT`) is the
/// comment.
fn comment(mut udata: &[u8]) -> Option<String> {
    while let [kind, len, rest @ ..] = udata {
        let value = rest.get(..usize::from(*len))?;
        if *kind == 0 {
            return Some(super::super::bytes::text(value));
        }
        udata = &rest[value.len()..];
    }
    None
}

fn set(attrs: Attrs<'_>) -> Option<Set> {
    let key_len = attrs.u32(5).and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
    Some(Set { name: attrs.text(2)?, flags: attrs.u32(3).unwrap_or(0), key_len, data_type: attrs.u32(6).unwrap_or(0) })
}

fn elements_in(list: Attrs<'_>) -> Vec<Element> {
    list.nested(3).iter().map(|(_, element)| self::element(Attrs(element))).collect()
}

fn element(attrs: Attrs<'_>) -> Element {
    let flags = attrs.u32(3).unwrap_or(0);
    let key = |kind| attrs.nested(kind).get(1).map(<[u8]>::to_vec);
    Element {
        key: key(1).unwrap_or_default(),
        key_end: key(10),
        interval_end: flags & 0x1 != 0,
        catchall: flags & 0x2 != 0,
        data: attrs.get(2).map(|data| Data::decode(Attrs(data))),
    }
}

impl Element {
    /// Returns the verdict of a verdict map's element.
    pub(super) fn verdict(&self) -> Option<&Verdict> {
        match &self.data {
            Some(Data::Verdict(verdict)) => Some(verdict),
            _ => None,
        }
    }
}
