//! Resolves verdict records to the place in the ruleset that decided.

use tracer_common::{
    Chain as WireChain, Decision, LEGACY_POLICY, NF_DROP, NF_VERDICT_MASK, Step as WireStep, Verdict as WireVerdict,
    via,
};

use crate::{
    decode::name,
    fast::Map,
    model::{Name, Netfilter, NfFamily, NfHook, Verdict},
};

/// The key that a look-up in the ruleset needs.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Locus {
    /// nftables. The rule's handle is in the step.
    Nft {
        /// Table family.
        family: NfFamily,
        /// Table.
        table: Named,
        /// Base chain of the walk.
        base_chain: Named,
    },
    /// Legacy iptables.
    Legacy {
        /// `ip` or `ip6`.
        family: NfFamily,
        /// Table name.
        table: Name,
        /// Identifies the table's blob, which is replaced at each change of the table.
        generation: u64,
        /// Byte offset of the entry in the table's blob; `None` if it is unknown.
        offset: Option<u64>,
    },
}

/// A named object of a ruleset. An object of the same name in a later ruleset has another handle, or is in a table
/// that has another.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Named {
    /// Handle. A table's is unique in its netns, a chain's in its table.
    pub handle: u64,
    /// Its name.
    pub name: Name,
}

/// Names of chains by their address.
#[derive(Default)]
pub struct ChainNames(Map<u64, ChainName>);

struct ChainName {
    table: Named,
    chain: Named,
    base: Option<Base>,
}

struct Base {
    family: Option<NfFamily>,
    hook: Option<NfHook>,
    priority: i32,
}

impl ChainNames {
    /// Records the names of a chain. Removes the chain if its names could not be read.
    pub fn learn(&mut self, wire: &WireChain) {
        if wire.name[0] == 0 || wire.table[0] == 0 {
            self.0.remove(&wire.chain);
            return;
        }
        let base = (wire.base == 1).then(|| Base {
            family: NfFamily::from_nfproto(wire.family),
            hook: nf_hook(wire.family, wire.hooknum),
            priority: wire.priority,
        });
        let table = Named { handle: wire.table_handle, name: name(&wire.table) };
        let chain = Named { handle: wire.handle, name: name(&wire.name) };
        self.0.insert(wire.chain, ChainName { table, chain, base });
    }

    /// Converts a verdict record, and returns the key to look the rule up by.
    pub fn verdict(&self, wire: &WireVerdict) -> (Netfilter, Option<Locus>) {
        if wire.decision.table[0] != 0 { legacy(wire) } else { self.nft(wire) }
    }

    fn nft(&self, wire: &WireVerdict) -> (Netfilter, Option<Locus>) {
        let (base, chain) = (self.0.get(&wire.decision.base), self.0.get(&wire.decision.chain));
        let hooked = base.and_then(|chain| chain.base.as_ref());
        let policy = wire.decision.via == via::POLICY;
        let netfilter = Netfilter {
            family: hooked.and_then(|base| base.family).or_else(|| NfFamily::from_nfproto(wire.step.pf)),
            table: chain.map(|chain| chain.table.name.clone()),
            chain: chain.map(|chain| chain.chain.name.clone()),
            base_chain: base.filter(|_| wire.decision.base != wire.decision.chain).map(|base| base.chain.name.clone()),
            hook: hooked.and_then(|base| base.hook).or_else(|| nf_hook(wire.step.pf, wire.step.nf_hook)),
            priority: hooked.map(|base| base.priority),
            rule: (wire.decision.via == via::RULE).then_some(wire.decision.rule),
            text: None,
            verdict: verdict(wire.decision.code),
            policy,
            legacy: false,
        };
        let locus = match (netfilter.family, base) {
            (Some(family), Some(base)) => {
                Some(Locus::Nft { family, table: base.table.clone(), base_chain: base.chain.clone() })
            }
            _ => None,
        };
        (netfilter, locus)
    }
}

fn legacy(wire: &WireVerdict) -> (Netfilter, Option<Locus>) {
    let (family, table) = (NfFamily::from_nfproto(wire.step.pf), name(&wire.decision.table));
    let found = wire.decision.via == via::ENTRY;
    let netfilter = Netfilter {
        family,
        table: Some(table.clone()),
        hook: nf_hook(wire.step.pf, wire.step.nf_hook),
        verdict: verdict(wire.decision.code),
        policy: found && wire.decision.rule & LEGACY_POLICY != 0,
        legacy: true,
        ..Netfilter::default()
    };
    let offset = found.then_some(wire.decision.rule & !LEGACY_POLICY);
    (netfilter, family.map(|family| Locus::Legacy { family, table, generation: wire.decision.chain, offset }))
}

/// Returns the hook point that a step is at.
pub fn hook_point(wire: &WireStep) -> Netfilter {
    Netfilter { family: NfFamily::from_nfproto(wire.pf), hook: nf_hook(wire.pf, wire.nf_hook), ..Netfilter::default() }
}

/// Converts an `NF_*` verdict (`include/uapi/linux/netfilter.h`). The upper bits, which carry an errno or queue
/// number, are ignored.
fn verdict(code: i32) -> Option<Verdict> {
    if code == Decision::NOTRACK {
        return Some(Verdict::Notrack);
    }
    Some(match code & NF_VERDICT_MASK {
        NF_DROP => Verdict::Drop,
        1 => Verdict::Accept,
        2 => Verdict::Stolen,
        3 => Verdict::Queue,
        4 => Verdict::Repeat,
        _ => return None,
    })
}

/// Converts a hook number: `NF_INET_*`, the equal `NF_BR_*`, or `NF_NETDEV_*`.
fn nf_hook(pf: u8, number: u8) -> Option<NfHook> {
    const NFPROTO_NETDEV: u8 = 5;
    Some(match (pf, number) {
        (NFPROTO_NETDEV, 0) | (1 | 2 | 10, 5) => NfHook::Ingress,
        (NFPROTO_NETDEV, 1) => NfHook::Egress,
        (NFPROTO_NETDEV, _) => return None,
        (_, 0) => NfHook::Prerouting,
        (_, 1) => NfHook::Input,
        (_, 2) => NfHook::Forward,
        (_, 3) => NfHook::Output,
        (_, 4) => NfHook::Postrouting,
        _ => return None,
    })
}
