//! Drops every privilege, then becomes another program.

use std::{os::unix::process::CommandExt as _, process::Command};

use anyhow::{Context as _, Result};
use clap::Args;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

/// User and group id of `nobody` on all distributions.
const NOBODY: u32 = 65534;

#[derive(Args)]
pub struct Unprivileged {
    /// Program and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<String>,
}

/// Drops every privilege and executes the command. Returns only if the program could not be started.
pub fn run(args: &Unprivileged) -> Result<()> {
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    setgroups(&[group]).context("giving up groups")?;
    setresgid(group, group, group).context("changing the group")?;
    // Changing the user id drops all capabilities.
    setresuid(user, user, user).context("changing the user")?;
    let program = args.command.first().map_or("", String::as_str);
    let error = Command::new(program).args(args.command.iter().skip(1)).exec();
    Err(error).with_context(|| format!("starting {program}"))
}
