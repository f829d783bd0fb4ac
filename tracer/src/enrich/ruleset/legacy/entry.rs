//! Decodes an entry of a table: `struct ipt_entry`, `struct ip6t_entry` (include/uapi/linux/netfilter_ipv4/ip_tables.h,
//! netfilter_ipv6/ip6_tables.h, 6.18).

use ::bytes::Buf as _;

use super::{
    super::{
        bytes, names,
        xt::{
            Extension,
            line::{Line, option},
        },
    },
    blob::Chain,
};
use crate::model::{NfFamily, Rule, Verdict};

/// A decoded entry.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Entry {
    /// Offset from the start of the table, in bytes.
    pub(super) offset: u32,
    /// Offset of the next entry.
    pub(super) end: u32,
    /// Its conditions on the IP header and the devices.
    head: Line,
    matches: Vec<Extension>,
    pub(super) target: Target,
    goto: bool,
}

/// What an entry does.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Target {
    /// Nothing: the walk continues with the next entry.
    #[default]
    None,
    /// `NF_*`, or `RETURN`.
    Verdict(i32),
    /// A jump to the chain whose first entry is at this offset.
    Jump(u32),
    /// The head of a chain, with the chain's name.
    Error(String),
    /// An extension.
    Extension(Extension),
}

impl Entry {
    /// Decodes the entry at `at`; `None` at the end of the table or if the entry is malformed.
    pub(super) fn decode(family: NfFamily, table: &[u8], at: u32) -> Option<Self> {
        let layout = if family == NfFamily::Ip6 { &IP6 } else { &IP };
        let rest = table.get(usize::try_from(at).ok()?..)?;
        let target_at = usize::from(bytes::u16_at(rest, layout.offsets)?);
        let len = usize::from(bytes::u16_at(rest, layout.offsets + 2)?);
        let entry = rest.get(..len)?;
        if target_at < layout.size || len < target_at {
            return None;
        }
        let end = at.checked_add(u32::try_from(len).ok()?)?;
        let mut matches = Vec::new();
        let mut match_at = layout.size;
        while match_at < target_at {
            let (extension, size) = extension(family, entry, match_at)?;
            matches.push(extension);
            match_at += size;
        }
        let (target, _) = extension(family, entry, target_at)?;
        let flags = *entry.get(layout.flags)?;
        Some(Self {
            offset: at,
            end,
            head: head(layout, entry)?,
            matches,
            target: self::target(target, end)?,
            goto: flags & layout.goto != 0,
        })
    }

    /// Formats the entry as `iptables-save` writes it.
    pub(super) fn text(&self, chain: &str, chains: &[Chain]) -> String {
        let target = match &self.target {
            Target::None => String::new(),
            Target::Verdict(code) => match *code {
                0 => "-j DROP".to_owned(),
                1 => "-j ACCEPT".to_owned(),
                3 => "-j QUEUE".to_owned(),
                RETURN => "-j RETURN".to_owned(),
                code => format!("-j [verdict {code}]"),
            },
            Target::Jump(start) => {
                format!("{} {}", if self.goto { "-g" } else { "-j" }, chain_at(chains, *start).unwrap_or("…"))
            }
            Target::Error(_) => "-j ERROR".to_owned(),
            Target::Extension(extension) => extension.target_text(),
        };
        let matches = self.matches.iter().map(Extension::match_text).collect();
        Line { matches, target, ..self.head.clone() }.text(chain)
    }

    /// Returns the facts that the diagnosis needs, without number and text.
    pub(super) fn facts(&self, chains: &[Chain]) -> Rule {
        let state = self.matches.iter().find_map(Extension::ct_state);
        let verdict = match &self.target {
            Target::Verdict(0) => Some(Verdict::Drop),
            Target::Verdict(1) => Some(Verdict::Accept),
            Target::Verdict(3) => Some(Verdict::Queue),
            Target::Extension(extension) => extension.verdict(),
            _ => None,
        };
        let jump = match &self.target {
            Target::Jump(start) => chain_at(chains, *start).map(str::to_owned),
            _ => None,
        };
        Rule {
            ct_state: state.map(|(bits, _)| names::state_names(bits)).unwrap_or_default(),
            ct_state_negated: state.is_some_and(|(_, negated)| negated),
            verdict,
            never_drops: !self.may_drop(),
            jump,
            ..Rule::default()
        }
    }

    /// Returns whether the entry may drop or queue a packet.
    fn may_drop(&self) -> bool {
        match &self.target {
            Target::None | Target::Jump(_) | Target::Verdict(1 | RETURN) => false,
            Target::Extension(extension) => extension.may_drop(),
            Target::Verdict(_) | Target::Error(_) => true,
        }
    }
}

/// `XT_RETURN` (-5) as a decoded verdict.
const RETURN: i32 = 4;

fn chain_at(chains: &[Chain], start: u32) -> Option<&str> {
    chains.iter().find(|chain| chain.hook.is_none() && chain.start == start).map(|chain| chain.name.as_str())
}

/// Offsets in bytes within an entry.
struct EntryLayout {
    /// Length of an address.
    address: usize,
    /// Offset of the name of the receiving device. The other name and the two masks follow.
    devices: usize,
    protocol: usize,
    flags: usize,
    invert: usize,
    /// Offset of `target_offset`. `next_offset` follows.
    offsets: usize,
    /// Offset of the first match.
    size: usize,
    /// The bit of `flags` that means goto.
    goto: u8,
    /// The bit of `flags` that means "not the first fragment".
    fragment: u8,
}

const IP: EntryLayout = EntryLayout {
    address: 4,
    devices: 16,
    protocol: 80,
    flags: 82,
    invert: 83,
    offsets: 88,
    size: 112,
    goto: 2,
    fragment: 1,
};
const IP6: EntryLayout = EntryLayout {
    address: 16,
    devices: 64,
    protocol: 128,
    flags: 131,
    invert: 132,
    offsets: 140,
    size: 168,
    goto: 4,
    fragment: 0,
};

const IFNAMSIZ: usize = 16;

/// Decodes `struct ipt_ip` or `struct ip6t_ip6`. Inversions have the same bits in both.
fn head(layout: &EntryLayout, entry: &[u8]) -> Option<Line> {
    let invert = *entry.get(layout.invert)?;
    let mut line = Line::default();
    for (at, bit, name, text) in
        [(0, 0x08, "-s", &mut line.source), (layout.address, 0x10, "-d", &mut line.destination)]
    {
        let address = bytes::slice_at(entry, at, layout.address)?;
        let mask = bytes::slice_at(entry, at + 2 * layout.address, layout.address)?;
        if mask.iter().any(|byte| *byte != 0) || invert & bit != 0 {
            *text = option(invert & bit != 0, name, &masked_address(address, mask)?);
        }
    }
    for (index, bit, name, text) in [(0, 0x01, "-i", &mut line.input), (1, 0x02, "-o", &mut line.output)] {
        let device = bytes::slice_at(entry, layout.devices + index * IFNAMSIZ, IFNAMSIZ)?;
        let mask = bytes::slice_at(entry, layout.devices + (2 + index) * IFNAMSIZ, IFNAMSIZ)?;
        let compared = mask.iter().take_while(|byte| **byte != 0).count();
        if compared > 0 || invert & bit != 0 {
            // The `+` of a wildcard is stored, but not compared.
            let known = bytes::text(device.get(..compared)?);
            let any = if compared > known.len() { "" } else { "+" };
            *text = option(invert & bit != 0, name, &format!("{known}{any}"));
        }
    }
    let protocol = bytes::u16_at(entry, layout.protocol)?;
    if protocol != 0 {
        let name = u8::try_from(protocol).map_or_else(|_| protocol.to_string(), names::protocol);
        line.protocol = option(invert & 0x40 != 0, "-p", &name);
    }
    if *entry.get(layout.flags)? & layout.fragment != 0 {
        let text = if invert & 0x20 != 0 { " ! -f" } else { " -f" };
        line.protocol = format!("{}{text}", line.protocol).trim_start().to_owned();
    }
    Some(line)
}

/// Formats an address as `10.0.0.0/8`. A mask that is not a prefix is written as an address.
fn masked_address(address: &[u8], mask: &[u8]) -> Option<String> {
    let text = |value: &[u8]| bytes::ip(value).map(|addr| addr.to_string());
    let len = bytes::prefix_len(mask).map(|len| len.to_string());
    Some(format!("{}/{}", text(address)?, len.map_or_else(|| text(mask), Some)?))
}

/// Decodes `struct xt_entry_match` or `struct xt_entry_target`: size, name, revision, the extension's own data.
fn extension(family: NfFamily, entry: &[u8], at: usize) -> Option<(Extension, usize)> {
    let size = usize::from(bytes::u16_at(entry, at)?);
    let whole = bytes::slice_at(entry, at, size)?;
    let (name, revision, info) = (bytes::text_at(whole, 2, 29)?, *whole.get(31)?, whole.get(32..)?.to_vec());
    Some((Extension { ipv6: family == NfFamily::Ip6, name, revision, info }, size))
}

/// Decodes a target. The standard target has no name; its verdict is an offset or negative.
fn target(extension: Extension, next: u32) -> Option<Target> {
    let verdict = || extension.info.as_slice().try_get_i32_ne().ok();
    Some(match extension.name.as_str() {
        "" => match verdict()? {
            code if code < 0 => Target::Verdict(-(code + 1)),
            jump if jump.cast_unsigned() == next => Target::None,
            jump => Target::Jump(jump.cast_unsigned()),
        },
        "ERROR" => Target::Error(bytes::text_at(&extension.info, 0, 30)?),
        _ => Target::Extension(extension),
    })
}
