//! Other tracers for comparison: Debian's packages in the same guest, under the same load, with the commands that
//! people type.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::{
    figure,
    load::Load,
    process::{self, Process},
};

/// Another tracer with certain arguments.
pub struct Peer {
    /// The name of its row in the table.
    pub name: &'static str,
    program: &'static Program,
    arguments: &'static [&'static str],
    /// Number of packets to send back to back, if losses are counted. `None` if costs are measured.
    pub flood: Option<usize>,
}

struct Program {
    name: &'static str,
    environment: &'static [(&'static str, &'static str)],
    /// What it prints once everything is attached.
    ready: &'static str,
}

const PWRU: &Program = &Program { name: "pwru", environment: &[], ready: "Listening for events" };
const BPFTRACE: &Program = &Program {
    name: "bpftrace",
    // bpftrace reports this only to its own tests.
    environment: &[("__BPFTRACE_NOTIFY_PROBES_ATTACHED", "1")],
    ready: "__BPFTRACE_NOTIFY_PROBES_ATTACHED",
};

/// Eight functions that each packet passes here, all with the skb as their first argument.
const SCRIPT: &str = r#"
kprobe:__dev_queue_xmit, kprobe:dev_hard_start_xmit, kprobe:ip_rcv, kprobe:nf_hook_slow,
kprobe:nf_conntrack_in, kprobe:ip_local_deliver, kprobe:udp_rcv, kprobe:consume_skb {
    $skb = (struct sk_buff *)arg0;
    $ip = (struct iphdr *)($skb->head + $skb->network_header);
    if ($ip->daddr == $1) { printf("%p %s\n", $skb, func); }
}"#;

/// pwru's filter for the packets of the load.
const FLOW: &[&str] = &["udp", "port", "4000"];
/// Addresses for the script, as a little-endian kernel reads them: 192.0.2.9 and 10.0.0.2.
const OTHERS: &str = "0x090200c0";
const OURS: &str = "0x0200000a";

/// All rows.
pub const ALL: &[Peer] = &[
    cost("pwru-idle", PWRU, &["host", "192.0.2.9"]),
    cost("pwru-matched", PWRU, FLOW),
    cost("pwru-idle-kprobe", PWRU, &["--backend", "kprobe", "host", "192.0.2.9"]),
    cost("pwru-matched-kprobe", PWRU, &["--backend", "kprobe", "udp", "port", "4000"]),
    cost("bpftrace-idle", BPFTRACE, &["-e", SCRIPT, OTHERS]),
    cost("bpftrace-matched", BPFTRACE, &["-e", SCRIPT, OURS]),
    flood("pwru-burst-2000", PWRU, FLOW, 2_000),
    flood("pwru-flood-20000", PWRU, FLOW, 20_000),
    flood("bpftrace-burst-2000", BPFTRACE, &["-e", SCRIPT, OURS], 2_000),
    flood("bpftrace-flood-20000", BPFTRACE, &["-e", SCRIPT, OURS], 20_000),
];

const fn cost(name: &'static str, program: &'static Program, arguments: &'static [&'static str]) -> Peer {
    Peer { name, program, arguments, flood: None }
}

const fn flood(
    name: &'static str,
    program: &'static Program,
    arguments: &'static [&'static str],
    packets: usize,
) -> Peer {
    Peer { name, program, arguments, flood: Some(packets) }
}

/// Prints the versions of the other tracers in this guest. Returns false if there are none.
pub fn tell_versions() -> bool {
    // Written by xtask, because Debian's pwru reports its own version only as "unknown".
    let list = fs::read_to_string("/etc/peers").unwrap_or_default();
    for (program, version) in list.lines().filter_map(|line| line.split_once(' ')) {
        println!("{}", json!({ "program": program, "version": version }));
    }
    !list.is_empty()
}

impl Peer {
    /// Starts it, prints its command, and returns once everything is attached.
    pub fn start(&self) -> Result<Process> {
        let Program { name, environment, ready } = *self.program;
        // Quoted as typed in a shell.
        let quoted = |word: &&str| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() };
        let typed: Vec<_> = [name].iter().chain(self.arguments).map(quoted).collect();
        println!("{}", json!({ "case": self.name, "command": typed.join(" ") }));
        let mut command = Command::new(name);
        command.args(self.arguments).envs(environment.iter().copied());
        Process::start(command, || process::says(ready))
    }
}

/// Counts the events that it loses of `packets` packets, compared with what it reports of a few.
pub fn measure_flood(peer: &Peer, packets: usize, load: &Load) -> Result<()> {
    const FEW: usize = 50;
    let process = peer.start()?;
    let reported = |process: &Process| -> Result<u64> {
        process.fall_silent()?;
        // Each line begins with the address of an skb.
        Ok(process.printed().lines().filter(|line| line.starts_with("0x")).count() as u64)
    };
    load.flood(FEW)?;
    let of_few = reported(&process)?;
    ensure!(of_few >= FEW as u64, "it reported {of_few} events for {FEW} packets");
    load.flood(packets)?;
    let events = reported(&process)? - of_few;
    let expected = of_few * packets as u64 / FEW as u64;
    figure(peer.name, "sent", packets as u64);
    figure(peer.name, "events", events);
    figure(peer.name, "lost", expected.saturating_sub(events));
    figure(peer.name, "resident_kib", process.resident()?);
    process.end().context("ending it").map(drop)
}
