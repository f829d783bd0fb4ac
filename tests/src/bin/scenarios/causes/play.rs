//! One twin of a variant, from set-up to the end of its traffic.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use tests::{capture::Netns, cause::Cause};

use super::room::Room;
use crate::bash::Bash;

/// The two plays of a variant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Twin {
    /// The play with the fault.
    Failing,
    /// The play without the fault.
    Healthy,
}

impl Twin {
    /// Returns its name in file names and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Healthy => "healthy",
        }
    }
}

/// A play in a batch.
pub struct Play<'a> {
    /// The variant.
    pub cause: &'a Cause,
    /// Which of the variant's two plays it is.
    pub twin: Twin,
    /// Why the story did not happen as described, once that is known.
    pub problem: Option<String>,
    /// How long it has kept a worker busy.
    pub took: Duration,
    number: usize,
    bash: Bash<'a>,
    room: Option<Room>,
}

impl<'a> Play<'a> {
    /// Creates the play with that number in its batch.
    pub fn new(dir: &'a Path, cause: &'a Cause, twin: Twin, number: usize, scratch: &Path) -> Result<Self> {
        let scratch = scratch.join(number.to_string());
        fs::create_dir(&scratch).with_context(|| format!("creating {}", scratch.display()))?;
        let bash = Bash::new(dir, &cause.values, &scratch);
        Ok(Self { cause, twin, problem: None, took: Duration::ZERO, number, bash, room: None })
    }

    /// Prepares everything up to the point where traffic may begin.
    pub fn set_up(&mut self) {
        self.remember(|play| {
            play.room = Some(Room::new()?);
            play.bash.run("setup", &play.cause.setup)?;
            if let (Twin::Failing, Some(fault)) = (play.twin, &play.cause.fault) {
                play.bash.run("fault", fault)?;
            }
            let Some(room) = &mut play.room else { return Ok(()) };
            room.look()?;
            room.use_ports(FIRST_PORT + play.number * PORTS, PORTS)
        });
    }

    /// Runs the traffic and proves what happened.
    pub fn perform(&mut self) {
        if self.problem.is_some() {
            return;
        }
        self.remember(|play| {
            play.room.as_ref().context("nothing was set up")?.enter()?;
            match play.twin {
                Twin::Failing => {
                    play.bash.run("trigger", &play.cause.trigger)?;
                    play.cause.verify.iter().try_for_each(|verify| play.bash.run("verify", verify).map(drop))?;
                }
                Twin::Healthy => drop(play.bash.run("healthy", &play.cause.healthy)?),
            }
            // The traffic's script may have created namespaces.
            play.room.iter_mut().try_for_each(Room::look)
        });
    }

    /// Returns its network namespaces by inode number, under the names that its scripts use.
    pub fn netns(&self) -> Netns {
        let netns = self.room.iter().flat_map(|room| &room.netns);
        netns.map(|(name, inode, _)| (*inode, name.clone())).collect()
    }

    /// Returns the room, once it exists.
    pub fn room(&self) -> Option<&Room> {
        self.room.as_ref()
    }

    /// Returns the prefix of its network namespaces' names outside the play.
    pub fn prefix(&self) -> String {
        format!("play{}.", self.number)
    }

    fn remember(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) {
        let begin = Instant::now();
        if let Err(error) = work(self) {
            self.problem = Some(format!("{error:#}"));
        }
        self.took += begin.elapsed();
    }
}

/// The first client port. Each play gets `PORTS` of them.
const FIRST_PORT: usize = 20000;
const PORTS: usize = 300;

/// Maximum number of plays for which these ports suffice.
pub const MOST: usize = (65536 - FIRST_PORT) / PORTS;
