//! Names of `enum skb_drop_reason` in the running kernel; the numbers change with every release.

use std::collections::HashMap;

use super::Kernel;

const PREFIX: &str = "SKB_DROP_REASON_";

/// Names by number.
pub struct Reasons(HashMap<u32, String>);

impl Reasons {
    /// Reads the names; none before 5.17, which has no drop reasons.
    #[must_use]
    pub fn of(kernel: &Kernel) -> Self {
        let values = kernel.vmlinux().enumeration("skb_drop_reason").unwrap_or_default();
        let name = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
        Self(values.into_iter().map(|(text, value)| (value, name(text))).collect())
    }

    /// Returns a name such as `NETFILTER_DROP`, the number if the kernel has no name for it, or `UNKNOWN` if the kernel
    /// reports no reasons.
    #[must_use]
    pub fn name(&self, number: u32) -> String {
        match self.0.get(&number) {
            Some(name) => name.clone(),
            None if self.0.is_empty() => "UNKNOWN".to_owned(),
            None => format!("{number:#x}"),
        }
    }
}
