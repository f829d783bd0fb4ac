//! Flags as typed. Values that need more than a list of choices stay strings until they are resolved.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::help;

/// Shows where and why packets disappear inside this node
#[derive(Debug, Parser)]
#[command(
    name = "tracer",
    version,
    about = help::ABOUT,
    after_help = help::after(),
    args_conflicts_with_subcommands = true,
    disable_help_flag = true,
    disable_help_subcommand = true,
    override_usage = help::USAGE,
    max_term_width = 100
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<CommandArgs>,
    #[command(flatten)]
    pub(super) trace: TraceArgs,
    // One help, short enough to be read: the long form spreads each flag over a paragraph.
    /// Print this help
    #[arg(short, long, global = true, action = ArgAction::HelpShort, help_heading = None::<&str>)]
    help: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(super) enum CommandArgs {
    /// Trace live (the default command)
    #[command(after_help = help::after())]
    Trace(Box<TraceArgs>),
    /// Diagnose captures written with --write or -o json
    Report(ReportArgs),
    /// Show what this kernel and these privileges allow
    Check(CheckArgs),
    /// Explain a finding or a drop reason of the kernel
    Explain(ExplainArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page
    Man,
    /// Print the JSON Schema of a capture's lines
    Schema,
}

#[derive(Debug, clap::Args)]
pub(super) struct TraceArgs {
    #[command(flatten)]
    pub(super) filter: FilterArgs,
    #[command(flatten)]
    pub(super) run: RunArgs,
    #[command(flatten)]
    pub(super) view: ViewArgs,
}

/// Which packets. Both directions of a flow are followed, across NAT and tunnels.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filter (a packet must match all conditions)")]
pub(super) struct FilterArgs {
    /// Source address, network or host name; replies to it are included
    #[arg(long, value_name = "ADDR[/LEN]|NAME")]
    pub(super) src: Option<String>,
    /// Destination address, network or host name; replies from it are included
    #[arg(long, value_name = "ADDR[/LEN]|NAME")]
    pub(super) dst: Option<String>,
    /// Source or destination address, network or host name
    #[arg(long, value_name = "ADDR[/LEN]|NAME")]
    pub(super) host: Option<String>,
    /// Source or destination port
    #[arg(long, value_name = "N")]
    pub(super) port: Option<String>,
    /// Source port
    #[arg(long, value_name = "N")]
    pub(super) sport: Option<String>,
    /// Destination port
    #[arg(long, value_name = "N")]
    pub(super) dport: Option<String>,
    /// Protocol: tcp, udp, icmp, icmp6, … or a number
    #[arg(long, value_name = "PROTO")]
    pub(super) proto: Option<String>,
    /// Device on which a packet is first seen
    #[arg(long, value_name = "NAME")]
    pub(super) iface: Option<String>,
    /// Network namespace in which a packet is first seen: name, inode, path or pid:N
    #[arg(long, value_name = "NETNS")]
    pub(super) netns: Option<String>,
    /// Where mark & M == V; decimal or 0x…
    #[arg(long, value_name = "V[/M]")]
    pub(super) mark: Option<String>,
    /// Do not follow replies
    #[arg(long)]
    pub(super) one_way: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How to trace")]
pub(super) struct RunArgs {
    /// Stop after N packets
    #[arg(short, long, value_name = "N")]
    pub(super) count: Option<String>,
    /// Stop after this time, such as 10s or 2m
    #[arg(long, value_name = "DURATION")]
    pub(super) timeout: Option<String>,
    /// Report only dropped packets, each with the path it took
    #[arg(long)]
    pub(super) drops: bool,
    /// How to attach to the kernel; auto picks the best method for each hook
    #[arg(long, value_enum, default_value_t, value_name = "BACKEND")]
    pub(super) backend: Backend,
    /// Ring buffer size, such as 16M
    #[arg(long, default_value = "4M", value_name = "BYTES")]
    pub(super) buffer_size: String,
    /// Memory limit for packets and flows; the oldest are discarded when full
    #[arg(long, default_value = "512M", value_name = "BYTES")]
    pub(super) memory: String,
    /// Create this empty file once all probes are attached
    #[arg(long, value_name = "PATH")]
    pub(super) ready_file: Option<PathBuf>,
    /// Also write the capture to FILE, for `tracer report`
    #[arg(short, long, value_name = "FILE")]
    pub(super) write: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct ViewArgs {
    /// Text report for people, or JSON Lines for programs
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) output: Format,
    #[command(flatten)]
    pub(super) color: ColorArgs,
    /// Print only results, no progress and no warnings
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Show every step, with kernel functions and packet ids
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// File with the meanings of your marks, one per line: 0x10/0xf0 TEXT
    #[arg(long, value_name = "FILE")]
    pub(super) marks: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct ColorArgs {
    /// When to use colours
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Color,
}

#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// Captures to read
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) view: ViewArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) color: ColorArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// Id of a finding, or name of a drop reason in the kernel's spelling; lists all if not given
    #[arg(value_name = "ID|REASON")]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) color: ColorArgs,
}

/// How to hook into the kernel.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Backend {
    /// The best that works, hook by hook.
    #[default]
    Auto,
    /// fentry, fexit and `tp_btf`.
    Fentry,
    /// One multi-kprobe for many functions.
    KprobeMulti,
    /// A kprobe per function.
    Kprobe,
    /// Tracepoints alone.
    Tracepoint,
}

/// What to write to stdout.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// A report for people, at the end.
    #[default]
    Text,
    /// JSON Lines, as they come.
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Color {
    /// On terminals, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
