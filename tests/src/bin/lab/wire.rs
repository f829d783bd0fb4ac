//! Sends one hand-made frame that no socket would send.

use std::{mem, net::IpAddr, os::fd::AsRawFd as _};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use nix::{
    errno::Errno,
    net::if_::if_nametoindex,
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};

#[derive(Args)]
pub struct Wire {
    /// Device to send on
    device: String,
    /// MAC address to send to
    mac: String,
    /// Source address
    src: IpAddr,
    /// Destination address
    dst: IpAddr,
    /// Destination port
    port: u16,
    /// A TCP SYN instead of a UDP datagram
    #[arg(long)]
    tcp: bool,
    /// TTL or hop limit
    #[arg(long, default_value_t = 64)]
    ttl: u8,
    /// Bytes of payload
    #[arg(long, default_value_t = 64, value_name = "BYTES")]
    size: u16,
    /// Forbid routers to fragment it, by IPv4's DF
    #[arg(long)]
    dont_fragment: bool,
    /// Say that more fragments follow, which never do; a multiple of 8 bytes must be in this one
    #[arg(long)]
    first_fragment: bool,
    /// Field that is wrong
    #[arg(long)]
    wrong: Option<Field>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Field {
    /// IPv4's own checksum
    Header,
    /// TCP's or UDP's checksum
    Transport,
    /// The IP version, which is 0 then
    Version,
}

/// Builds the frame and sends it.
pub fn send(args: &Wire) -> Result<()> {
    let index = if_nametoindex(args.device.as_str()).with_context(|| format!("no device {}", args.device))?;
    let frame = args.frame()?;
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
    let to = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET)?,
        sll_protocol: u16::from_be_bytes([frame[12], frame[13]]).to_be(),
        sll_ifindex: i32::try_from(index)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let size = u32::try_from(mem::size_of_val(&to))?;
    // SAFETY: frame and address live until the call returns, and the sizes are theirs.
    let sent = unsafe {
        libc::sendto(socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0, (&raw const to).cast(), size)
    };
    Errno::result(sent).map(drop).with_context(|| format!("sending on {}", args.device))
}

impl Wire {
    fn frame(&self) -> Result<Vec<u8>> {
        let transport = self.transport()?;
        let (kind, packet) = match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let flags = if self.first_fragment { 0x2000 } else { u16::from(self.dont_fragment) << 14 };
                let mut header = vec![0x45, 0];
                header.extend(u16::try_from(20 + transport.len())?.to_be_bytes());
                header.extend([0x12, 0x34]);
                header.extend(u16::to_be_bytes(flags));
                header.extend([self.ttl, self.protocol(), 0, 0]);
                header.extend([src.octets(), dst.octets()].concat());
                let sum = self.checksum(Field::Header, &header);
                header[10..12].copy_from_slice(&sum);
                (0x0800_u16, [header, transport].concat())
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let fragment =
                    if self.first_fragment { vec![self.protocol(), 0, 0, 1, 0, 0, 0x12, 0x34] } else { vec![] };
                let next = if self.first_fragment { FRAGMENT } else { self.protocol() };
                let mut header = vec![0x60, 0, 0, 0];
                header.extend(u16::try_from(fragment.len() + transport.len())?.to_be_bytes());
                header.extend([next, self.ttl]);
                header.extend([src.octets(), dst.octets()].concat());
                (0x86dd, [header, fragment, transport].concat())
            }
            _ => bail!("{} and {} are of two families", self.src, self.dst),
        };
        let packet = if self.wrong == Some(Field::Version) { without_version(packet) } else { packet };
        let to = self.mac.split(':').map(|byte| u8::from_str_radix(byte, 16)).collect::<Result<Vec<_>, _>>()?;
        Ok([&to, &FROM[..], &kind.to_be_bytes(), &packet].concat())
    }

    fn protocol(&self) -> u8 {
        if self.tcp { TCP } else { UDP }
    }

    fn transport(&self) -> Result<Vec<u8>> {
        let mut header = [FROM_PORT.to_be_bytes(), self.port.to_be_bytes()].concat();
        let at = if self.tcp {
            // Sequence number, acknowledgement, data offset of 20 bytes with SYN, window, checksum, urgent pointer.
            header.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]);
            16
        } else {
            header.extend((8 + self.size).to_be_bytes());
            header.extend([0, 0]);
            header.extend(vec![0; self.size.into()]);
            6
        };
        let octets = |addr| match addr {
            IpAddr::V4(addr) => addr.octets().to_vec(),
            IpAddr::V6(addr) => addr.octets().to_vec(),
        };
        let pseudo = [octets(self.src), octets(self.dst), vec![0, self.protocol()]].concat();
        let length = u16::try_from(header.len())?.to_be_bytes();
        let sum = self.checksum(Field::Transport, &[&pseudo, &length[..], &header].concat());
        header[at..at + 2].copy_from_slice(&sum);
        Ok(header)
    }

    /// Returns the Internet checksum (RFC 1071), or a wrong one if that was requested.
    fn checksum(&self, which: Field, bytes: &[u8]) -> [u8; 2] {
        let words = bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)));
        let mut sum: u64 = words.sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        let [high, low] = u16::try_from(!sum & 0xffff).unwrap_or(0).to_be_bytes();
        if self.wrong == Some(which) { [high ^ 0x55, low] } else { [high, low] }
    }
}

fn without_version(mut packet: Vec<u8>) -> Vec<u8> {
    packet[0] &= 0xf;
    packet
}

/// Source MAC address of all frames. No device has it.
const FROM: [u8; 6] = [0x02, 0, 0, 0, 0, 0x77];
const FROM_PORT: u16 = 40_000;
const TCP: u8 = 6;
const UDP: u8 = 17;
const FRAGMENT: u8 = 44;
