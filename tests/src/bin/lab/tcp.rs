//! A TCP server and a TCP client that exchange one word.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd as _,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use nix::{
    errno::Errno,
    sys::{
        socket::{
            AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect as connect_socket, setsockopt, socket,
            sockopt::{ReceiveTimeout, SendTimeout},
        },
        time::TimeVal,
    },
};

#[derive(Args)]
pub struct Listen {
    /// Port to listen on
    port: u16,
    /// Address to listen on; both families where none is given
    #[arg(long, value_name = "ADDR")]
    bind: Option<IpAddr>,
}

#[derive(Args)]
pub struct Connect {
    /// Address to connect to
    addr: IpAddr,
    /// Port to connect to
    port: u16,
    /// How long to wait for the connection, and again for the answer
    #[arg(long, default_value = "2s", value_parser = crate::duration)]
    timeout: Duration,
    /// Source address
    #[arg(long, value_name = "ADDR")]
    bind: Option<IpAddr>,
    /// Connections to make one after the other; the first that fails ends it
    #[arg(long, default_value_t = 1, value_name = "N")]
    attempts: u32,
    /// Connections to have open at once in each attempt
    #[arg(long, default_value_t = 1, value_name = "N")]
    parallel: u32,
    /// Let one connection at a time speak and close, while all are open
    #[arg(long)]
    in_turn: bool,
    /// Bytes to send in each
    #[arg(long, default_value_t = 4, value_name = "BYTES")]
    size: usize,
}

/// Serves until killed.
pub fn listen(args: &Listen) -> Result<()> {
    let listener = match args.bind {
        Some(addr) => TcpListener::bind((addr, args.port)),
        // A socket bound to `::` takes IPv4 too. If IPv6 is off, only IPv4 is left.
        None => TcpListener::bind((Ipv6Addr::UNSPECIFIED, args.port))
            .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, args.port))),
    }
    .with_context(|| format!("listening on port {}", args.port))?;
    println!("ready");
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve(stream));
    }
    Ok(())
}

/// Connects as often as requested, and prints how each attempt went and from which ports.
pub fn connect(args: &Connect) -> Result<()> {
    let mut payload = b"ping".to_vec();
    payload.resize(args.size, 0);
    for _ in 0..args.attempts {
        let open = || open(SocketAddr::new(args.addr, args.port), args.bind, args.timeout);
        let mut streams = (0..args.parallel).map(|_| open()).collect::<Result<Vec<_>>>()?;
        println!("CONNECTED");
        for stream in streams.iter_mut().filter(|_| !args.in_turn) {
            stream.write_all(&payload).context("sending")?;
        }
        for stream in &mut streams {
            if args.in_turn {
                stream.write_all(&payload).context("sending")?;
            }
            let mut answer = [0; 64];
            let length = stream.read(&mut answer).context("connected, but no answer came")?;
            let port = stream.local_addr().context("asking for the local port")?.port();
            println!("REPLY {} FROM {port}", String::from_utf8_lossy(&answer[..length]));
        }
        for stream in streams.iter_mut().filter(|_| args.in_turn) {
            stream.shutdown(Shutdown::Write).context("closing")?;
            while stream.read(&mut [0; 64]).context("waiting for the other end to close")? > 0 {}
        }
    }
    Ok(())
}

/// Opens a connected socket. Its reads and writes also give up after `timeout`.
pub fn open(to: SocketAddr, bind_to: Option<IpAddr>, timeout: Duration) -> Result<TcpStream> {
    let family = if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).context("making a socket")?;
    // The kernel gives up on connect(2) after the send timeout, so no polling is needed.
    let limit = TimeVal::new(timeout.as_secs().try_into()?, timeout.subsec_micros().into());
    setsockopt(&socket, SendTimeout, &limit).context("setting the timeout")?;
    setsockopt(&socket, ReceiveTimeout, &limit).context("setting the timeout")?;
    if let Some(addr) = bind_to {
        bind(socket.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(addr, 0)))
            .with_context(|| format!("binding to {addr}"))?;
    }
    match connect_socket(socket.as_raw_fd(), &SockaddrStorage::from(to)) {
        Ok(()) => Ok(socket.into()),
        Err(Errno::EINPROGRESS | Errno::EAGAIN) => bail!("connect to {to}: timed out after {timeout:?}"),
        Err(Errno::ECONNREFUSED) => bail!("connect to {to}: connection refused"),
        Err(error) => bail!("connect to {to}: {}", error.desc()),
    }
}

/// Answers the first data with `pong`, then discards everything until the client is done.
fn serve(mut stream: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    let mut answered = false;
    while let Ok(1..) = stream.read(&mut buffer) {
        if !answered && stream.write_all(b"pong").is_err() {
            return;
        }
        answered = true;
    }
}
