//! TCP connections that an end has closed: a segment that comes to that end later is no loss.

use super::recent::Recent;
use crate::model::{Direction, Drop, Step, TcpFlags};

/// Which ends of each flow have closed.
pub struct Closed {
    ends: Recent<u64, Ends>,
}

/// Who opened the connection, and who took it: the packet that closed that end.
#[derive(Clone, Copy, Default)]
struct Ends {
    client: Option<u64>,
    server: Option<u64>,
}

impl Closed {
    /// Remembers so many flows at most.
    pub fn new(most: usize) -> Self {
        Self { ends: Recent::new(most) }
    }

    /// A packet of a flow is seen for the first time. A FIN closes the end that sends it, a RST both.
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

    /// Whether a dropped segment came to an end that had closed before.
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

/// Where TCP looks for the socket and its state (`net/ipv4/tcp_ipv4.c`, `tcp_input.c`).
const RECEIVE: &[&str] =
    &["tcp_v4_rcv", "tcp_v6_rcv", "tcp_v4_do_rcv", "tcp_v6_do_rcv", "tcp_rcv_state_process", "tcp_child_process"];
/// Nobody has the connection any more; or a listener does not know it, which some kernels call wrong flags.
const GONE: &[&str] = &["NO_SOCKET", "TCP_CLOSE", "TCP_FLAGS"];
/// 5.10 gives no reason. What TIME_WAIT has answered ends like this there, as does what has a wrong checksum: so only
/// segments that close, or come after both ends have closed.
const UNSAID: &[&str] = &["", "UNKNOWN", "NOT_SPECIFIED"];
/// `include/net/tcp.h`
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;

#[cfg(test)]
mod tests;
