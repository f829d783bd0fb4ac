//! The wire ABI: exactly what the eBPF programs and user space agree on.
//!
//! Invariant: no `bool`, `Option`, `usize`, `char` or Rust enum crosses the wire. Every type is
//! `#[repr(C)]` of fixed-width integers with explicit padding; sizes are asserted at compile time.

#![no_std]

mod absent;
mod config;
mod event;
pub mod extra;
mod hooks;
mod layout;
mod netfilter;
pub mod placeholder;
pub mod tracked;
mod trail;

pub use config::{Config, Filter, Prefix};
pub use event::{
    Chain, Change, Conntrack, CtTuple, Decision, Device, Header, LEGACY_POLICY, NAME_LEN, OUTER_L4, Outer,
    OuterDetails, Peer, PeerDetails, Step, Tuple, Verdict, by, counter, direction, flag, kind, via,
};
pub use hooks::{Best, HOOKS, Hook, HookId, Program, Site, hook, way};
pub use layout::{ABSENT, FIELDS, Field, LAYOUT_FIELDS, Layout, Unit};
pub use netfilter::{NF_DROP, NF_VERDICT_MASK, NFCT_INFOMASK};
pub use trail::{ChangeDetails, DETAILS, Dropped, MARKS, MARKS_KEPT, MARKS_OF_DETAILS, Mark, Trail};
