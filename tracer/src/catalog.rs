//! The hooks of a run: the fixed rows, followed by hooks that are discovered for this run.

use tracer_common::{HOOKS, Hook, HookId};

use crate::model::Name;

/// Hooks by id.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// Sorted by id, which counts from 1 without gaps.
    rows: Vec<Hook>,
}

impl Catalog {
    /// Creates a catalog of the fixed rows.
    #[must_use]
    pub fn fixed() -> Self {
        Self { rows: HOOKS.to_vec() }
    }

    /// Iterates over all hooks, sorted by id.
    pub fn hooks(&self) -> impl Iterator<Item = &Hook> {
        self.rows.iter()
    }

    /// Returns the hook with this id, if there is one.
    #[must_use]
    pub fn get(&self, id: HookId) -> Option<&Hook> {
        usize::from(id.0).checked_sub(1).and_then(|row| self.rows.get(row))
    }

    /// Returns the hook's function or tracepoint; `hook 300` for an unknown id.
    #[must_use]
    pub fn name(&self, id: HookId) -> Name {
        self.get(id).map_or_else(|| format!("hook {}", id.0).into(), |hook| Name::new_static(hook.name))
    }
}

#[cfg(test)]
mod tests {
    use tracer_common::hook;

    use super::*;

    #[test]
    fn ids_count_from_1_on() {
        let mut catalog = Catalog::fixed();
        assert_eq!(catalog.name(hook::NETIF_RECEIVE_SKB), "netif_receive_skb");
        assert!(catalog.get(HookId(0)).is_none());
        let next = HookId(u16::try_from(HOOKS.len() + 1).expect("few rows"));
        assert_eq!(catalog.name(next), format!("hook {}", next.0));
        catalog.rows.push(Hook { id: next, name: "ip_rcv", ..HOOKS[0] });
        assert_eq!(catalog.name(next), "ip_rcv");
    }
}
