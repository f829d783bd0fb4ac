//! Plays that share one run of tracer. All are set up first, because set-up is not part of the trace.

use std::{
    fs::{self, File},
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use tests::{
    capture::{self, Capture, Netns},
    verdict::{self, Verdict},
    version::Version,
};

use super::play::{Play, Twin};
use crate::{
    bpf::Inventory,
    cleanup::{Cleanup, NETNS},
    tracer::{Ended, Tracer},
};

/// How long to wait after the last script, because the last packets are still in flight when it ends.
const SETTLE: Duration = Duration::from_millis(300);

/// Where and how batches are played.
pub struct Stage<'a> {
    /// Folder of the documents.
    pub dir: &'a Path,
    /// The running kernel.
    pub kernel: &'a Version,
    /// Number of plays at the same time.
    pub workers: usize,
    /// Whether to trace all packets instead of drops only.
    pub aimed: bool,
    /// Whether to prove only that the stories happen.
    pub without_tracer: bool,
    /// Folder in which to keep what tracer captured of each play.
    pub keep: Option<&'a Path>,
}

/// How a play went.
pub struct Played {
    /// The verdict on it.
    pub verdict: Verdict,
    /// Whether a second play may end differently, because an emulated guest on a busy machine may be late or lose
    /// records by itself.
    pub by_chance: bool,
    /// How long it took.
    pub took: Duration,
}

impl Stage<'_> {
    /// Plays all of them. An error is about the batch as a whole.
    pub fn play(&self, plays: &mut [Play<'_>], cleanup: &Cleanup) -> Result<Vec<Played>> {
        self.each(plays, "set up", Play::set_up);
        if self.without_tracer {
            self.each(plays, "played", Play::perform);
            return Ok(plays.iter().map(|play| played(play, || Verdict::Right, false)).collect());
        }
        let before = Inventory::take()?;
        let names = Names::new(plays)?;
        let begin = Instant::now();
        let arguments = if self.aimed { &["-o", "json"][..] } else { &["--drops", "-o", "json"] };
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut tracer = Tracer::start(&arguments, &cleanup.scratch)?;
        println!("  tracer is ready after {:.1} s", begin.elapsed().as_secs_f32());
        self.each(plays, "played", Play::perform);
        thread::sleep(SETTLE);
        let ended = tracer.interrupt()?;
        println!("  tracer ended in {:.1} s", ended.took.as_secs_f32());
        drop(names);
        let played = self.judge(plays, &ended)?;
        before.expect_nothing_new()?;
        Ok(played)
    }

    fn judge(&self, plays: &[Play<'_>], ended: &Ended) -> Result<Vec<Played>> {
        // Neither scripts nor documents know the prefixes.
        let text = plays.iter().fold(ended.stdout.clone(), |text, play| text.replace(&play.prefix(), ""));
        let capture = Capture::parse(&text, &Netns::new()).context(ended.stderr.clone())?;
        if capture.lost() > 0 {
            println!("  {} events were lost", capture.lost());
        }
        let all: Netns = plays.iter().flat_map(Play::netns).collect();
        if let Some(finding) = capture.grave_outside(&all).next() {
            bail!("a finding is about none of the plays: {finding}");
        }
        if let Some(folder) = self.keep {
            keep(folder, plays, &text)?;
        }
        let judged = plays.iter().map(|play| {
            let said = capture.share(&play.netns());
            let verdict = || match play.twin {
                Twin::Failing => verdict::of_failing(&play.cause.expect, self.kernel, &said),
                Twin::Healthy => verdict::of_healthy(&said),
            };
            played(play, verdict, capture.lost() > 0)
        });
        Ok(judged.collect())
    }

    /// Does the work for each play, a few at a time, on threads that may be moved to the plays' rooms.
    fn each<'a>(&self, plays: &mut [Play<'a>], what: &str, work: impl Fn(&mut Play<'a>) + Sync) {
        let (count, begin) = (plays.len(), Instant::now());
        let queue = Mutex::new(plays.iter_mut().enumerate());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| {
                    while let Some((index, play)) = next() {
                        work(play);
                        // Print a sign of life for those who wait.
                        if (index + 1) % 8 == 0 || index + 1 == count {
                            println!("  {what}: {} of {count} after {:.1} s", index + 1, begin.elapsed().as_secs_f32());
                        }
                    }
                });
            }
        });
    }
}

fn played(play: &Play<'_>, verdict: impl FnOnce() -> Verdict, lossy: bool) -> Played {
    let verdict = play.problem.clone().map_or_else(verdict, Verdict::Wrong);
    let by_chance = play.problem.is_some() || lossy && matches!(verdict, Verdict::Wrong(_));
    Played { verdict, by_chance, took: play.took }
}

fn keep(folder: &Path, plays: &[Play<'_>], text: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    for play in plays {
        let name = format!("{}.{}.jsonl", play.cause.name.replace('/', "."), play.twin.name());
        let file = folder.join(name);
        fs::write(&file, capture::excerpt(text, &play.netns()))
            .with_context(|| format!("keeping {}", file.display()))?;
    }
    Ok(())
}

/// The network namespaces of all plays, under unique names where tracer looks for names.
struct Names(Vec<PathBuf>);

impl Names {
    fn new(plays: &[Play<'_>]) -> Result<Self> {
        let mut names = Self(Vec::new());
        for play in plays {
            for (name, _, file) in play.room().iter().flat_map(|room| &room.netns) {
                let path = Path::new(NETNS).join(format!("{}{name}", play.prefix()));
                File::create(&path).with_context(|| format!("creating {}", path.display()))?;
                names.0.push(path.clone());
                let source = format!("/proc/self/fd/{}", file.as_raw_fd());
                mount(Some(source.as_str()), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
                    .with_context(|| format!("mounting {}", path.display()))?;
            }
        }
        Ok(names)
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        for path in &self.0 {
            // If it could not be mounted, it is only a file.
            let _ = umount2(path, MntFlags::MNT_DETACH);
            let _ = fs::remove_file(path);
        }
    }
}
