//! Looks up the objects that kernel-side records refer to (network namespaces, interfaces, rule texts, routes,
//! WireGuard's allowed IPs), and a node's evidence about a drop.
//!
//! Invariant: look-ups are read-only. Nothing here changes a ruleset, resets a counter, loads a module or keeps a key.
//! Only a thread that does nothing but the look-up enters another namespace. A look-up that fails returns a value that
//! says why. Data from the kernel or from a tool never causes a panic.

mod attrs;
mod bytes;
mod loaded;
mod netlink;
pub mod netns;
pub mod node;
pub mod routes;
pub mod ruleset;
pub mod wireguard;
