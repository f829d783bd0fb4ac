//! A program that reads packets from a queue (NFQUEUE) and never decides about them.

use anyhow::{Context as _, Result};
use clap::Args;
use nix::unistd::pause;

#[derive(Args)]
pub struct Queue {
    /// Number of the queue
    number: u16,
}

/// Holds the queue until killed.
pub fn hold(args: &Queue) -> Result<()> {
    let mut queue = nfq::Queue::open().context("opening netlink")?;
    queue.bind(args.number).with_context(|| format!("binding queue {}", args.number))?;
    println!("ready");
    loop {
        pause();
    }
}
