//! Reads tables by the socket options of `ip_tables` (include/uapi/linux/netfilter_ipv4/ip_tables.h, 6.18), in the
//! calling thread's netns.

use std::{
    fs, io,
    os::fd::{AsRawFd as _, OwnedFd},
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::super::bytes;
use crate::model::NfFamily;

/// A table's entries and where its base chains begin and end.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Raw {
    /// Bit n is set if hook n has a base chain.
    pub(super) valid_hooks: u32,
    /// Offset of the first entry of each base chain, by hook.
    pub(super) hook_entry: [u32; 5],
    /// Offset of the policy entry of each base chain, by hook.
    pub(super) underflow: [u32; 5],
    /// `struct ipt_entry` or `ip6t_entry`, one after the other.
    pub(super) entries: Vec<u8>,
}

/// Returns the names of the tables that are registered in this netns. Asking for any other table would make the kernel
/// load or register it (`xt_request_find_table_lock`, net/netfilter/x_tables.c).
pub(super) fn loaded(family: NfFamily) -> Vec<String> {
    let file = match family {
        NfFamily::Ip => "/proc/thread-self/net/ip_tables_names",
        NfFamily::Ip6 => "/proc/thread-self/net/ip6_tables_names",
        _ => return Vec::new(),
    };
    // Without this file, the module is not loaded and there are no tables.
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Reads a registered table.
pub(super) fn read(family: NfFamily, table: &str) -> io::Result<Raw> {
    let (domain, level) = match family {
        NfFamily::Ip6 => (AddressFamily::Inet6, libc::IPPROTO_IPV6),
        _ => (AddressFamily::Inet, libc::IPPROTO_IP),
    };
    let socket = socket(domain, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    for _ in 0..TRIES {
        match read_once(&socket, level, table) {
            // The table changed between reading its size and its entries.
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {}
            result => return result,
        }
    }
    Err(io::Error::other("it keeps changing"))
}

const TRIES: usize = 5;

fn read_once(socket: &OwnedFd, level: i32, table: &str) -> io::Result<Raw> {
    let short = || io::Error::other("the kernel's answer is too short");
    let mut name = table.as_bytes().to_vec();
    if name.len() >= XT_TABLE_MAXNAMELEN {
        return Err(io::ErrorKind::NotFound.into());
    }
    name.resize(XT_TABLE_MAXNAMELEN, 0);

    // struct ipt_getinfo: name, valid_hooks, hook_entry, underflow, num_entries, size
    let mut info = name.clone();
    info.resize(84, 0);
    get(socket, level, IPT_SO_GET_INFO, &mut info)?;
    let word = |index: usize| bytes::u32_at(&info, XT_TABLE_MAXNAMELEN + 4 * index).ok_or_else(short);
    let words = |first: usize| -> io::Result<[u32; 5]> {
        Ok([word(first)?, word(first + 1)?, word(first + 2)?, word(first + 3)?, word(first + 4)?])
    };
    let size = word(12)?;

    // struct ipt_get_entries: name, size, padding to 8 bytes, entries
    let mut entries = name;
    entries.extend(size.to_ne_bytes());
    entries.resize(ENTRIES + usize::try_from(size).map_err(io::Error::other)?, 0);
    get(socket, level, IPT_SO_GET_ENTRIES, &mut entries)?;
    Ok(Raw { valid_hooks: word(0)?, hook_entry: words(1)?, underflow: words(6)?, entries: entries.split_off(ENTRIES) })
}

const XT_TABLE_MAXNAMELEN: usize = 32;
/// `offsetof(struct ipt_get_entries, entrytable)`.
const ENTRIES: usize = 40;
/// The same numbers in both families (`IP6T_SO_GET_*`).
const IPT_SO_GET_INFO: i32 = 64;
const IPT_SO_GET_ENTRIES: i32 = 65;

/// Calls `getsockopt` with `data`, which begins with the request and receives the answer.
fn get(socket: &OwnedFd, level: i32, option: i32, data: &mut [u8]) -> io::Result<()> {
    let mut len = libc::socklen_t::try_from(data.len()).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `len` bytes, which `data` has.
    let result = unsafe { libc::getsockopt(socket.as_raw_fd(), level, option, data.as_mut_ptr().cast(), &raw mut len) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
