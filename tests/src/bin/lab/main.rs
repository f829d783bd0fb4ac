//! `lab`: the small tools of the scenarios, for IPv4 and IPv6 alike.

mod attach;
mod cilium;
mod flood;
mod hold;
mod netns;
mod program;
mod queue;
mod spin;
mod tcp;
mod udp;
mod unprivileged;
mod wire;

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Small network tools for tracer's scenarios
#[derive(Parser)]
struct Args {
    /// Network namespace to work in, as `ip netns` lists it
    #[arg(long, global = true, value_name = "NAME")]
    netns: Option<String>,

    #[command(subcommand)]
    tool: Tool,
}

#[derive(Subcommand)]
enum Tool {
    /// TCP server that answers `pong`; prints `ready` once it listens
    Listen(tcp::Listen),
    /// TCP client: connects, sends `ping`, waits for the answer
    Connect(tcp::Connect),
    /// UDP server that sends every datagram back; prints `ready` once it is bound
    UdpListen(udp::Listen),
    /// UDP client: sends a number of datagrams
    UdpSend(udp::Send),
    /// Sends one crafted frame
    Wire(wire::Wire),
    /// A socket that no program reads from, held until killed; prints `ready` once it is bound
    Hold(hold::Hold),
    /// A program that reads a queue (NFQUEUE) and never decides, held until killed; prints `ready` once it reads
    Queue(queue::Queue),
    /// Heavy traffic, bounded in time and in amount
    Flood(flood::Flood),
    /// Attaches Cilium's tc programs and holds them until killed; prints `ready` once attached
    Cilium(cilium::Cilium),
    /// Attaches one BPF program and holds it until killed; prints `ready` once attached
    Program(program::Program),
    /// Keeps a processor inside a kprobe until killed; prints `ready` once it begins
    Spin(spin::Spin),
    /// Creates network namespaces like those of nodes, under names that `ip netns` knows
    AddNetns(netns::AddNetns),
    /// Runs a command as a user without any privilege
    Unprivileged(unprivileged::Unprivileged),
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<()> {
    if let Some(name) = &args.netns {
        netns::enter(name)?;
    }
    match args.tool {
        Tool::Listen(listen) => tcp::listen(&listen),
        Tool::Connect(connect) => tcp::connect(&connect),
        Tool::UdpListen(listen) => udp::listen(&listen),
        Tool::UdpSend(send) => udp::send(&send),
        Tool::Wire(wire) => wire::send(&wire),
        Tool::Hold(hold) => hold::hold(&hold),
        Tool::Queue(queue) => queue::hold(&queue),
        Tool::Flood(flood) => flood::flood(&flood),
        Tool::Cilium(cilium) => cilium::hold(&cilium),
        Tool::Program(program) => program::hold(&program),
        Tool::Spin(spin) => spin::spin(&spin),
        Tool::AddNetns(names) => netns::add(&names),
        Tool::Unprivileged(unprivileged) => unprivileged::run(&unprivileged),
    }
}

/// Parses a duration such as `2s`, `1.5s` or `200ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let seconds = match text.strip_suffix("ms") {
        Some(number) => number.parse().map(|ms: f64| ms / 1000.0),
        None => text.strip_suffix('s').unwrap_or(text).parse(),
    };
    seconds
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("`{text}` is no duration; write for example 2s or 200ms"))
}
