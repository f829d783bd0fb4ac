//! Sends questions to the kernel over netlink, in the calling thread's netns.

use std::{io, os::fd::AsFd as _};

use bytes::Buf as _;
use netlink_packet_core::{
    Emitable as _, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_MULTIPART, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_OVERRUN,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};
use nix::sys::{
    socket::{setsockopt, sockopt::ReceiveTimeout},
    time::{TimeVal, TimeValLike as _},
};
use zeroize::Zeroizing;

/// Asks for one object or, with `dump`, for all, and returns what `read` makes of each answer. `read` gets the answers
/// without their netlink header. The answers are wiped afterwards, because some hold secrets that nobody asked for.
pub(super) fn ask<T>(question: &Question<'_>, read: impl Fn(&[u8]) -> T) -> io::Result<Vec<T>> {
    ask_until_whole(question, false, read)
}

/// Like [`ask`], but the kernel filters a dump by the objects that the question describes (`NETLINK_GET_STRICT_CHK`,
/// since 4.20).
pub(super) fn ask_strictly<T>(question: &Question<'_>, read: impl Fn(&[u8]) -> T) -> io::Result<Vec<T>> {
    ask_until_whole(question, true, read)
}

/// Like [`ask`], with a question about devices, addresses, routes and the like.
pub(super) fn ask_route<T>(message: &RouteNetlinkMessage, dump: bool, read: impl Fn(&[u8]) -> T) -> io::Result<Vec<T>> {
    let mut body = vec![0; message.buffer_len()];
    message.emit(&mut body);
    ask(&Question { protocol: NETLINK_ROUTE, kind: message.message_type(), dump, body: &body }, read)
}

fn ask_until_whole<T>(question: &Question<'_>, strict: bool, read: impl Fn(&[u8]) -> T) -> io::Result<Vec<T>> {
    let mut found = Vec::new();
    for _ in 0..TRIES {
        found.clear();
        if !ask_once(question, strict, &mut |answer| found.push(read(answer)))? {
            return Ok(found);
        }
    }
    // The objects keep changing: the last dump is the best available.
    Ok(found)
}

/// One question to the kernel.
pub(super) struct Question<'a> {
    /// `NETLINK_*`.
    pub(super) protocol: isize,
    /// `nlmsg_type`.
    pub(super) kind: u16,
    /// Whether to ask for all objects instead of one.
    pub(super) dump: bool,
    /// The message after the netlink header.
    pub(super) body: &'a [u8],
}

/// How many times a dump is tried if changes interrupt it.
const TRIES: usize = 5;

/// Asks once, and returns whether a change interrupted the dump.
fn ask_once(question: &Question<'_>, strict: bool, each: &mut impl FnMut(&[u8])) -> io::Result<bool> {
    let socket = Socket::new(question.protocol)?;
    if strict {
        socket.set_netlink_get_strict_chk(true)?;
    }
    // The kernel answers at once or not at all. The ring buffer is not read while this waits.
    setsockopt(&socket.as_fd(), ReceiveTimeout, &TimeVal::seconds(2))?;
    socket.send(&request(question), 0)?;
    let mut interrupted = false;
    // A part of a dump is at most 32 KiB (netlink_dump, net/netlink/af_netlink.c).
    let mut part = Zeroizing::new(Vec::with_capacity(1 << 16));
    loop {
        part.clear();
        socket.recv(&mut *part, 0)?;
        if part.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let read = read_part(&part, question.dump, each)?;
        interrupted |= read.interrupted;
        if read.done {
            return Ok(interrupted);
        }
    }
}

/// What one datagram reports besides its objects.
#[derive(Debug, Eq, PartialEq)]
struct Part {
    done: bool,
    interrupted: bool,
}

/// Passes each object of one datagram to `each`. Only a dump has several: conntrack says `NLM_F_MULTI` with the one entry
/// that was asked for, too (`ctnetlink_fill_info`, net/netfilter/nf_conntrack_netlink.c), and no end follows.
fn read_part(mut part: &[u8], dump: bool, each: &mut impl FnMut(&[u8])) -> io::Result<Part> {
    let mut interrupted = false;
    while let Some(Header { len, kind, flags }) = header(part) {
        let Some(mut body) = usize::try_from(len).ok().and_then(|len| part.get(HEADER..len)) else { break };
        interrupted |= flags & NLM_F_DUMP_INTR != 0;
        match kind {
            NLMSG_ERROR | NLMSG_DONE => {
                let errno = body.try_get_i32_ne().unwrap_or(0);
                if errno < 0 {
                    return Err(io::Error::from_raw_os_error(errno.wrapping_neg()));
                }
                return Ok(Part { done: true, interrupted });
            }
            NLMSG_OVERRUN => return Err(io::Error::other("answers were lost")),
            _ => each(body),
        }
        if !dump || flags & NLM_F_MULTIPART == 0 {
            return Ok(Part { done: true, interrupted });
        }
        part = part.get((HEADER + body.len()).next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(Part { done: false, interrupted })
}

/// The start of `struct nlmsghdr` (include/uapi/linux/netlink.h).
struct Header {
    len: u32,
    kind: u16,
    flags: u16,
}

fn header(mut part: &[u8]) -> Option<Header> {
    let len = part.try_get_u32_ne().ok()?;
    Some(Header { len, kind: part.try_get_u16_ne().ok()?, flags: part.try_get_u16_ne().ok()? })
}

fn request(question: &Question<'_>) -> Vec<u8> {
    let len = u32::try_from(HEADER + question.body.len()).unwrap_or(u32::MAX);
    let mut bytes = len.to_ne_bytes().to_vec();
    bytes.extend(question.kind.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | if question.dump { NLM_F_DUMP } else { 0 }).to_ne_bytes());
    // Sequence number and port id are zero: a socket carries one request, so nothing needs to be distinguished.
    bytes.extend([0; 8]);
    bytes.extend_from_slice(question.body);
    bytes
}

/// `sizeof(struct nlmsghdr)`.
const HEADER: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(HEADER + body.len()).unwrap_or_default().to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend_from_slice(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn read(part: &[u8]) -> (Vec<Vec<u8>>, io::Result<Part>) {
        let mut found = Vec::new();
        let part = read_part(part, true, &mut |body| found.push(body.to_vec()));
        (found, part)
    }

    #[test]
    fn one_answer_is_all_there_is_unless_it_is_said_that_more_come() {
        let (found, part) = read(&message(24, 0, b"abc"));
        assert_eq!((found, part.ok()), (vec![b"abc".to_vec()], Some(Part { done: true, interrupted: false })));

        let two = [message(24, NLM_F_MULTIPART, b"abc"), message(24, NLM_F_MULTIPART | NLM_F_DUMP_INTR, b"d")].concat();
        let (found, part) = read(&two);
        assert_eq!(found, [b"abc".to_vec(), b"d".to_vec()]);
        assert_eq!(part.ok(), Some(Part { done: false, interrupted: true }));

        let (found, part) = read(&message(NLMSG_DONE, NLM_F_MULTIPART, &[0; 4]));
        assert_eq!((found.len(), part.ok()), (0, Some(Part { done: true, interrupted: false })));
    }

    #[test]
    fn one_object_that_was_asked_for_is_all_there_is() {
        let mut found = 0;
        let part = read_part(&message(24, NLM_F_MULTIPART, b"abc"), false, &mut |_| found += 1);
        assert_eq!((found, part.ok()), (1, Some(Part { done: true, interrupted: false })));
    }

    #[test]
    fn errors_are_errors_and_garbage_ends_quietly() {
        let refused = message(NLMSG_ERROR, 0, &(-libc::ENETUNREACH).to_ne_bytes());
        assert_eq!(read(&refused).1.map_err(|error| error.raw_os_error()), Err(Some(libc::ENETUNREACH)));
        for garbage in [&b""[..], b"ab", &[0; 16], &[0xff; 64]] {
            assert_eq!(read(garbage).1.ok(), Some(Part { done: false, interrupted: false }), "{garbage:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let (found, _) = read(&bytes);
            prop_assert!(found.iter().map(Vec::len).sum::<usize>() <= bytes.len());
        }
    }
}
