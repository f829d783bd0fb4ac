//! Builds the constants that the programs are loaded with.

use std::{
    fs,
    num::{NonZeroU32, NonZeroU64},
};

use tracer_common::Config;

use super::{Backend, Task, cast, log, sys};
use crate::kernel::{Kernel, offsets, reasons, symbols::address_of};

/// Returns the constants for this kernel and this run.
pub fn config(kernel: &Kernel, task: Task, trails: Option<NonZeroU32>, backend: Backend) -> Config {
    let resolved = offsets::resolve(kernel);
    for missing in &resolved.missing {
        tracing::debug!("this kernel has no {missing}");
    }
    let loops = kernel.vmlinux().function("bpf_loop").is_some();
    let per_cpu = PerCpu::of(kernel, backend);
    Config {
        filter: task.filter,
        layout: resolved.layout,
        per_cpu_offset: per_cpu.offset.map_or(Config::NONE.into(), NonZeroU64::get),
        prog_active: per_cpu.prog_active.map_or(Config::NONE.into(), NonZeroU64::get),
        tracepoints_only: u32::from(backend == Backend::Tracepoint),
        has_reason: u32::from(parameters(kernel, "kfree_skb") > 2),
        netfilter_drop: reasons::number(kernel, "NETFILTER_DROP").unwrap_or(Config::NONE),
        has_consume_location: u32::from(parameters(kernel, "consume_skb") > 1),
        trails: trails.map_or(Config::NONE, NonZeroU32::get),
        has_loop: u32::from(loops),
        counters_per_cpu: u32::from(per_cpu.counters),
        rdonly_cast: cast::to_no_type(kernel).map_or(Config::NONE, NonZeroU32::get),
        log: u32::from(log::is_on()),
        pad: 0,
    }
}

/// What the kernel keeps for each CPU.
struct PerCpu {
    /// Address of `__per_cpu_offset`, if known.
    offset: Option<NonZeroU64>,
    /// Address of `bpf_prog_active`, if known and needed.
    prog_active: Option<NonZeroU64>,
    /// Whether x_tables counts per CPU, which it does if there may be more than one (`xt_get_this_cpu_counter`).
    counters: bool,
}

impl PerCpu {
    fn of(kernel: &Kernel, backend: Backend) -> Self {
        let legacy = kernel.modules.contains_key("ip_tables") || kernel.modules.contains_key("ip6_tables");
        let possible = fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
        let counters = legacy && possible.trim() != "0";
        // Only `Auto` attaches both kprobes and programs that must know when the kernel skips kprobes.
        let known = (backend == Backend::Auto).then(|| sys::addresses([c"__per_cpu_offset", c"bpf_prog_active"]));
        match known.flatten().as_deref() {
            Some(&[offset, prog_active]) => {
                Self { offset: NonZeroU64::new(offset), prog_active: NonZeroU64::new(prog_active), counters }
            }
            _ if counters => {
                let offset = address_of("__per_cpu_offset").and_then(NonZeroU64::new);
                Self { offset, prog_active: None, counters }
            }
            _ => Self { offset: None, prog_active: None, counters },
        }
    }
}

/// Returns the number of a tracepoint's parameters. Newer kernels append some.
fn parameters(kernel: &Kernel, tracepoint: &str) -> usize {
    let types = kernel.vmlinux();
    let parameters = types.tracepoint(tracepoint).and_then(|id| types.tracepoint_parameters(id));
    parameters.map_or(0, |parameters| parameters.len())
}
