//! Attaches hooks in modules that are loaded after the trace began, as soon as their module is there.
//!
//! Programs that are already attached keep the layout that they were loaded with: to them, the fields of a module's
//! structures stay unknown. Of their hooks, the one that reports drops needs these fields to name the rule of the walk
//! that a drop ends. Therefore that hook is attached again. Conntrack entries are reported by the hooks of their own
//! module.

use tracer_common::{Hook, HookId, hook};

use super::{Error, Plan, Planned, Probe, config::config, link, object::Given, plan, programs};
use crate::{catalog::Catalog, kernel::Kernel};

/// The hooks that came with modules.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Late {
    /// Hooks that are attached now and were not before.
    pub hooks: Vec<Hook>,
    /// Why none could be attached, if something failed for all of them.
    pub problem: Option<String>,
}

impl Probe {
    /// Attaches the hooks of `modules`, which `kernel` has read since the last call. Hooks that cannot be attached stay
    /// in `skipped`, each with its own reason.
    pub fn join_modules(&mut self, kernel: &Kernel, catalog: &Catalog, modules: &[String]) -> Late {
        let Plan { mut groups, .. } = plan(kernel, catalog, self.backend, self.limit);
        groups.retain(|group| group.iter().any(|planned| is_in(planned, modules)));
        groups.retain(|group| !group.iter().any(|planned| self.is_attached(planned)));
        if groups.is_empty() {
            return Late::default();
        }
        let before = self.attached.len();
        if let Err(problem) = self.attach_late(kernel, groups) {
            return Late { hooks: Vec::new(), problem: Some(problem.to_string()) };
        }
        Late { hooks: self.attached.iter().skip(before).map(|planned| planned.hook).collect(), problem: None }
    }

    /// Attaches `groups`. Their programs share every map with those that run, except the constants.
    fn attach_late(&mut self, kernel: &Kernel, groups: Vec<Vec<Planned>>) -> Result<(), Error> {
        let config = config(kernel, self.task, self.trails, self.backend);
        let given = Given { config, sizes: &[], only: None };
        self.object = self.object.with_constants(given)?;
        let (attached, skipped) = (self.attached.len(), self.skipped.len());
        // `kfree_skb` first: a walk that begins under the new hooks may end there.
        self.renew(kernel, hook::KFREE_SKB);
        self.attach_groups(kernel, groups);
        self.object.keep_only(programs::OURS);
        // These hooks were skipped because their module was not loaded. This is no longer true.
        let settled: Vec<String> = self
            .attached
            .iter()
            .skip(attached)
            .map(|planned| planned.hook.name.to_owned())
            .chain(self.skipped.iter().skip(skipped).map(|skipped| skipped.hook.clone()))
            .collect();
        let mut index = 0;
        self.skipped.retain(|known| {
            index += 1;
            index > skipped || !settled.contains(&known.hook)
        });
        Ok(())
    }

    /// Attaches a hook again, then detaches the old programs. A packet ends only once, whichever of them runs first.
    fn renew(&mut self, kernel: &Kernel, row: HookId) {
        let Some(planned) = self.attached.iter().find(|planned| planned.hook.id == row).copied() else { return };
        let old = self.links.of(row);
        match link::attach(kernel, &self.object, &planned, None) {
            Ok(attached) => {
                self.programs.extend(attached.programs);
                self.links.keep(Some(row), planned.method, attached.links);
                drop(old);
            }
            Err(reason) => {
                tracing::debug!("{} is not renewed: {reason}", planned.hook.name);
                self.links.keep(Some(row), planned.method, old);
            }
        }
    }

    fn is_attached(&self, planned: &Planned) -> bool {
        self.attached.iter().any(|attached| attached.hook.id == planned.hook.id)
    }
}

fn is_in(planned: &Planned, modules: &[String]) -> bool {
    planned.hook.site.module().is_some_and(|module| modules.iter().any(|loaded| loaded == module))
}
