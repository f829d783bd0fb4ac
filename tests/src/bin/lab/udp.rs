//! A UDP server that echoes and a UDP client that only sends.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use anyhow::{Context as _, Result};
use clap::Args;

#[derive(Args)]
pub struct Listen {
    /// Port to listen on
    port: u16,
    /// Address to listen on; both families where none is given
    #[arg(long, value_name = "ADDR")]
    bind: Option<IpAddr>,
    /// Take datagrams and send nothing back
    #[arg(long)]
    silent: bool,
}

#[derive(Args)]
pub struct Send {
    /// Address to send to
    addr: IpAddr,
    /// Port to send to
    port: u16,
    /// Datagrams to send
    #[arg(long, default_value_t = 1, value_name = "N")]
    count: u32,
    /// Bytes of payload in each
    #[arg(long, default_value_t = 64, value_name = "BYTES")]
    size: usize,
    /// Source address
    #[arg(long, value_name = "ADDR")]
    bind: Option<IpAddr>,
}

/// Receives until killed, and echoes unless `silent` is set.
pub fn listen(args: &Listen) -> Result<()> {
    let socket = match args.bind {
        Some(addr) => UdpSocket::bind((addr, args.port)),
        None => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, args.port))
            .or_else(|_| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, args.port))),
    }
    .with_context(|| format!("binding port {}", args.port))?;
    println!("ready");
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // A failed receive reports an ICMP error for an earlier answer. There is nothing to do about it.
        if let Ok((length, from)) = socket.recv_from(&mut buffer)
            && !args.silent
        {
            let _ = socket.send_to(&buffer[..length], from);
        }
    }
}

/// Sends all datagrams and prints how many the kernel accepted.
pub fn send(args: &Send) -> Result<()> {
    let socket = open(args.addr, args.bind)?;
    let payload = vec![0; args.size];
    let taken = (0..args.count).filter(|_| socket.send_to(&payload, (args.addr, args.port)).is_ok()).count();
    println!("SENT {taken}");
    Ok(())
}

/// Opens a socket that can send to `addr`.
pub fn open(addr: IpAddr, bind: Option<IpAddr>) -> Result<UdpSocket> {
    let any = if addr.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let source: IpAddr = bind.unwrap_or(any);
    UdpSocket::bind((source, 0)).with_context(|| format!("binding to {source}"))
}
