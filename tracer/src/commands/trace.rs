//! `tracer trace`: a live run with the outputs that the user chose.

mod names;
mod signals;
mod sinks;

use std::sync::mpsc;

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::time::uptime,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use signals::Signals;
use sinks::Sinks;

use super::marks;
use crate::{
    cli::{Backend, Status, TraceConfig},
    history::memory,
    live::{self, Builder},
    output::Show,
};

/// Runs until a signal, the timeout or the packet count ends the run.
///
/// # Errors
/// One sentence if the run fails.
pub fn trace(config: &TraceConfig) -> Result<Status, String> {
    log(config);
    memory::give_back_large_blocks();
    // Early, because a signal that comes while hooks are being attached must end the run, too.
    let signals = Signals::keep().map_err(|error| format!("signals cannot be caught: {error}"))?;
    let (end, ended) = mpsc::channel();
    signals.forward_to(end.clone());
    let run = builder(config)?;
    // Before the outputs are opened, so that a run that cannot start leaves an older capture as it is.
    run.check().map_err(|error| error.to_string())?;
    let mut sinks = Sinks::open(config, marks::read(config.view.marks.as_deref())?)?;
    let trace = run.run_until(end, ended, &mut sinks).map_err(|error| error.to_string())?;
    Ok(Status::of(&trace))
}

fn builder(config: &TraceConfig) -> Result<Builder, String> {
    let mut filter = config.filter.clone();
    let builder = Builder {
        hosts: names::look_up(&mut filter, &config.lookups)?,
        limit: limit()?,
        show: Show::for_view(&config.view),
        timeout: config.timeout,
        count: config.count,
        ..Builder::new()
    };
    Ok(builder
        .filter(filter)
        .drops(config.drops)
        .backend(backend(config.backend))
        .buffer_size(config.buffer_size)
        .memory(config.memory))
}

fn backend(typed: Backend) -> live::Backend {
    match typed {
        Backend::Auto => live::Backend::Auto,
        Backend::Fentry => live::Backend::Fentry,
        Backend::KprobeMulti => live::Backend::KprobeMulti,
        Backend::Kprobe => live::Backend::Kprobe,
        Backend::Tracepoint => live::Backend::Tracepoint,
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
