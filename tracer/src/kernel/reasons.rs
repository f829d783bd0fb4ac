//! Names of drop reasons in the running kernel; the numbers change with every release.
//!
//! The upper 16 bits of a reason are its subsystem (`SKB_DROP_REASON_SUBSYS_MASK`, include/net/dropreason.h, since
//! 6.4). A subsystem lists its reasons in an enum of its own, which is in the BTF of its module.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use smol_str::format_smolstr;

use super::{
    Kernel,
    btf::{Btf, Split},
    module_btf,
};
use crate::model::Name;

const PREFIX: &str = "SKB_DROP_REASON_";
const SUBSYSTEM_PREFIX: &str = "SKB_DROP_REASON_SUBSYS_";
const SUBSYSTEM_SHIFT: u32 = 16;

/// How long to wait before a module's BTF is looked for again.
const RETRY: Duration = Duration::from_secs(1);

/// Names by number.
pub struct Reasons {
    names: HashMap<u32, Name>,
    /// Subsystems by number.
    subsystems: HashMap<u32, Name>,
    /// Modules whose names are not known yet.
    unread: Vec<Unread>,
    vmlinux: Arc<Btf>,
}

struct Unread {
    source: &'static Source,
    module: &'static str,
    /// When its BTF was last looked for.
    tried: Option<Instant>,
}

impl Reasons {
    /// Reads the names in vmlinux; none before 5.17, which has no drop reasons. A module's names are read when the first
    /// of its reasons is met, because the module may be loaded during the trace.
    #[must_use]
    pub fn of(kernel: &Kernel) -> Self {
        Self::new(Arc::clone(&kernel.vmlinux))
    }

    /// Returns a name such as `NETFILTER_DROP`, `OPENVSWITCH:1` (subsystem and number) if the kernel has no name for it,
    /// or `UNKNOWN` if the kernel reports no reasons.
    #[must_use]
    pub fn name(&mut self, number: u32) -> Name {
        match self.names.get(&number) {
            Some(name) => name.clone(),
            None if self.names.is_empty() => Name::new_static("UNKNOWN"),
            None => self.look_up(number, Instant::now(), |module| module_btf(module).ok().flatten()),
        }
    }

    fn new(vmlinux: Arc<Btf>) -> Self {
        let types = Split { base: &vmlinux, split: None };
        let values = |name| types.enumeration(name).unwrap_or_default().into_iter();
        let subsystems = values("skb_drop_reason_subsys")
            .filter_map(|(name, number)| Some((number, name.strip_prefix(SUBSYSTEM_PREFIX)?.into())))
            .filter(|(_, name)| name != "NUM")
            .collect();
        let names = values("skb_drop_reason")
            .map(|(name, value)| (value, name.strip_prefix(PREFIX).unwrap_or(name)))
            .filter(|(value, name)| subsystem(*value) == 0 && *name != "MAX")
            .map(|(value, name)| (value, name.into()))
            .collect();
        let mut reasons = Self { names, subsystems, unread: Vec::new(), vmlinux: Arc::clone(&vmlinux) };
        for source in SOURCES {
            let named = reasons.learn(source, types);
            if let Some(module) = source.module.filter(|_| !named) {
                reasons.unread.push(Unread { source, module, tried: None });
            }
        }
        reasons
    }

    /// Looks up a reason without a name, in the BTF of its subsystem's module if that has not been read.
    fn look_up(&mut self, number: u32, now: Instant, read: impl FnOnce(&str) -> Option<Vec<u8>>) -> Name {
        let subsystem = self.subsystems.get(&subsystem(number)).cloned();
        let is_due = |unread: &Unread| {
            subsystem.as_deref().is_some_and(|name| unread.source.subsystems.contains(&name))
                && unread.tried.is_none_or(|tried| now.duration_since(tried) >= RETRY)
        };
        if let Some(at) = self.unread.iter().position(is_due) {
            let unread = &mut self.unread[at];
            unread.tried = Some(now);
            let (source, base) = (unread.source, Arc::clone(&self.vmlinux));
            if let Some(module) = read(unread.module).and_then(|data| Btf::parse(data, Some(&base)).ok()) {
                self.unread.swap_remove(at);
                self.learn(source, Split { base: &base, split: Some(&module) });
            }
        }
        let subsystem = subsystem.unwrap_or_else(|| unnamed_subsystem(number));
        let name = self.names.get(&number).cloned();
        name.unwrap_or_else(|| format_smolstr!("{subsystem}:{}", number & ((1 << SUBSYSTEM_SHIFT) - 1)))
    }

    /// Learns the names of a source. Returns whether one of its enums is among the types.
    fn learn(&mut self, source: &Source, types: Split<'_>) -> bool {
        let mut found = false;
        for (name, value) in source.enums.iter().filter_map(|name| types.enumeration(name)).flatten() {
            found = true;
            let subsystem = self.subsystems.get(&subsystem(value));
            let name = name.strip_prefix("___").unwrap_or(name);
            // `__OVS_DROP_REASON` is the subsystem itself, and `RX_QUEUED` is a value of the core.
            let is_reason = !name.starts_with("__") && !name.ends_with("_DROP_MAX");
            if is_reason && subsystem.is_some_and(|subsystem| source.subsystems.contains(&subsystem.as_str())) {
                self.names.entry(value).or_insert_with(|| name.into());
            }
        }
        found
    }
}

/// Returns the number of a reason of the core by its name, such as `NETFILTER_DROP`.
#[must_use]
pub fn number(kernel: &Kernel, name: &str) -> Option<u32> {
    let values = kernel.vmlinux().enumeration("skb_drop_reason")?;
    values.into_iter().find_map(|(known, number)| (known.strip_prefix(PREFIX) == Some(name)).then_some(number))
}

/// Where the reasons of subsystems are listed. Their values include the number of the subsystem.
struct Source {
    /// Names in `enum skb_drop_reason_subsys`.
    subsystems: &'static [&'static str],
    /// The first enum that names a value decides.
    enums: &'static [&'static str],
    /// The module whose BTF has the enums, unless vmlinux has them.
    module: Option<&'static str>,
}

const SOURCES: &[Source] = &[
    // net/mac80211/drop.h, since 6.4; MAC80211_MONITOR until 6.14. The first enum is what the code uses. Some releases
    // name the general reason only in the second (`___RX_DROP_UNUSABLE`).
    Source {
        subsystems: &["MAC80211_UNUSABLE", "MAC80211_MONITOR"],
        enums: &["mac80211_drop_reason", "___mac80211_drop_reason"],
        module: Some("mac80211"),
    },
    // net/openvswitch/drop.h, since 6.6.
    Source { subsystems: &["OPENVSWITCH"], enums: &["ovs_drop_reason"], module: Some("openvswitch") },
    // include/net/dropreason-qdisc.h, since 7.1; always built in.
    Source { subsystems: &["QDISC"], enums: &["qdisc_drop_reason"], module: None },
];

fn subsystem(number: u32) -> u32 {
    number >> SUBSYSTEM_SHIFT
}

/// Returns a name for a subsystem that the kernel does not name. Kernels before 6.4 name none.
fn unnamed_subsystem(number: u32) -> Name {
    match subsystem(number) {
        0 => Name::new_static("CORE"),
        other => format_smolstr!("SUBSYS_{other}"),
    }
}

#[cfg(test)]
mod tests;
