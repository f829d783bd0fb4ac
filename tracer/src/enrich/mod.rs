//! Looks up what the kernel side can only point at: network namespaces, interfaces, rule text, routes,
//! WireGuard's allowed IPs.
//!
//! Invariant: read-only. Nothing here changes a ruleset, resets a counter, loads a module, keeps a
//! key, or moves a thread into another namespace that does anything but the look-up. A look-up that
//! fails is a value that says why; data from the kernel or from a tool never panics.

mod attrs;
mod bytes;
mod loaded;
mod netlink;
pub mod netns;
pub mod node;
pub mod routes;
pub mod ruleset;
pub mod wireguard;
