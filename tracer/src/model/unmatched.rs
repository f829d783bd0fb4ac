//! What the node could send, if no packet matched the filter.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NodeFact;

/// What was looked up at the end of a trace in which no packet matched.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Unmatched {
    /// The address that the filter asks for, if it is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<IpAddr>,
    /// The network namespaces that were asked, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub senders: Vec<Sender>,
    /// How many more there are.
    #[serde(default)]
    pub skipped: usize,
}

/// A network namespace that could send to the address.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, Serialize)]
pub struct Sender {
    /// Its inode number.
    pub netns: u32,
    /// Its name, or its inode number if it has none.
    pub name: String,
    /// Its route to the address, its sockets that are connected to it, and those that would take such packets if the
    /// address is local. Empty if it cannot be entered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node: Vec<NodeFact>,
}
