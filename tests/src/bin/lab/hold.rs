//! Sockets that nobody serves, so that their queues fill up.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd},
};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, accept, bind, listen, setsockopt, socket,
        sockopt::{RcvBuf, ReuseAddr},
    },
    unistd::pause,
};

#[derive(Args)]
pub struct Hold {
    /// Protocol of the socket
    #[arg(value_enum)]
    proto: Proto,
    /// Port that it is bound to, for both families
    port: u16,
    /// TCP: connections that may wait to be accepted
    #[arg(long, default_value_t = 16, value_name = "N")]
    backlog: i32,
    /// TCP: accepts connections, but never reads from them
    #[arg(long)]
    accept: bool,
    /// `SO_RCVBUF`
    #[arg(long, value_name = "BYTES")]
    receive_buffer: Option<usize>,
    /// Attaches a classic BPF filter that takes no packet (`SO_ATTACH_FILTER`)
    #[arg(long)]
    deny: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Proto {
    Tcp,
    Udp,
}

/// Holds the socket until killed.
pub fn hold(args: &Hold) -> Result<()> {
    let socket = bound(args)?;
    if matches!(args.proto, Proto::Tcp) {
        listen(&socket, Backlog::new(args.backlog)?).context("listening")?;
    }
    println!("ready");
    loop {
        if args.accept {
            let accepted = accept(socket.as_raw_fd()).context("accepting")?;
            // SAFETY: the kernel has just opened it, and it stays open until this process ends.
            let accepted = unsafe { BorrowedFd::borrow_raw(accepted) };
            shrink(&accepted, args.receive_buffer)?;
        } else {
            pause();
        }
    }
}

fn bound(args: &Hold) -> Result<OwnedFd> {
    let kind = if matches!(args.proto, Proto::Tcp) { SockType::Stream } else { SockType::Datagram };
    // A socket bound to `::` takes IPv4 too. If IPv6 is off, only IPv4 is left.
    let (socket, addr) = match socket(AddressFamily::Inet6, kind, SockFlag::SOCK_CLOEXEC, None) {
        Ok(socket) => (socket, Ipv6Addr::UNSPECIFIED.into()),
        Err(_) => (socket(AddressFamily::Inet, kind, SockFlag::SOCK_CLOEXEC, None)?, Ipv4Addr::UNSPECIFIED.into()),
    };
    setsockopt(&socket, ReuseAddr, &true)?;
    // With `accept`, a small buffer of the listener would limit the window that connections begin with, and nothing
    // would overrun.
    if !args.accept {
        shrink(&socket, args.receive_buffer)?;
    }
    if args.deny {
        deny(socket.as_fd())?;
    }
    bind(socket.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(addr, args.port)))
        .with_context(|| format!("binding port {}", args.port))?;
    Ok(socket)
}

fn shrink(socket: &impl AsFd, bytes: Option<usize>) -> Result<()> {
    bytes.map_or(Ok(()), |bytes| setsockopt(socket, RcvBuf, &bytes)).context("setting the receive buffer")
}

/// Attaches a classic BPF filter that accepts nothing. nix does not support classic filters.
fn deny(socket: BorrowedFd<'_>) -> Result<()> {
    const BPF_RET_K: u16 = 0x06;
    let mut nothing = [libc::sock_filter { code: BPF_RET_K, jt: 0, jf: 0, k: 0 }];
    let program = libc::sock_fprog { len: 1, filter: nothing.as_mut_ptr() };
    let size = libc::socklen_t::try_from(size_of::<libc::sock_fprog>())?;
    // SAFETY: the program and its one instruction outlive the call, which copies them.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size,
        )
    };
    Errno::result(set).context("attaching the filter")?;
    Ok(())
}
