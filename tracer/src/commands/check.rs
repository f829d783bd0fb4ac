//! `tracer check`: tries everything that a trace would use, and reports what works.

use std::collections::BTreeSet;

use tracer_common::{Filter, Hook};

use crate::{
    catalog::Catalog,
    cli::{CheckConfig, Status},
    kernel::Kernel,
    live::{self, modules},
    model::{Check, CheckRow, CheckStatus},
    output::{self, Look},
    probe::{self, Backend, Probe, Task},
};

/// Size of the ring buffer of a trial attachment.
const TRIAL_BUFFER: u32 = 64 << 10;

/// Attaches each backend for a moment, with a filter that matches nothing.
///
/// # Errors
/// One sentence if tracing is impossible here, the same that a trace would report.
pub fn check(config: &CheckConfig) -> Result<Status, String> {
    live::check_privileges()?;
    let catalog = Catalog::fixed();
    let kernel = Kernel::read(modules(&catalog))?;
    let mut rows = vec![
        row("privileges", CheckStatus::Works, "sufficient to trace".to_owned()),
        row("kernel", CheckStatus::Works, format!("{} with BTF", kernel.release)),
        modules_row(&kernel, &catalog),
    ];
    let trial = Task { filter: nothing(), buffer_size: TRIAL_BUFFER, recorder: false };
    let mut best: Option<Probe> = None;
    for (name, backend) in [
        ("fentry", Backend::Fentry),
        ("kprobe-multi", Backend::KprobeMulti),
        ("kprobe", Backend::Kprobe),
        ("tracepoint", Backend::Tracepoint),
        ("auto", Backend::Auto),
    ] {
        let plan = probe::plan(&kernel, &catalog, backend, None);
        match probe::attach(&kernel, plan, trial) {
            Ok(probe) => {
                rows.push(backend_row(name, &probe));
                best = Some(probe);
            }
            Err(error) => rows.push(row(&format!("backend {name}"), CheckStatus::Missing, error.to_string())),
        }
    }
    for program in ["nft", "iptables-save", "ip6tables-save"] {
        rows.push(program_row(program));
    }
    let verdict = verdict(best.as_ref());
    let mut out = output::stdout(config.color);
    let _ = output::write_check(&mut out, &Check { rows, verdict }, Look::for_stdout(false))
        .map_err(|error| format!("stdout: {error}"))?;
    Ok(if best.is_some() { Status::Clean } else { Status::Failed })
}

/// Returns a filter that matches no packet, so that the hooks are idle. An IPv4 address fills only one of the four
/// words, all of which must be ones.
fn nothing() -> Filter {
    let all_ones = tracer_common::Prefix { addr: [u32::MAX; 4], mask: [u32::MAX; 4] };
    Filter { src: all_ones, dst: all_ones, version: 4, directed: 1, ..Filter::default() }
}

fn modules_row(kernel: &Kernel, catalog: &Catalog) -> CheckRow {
    let absent: BTreeSet<&str> =
        catalog.hooks().filter(|hook| !is_loaded(kernel, hook)).filter_map(|hook| hook.site.module()).collect();
    if !kernel.untyped.is_empty() {
        let untyped: Vec<&str> = kernel.untyped.iter().map(String::as_str).collect();
        let detail = format!("this kernel has no BTF for modules, so these are not traced: {}", untyped.join(", "));
        return row("modules", CheckStatus::Degraded, detail);
    }
    if absent.is_empty() {
        row("modules", CheckStatus::Works, "all modules with hooks are loaded".to_owned())
    } else {
        let names: Vec<&str> = absent.into_iter().collect();
        let detail = format!("not loaded, so no packet passes them: {}", names.join(", "));
        row("modules", CheckStatus::Works, detail)
    }
}

/// Returns whether the module of a hook is loaded, or built into the kernel.
fn is_loaded(kernel: &Kernel, hook: &Hook) -> bool {
    hook.site.module().is_none_or(|module| kernel.types(module).is_some())
        || kernel.vmlinux().function(hook.name).is_some()
}

fn backend_row(name: &str, probe: &Probe) -> CheckRow {
    let failed: Vec<_> = probe.skipped.iter().filter(|skipped| !skipped.reason.is_harmless()).collect();
    let attached = format!("{} hooks attached", probe.attached.len());
    let what = format!("backend {name}");
    match failed.first() {
        None => row(&what, CheckStatus::Works, attached),
        Some(first) if failed.len() == 1 => {
            row(&what, CheckStatus::Degraded, format!("{attached}; {} is not: {}", first.hook, first.reason))
        }
        Some(first) => {
            let names: Vec<&str> = failed.iter().map(|skipped| skipped.hook.as_str()).collect();
            let detail = format!("{attached}; not attached ({}): {}", first.reason, names.join(", "));
            row(&what, CheckStatus::Degraded, detail)
        }
    }
}

fn program_row(program: &str) -> CheckRow {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file());
    match found {
        Some(path) => row(program, CheckStatus::Works, format!("provides rule texts: {}", path.display())),
        None => {
            let detail =
                "not on PATH: rule texts are derived from the kernel's answers and may be incomplete".to_owned();
            row(program, CheckStatus::Degraded, detail)
        }
    }
}

fn verdict(best: Option<&Probe>) -> String {
    match best {
        Some(probe) => format!("tracer works here, with {} hooks", probe.attached.len()),
        None => "tracer does not work here: no backend could attach a hook".to_owned(),
    }
}

fn row(what: &str, status: CheckStatus, detail: String) -> CheckRow {
    CheckRow { what: what.to_owned(), status, detail }
}
