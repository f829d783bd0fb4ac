//! The founding case for people to watch: the set-up in a few lines, the command as typed, and its report as it comes.

use std::{path::Path, thread, time::Duration};

use anyhow::{Context as _, Result};
use tests::document::{Play, Scenario};

use crate::{bash::Bash, cleanup::Cleanup, tracer::Tracer};

/// The scenario whose story is shown.
const STORY: &str = "untracked-reply-dropped/cilium-and-talos/iptables-nft-ipv4";

const SCENE: &str = "\
Two nodes, as Talos Linux with Cilium sets them up, each in its own network namespace:

  A 198.51.100.10 ─ eth0 ─── cilium_wg0 (WireGuard) ─── eth0 ─ B 192.0.2.20

  - Cilium encrypts traffic between the nodes, hands decrypted packets to cilium_host,
    and exempts them from connection tracking (iptables, raw table).
  - Both host firewalls (nftables, table inet talos) accept port 10250 and replies of
    established connections, and drop everything else.
  - B listens on port 10250.
";

/// Shows the story. Returns whether tracer has found the problem.
pub fn show(dir: &Path, scenarios: &[Scenario]) -> Result<bool> {
    let scenario =
        scenarios.iter().find(|scenario| scenario.name == STORY).context("the demo's document is missing")?;
    let Play::Traced(traced) = &scenario.play else { anyhow::bail!("{STORY} is a script") };
    let cleanup = Cleanup::new()?;
    let mut bash = Bash::new(dir, &scenario.values, &cleanup.scratch);

    println!("{SCENE}");
    bash.run("setup", &traced.setup)?;
    let arguments = bash.arguments(&traced.tracer)?;
    println!("On node A, tracer starts before a client connects to B:\n");
    println!("$ tracer {}", arguments.join(" "));
    let mut tracer = Tracer::start_on_terminal(&arguments, &cleanup.scratch)?;
    let said = bash.run("trigger", &traced.trigger)?;
    // Let tracer print what it has so far, so that lines do not mix.
    thread::sleep(Duration::from_millis(500));
    println!("\nThe connection hangs (lab: {}). Ctrl-C ends the trace:\n", said.trim().trim_start_matches("lab: "));
    let ended = tracer.interrupt()?;
    Ok(ended.status.code() == Some(1))
}
