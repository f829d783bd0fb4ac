//! Plain data: the lines of a capture, and the conclusions drawn from them.
//!
//! Invariant: imports nothing of ours, does no I/O. Every type of a capture's lines serialises to the JSON Lines of
//! the command-line contract, so that a capture file read back is the same data as a live run.

mod change;
mod check;
mod conntrack;
mod device;
mod finding;
mod flow;
mod name;
mod netfilter;
mod node;
mod or_zero;
mod pending;
mod record;
mod step;
mod trace;
mod tuple;
mod unmatched;

pub use change::{Bpf, IcmpError, Nat, Peer, Redirect, Route, Translation, Tunnel, TunnelKind};
pub use check::{Check, CheckRow, CheckStatus};
pub use conntrack::{Conntrack, CtState};
pub use device::{AllowedIps, Device};
pub use finding::{Cause, Confidence, Finding, Severity, Where};
pub use flow::{Flow, FlowVerdict, Packets};
pub use name::Name;
pub use netfilter::{Chain, Netfilter, NfFamily, NfHook, Rule, Verdict};
pub use node::{NodeFact, RouteAnswer};
pub use pending::Pending;
pub use record::{DropCount, Hooks, Host, Lost, Record, SkippedHook, Start, Summary};
pub use step::{Direction, Drop, Step};
pub use trace::Trace;
pub use tuple::{Proto, TcpFlags, Tuple};
pub use unmatched::{Sender, Unmatched};
