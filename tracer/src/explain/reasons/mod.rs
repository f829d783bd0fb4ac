//! What the kernel's drop reasons mean: one row for each, in one file for each family.
//!
//! `docs/drop-reasons.md` is made from these rows, and `tracer explain REASON` prints one.

mod device;
mod generic;
mod ip;
mod mac80211;
mod neighbour;
mod openvswitch;
mod qdisc;
mod socket;
mod tcp;
mod tcp_auth;
#[cfg(test)]
mod tests;
mod tunnel;

/// A drop reason: a value of `enum skb_drop_reason` (`include/net/dropreason-core.h`) or of a subsystem's enum.
#[derive(Clone, Copy, Debug)]
pub struct DropReason {
    /// The kernel's name, without `SKB_DROP_REASON_`: as a trace reports it.
    pub name: &'static str,
    /// What happened to the packet: sentences that stand alone.
    pub meaning: &'static str,
    /// Functions that raise it, the most common first, as they stand in a drop's location.
    pub functions: &'static [&'static str],
    /// The kernel's file of the first function; empty without one.
    pub file: &'static str,
    /// The first release that has it; empty if unknown.
    pub since: &'static str,
    /// The first release that no longer has it.
    pub until: Option<&'static str>,
    /// Whether something is lost.
    pub loss: Loss,
    /// Findings that explain such drops, by id.
    pub findings: &'static [&'static str],
    /// Counters that rise with it, as `nstat` names them.
    pub counters: &'static [&'static str],
    /// What to do: one to three sentences.
    pub advice: &'static str,
}

impl DropReason {
    /// Returns the releases that have it: "6.2 and newer", "from 6.2 until before 6.19"; empty if unknown.
    #[must_use]
    pub fn kernels(&self) -> String {
        match (self.since, self.until) {
            ("", _) => String::new(),
            (since, Some(until)) => format!("from {since} until before {until}"),
            (since, None) => format!("{since} and newer"),
        }
    }
}

/// Whether a drop loses anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// A packet does not reach its destination.
    Always,
    /// It depends, as the meaning says.
    Depends,
    /// Nothing: what the packet carries has arrived already, or it is cleaned up in the ordinary course.
    Never,
}

/// Returns the rows, sorted by name within each family.
pub fn all() -> impl Iterator<Item = &'static DropReason> {
    FAMILIES.iter().flat_map(|(_, rows)| *rows)
}

/// Returns the row of a reason, in the kernel's spelling with or without `SKB_DROP_REASON_`, in any case.
#[must_use]
pub fn find(name: &str) -> Option<&'static DropReason> {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("SKB_DROP_REASON_").unwrap_or(&name);
    all().find(|row| row.name == name)
}

/// Splits what a trace reports for a reason that the traced kernel does not name, such as `OPENVSWITCH:1`, into
/// subsystem and number.
#[must_use]
pub fn unnamed(reason: &str) -> Option<(&str, u16)> {
    let (subsystem, number) = reason.split_once(':')?;
    let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_reason = !subsystem.is_empty() && subsystem.bytes().all(is_name) && !number.starts_with('+');
    Some((subsystem, number.parse().ok().filter(|_| is_reason)?))
}

/// The rows of each family, with its heading.
pub const FAMILIES: &[(&str, &[DropReason])] = &[
    ("IP", ip::ROWS),
    ("Neighbours", neighbour::ROWS),
    ("TCP", tcp::ROWS),
    ("Authentication and checks of TCP options", tcp_auth::ROWS),
    ("Sockets", socket::ROWS),
    ("Devices, tc and XDP", device::ROWS),
    ("Tunnels", tunnel::ROWS),
    ("Queueing disciplines", qdisc::ROWS),
    ("Open vSwitch", openvswitch::ROWS),
    ("Wireless", mac80211::ROWS),
    ("Any layer", generic::ROWS),
];
