//! Names of `enum skb_drop_reason` in the running kernel; the numbers change with every release.

use std::collections::HashMap;

use super::Kernel;

const PREFIX: &str = "SKB_DROP_REASON_";

/// Number to name.
pub struct Reasons(HashMap<u32, String>);

impl Reasons {
    /// Empty before 5.17, which knows no reasons.
    #[must_use]
    pub fn of(kernel: &Kernel) -> Self {
        let values = kernel.types("").and_then(|types| types.enumeration("skb_drop_reason")).unwrap_or_default();
        let name = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
        Self(values.into_iter().map(|(text, value)| (value, name(text))).collect())
    }

    /// `NETFILTER_DROP`; a number where the kernel has no name for it; `UNKNOWN` where it gives no reasons.
    #[must_use]
    pub fn name(&self, number: u32) -> String {
        match self.0.get(&number) {
            Some(name) => name.clone(),
            None if self.0.is_empty() => "UNKNOWN".to_owned(),
            None => format!("{number:#x}"),
        }
    }
}
