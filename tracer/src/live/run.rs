//! A live run: attach, follow, detach, drain, diagnose.

use std::{
    collections::BTreeSet,
    num::NonZeroU64,
    sync::{
        Arc,
        mpsc::{Receiver, Sender},
    },
    time::Duration,
};

use tokio::{runtime, sync::oneshot};
use tracer_common::Filter as WireFilter;

use super::{
    Builder, End, Error, Filter, Sink, SinkError, ending,
    ending::Ended,
    pending::pending,
    start::{hooks, modules, start, untraced, warn},
    summary::{self, Counted},
    unmatched::unmatched,
    worst::WorstDrops,
};
use crate::{
    catalog::Catalog,
    clock::boot_time_ns,
    diagnose::{diagnose, verdicts},
    history::{History, Retained, memory},
    kernel::{Kernel, reasons::Reasons, symbols::Symbols},
    model::{Lost, Record, SkippedHook, Summary, Trace},
    output::{Counts, Progress},
    pipeline::{KernelWords, Pipeline},
    probe::{self, Probe, Task},
    source::ring::Ring,
};

/// How often the run checks whether its sink wants to go on, and looks for new BPF programs and modules.
const LOOK_UP: Duration = Duration::from_millis(250);

/// Runs until the run is asked to end, the time is up, or the run has seen enough.
///
/// # Errors
/// If the run cannot be started, or the sink fails.
pub fn run(
    builder: &Builder,
    wanted: WireFilter,
    end: Sender<End>,
    asked: Receiver<End>,
    sink: &mut dyn Sink,
) -> Result<Trace, Error> {
    if runtime::Handle::try_current().is_ok() {
        return Err(Error::Process("a trace blocks its thread: run it outside of async code".to_owned()));
    }
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Process(format!("the event loop cannot be started: {error}")))?;
    runtime.block_on(follow(builder, wanted, end, asked, sink))
}

async fn follow(
    builder: &Builder,
    wanted: WireFilter,
    end: Sender<End>,
    asked: Receiver<End>,
    sink: &mut dyn Sink,
) -> Result<Trace, Error> {
    let progress = Progress::new(&builder.filter.to_string(), builder.show);
    progress.preparing("reading the kernel's types");
    let catalog = Arc::new(Catalog::fixed());
    let mut kernel = Kernel::read(modules(&catalog)).map_err(refused)?;
    tracing::debug!("types are read");
    let task = Task { filter: wanted, buffer_size: builder.buffer_size, recorder: builder.drops };
    let plan = probe::plan(&kernel, &catalog, builder.backend, builder.limit);
    progress.preparing(&format!("attaching {} hooks", plan.groups.len()));
    let mut probe = probe::attach(&kernel, plan, task).map_err(refused)?;
    let mut ring = Ring::of(&mut probe).map_err(refused)?;
    let start = start(builder, &kernel, &probe);
    warn(&progress, &start);
    start.hosts.iter().for_each(|host| progress.note(&host.to_string()));
    let began = start.boot_time_ns;
    let start = Record::Start(start);
    let closed = sink.put(&start)?.is_break() || sink.flush()?.is_break();
    let words = KernelWords { reasons: Reasons::of(&kernel), symbols: Symbols::new(probe::ask_for_locations()) };
    let pipeline = Pipeline::new(words, Arc::clone(&catalog), memory::of_tracker(builder.memory));
    let mut run = Run { closed, ..Run::new(builder, pipeline, &catalog, &progress, sink, &mut kernel, end) };
    run.history.put(start);
    for program in &probe.found {
        run.pipeline.tracker.learn_program(program.id, &program.name, program.kind);
    }
    run.pipeline.begin(began);
    tracing::debug!("counters are read");
    let mut ended = ending::wait_for(asked, builder.timeout, probe.tracked(), probe.detachment(), boot_time_ns);
    run.sink.ready()?;
    progress.started();
    let ended = run.until(&mut ring, &mut probe, &mut ended).await?;
    tracing::debug!("ending");
    // Everything that was written until the end is reported, however long that takes. Records that hooks write while
    // they are being detached are no longer part of the trace.
    while run.take(&mut ring, ended.boot_time_ns)? > 0 && run.newest <= ended.boot_time_ns {}
    probe.write_log();
    let trace = finish(run, &probe, &ended, began);
    tracing::debug!("reported");
    // Also if the report could not be written: a user who sees the run end may look for leftovers.
    ended.settle();
    trace
}

/// Returns the error for a kernel that refuses what a trace needs.
fn refused(error: impl ToString) -> Error {
    Error::Kernel(error.to_string())
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
    sink: &'a mut dyn Sink,
    history: History,
    /// Whether the sink wants no more.
    closed: bool,
    count: Option<NonZeroU64>,
    filter: &'a Filter,
    drops: bool,
    end: Sender<End>,
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
    worst: Option<WorstDrops>,
}

impl<'a> Run<'a> {
    fn new(
        builder: &'a Builder,
        pipeline: Pipeline,
        catalog: &'a Catalog,
        progress: &'a Progress,
        sink: &'a mut dyn Sink,
        kernel: &'a mut Kernel,
        end: Sender<End>,
    ) -> Self {
        Self {
            pipeline,
            events: 0,
            undecoded: 0,
            newest: 0,
            progress,
            sink,
            history: History::new(memory::of_steps(builder.memory)),
            closed: false,
            count: builder.count,
            filter: &builder.filter,
            drops: builder.drops,
            end,
            kernel,
            catalog,
            modules: modules(catalog),
            joined: 0,
            late: Vec::new(),
            untraced: Vec::new(),
            worst: builder.drops.then(WorstDrops::new),
        }
    }

    /// Takes records until the run ends. The run may end itself.
    async fn until(
        &mut self,
        ring: &mut Ring,
        probe: &mut Probe,
        ended: &mut oneshot::Receiver<Ended>,
    ) -> Result<Ended, Error> {
        let mut called = false;
        let mut pause = tokio::time::interval(LOOK_UP);
        loop {
            tokio::select! {
                biased;
                ended = &mut *ended => return ended.map_err(|_| Error::Process("the thread that waits for the end has ended".to_owned())),
                () = ring.ready() => while self.take(ring, u64::MAX)? > 0 && !self.done() && ended.is_empty() {},
                _ = pause.tick() => {
                    self.closed |= self.sink.abandoned();
                    self.join_programs(probe);
                    self.join_modules(probe);
                    probe.write_log();
                }
            }
            if self.done() && !called {
                called = true;
                _ = self.end.send(End);
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
        self.closed || self.count.is_some_and(|count| self.pipeline.tracker.packets() >= count.get())
    }

    /// Takes the records that wait in the ring buffer, and processes those written until `until`, in nanoseconds since
    /// boot. Returns the number of records taken.
    fn take(&mut self, ring: &mut Ring, until: u64) -> Result<usize, SinkError> {
        let batch = ring.take();
        let taken = batch.records.len();
        self.newest = batch.records.last().map_or(self.newest, |record| record.header().ts);
        self.undecoded += batch.undecoded;
        self.events += taken as u64 + batch.undecoded;
        for wire in batch.records.into_iter().filter(|record| record.header().ts <= until) {
            let lines = self.pipeline.process(wire);
            if let Some(worst) = &mut self.worst {
                worst.note(lines);
            }
            for line in lines.drain(..) {
                self.closed |= self.sink.put(&line)?.is_break();
                self.history.put(line);
            }
        }
        self.flush()?;
        let tracker = &self.pipeline.tracker;
        let counts =
            Counts { packets: tracker.packets(), flows: tracker.flows(), drops: tracker.drops(), lost: self.undecoded };
        match &self.worst {
            Some(worst) if taken > 0 => {
                let (worst, more, names) = worst.worst();
                self.progress.update_drops(counts, &worst, more, names);
            }
            Some(_) => {}
            None => self.progress.update(counts),
        }
        Ok(taken)
    }

    /// Writes and retains a line.
    fn put(&mut self, line: Record) -> Result<(), SinkError> {
        self.closed |= self.sink.put(&line)?.is_break();
        self.history.put(line);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.closed |= self.sink.flush()?.is_break();
        Ok(())
    }
}

/// Writes what is left, findings and summary, and returns the whole trace, which began at this time in nanoseconds
/// since boot.
fn finish(mut run: Run<'_>, probe: &Probe, ended: &Ended, began: u64) -> Result<Trace, Error> {
    let duration_ns = ended.boot_time_ns.saturating_sub(began);
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
        run.put(line)?;
    }
    let Run { sink, mut pipeline, history, progress, .. } = run;
    let Retained { mut trace, evicted_packets, evicted_drops } = history.take();
    lost.forgotten_packets = evicted_packets;
    lost.forgotten_flows = pipeline.tracker.forgotten_flows();
    trace.start.programs += run.joined;
    trace.start.hooks = hooks(probe);
    trace.start.hooks.failed.append(&mut run.untraced);
    trace.start.joined = run.late;
    // What was lost or has not been waited for limits what can be concluded.
    trace.summary = Summary { lost, duration_ns, ..Summary::default() };
    trace.complete = true;
    trace.findings = diagnose(&trace);
    trace.pending = pending(&trace, &mut pipeline, ended.in_kernel.as_ref(), ended.boot_time_ns, progress);
    if trace.steps.is_empty() && !run.drops {
        let (unmatched, problems) = unmatched(run.filter);
        problems.iter().for_each(|problem| progress.warn(problem));
        trace.unmatched = Some(unmatched);
    }
    if !trace.pending.is_empty() {
        trace.findings = diagnose(&trace);
    }
    let tracker = &pipeline.tracker;
    let packets = if run.drops { counts.packets } else { tracker.packets() };
    let counted = Counted { packets, flows: tracker.flows(), events: run.events, lost, duration_ns };
    trace.summary = summary::summary(&trace, counted, evicted_drops);
    trace.flows = verdicts(&trace);
    for line in trace.conclusions() {
        let _closed = sink.put(&line)?;
    }
    let _closed = sink.end(&trace)?;
    Ok(trace)
}
