//! Hooks in modules that were loaded after the trace began: they join as soon as their module is there.
//!
//! What was attached before keeps the layout that it was loaded with: to it, the fields of a module's structures
//! stay unknown. Of those hooks the one that tells drops needs them, to name the rule of the walk that it ends:
//! it is attached anew. A conntrack entry is told by the hooks of its own module.

use tracer_common::{Hook, hook};

use super::{Plan, Planned, Probe, config::config, link, object::Given, plan, programs};
use crate::kernel::Kernel;

/// What came with a module.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Late {
    /// The hooks that are attached now and were not before.
    pub hooks: Vec<&'static Hook>,
    /// Why none could be attached, where something went wrong for all of them.
    pub problem: Option<String>,
}

impl Probe {
    /// Attaches the hooks of modules that `kernel` has learnt of since. What cannot be attached stays in
    /// `skipped`, with a reason of its own.
    pub fn join_modules(&mut self, kernel: &Kernel, modules: &[String]) -> Late {
        let Plan { mut groups, .. } = plan(kernel, self.backend, self.limit);
        groups.retain(|group| group.iter().any(|planned| is_in(planned, modules)));
        groups.retain(|group| !group.iter().any(|planned| self.is_attached(planned)));
        if groups.is_empty() {
            return Late::default();
        }
        let before = self.attached.len();
        if let Err(problem) = self.attach_late(kernel, groups) {
            return Late { hooks: Vec::new(), problem: Some(problem) };
        }
        Late { hooks: self.attached.iter().skip(before).map(|planned| planned.hook).collect(), problem: None }
    }

    /// The programs share every map with those that run, except the constants.
    fn attach_late(&mut self, kernel: &Kernel, groups: Vec<Vec<Planned>>) -> Result<(), String> {
        let config = config(kernel, self.task, self.trails, self.backend);
        let given = Given { config, sizes: &[], only: None };
        self.object = self.object.with_constants(given)?;
        let (attached, skipped) = (self.attached.len(), self.skipped.len());
        // First: a walk that begins under the new hooks may end there.
        self.renew(kernel, hook::KFREE_SKB);
        self.attach_groups(kernel, groups);
        self.object.keep_only(programs::OURS);
        // Each was skipped for want of its module: that no longer holds.
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

    /// Attaches a hook anew, then detaches what was there: whichever comes first, a packet ends but once.
    fn renew(&mut self, kernel: &Kernel, row: u16) {
        let Some(planned) = self.attached.iter().find(|planned| planned.hook.id == row).copied() else { return };
        let old = self.links.of(row);
        match link::attach(kernel, &self.object, &planned, "") {
            Ok(attached) => {
                self.programs.extend(attached.programs);
                self.links.keep(row, planned.method, attached.links);
                drop(old);
            }
            Err(reason) => {
                tracing::debug!("{} is not renewed: {reason}", planned.hook.name);
                self.links.keep(row, planned.method, old);
            }
        }
    }

    fn is_attached(&self, planned: &Planned) -> bool {
        self.attached.iter().any(|attached| attached.hook.id == planned.hook.id)
    }
}

fn is_in(planned: &Planned, modules: &[String]) -> bool {
    modules.iter().any(|loaded| loaded == planned.hook.site.module())
}
