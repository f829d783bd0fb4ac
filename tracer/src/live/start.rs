//! Builds the first line of a trace: what runs, and what it covers.

use std::collections::BTreeSet;

use super::Builder;
use crate::{
    catalog::Catalog,
    clock::boot_time_ns,
    kernel::{Kernel, offsets},
    model::{Hooks, SkippedHook, Start},
    output::Progress,
    probe::{self, Probe},
};

/// Version of the JSON lines.
const SCHEMA: u32 = 1;

/// Returns the first line.
pub fn start(builder: &Builder, kernel: &Kernel, probe: &Probe) -> Start {
    Start {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema: SCHEMA,
        kernel: kernel.release.clone(),
        node: kernel.node.clone(),
        boot_time_ns: boot_time_ns(),
        backend: backend(probe),
        hooks: hooks(probe),
        programs: probe.found.iter().filter(|program| program.untraced.is_none()).count(),
        socket_programs: probe.socket_programs.clone(),
        joined: Vec::new(),
        drops: builder.drops,
        aimed: builder.filter.is_aimed(),
        misses_answers: builder.filter.misses_answers(),
        hosts: builder.hosts.clone(),
        filter: builder.filter.to_string(),
    }
}

/// Returns all methods in use, joined.
fn backend(probe: &Probe) -> String {
    let mut methods: Vec<_> = probe.attached.iter().map(|planned| planned.method).collect();
    methods.sort_unstable();
    methods.dedup();
    methods.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
}

/// Counts the hooks that are attached by now, and lists those that are not. The list includes untraced BPF programs
/// that were loaded at the start.
pub fn hooks(probe: &Probe) -> Hooks {
    let hooks = probe.skipped.iter().map(|skipped| SkippedHook {
        hook: skipped.hook.clone(),
        reason: skipped.reason.to_string(),
        harmless: skipped.reason.is_harmless(),
    });
    let programs = probe.found.iter().filter_map(|program| Some(untraced(program, program.untraced.as_deref()?)));
    let failed = hooks.chain(programs).collect();
    Hooks { asked: probe.attached.len() + probe.skipped.len(), attached: probe.attached.len(), failed }
}

/// Describes a BPF program on the path that is not traced.
pub fn untraced(program: &probe::Program, reason: &str) -> SkippedHook {
    let hook = format!("BPF program {} (id {})", program.name, program.id);
    SkippedHook { hook, reason: reason.to_owned(), harmless: false }
}

/// Warns about hooks that are not attached.
pub fn warn(progress: &Progress, start: &Start) {
    for hook in start.hooks.failed.iter().filter(|hook| !hook.harmless) {
        progress.warn(&format!("{} is not attached: {}", hook.hook, hook.reason));
    }
}

/// Returns the modules whose types hooks or structures need.
pub fn modules(catalog: &Catalog) -> BTreeSet<&'static str> {
    catalog.hooks().filter_map(|hook| hook.site.module()).chain(offsets::modules()).collect()
}
