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
    /// Trace live; the command that runs when none is named
    #[command(after_help = help::after())]
    Trace(Box<TraceArgs>),
    /// Diagnose captures that were written with --write or -o json
    Report(ReportArgs),
    /// Say what this kernel and these privileges allow
    Check(CheckArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page
    Man,
    /// Print the JSON Schema of the lines of a capture
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
#[command(next_help_heading = "Which packets (flags add up; none means all)")]
pub(super) struct FilterArgs {
    /// From this address or network, and the replies to it
    #[arg(long, value_name = "ADDR[/LEN]")]
    pub(super) src: Option<String>,
    /// To this address or network, and the replies from it
    #[arg(long, value_name = "ADDR[/LEN]")]
    pub(super) dst: Option<String>,
    /// From or to this address or network
    #[arg(long, value_name = "ADDR[/LEN]")]
    pub(super) host: Option<String>,
    /// From or to this port
    #[arg(long, value_name = "N")]
    pub(super) port: Option<String>,
    /// From this port
    #[arg(long, value_name = "N")]
    pub(super) sport: Option<String>,
    /// To this port
    #[arg(long, value_name = "N")]
    pub(super) dport: Option<String>,
    /// Of this protocol: tcp, udp, icmp, icmp6 … or a number
    #[arg(long, value_name = "PROTO")]
    pub(super) proto: Option<String>,
    /// First seen on this network device
    #[arg(long, value_name = "NAME")]
    pub(super) iface: Option<String>,
    /// First seen in this netns: name, inode, path or pid:N
    #[arg(long, value_name = "NETNS")]
    pub(super) netns: Option<String>,
    /// With this mark under the mask M, decimal or 0x…
    #[arg(long, value_name = "V[/M]")]
    pub(super) mark: Option<String>,
    /// Do not follow the replies
    #[arg(long)]
    pub(super) one_way: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How to trace")]
pub(super) struct RunArgs {
    /// End after N packets
    #[arg(short, long, value_name = "N")]
    pub(super) count: Option<String>,
    /// End after this time: 10s, 2m
    #[arg(long, value_name = "DURATION")]
    pub(super) timeout: Option<String>,
    /// Tell dropped packets alone: each one's way is kept in the kernel until it ends
    #[arg(long)]
    pub(super) drops: bool,
    /// How to hook into the kernel; auto takes the best that works
    #[arg(long, value_enum, default_value_t, value_name = "BACKEND")]
    pub(super) backend: Backend,
    /// Room for events on their way from the kernel, as in 16M
    #[arg(long, default_value = "4M", value_name = "BYTES")]
    pub(super) buffer_size: String,
    /// Memory for packets and flows; older ones are let go then
    #[arg(long, default_value = "512M", value_name = "BYTES")]
    pub(super) memory: String,
    /// Create this empty file once every probe is attached
    #[arg(long, value_name = "PATH")]
    pub(super) ready_file: Option<PathBuf>,
    /// Also save the capture to FILE, for `tracer report`
    #[arg(short, long, value_name = "FILE")]
    pub(super) write: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct ViewArgs {
    /// A report for people, or JSON Lines for programs
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) output: Format,
    #[command(flatten)]
    pub(super) color: ColorArgs,
    /// Show no progress and no warnings, only results
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Show every step, with kernel functions and packet ids
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Meanings of your marks, a line each: 0x10/0xf0 words
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
