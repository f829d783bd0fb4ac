//! Heavy traffic. It always ends by itself, after the given time or the given amount.

use std::{
    io::Write as _,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{tcp, udp};

#[derive(Args)]
pub struct Flood {
    /// TCP: one connection that sends all it can; UDP: datagrams one after the other
    #[arg(value_enum)]
    proto: Proto,
    /// Address to send to
    addr: IpAddr,
    /// Port to send to
    port: u16,
    /// When to stop at the latest
    #[arg(long, default_value = "2s", value_parser = crate::duration)]
    time: Duration,
    /// Writes, or datagrams, to stop after at the latest
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    count: u32,
    /// Bytes in each
    #[arg(long, default_value_t = 1200, value_name = "BYTES")]
    size: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Proto {
    Tcp,
    Udp,
}

/// Sends until time or amount is used up, and prints how much was sent.
pub fn flood(args: &Flood) -> Result<()> {
    let end = Instant::now() + args.time;
    let payload = vec![0; args.size];
    let to = SocketAddr::new(args.addr, args.port);
    let mut send: Box<dyn FnMut() -> bool> = match args.proto {
        Proto::Tcp => {
            let mut stream = tcp::open(to, None, args.time)?;
            Box::new(move || stream.write_all(&payload).is_ok())
        }
        Proto::Udp => {
            let socket = udp::open(args.addr, None)?;
            Box::new(move || socket.send_to(&payload, to).is_ok())
        }
    };
    let sent = (0..args.count).take_while(|_| Instant::now() < end).filter(|_| send()).count();
    println!("SENT {sent}");
    Ok(())
}
