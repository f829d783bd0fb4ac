//! Decides what to attach by which method, and why not. Pure: it depends only on the table of hooks and the kernel's
//! types.

use std::fmt;

use tracer_common::{Best, Hook, Program, Site};

use super::reason::Reason;
use crate::{catalog::Catalog, kernel::Kernel};

/// The backend that the user chose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Backend {
    /// The best method for each hook, with fallbacks.
    Auto,
    /// Only fentry, fexit and `tp_btf`.
    Fentry,
    /// `kprobe.multi` for hooks at entry only, kprobes and kretprobes for the others, raw tracepoints.
    KprobeMulti,
    /// Kprobes and kretprobes, raw tracepoints.
    Kprobe,
    /// Only raw tracepoints.
    Tracepoint,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Fentry => "fentry",
            Self::KprobeMulti => "kprobe-multi",
            Self::Kprobe => "kprobe",
            Self::Tracepoint => "tracepoint",
        })
    }
}

/// A method to attach a hook.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Method {
    /// fentry and fexit.
    Fentry,
    /// `kprobe.multi`, for hooks at entry only.
    KprobeMulti,
    /// Kprobe and kretprobe.
    Kprobe,
    /// A tracepoint with typed arguments.
    TpBtf,
    /// A raw tracepoint.
    RawTp,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fentry => "fentry",
            Self::KprobeMulti => "kprobe-multi",
            Self::Kprobe => "kprobe",
            Self::TpBtf => "tp_btf",
            Self::RawTp => "raw tracepoint",
        })
    }
}

/// A hook and the method to attach it.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    /// Row of the table.
    pub hook: Hook,
    /// The method.
    pub method: Method,
}

/// A hook that is not attached.
#[derive(Debug)]
pub struct Skipped {
    /// Its name.
    pub hook: String,
    /// Why.
    pub reason: Reason,
}

/// The hooks to attach.
pub struct Plan {
    /// The alternatives for each hook, best first.
    pub groups: Vec<Vec<Planned>>,
    /// Hooks that are left out.
    pub skipped: Vec<Skipped>,
    backend: Backend,
    limit: Option<usize>,
}

impl Plan {
    /// Returns the backend that the plan follows.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Returns the maximum number of hooks, if there is one.
    #[must_use]
    pub fn limit(&self) -> Option<usize> {
        self.limit
    }

    /// Keeps at most `most` hooks. Hooks that any packet passes come first, then the others, both in the table's order.
    fn keep(&mut self, most: usize) {
        let rare = |hook: &Hook| hook.best == Best::KprobeMulti && !matches!(hook.site, Site::Tracepoint { .. });
        self.groups.sort_by_key(|group| group.iter().all(|planned| rare(&planned.hook)));
        let rest = self.groups.split_off(most.min(self.groups.len()));
        let names = rest.iter().filter_map(|group| group.first()).map(|planned| planned.hook.name);
        self.skipped.extend(names.map(|name| Skipped { hook: name.to_owned(), reason: Reason::Limit(most) }));
    }
}

/// Returns the plan for this kernel, with at most `limit` hooks.
#[must_use]
pub fn plan(kernel: &Kernel, catalog: &Catalog, backend: Backend, limit: Option<usize>) -> Plan {
    let mut plan = Plan { groups: Vec::new(), skipped: Vec::new(), backend, limit };
    // A kprobe is the first choice only if the kernel counts the hits that kprobes miss.
    let counted = kernel.vmlinux().member("bpf_link_info", "perf_event.kprobe.missed").is_some();
    let places = catalog.hooks().filter(|hook| hook.site != Site::Program);
    for hook in places.filter(|hook| hook.instead_of.is_none()) {
        let stand_ins = catalog.hooks().filter(|other| other.instead_of == Some(hook.name));
        let (mut group, mut reasons) = (Vec::new(), Vec::new());
        for candidate in std::iter::once(hook).chain(stand_ins) {
            match possible(kernel, candidate) {
                Ok(()) => group
                    .extend(methods(candidate, backend, counted).map(|method| Planned { hook: *candidate, method })),
                Err(reason) => reasons.push(reason),
            }
        }
        if !group.is_empty() {
            plan.groups.push(group);
        } else {
            let reason = reasons.into_iter().next().unwrap_or(Reason::Backend(backend));
            plan.skipped.push(Skipped { hook: hook.name.to_owned(), reason });
        }
    }
    if let Some(most) = limit {
        plan.keep(most);
    }
    plan
}

/// Checks that the kernel has the hook, with the arguments that its programs expect.
fn possible(kernel: &Kernel, hook: &Hook) -> Result<(), Reason> {
    let parameters = match hook.site {
        Site::Tracepoint { .. } => {
            let types = kernel.vmlinux();
            types.tracepoint(hook.name).and_then(|id| types.tracepoint_parameters(id))
        }
        // BPF programs are found and attached one by one: see `programs`.
        Site::Program => None,
        Site::Function { module } => {
            let types = module.and_then(|module| kernel.types(module)).unwrap_or_else(|| kernel.vmlinux());
            types.function(hook.name).and_then(|id| types.parameters(id))
        }
    };
    match (parameters, hook.site) {
        (Some(actual), _) if fits(&actual, hook.arguments) => Ok(()),
        (Some(actual), _) => Err(Reason::Arguments { actual: actual.join(", "), expected: hook.arguments.join(", ") }),
        (None, Site::Function { module: Some(module) }) if kernel.untyped.contains(module) => {
            Err(Reason::Untyped(module))
        }
        (None, Site::Function { module: Some(module) }) if kernel.types(module).is_none() => {
            Err(Reason::NotLoaded(module))
        }
        (None, _) => Err(Reason::NoPlace { stands_in: hook.instead_of.is_some() }),
    }
}

/// Whether every expected structure is at its position. An empty name accepts anything.
fn fits(actual: &[&str], expected: &[&str]) -> bool {
    actual.len() >= expected.len()
        && expected.iter().zip(actual).all(|(expected, actual)| expected.is_empty() || expected == actual)
}

fn methods(hook: &Hook, backend: Backend, counted: bool) -> impl Iterator<Item = Method> {
    use Method::{Fentry, Kprobe, KprobeMulti, RawTp, TpBtf};
    let methods: &[Method] = match (hook.site, backend) {
        (Site::Program, _) => &[],
        (Site::Tracepoint { .. }, Backend::Auto) => &[TpBtf, RawTp],
        (Site::Tracepoint { .. }, Backend::Fentry) => &[TpBtf],
        (Site::Tracepoint { .. }, _) => &[RawTp],
        (Site::Function { .. }, Backend::Auto) => match hook.best {
            Best::Kprobe if counted => &[Kprobe, Fentry],
            Best::Fentry | Best::Kprobe => &[Fentry, Kprobe],
            Best::KprobeMulti => &[KprobeMulti, Fentry, Kprobe],
        },
        (Site::Function { .. }, Backend::Fentry) => &[Fentry],
        // `kprobe.multi` serves entries only. A kretprobe finds its arguments by the stack pointer at entry, which
        // `kprobe.multi` does not report.
        (Site::Function { .. }, Backend::KprobeMulti) if hook.programs == [Program::Entry] => &[KprobeMulti],
        (Site::Function { .. }, Backend::KprobeMulti | Backend::Kprobe) => &[Kprobe],
        (Site::Function { .. }, Backend::Tracepoint) => &[],
    };
    methods.iter().copied()
}

#[cfg(test)]
mod tests {
    use tracer_common::HOOKS;

    use super::*;

    #[test]
    fn arguments_fit_where_every_named_structure_stands_in_its_place() {
        assert!(fits(&["net", "sock", "sk_buff"], &["", "", "sk_buff"]));
        assert!(!fits(&["sk_buff", "nf_hook_state", "xt_table"], &["", "sk_buff"]));
        assert!(!fits(&[], &["sk_buff"]));
    }

    #[test]
    fn a_limit_keeps_what_packets_pass_often_and_tells_the_rest() {
        let names = ["ip_forward", "__ip_local_out", "net_dev_queue", "wg_xmit"];
        let hooks = names.map(|name| HOOKS.iter().find(|hook| hook.name == name));
        let group = |hook: &Hook| vec![Planned { hook: *hook, method: Method::Fentry }];
        let groups: Vec<_> = hooks.into_iter().flatten().map(group).collect();
        let mut plan = Plan { groups, skipped: Vec::new(), backend: Backend::Auto, limit: None };
        plan.keep(3);
        let kept: Vec<_> = plan.groups.iter().map(|group| group[0].hook.name).collect();
        assert_eq!(kept, ["__ip_local_out", "net_dev_queue", "ip_forward"]);
        let [Skipped { hook, reason }] = &plan.skipped[..] else { panic!("{:?}", plan.skipped) };
        assert_eq!((hook.as_str(), reason.to_string().as_str()), ("wg_xmit", "TRACER_HOOKS=3 leaves it out"));
        assert!(!reason.is_harmless());
        plan.keep(9);
        assert_eq!((plan.groups.len(), plan.skipped.len()), (3, 1));
    }

    #[test]
    fn kprobes_come_first_only_where_what_they_miss_is_counted() {
        use Method::{Fentry, Kprobe, KprobeMulti};
        let first = |name: &str, counted| {
            let hook = HOOKS.iter().find(|hook| hook.name == name).expect("a row");
            methods(hook, Backend::Auto, counted).next()
        };
        for counted in [false, true] {
            assert_eq!(first("nft_do_chain", counted), Some(Fentry));
            assert_eq!(first("ip_forward", counted), Some(KprobeMulti));
            assert_eq!(first("__ip_local_out", counted), Some(if counted { Kprobe } else { Fentry }));
        }
    }

    #[test]
    fn stand_ins_name_a_hook_that_exists() {
        for hook in HOOKS.iter().filter(|hook| hook.instead_of.is_some()) {
            assert!(HOOKS.iter().any(|other| Some(other.name) == hook.instead_of && other.instead_of.is_none()));
        }
    }
}
