//! Reads captures: the lines that `tracer -o json` and `tracer --write` write, and `tracer report` reads.
//!
//! A [`Record`] is a line of a capture. `docs/capture.md` explains the format, and `tracer schema` prints its JSON
//! Schema. Captures of every earlier version can be read.
//!
//! ```
//! use tracer::capture::{self, Record};
//!
//! # fn main() -> Result<(), capture::ReadError> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/founding.jsonl").as_ref();
//! for record in capture::read(path)? {
//!     if let Record::Drop(step) = record? {
//!         println!("{} at {}", step.tuple, step.hook);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A line does not say everything: a step names its network namespace by number, and a later [`Record::Netns`] says
//! what it is called. A [`Trace`] puts the lines of a capture together.

pub use crate::{
    model::{
        AllowedIps, Bpf, Cause, Chain, Confidence, Conntrack, CtState, Device, Direction, Drop, DropCount, Finding,
        Flow, FlowVerdict, Hooks, Host, IcmpError, Lost, Name, Nat, Netfilter, NfFamily, NfHook, NodeFact, Packets,
        Peer, Pending, Proto, Record, Redirect, Route, RouteAnswer, Rule, Sender, Severity, SkippedHook, Start, Step,
        Summary, TcpFlags, Trace, Translation, Tunnel, TunnelKind, Tuple, Unmatched, Verdict, Where,
    },
    source::capture::{Lines, ReadError, read},
};
