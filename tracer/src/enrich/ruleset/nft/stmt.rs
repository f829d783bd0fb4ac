//! The statements that a person wrote, combined from a rule's expressions.

use super::{data::Verdict, field::Field, objects::Element, value::Kind};
use crate::enrich::ruleset::xt::Extension;

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stmt {
    /// A comparison.
    Match(Match),
    /// `accept`, `jump x`, …
    Verdict(Verdict),
    /// A verdict map.
    Vmap(Lookup),
    /// `counter`, without its numbers: they change all the time.
    Counter,
    /// `notrack`.
    Notrack,
    /// `limit rate …`: packets or bytes per unit.
    Limit(Limit),
    /// `reject …`: rejects and drops.
    Reject(String),
    /// Address translation, as text. Ends the walk of this base chain with accept.
    Nat(String),
    /// `queue to …`: hands the packet to user space.
    Queue(String),
    /// A match extension of iptables.
    XtMatch(Extension),
    /// A target extension of iptables.
    XtTarget(Extension),
    /// Anything else, as far as it can be decoded; `[name]` if only the expression's name is known.
    Text(String),
}

/// A comparison of one thing or of a concatenation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Match {
    /// What is compared.
    pub(super) load: Load,
    /// How it is compared.
    pub(super) test: Test,
    /// Whether `nft` omits it because a later statement implies it.
    pub(super) implied: bool,
}

/// The value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// One value.
    Cmp(Op, Vec<u8>),
    /// Whether negated, then the bounds of `low-high`.
    Range(bool, Vec<u8>, Vec<u8>),
    /// Whether negated, then the set.
    In(bool, Lookup),
}

/// `NFT_CMP_*`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Op {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
}

/// The contents of a register.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Load {
    /// Fields, each with the number of bytes that it takes. There are several if neighbouring fields are loaded at once
    /// or a concatenation is looked up.
    pub(super) parts: Vec<(Field, usize)>,
    /// Operations on it, in order.
    pub(super) bits: Vec<Bits>,
    /// The value if it is a constant; `parts` is then empty.
    pub(super) constant: Option<Vec<u8>>,
}

/// An operation on a register's bits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Bits {
    /// `(value & mask) ^ xor`.
    Mask { mask: Vec<u8>, xor: Vec<u8> },
    /// `value << n`.
    Left(u32),
    /// `value >> n`.
    Right(u32),
    /// An operation that is not known here.
    Other,
}

/// A look-up in a set or map.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lookup {
    /// The keys.
    pub(super) load: Load,
    /// Name of the set.
    pub(super) set: String,
    /// Whether it is written in the rule itself.
    pub(super) anonymous: bool,
    /// Whether keys are ranges.
    pub(super) interval: bool,
    /// How to format the values of a map.
    pub(super) data_kind: Kind,
    /// Its elements, if they were read.
    pub(super) elements: Option<Vec<Element>>,
}

/// `limit rate [over] rate/unit [burst n packets]`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Limit {
    pub(super) over: bool,
    pub(super) rate: u64,
    /// Length of the unit in seconds.
    pub(super) unit: u64,
    pub(super) burst: u32,
    pub(super) bytes: bool,
}

impl Load {
    /// Returns the load of one whole field.
    pub(super) fn of(field: Field) -> Self {
        let len = field.len;
        Self { parts: vec![(field, len)], ..Self::default() }
    }

    /// Returns the field if there is exactly one.
    pub(super) fn field(&self) -> Option<&Field> {
        match self.parts.as_slice() {
            [(field, _)] => Some(field),
            _ => None,
        }
    }
}
