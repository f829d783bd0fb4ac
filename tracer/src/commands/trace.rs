//! A live run: attach, follow, detach, drain, report.

mod ending;
mod filter;
mod live;
mod sinks;
mod start;
mod summary;

use std::{collections::BTreeSet, num::NonZeroU64, sync::Arc, time::Duration};

use tokio::sync::oneshot;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::time::uptime,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use ending::{Ended, Signals};
use live::Live;
use sinks::Sinks;
use start::{hooks, start, untraced, warn};
use summary::Counted;

use super::{marks, privileges};
use crate::{
    catalog::Catalog,
    cli::{Backend, Status, TraceConfig},
    clock::boot_time_ns,
    diagnose::diagnose,
    history::{Retained, memory},
    kernel::{Kernel, reasons::Reasons, symbols::Symbols},
    model::{Lost, Record, SkippedHook},
    output::{Counts, Progress, Show},
    pipeline::{KernelWords, Pipeline},
    probe::{self, Probe, Task},
    source::ring::Ring,
};
pub use start::modules;

/// How often the run checks whether its reader is still there, and looks for new BPF programs and modules.
const LOOK_UP: Duration = Duration::from_millis(250);

/// Runs until a signal, the timeout or the packet count ends the run.
///
/// # Errors
/// One sentence if the run fails.
pub fn trace(config: &TraceConfig) -> Result<Status, String> {
    log(config);
    memory::give_back_large_blocks();
    // Early, because a signal that comes while hooks are being attached must end the run, too.
    let signals = Signals::keep().map_err(|error| format!("signals cannot be caught: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the event loop cannot be started: {error}"))?;
    runtime.block_on(live(config, signals))
}

async fn live(config: &TraceConfig, signals: Signals) -> Result<Status, String> {
    privileges::check()?;
    let wanted = filter::resolve(&config.filter)?;
    let marks = marks::read(config.view.marks.as_deref())?;
    if let Some(path) = &config.ready_file {
        sinks::touchable(path)?;
    }
    let mut sinks = Sinks::open(config, marks)?;
    let progress = Progress::new(&config.filter.to_string(), Show::for_view(&config.view));
    progress.preparing("reading the kernel's types");
    let catalog = Arc::new(Catalog::fixed());
    let mut kernel = Kernel::read(modules(&catalog))?;
    tracing::debug!("types are read");
    let task = Task { filter: wanted, buffer_size: config.buffer_size, recorder: config.drops };
    let plan = probe::plan(&kernel, &catalog, backend(config.backend), limit()?);
    progress.preparing(&format!("attaching {} hooks", plan.groups.len()));
    let mut probe = probe::attach(&kernel, plan, task).map_err(|error| error.to_string())?;
    let mut ring = Ring::of(&mut probe)?;
    let start = start(config, &kernel, &probe);
    warn(&progress, &start);
    let began = start.boot_time_ns;
    let closed = sinks.put(Record::Start(start))?.is_break() || sinks.flush()?.is_break();
    let words = KernelWords { reasons: Reasons::of(&kernel), symbols: Symbols::new(probe::ask_for_locations()) };
    let pipeline = Pipeline::new(words, Arc::clone(&catalog), memory::of_tracker(config.memory));
    let mut run = Run { closed, ..Run::new(config, pipeline, &catalog, &progress, &mut sinks, &mut kernel) };
    for program in &probe.found {
        run.pipeline.tracker.learn_program(program.id, &program.name, program.kind);
    }
    run.pipeline.begin();
    tracing::debug!("counters are read");
    let mut ended = signals.wait_for(config.timeout, probe.detachment(), boot_time_ns);
    if let Some(path) = &config.ready_file {
        sinks::touch(path)?;
    }
    progress.started();
    let ended = run.until(&mut ring, &mut probe, &mut ended).await?;
    tracing::debug!("ending");
    // Everything that was written until the end is reported, however long that takes. Records that hooks write while
    // they are being detached are no longer part of the trace.
    while run.take(&mut ring, ended.boot_time_ns)? > 0 && run.newest <= ended.boot_time_ns {}
    probe.write_log();
    let status = finish(run, &probe, ended.boot_time_ns.saturating_sub(began), config);
    tracing::debug!("reported");
    // Also if the report could not be written: a user who sees the run end may look for leftovers.
    ended.settle();
    status
}

/// The state of a run.
struct Run<'a> {
    pipeline: Pipeline,
    /// Number of records taken.
    events: u64,
    undecoded: u64,
    /// Time of the record taken last, in nanoseconds since boot.
    newest: u64,
    progress: &'a Progress,
    sinks: &'a mut Sinks,
    closed: bool,
    count: Option<u64>,
    kernel: &'a mut Kernel,
    catalog: &'a Catalog,
    /// Modules whose types hooks or structures need.
    modules: BTreeSet<&'static str>,
    /// Number of BPF programs that were loaded during the run and are traced.
    joined: usize,
    /// Modules that were loaded during the run, each with the number of its hooks that are attached.
    late: Vec<(String, usize)>,
    /// BPF programs that could not be traced.
    untraced: Vec<SkippedHook>,
    /// Set if only drops are reported.
    live: Option<Live>,
}

impl<'a> Run<'a> {
    fn new(
        config: &TraceConfig,
        pipeline: Pipeline,
        catalog: &'a Catalog,
        progress: &'a Progress,
        sinks: &'a mut Sinks,
        kernel: &'a mut Kernel,
    ) -> Self {
        Self {
            pipeline,
            events: 0,
            undecoded: 0,
            newest: 0,
            progress,
            sinks,
            closed: false,
            count: config.count.map(NonZeroU64::get),
            kernel,
            catalog,
            modules: modules(catalog),
            joined: 0,
            late: Vec::new(),
            untraced: Vec::new(),
            live: config.drops.then(Live::new),
        }
    }

    /// Takes records until the run ends. The run may end itself.
    async fn until(
        &mut self,
        ring: &mut Ring,
        probe: &mut Probe,
        ended: &mut oneshot::Receiver<Ended>,
    ) -> Result<Ended, String> {
        let mut called = false;
        let mut pause = tokio::time::interval(LOOK_UP);
        loop {
            tokio::select! {
                biased;
                ended = &mut *ended => return ended.map_err(|_| "the thread that waits for signals has ended".to_owned()),
                () = ring.ready() => while self.take(ring, u64::MAX)? > 0 && !self.done() && ended.is_empty() {},
                _ = pause.tick() => {
                    self.closed |= self.sinks.abandoned();
                    self.join_programs(probe);
                    self.join_modules(probe);
                    probe.write_log();
                }
            }
            if self.done() && !called {
                called = true;
                ending::end_now();
            }
        }
    }

    /// Traces BPF programs that were loaded since the last call.
    fn join_programs(&mut self, probe: &mut Probe) {
        for program in probe.join_programs() {
            self.pipeline.tracker.learn_program(program.id, &program.name, program.kind);
            self.joined += usize::from(program.untraced.is_none());
            if let Some(reason) = &program.untraced {
                self.progress.warn(&format!("BPF program {} (id {}): {reason}", program.name, program.id));
                self.untraced.push(untraced(&program, reason));
            }
        }
    }

    /// Attaches hooks in modules that were loaded since the last call.
    fn join_modules(&mut self, probe: &mut Probe) {
        let modules = self.kernel.join(self.modules.iter().copied()).unwrap_or_else(|problem| {
            self.progress.warn(&problem);
            Vec::new()
        });
        if modules.is_empty() {
            return;
        }
        let late = probe.join_modules(self.kernel, self.catalog, &modules);
        if let Some(problem) = late.problem {
            self.progress
                .warn(&format!("module {} was loaded, but its hooks are not attached: {problem}", modules.join(", ")));
        }
        for module in modules {
            let hooks = late.hooks.iter().filter(|hook| hook.site.module() == Some(module.as_str())).count();
            if hooks > 0 {
                self.progress.note(&format!("module {module} was loaded: {hooks} hooks attached"));
                self.late.push((module, hooks));
            }
        }
    }

    fn done(&self) -> bool {
        self.closed || self.count.is_some_and(|count| self.pipeline.tracker.packets() >= count)
    }

    /// Takes the records that wait in the ring buffer, and processes those written until `until`, in nanoseconds since
    /// boot. Returns the number of records taken.
    fn take(&mut self, ring: &mut Ring, until: u64) -> Result<usize, String> {
        let batch = ring.take();
        let taken = batch.records.len();
        self.newest = batch.records.last().map_or(self.newest, |record| record.header().ts);
        self.undecoded += batch.undecoded;
        self.events += taken as u64 + batch.undecoded;
        for wire in batch.records.into_iter().filter(|record| record.header().ts <= until) {
            let lines = self.pipeline.process(wire);
            if let Some(live) = &mut self.live {
                live.note(lines);
            }
            for line in lines.drain(..) {
                self.closed |= self.sinks.put(line)?.is_break();
            }
        }
        self.closed |= self.sinks.flush()?.is_break();
        let tracker = &self.pipeline.tracker;
        let counts =
            Counts { packets: tracker.packets(), flows: tracker.flows(), drops: tracker.drops(), lost: self.undecoded };
        match &self.live {
            Some(live) if taken > 0 => {
                let (worst, more, names) = live.worst();
                self.progress.update_drops(counts, &worst, more, names);
            }
            Some(_) => {}
            None => self.progress.update(counts),
        }
        Ok(taken)
    }
}

fn finish(mut run: Run<'_>, probe: &Probe, duration_ns: u64, config: &TraceConfig) -> Result<Status, String> {
    let counts = probe.counts();
    let mut lost = Lost {
        events: counts.events,
        tracked_overflow: counts.tracked_overflow,
        missed_probes: counts.missed_probes,
        unparsed: counts.unparsed + run.undecoded,
        trails: counts.trails,
        ..Lost::default()
    };
    for problem in run.pipeline.problems() {
        run.progress.warn(&problem);
    }
    run.progress.finish();
    for line in run.pipeline.finish() {
        let _ = run.sinks.put(line)?;
    }
    let Retained { mut trace, evicted_packets, evicted_drops } = run.sinks.take_trace();
    lost.forgotten_packets = evicted_packets;
    lost.forgotten_flows = run.pipeline.tracker.forgotten_flows();
    trace.start.programs += run.joined;
    trace.start.hooks = hooks(probe);
    trace.start.hooks.failed.append(&mut run.untraced);
    trace.start.joined = run.late;
    let tracker = &run.pipeline.tracker;
    trace.findings = diagnose(&trace);
    let packets = if config.drops { counts.packets } else { tracker.packets() };
    let counted = Counted { packets, flows: tracker.flows(), events: run.events, lost, duration_ns };
    trace.summary = summary::summary(&trace, counted, evicted_drops);
    trace.complete = true;
    run.sinks.end(&trace)?;
    Ok(Status::of(&trace))
}

fn backend(typed: Backend) -> probe::Backend {
    match typed {
        Backend::Auto => probe::Backend::Auto,
        Backend::Fentry => probe::Backend::Fentry,
        Backend::KprobeMulti => probe::Backend::KprobeMulti,
        Backend::Kprobe => probe::Backend::Kprobe,
        Backend::Tracepoint => probe::Backend::Tracepoint,
    }
}

/// Returns the maximum number of hooks, to measure what one costs: `TRACER_HOOKS=8`.
fn limit() -> Result<Option<usize>, String> {
    let text = std::env::var("TRACER_HOOKS").unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| format!("TRACER_HOOKS `{text}` is not a number of hooks: give one, such as 8"))
}

/// Sets up the log: `TRACER_LOG=debug`, or `trace` for the verifier's log.
fn log(config: &TraceConfig) {
    let wish = std::env::var("TRACER_LOG").ok().and_then(|level| level.parse().ok());
    let level = wish.unwrap_or(if config.view.quiet { LevelFilter::ERROR } else { LevelFilter::WARN });
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_timer(uptime());
    let ours = Targets::new().with_target("tracer", level).with_default(LevelFilter::WARN);
    tracing_subscriber::registry().with(lines).with(ours).init();
}
