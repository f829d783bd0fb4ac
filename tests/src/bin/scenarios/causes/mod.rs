//! Plays the documents about causes of drops. Each variant is a failing twin and a healthy one, and many plays share
//! one run of tracer.

mod batch;
mod modules;
mod play;
mod room;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result};
use tests::{cause::Cause, verdict::Verdict, version::Version};

use self::{
    batch::{Played, Stage},
    play::{MOST, Play, Twin},
};
use crate::{cleanup::Cleanup, indented, shard, wanted};

/// What to play and how.
#[derive(clap::Args)]
pub struct Options {
    /// How many plays share one run of tracer
    #[arg(long, value_name = "N", default_value_t = 32)]
    together: usize,
    /// How many of them go on at the same time
    #[arg(long, value_name = "N", default_value_t = 4)]
    workers: usize,
    /// Part I of N: of every N variants, the I-th
    #[arg(long, value_name = "I/N", value_parser = shard, default_value = "1/1")]
    shard: (usize, usize),
    /// Trace all packets, as for one flow, instead of drops only
    #[arg(long)]
    aimed: bool,
    /// Only prove that the stories happen; tracer is not needed
    #[arg(long)]
    without_tracer: bool,
    /// Keep what tracer captured of each play in this folder
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Words of which a variant's name must contain one
    filter: Vec<String>,
}

/// Plays the chosen variants. Returns whether all went as they should.
pub fn play(dir: &Path, mut causes: Vec<Cause>, options: &Options) -> Result<bool> {
    causes.retain(|cause| wanted(&cause.name, &options.filter));
    let (part, parts) = options.shard;
    let causes: Vec<_> = causes.into_iter().skip(part - 1).step_by(parts).collect();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").context("asking for the kernel's release")?;
    let kernel = Version::parse(release.trim()).context("the kernel's release has no number")?;
    let keep = options.keep.as_deref();
    let stage = Stage {
        dir,
        kernel: &kernel,
        workers: options.workers,
        aimed: options.aimed,
        without_tracer: options.without_tracer,
        keep,
    };
    if !causes.is_empty() {
        modules::load()?;
    }
    let mut totals = Totals::default();
    let again = play_all(&stage, &causes.iter().collect::<Vec<_>>(), options.together, true, &mut totals);
    play_all(&stage, &again, options.together, false, &mut totals);
    println!("scenarios: {} passed, {} failed", totals.passed, totals.failed);
    Ok(totals.failed == 0)
}

/// Plays the variants. Returns those that are worth a second play, if `twice` allows one.
fn play_all<'a>(
    stage: &Stage<'_>,
    causes: &[&'a Cause],
    together: usize,
    twice: bool,
    totals: &mut Totals,
) -> Vec<&'a Cause> {
    let mut again = Vec::new();
    let (playable, too_new): (Vec<&Cause>, Vec<&Cause>) =
        causes.iter().partition(|cause| cause.expect.lacking_on(stage.kernel).is_none());
    for cause in too_new {
        let needs = cause.expect.lacking_on(stage.kernel).map(ToString::to_string).unwrap_or_default();
        totals.count(cause, &Verdict::NotPlayed(needs), 0.0);
    }
    for batch in batches(&playable, together) {
        let begin = Instant::now();
        println!("  {} plays, from {} on", batch.len(), batch[0].0.name);
        let mut played = play_batch(stage, &batch).into_iter();
        for pair in batch.chunk_by(|(one, _), (other, _)| std::ptr::eq(*one, *other)) {
            let of: Vec<_> = played.by_ref().take(pair.len()).collect();
            let took = of.iter().map(|played| played.took.as_secs_f32()).sum();
            let chance = twice && of.iter().any(|played| played.by_chance);
            let Some(verdict) = worst(pair, of) else { continue };
            if chance {
                println!("again {}\n{}", pair[0].0.name, indented(why(&verdict)));
                again.push(pair[0].0);
            } else {
                totals.count(pair[0].0, &verdict, took);
            }
        }
        println!("  {} plays took {:.1} s", batch.len(), begin.elapsed().as_secs_f32());
    }
    again
}

/// Groups the twins of variants into batches. Twins stay together. A variant that is played alone has a batch to
/// itself, whose two plays [`play_batch`] runs one by one.
fn batches<'a>(causes: &[&'a Cause], together: usize) -> Vec<Vec<(&'a Cause, Twin)>> {
    let twins = |cause: &'a Cause| [(cause, Twin::Failing), (cause, Twin::Healthy)];
    let (alone, social): (Vec<&Cause>, Vec<&Cause>) = causes.iter().partition(|cause| cause.expect.alone);
    let variants = (together.min(MOST) / 2).max(1);
    let social = social.chunks(variants).map(|causes| causes.iter().flat_map(|cause| twins(cause)).collect());
    social.chain(alone.into_iter().map(|cause| twins(cause).into())).collect()
}

fn play_batch(stage: &Stage<'_>, batch: &[(&Cause, Twin)]) -> Vec<Played> {
    // A play that is played alone does not even share a run with its twin.
    let runs = if batch[0].0.expect.alone { batch.chunks(1) } else { batch.chunks(batch.len()) };
    runs.flat_map(|run| {
        play_run(stage, run).unwrap_or_else(|error| {
            let failed = || Played {
                verdict: Verdict::Wrong(format!("{error:#}")),
                by_chance: false,
                took: std::time::Duration::ZERO,
            };
            run.iter().map(|_| failed()).collect()
        })
    })
    .collect()
}

fn play_run(stage: &Stage<'_>, run: &[(&Cause, Twin)]) -> Result<Vec<Played>> {
    let cleanup = Cleanup::new()?;
    let plays = run.iter().enumerate();
    let mut plays = plays
        .map(|(number, (cause, twin))| Play::new(stage.dir, cause, *twin, number, &cleanup.scratch))
        .collect::<Result<Vec<_>>>()?;
    stage.play(&mut plays, &cleanup)
}

/// Returns the worse of the twins' verdicts, which names the twin if it is wrong.
fn worst(pair: &[(&Cause, Twin)], played: Vec<Played>) -> Option<Verdict> {
    let named = pair.iter().zip(played).map(|((_, twin), played)| match played.verdict {
        Verdict::Wrong(why) => Verdict::Wrong(format!("{} twin: {why}", twin.name())),
        verdict => verdict,
    });
    named.max()
}

fn why(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Right => "",
        Verdict::Unknown(why) | Verdict::NotPlayed(why) | Verdict::Wrong(why) => why,
    }
}

#[derive(Default)]
struct Totals {
    passed: usize,
    failed: usize,
}

impl Totals {
    /// Counts the verdict and prints it in the form that the host reads.
    fn count(&mut self, cause: &Cause, verdict: &Verdict, took: f32) {
        match verdict {
            Verdict::Right => println!("{verdict} {} ({took:.1} s)", cause.name),
            Verdict::Unknown(why) => println!("{verdict} {} ({took:.1} s): {why}", cause.name),
            Verdict::NotPlayed(needs) => println!("{verdict} {}: needs kernel {needs}", cause.name),
            Verdict::Wrong(why) => println!("{verdict} {} ({took:.1} s)\n{}", cause.name, indented(why)),
        }
        match verdict {
            Verdict::Right | Verdict::Unknown(_) => self.passed += 1,
            Verdict::Wrong(_) => self.failed += 1,
            Verdict::NotPlayed(_) => {}
        }
    }
}
