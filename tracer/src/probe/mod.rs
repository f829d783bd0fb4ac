//! Loads the eBPF programs into the kernel and attaches them: plan (pure), fold (pure), load, attach, detach.
//!
//! Invariant: only this folder and `source` know Aya. File descriptors alone hold what is attached, so that nothing
//! outlives the process, however it ends.

mod cast;
mod config;
mod detach;
mod error;
mod fold;
mod link;
mod log;
mod modules;
mod object;
mod plan;
mod programs;
mod reason;
mod sys;
mod tracked;

use std::{
    collections::HashSet,
    num::NonZeroU32,
    os::fd::{AsFd as _, OwnedFd},
    sync::Arc,
};

use aya::maps::{Map, MapData, PerCpuArray};
use tracer_common::{Filter, counter, hook};

pub use detach::{Detach, Detaching};
use detach::{Lane, Links};
pub use error::Error;
pub use plan::{Backend, Method, Plan, Planned, Skipped, plan};
pub use programs::Program;
use reason::Attempt;
pub use reason::Reason;
pub use tracked::Tracked;

use crate::kernel::{Kernel, symbols::Ask};

/// The eBPF object, compiled by `build.rs`.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/tracer-ebpf"));

/// Attached hooks and the maps behind them. Dropping a probe detaches its hooks.
pub struct Probe {
    /// The ring buffer, until its reader takes it.
    pub events: Option<Map>,
    /// Attached hooks, each with the method that attached it.
    pub attached: Vec<Planned>,
    /// Hooks that are not attached, and why.
    pub skipped: Vec<Skipped>,
    /// BPF programs on the packets' path that were found when the hooks were attached.
    pub found: Vec<Program>,
    /// Names of BPF programs that see connect() and sendmsg() before there is a packet, each once.
    pub socket_programs: Vec<String>,
    lost: PerCpuArray<MapData, u64>,
    /// The tracked skbs, until the end of the trace takes them.
    tracked: Option<Tracked>,
    programs: Vec<OwnedFd>,
    links: Links,
    object: object::Object,
    task: Task,
    /// Number of trails per CPU, if the flight recorder is on.
    trails: Option<NonZeroU32>,
    backend: Backend,
    limit: Option<usize>,
    traced: Option<programs::Programs>,
    log: Option<log::KernelLog>,
}

/// Counters of the kernel side.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Records lost because the ring buffer was full.
    pub events: u64,
    /// Packets lost because the table of tracked skbs was full.
    pub tracked_overflow: u64,
    /// Headers that could not be read.
    pub unparsed: u64,
    /// Probe hits that the kernel skipped.
    pub missed_probes: u64,
    /// Drops whose trail the flight recorder had evicted for newer packets.
    pub trails: u64,
    /// Packets that matched; not a loss.
    pub packets: u64,
}

/// The task of the kernel side.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Which packets to trace.
    pub filter: Filter,
    /// Size of the ring buffer in bytes, a power of two.
    pub buffer_size: u32,
    /// Keep each packet's steps in the kernel, and report them only if the packet is dropped.
    pub recorder: bool,
}

/// Number of trails in the flight recorder, divided among the CPUs. A trail takes 2.4 KB.
const TRAILS: u32 = 4096;
/// Minimum number of trails per CPU, for machines with many CPUs: a power of two.
const TRAILS_OF_CPU: u32 = 64;

/// Loads and attaches the hooks of the plan.
///
/// If a method fails, the next one that the backend allows is tried. A hook for which all fail is skipped with its
/// reason: one hook never takes the rest down.
///
/// # Errors
/// If maps cannot be created or no hook at all can be attached.
pub fn attach(kernel: &Kernel, plan: Plan, task: Task) -> Result<Probe, Error> {
    let cpus = aya::util::nr_cpus().map_err(|(what, error)| Error::Cpus(what, error))?;
    let cpus = u32::try_from(cpus).unwrap_or(u32::MAX).max(1);
    let trails =
        task.recorder.then(|| (TRAILS / cpus).next_power_of_two().max(TRAILS_OF_CPU)).and_then(NonZeroU32::new);
    let (backend, limit) = (plan.backend(), plan.limit());
    let config = config::config(kernel, task, trails, backend);
    tracing::debug!("the layout is resolved");
    let given = object::Given {
        config,
        sizes: &[
            ("EVENTS", task.buffer_size),
            ("TRAILS", trails.map_or(1, |trails| trails.get().saturating_mul(cpus))),
            ("AYA_LOGS", log::size()),
        ],
        only: Some(&first_choices(&plan)),
    };
    let (object, mut maps) = object::Object::new(OBJECT, given)?;
    let tracked = Tracked::of(&maps);
    let lost = maps.remove("LOST").ok_or(Error::NoCounters)?;
    let lost = PerCpuArray::try_from(Map::PerCpuArray(lost));
    let mut probe = Probe {
        events: maps.remove("EVENTS").map(Map::RingBuf),
        lost: lost.map_err(Error::Counters)?,
        tracked,
        attached: Vec::new(),
        skipped: plan.skipped,
        found: Vec::new(),
        socket_programs: Vec::new(),
        programs: Vec::new(),
        links: Links::default(),
        object,
        task,
        trails,
        backend,
        limit,
        traced: (backend != Backend::Tracepoint).then(programs::Programs::default),
        log: None,
    };
    probe.attach_groups(kernel, plan.groups);
    probe.found = probe.join_programs();
    tracing::debug!("{} BPF programs on the path", probe.found.len());
    probe.object.keep_only(programs::OURS);
    probe.log = log::KernelLog::of(&probe.programs);
    if probe.attached.is_empty() {
        return Err(nothing_attached(&probe.skipped));
    }
    Ok(probe)
}

/// Returns a lookup that asks the kernel for the names of locations, or `None` if it cannot be asked.
#[must_use]
pub fn ask_for_locations() -> Option<Ask> {
    let locations =
        sys::Locations::load().inspect_err(|error| tracing::debug!("no look-up of places: {error}")).ok()?;
    let own = sys::addresses([c"_stext", c"_etext"]).and_then(|ends| Some(*ends.first()?..*ends.get(1)?));
    Some(Ask { location: Box::new(move |address| locations.location(address)), own: own.unwrap_or_default() })
}

/// Returns the programs that are needed if the kernel accepts the first choice for each hook.
fn first_choices(plan: &Plan) -> HashSet<String> {
    let first = plan.groups.iter().filter_map(|group| group.first());
    let traced = programs::OURS.iter().map(|&name| name.to_owned());
    first.flat_map(link::programs).chain([link::DISPATCH.to_owned()]).chain(traced).collect()
}

impl Probe {
    /// Attaches each group by the first of its alternatives that the kernel accepts.
    ///
    /// Hooks that end packets come first: a packet that was met and then freed unseen would be mistaken for the next
    /// packet at its address.
    fn attach_groups(&mut self, kernel: &Kernel, mut groups: Vec<Vec<Planned>>) {
        groups.sort_by_key(|group| !group.iter().any(|planned| planned.hook.ends_packets));
        let is_end = |group: &Vec<Planned>| {
            group.first().is_some_and(|first| first.hook.ends_packets && first.method != Method::KprobeMulti)
        };
        for group in groups.extract_if(.., |group| is_end(group)) {
            self.attach_first_of(kernel, group, None);
        }
        let together = self.attach_together(kernel, &groups);
        for group in groups {
            if !group.first().is_some_and(|first| together.hooks.contains(&first.hook.id)) {
                self.attach_first_of(kernel, group, together.refused.as_ref());
            }
        }
    }

    /// Attaches all hooks whose first choice is `kprobe.multi`, with one link.
    fn attach_together(&mut self, kernel: &Kernel, groups: &[Vec<Planned>]) -> link::Together {
        let first = groups.iter().filter_map(|group| group.first());
        let planned: Vec<Planned> = first.filter(|planned| planned.method == Method::KprobeMulti).copied().collect();
        let hooks: Vec<_> = planned.iter().map(|planned| planned.hook).collect();
        let array = self.object.map("BY_HOOK");
        let Some(array) = array.filter(|_| !hooks.is_empty()) else { return link::Together::default() };
        let mut together = link::attach_together(kernel, &self.object, array, &hooks);
        self.programs.append(&mut together.attached.programs);
        self.links.keep(None, Method::KprobeMulti, together.attached.links.drain(..));
        self.attached.extend(planned.into_iter().filter(|planned| together.hooks.contains(&planned.hook.id)));
        together
    }

    /// Attaches the first of the alternatives that the kernel accepts.
    fn attach_first_of(&mut self, kernel: &Kernel, alternatives: Vec<Planned>, no_multi: Option<&Arc<Error>>) {
        let mut attempts = Vec::new();
        let mut name = String::new();
        for planned in alternatives {
            name = planned.hook.name.to_owned();
            if !link::programs(&planned).iter().all(|program| self.object.has(program)) {
                match self.object.whole() {
                    Ok(object) => self.object = object,
                    Err(error) => attempts.push(Attempt::Prepare(error)),
                }
            }
            match link::attach(kernel, &self.object, &planned, no_multi) {
                Ok(attached) => {
                    tracing::debug!("{name} is attached by {}", planned.method);
                    self.programs.extend(attached.programs);
                    self.links.keep(Some(planned.hook.id), planned.method, attached.links);
                    self.attached.push(planned);
                    return;
                }
                Err(error) => attempts.push(Attempt::Attach(planned.method, error)),
            }
        }
        let reason = Reason::Failed(attempts);
        tracing::debug!("{name} is not attached: {reason}");
        self.skipped.push(Skipped { hook: name, reason });
    }

    /// Traces the BPF programs that were loaded since the last call, and returns them.
    pub fn join_programs(&mut self) -> Vec<Program> {
        let Some(traced) = &mut self.traced else { return Vec::new() };
        let joined = traced.join(&self.object);
        self.programs.extend(joined.programs);
        self.links.keep(None, Lane::Quick, joined.links);
        self.socket_programs.extend(joined.at_sockets);
        self.socket_programs.sort_unstable();
        self.socket_programs.dedup();
        joined.found
    }

    /// Writes the kernel side's log since the last call to ours.
    pub fn write_log(&mut self) {
        if let Some(log) = &mut self.log {
            log.write();
        }
    }

    /// Returns the counters, summed over all CPUs and programs.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let slot = |slot: u32| self.lost.get(&slot, 0).map(|of_cpus| of_cpus.iter().sum::<u64>());
        Counts {
            events: slot(counter::EVENTS).unwrap_or(0),
            tracked_overflow: slot(counter::TRACKED_OVERFLOW).unwrap_or(0),
            unparsed: slot(counter::UNPARSED).unwrap_or(0),
            trails: slot(counter::TRAILS).unwrap_or(0),
            packets: slot(counter::PACKETS).unwrap_or(0),
            missed_probes: self.programs.iter().map(|fd| sys::recursion_misses(fd.as_fd())).sum::<u64>()
                + self.links.missed(),
        }
    }

    /// Returns a handle that detaches the probes. The maps stay readable through `self`.
    #[must_use]
    pub fn detachment(&self) -> Detach {
        Detach::new(self.links.clone())
    }

    /// Takes the table of tracked skbs, to be read right before the probes are detached. `None` if the hook is not
    /// attached that sees every skb end, and with the flight recorder, of which only drops are reported.
    pub fn tracked(&mut self) -> Option<Tracked> {
        let sees_ends = self.attached.iter().any(|planned| planned.hook.id == hook::SKB_RELEASE_HEAD_STATE);
        self.tracked.take_if(|_| sees_ends && self.trails.is_none())
    }
}

fn nothing_attached(skipped: &[Skipped]) -> Error {
    if skipped.iter().any(|skipped| skipped.reason.is_denied()) {
        return Error::Denied;
    }
    let first = skipped.iter().find(|skipped| !skipped.reason.is_harmless());
    Error::NothingAttached(first.map(|skipped| skipped.reason.to_string()).unwrap_or_default())
}
