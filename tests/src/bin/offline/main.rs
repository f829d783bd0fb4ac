//! `offline`: measures how fast records become findings, and in how much memory. It needs neither privileges nor a
//! kernel. The records are synthetic, and pass through the stages of a live run, from their bytes to the diagnosis.
//! Prints one JSON object for each figure, like `bench`.

mod wire;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use clap::Parser;
use nix::time::{ClockId, clock_gettime};
use tracer::{
    capture::Name,
    diagnose::diagnose,
    internal::{Catalog, History, Pipeline, Words, decode, memory},
};
use wire::Records;

/// Measures how fast user space processes records, without a kernel
#[derive(Parser)]
struct Args {
    /// Number of flows
    flows: u64,
    /// Number of packets
    packets: u64,
    /// Memory limit as in tracer's --memory, in MiB
    #[arg(default_value_t = 512)]
    memory: u64,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("offline: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Number of packets whose records come at once.
const BATCH: usize = 256;

fn run(args: &Args) -> Result<()> {
    memory::give_back_large_blocks();
    let most = usize::try_from(args.memory << 20)?;
    let mut pipeline = Pipeline::new(Plain, Catalog::fixed().into(), memory::of_tracker(most));
    let mut history = History::new(memory::of_steps(most));
    let mut follow = |records: &Records| {
        for wire in records.iter().filter_map(decode) {
            pipeline.process(wire).drain(..).for_each(|line| history.put(line));
        }
    };
    follow(&Records::names());
    let mut records = Records::default();
    let (mut following, mut count) = (Duration::ZERO, 0);
    for first in (1..=args.packets).step_by(BATCH) {
        records.clear();
        let packets = first..=args.packets.min(first + BATCH as u64 - 1);
        packets.for_each(|packet| records.packet(packet, packet % args.flows));
        count += records.iter().count() as u64;
        following += timed(|| follow(&records))?.0;
    }
    let (sorting, taken) = timed(|| history.take())?;
    let (diagnosing, findings) = timed(|| diagnose(&taken.trace))?;
    let case = format!("{}, {}M", args.flows, args.memory);
    let figure = |what: &str, value: u64| {
        println!("{}", serde_json::json!({ "case": case, "what": what, "value": value }));
    };
    let nanoseconds = |took: Duration| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    let all = nanoseconds(following + sorting + diagnosing);
    figure("records", count);
    figure("follow_ns_per_record", nanoseconds(following) / count.max(1));
    figure("diagnose_ns_per_record", nanoseconds(sorting + diagnosing) / count.max(1));
    figure("records_per_second", count * 1_000_000_000 / all.max(1));
    figure("findings", findings.len() as u64);
    figure("forgotten_packets", taken.evicted_packets);
    figure("forgotten_flows", pipeline.tracker.forgotten_flows());
    figure("peak_resident_kib", peak()?);
    Ok(())
}

/// Returns how long this thread ran for the work, and its result. Other programs on the machine do not count.
fn timed<T>(work: impl FnOnce() -> T) -> Result<(Duration, T)> {
    let now = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from);
    let begin = now()?;
    let done = work();
    Ok((now()? - begin, done))
}

fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    line.trim().trim_end_matches(" kB").parse().context("VmHWM is no number")
}

/// Fixed words, because there is no kernel to ask.
struct Plain;

impl Words for Plain {
    fn reason(&mut self, _: u32) -> Name {
        Name::new_static("NETFILTER_DROP")
    }

    fn location(&mut self, _: u64) -> Name {
        Name::new_static("nf_hook_slow+0xb9")
    }
}
