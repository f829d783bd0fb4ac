//! TCP connections that an end has closed: a segment that arrives at that end later is no loss.

use super::recent::Recent;
use crate::model::{Direction, Drop, Step, TcpFlags};

/// Which ends of each flow have closed.
pub struct Closed {
    ends: Recent<u64, Ends>,
}

/// The packets that closed the end that opened the connection (`client`) and the end that accepted it (`server`).
#[derive(Clone, Copy, Default)]
struct Ends {
    client: Option<u64>,
    server: Option<u64>,
}

impl Closed {
    /// Creates a map that holds at most `most` flows (minimum 2).
    pub fn new(most: usize) -> Self {
        Self { ends: Recent::new(most) }
    }

    /// Records what a packet closes, when it is first seen. A FIN closes the end that sends it, a RST closes both.
    pub fn note(&mut self, packet: u64, flow: u64, direction: Direction, flags: Option<TcpFlags>) {
        let Some(flags) = flags else { return };
        if flags.opens() {
            self.ends.remove(&flow);
        } else if flags.0 & (FIN | RST) != 0 {
            let ends = self.ends.get_or_insert(flow, Ends::default);
            let reset = flags.0 & RST != 0;
            if reset || direction == Direction::Orig {
                ends.client.get_or_insert(packet);
            }
            if reset || direction == Direction::Reply {
                ends.server.get_or_insert(packet);
            }
            drop(self.ends.forgotten());
        }
    }

    /// Whether a dropped segment arrived at an end that had closed before.
    pub fn outlived_by(&mut self, step: &Step, drop: &Drop) -> bool {
        let Some(flags) = step.tcp_flags.filter(|flags| flags.0 & SYN == 0) else { return false };
        let Some(&ends) = self.ends.get(&step.flow).as_deref() else { return false };
        let receiver = if step.direction == Direction::Orig { ends.server } else { ends.client };
        let last = flags.0 & (FIN | RST) != 0 || ends.client.is_some() && ends.server.is_some();
        receiver.is_some_and(|by| by != step.packet)
            && RECEIVE.contains(&drop.function())
            && (GONE.contains(&drop.reason.as_str()) || (last && UNSAID.contains(&drop.reason.as_str())))
    }
}

/// Functions in which TCP looks up the socket and its state (`net/ipv4/tcp_ipv4.c`, `tcp_input.c`).
const RECEIVE: &[&str] =
    &["tcp_v4_rcv", "tcp_v6_rcv", "tcp_v4_do_rcv", "tcp_v6_do_rcv", "tcp_rcv_state_process", "tcp_child_process"];
/// Reasons for a segment of a connection that no longer exists. Some kernels report wrong flags when a listener
/// gets one.
const GONE: &[&str] = &["NO_SOCKET", "TCP_CLOSE", "TCP_FLAGS"];
/// Reasons that explain nothing; 5.10 gives no others. There, segments that TIME_WAIT has answered and segments
/// with a wrong checksum end alike. These reasons therefore count only for segments that close, or that arrive
/// after both ends have closed.
const UNSAID: &[&str] = &["", "UNKNOWN", "NOT_SPECIFIED"];
/// `include/net/tcp.h`
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;

#[cfg(test)]
mod tests;
