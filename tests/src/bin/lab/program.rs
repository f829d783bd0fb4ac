//! Attaches one program that judges, marks or redirects the packets of one TCP port.

use std::fs::File;

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader,
    programs::{CgroupAttachMode, CgroupSkb, CgroupSkbAttachType, TcAttachType, Xdp, XdpMode},
};
use clap::{Args, Subcommand, ValueEnum};
use nix::{net::if_::if_nametoindex, unistd::pause};

use crate::attach::{Hook, OBJECT, attach_tc};

#[derive(Args)]
pub struct Program {
    /// TCP port of the packets, source or destination; the program leaves all others alone
    #[arg(long, global = true, default_value_t = 10250, value_name = "PORT")]
    port: u16,
    /// What it returns for them
    #[arg(long, global = true, value_enum, default_value = "ok")]
    verdict: Verdict,
    #[command(subcommand)]
    place: Place,
}

#[derive(Subcommand)]
enum Place {
    /// `judge_in_tc`, `set_mark` or `send_to_device` at a device
    Tc(Tc),
    /// `judge_in_xdp` at a device
    Xdp {
        /// Device
        dev: String,
        /// Whether the driver runs it, or the stack
        #[arg(long, value_enum, default_value = "native")]
        mode: Mode,
    },
    /// `judge_in_cgroup` for the sockets of a cgroup
    Cgroup {
        /// Folder of the cgroup
        path: String,
        /// What goes in or what goes out
        #[arg(value_enum)]
        side: Side,
    },
}

#[derive(Args)]
struct Tc {
    /// Device
    dev: String,
    /// Side of the device
    #[arg(value_enum)]
    side: Side,
    /// What holds the program
    #[arg(long, value_enum, default_value = "tcx")]
    by: Hook,
    /// Mark to set
    #[arg(long, value_name = "0xN", conflicts_with = "to", value_parser = hexadecimal)]
    mark: Option<u32>,
    /// Device to redirect to
    #[arg(long, value_name = "DEV")]
    to: Option<String>,
    /// Redirect to its receive side
    #[arg(long, requires = "to")]
    to_ingress: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Side {
    Ingress,
    Egress,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    Native,
    Generic,
}

#[derive(Clone, Copy, ValueEnum)]
enum Verdict {
    /// `TC_ACT_UNSPEC`, which tcx calls `TCX_NEXT`
    Next,
    /// `TC_ACT_OK`
    Ok,
    /// `TC_ACT_SHOT`
    Shot,
    /// `XDP_PASS`
    XdpPass,
    /// `XDP_DROP`
    XdpDrop,
    /// In a cgroup: lets it through
    Allow,
    /// In a cgroup: refuses it
    Deny,
}

/// Attaches the program and sleeps.
pub fn hold(args: &Program) -> Result<()> {
    let mut object = load(args)?;
    match &args.place {
        Place::Tc(tc) => {
            let side = if matches!(tc.side, Side::Ingress) { TcAttachType::Ingress } else { TcAttachType::Egress };
            let name = match (&tc.mark, &tc.to) {
                (Some(_), _) => "set_mark",
                (_, Some(_)) => "send_to_device",
                _ => "judge_in_tc",
            };
            attach_tc(&mut object, name, &tc.dev, side, tc.by)?;
        }
        Place::Xdp { dev, mode } => {
            let program: &mut Xdp = object.program_mut("judge_in_xdp").context("not in the object")?.try_into()?;
            program.load()?;
            program.attach(dev, if matches!(mode, Mode::Native) { XdpMode::Driver } else { XdpMode::Skb })?;
        }
        Place::Cgroup { path, side } => {
            let program: &mut CgroupSkb =
                object.program_mut("judge_in_cgroup").context("not in the object")?.try_into()?;
            program.load()?;
            let cgroup = File::open(path).with_context(|| format!("no cgroup {path}"))?;
            let side = match side {
                Side::Ingress => CgroupSkbAttachType::Ingress,
                Side::Egress => CgroupSkbAttachType::Egress,
            };
            // A link shares its cgroup with others by default, and takes no flags.
            program.attach(cgroup, side, CgroupAttachMode::Single)?;
        }
    }
    println!("ready");
    loop {
        pause();
    }
}

fn load(args: &Program) -> Result<Ebpf> {
    const BPF_F_INGRESS: u64 = 1;
    let verdict: i32 = match args.verdict {
        Verdict::Next => -1,
        Verdict::Ok | Verdict::Deny => 0,
        Verdict::Shot | Verdict::XdpPass => 2,
        Verdict::XdpDrop | Verdict::Allow => 1,
    };
    let (mut mark, mut target, mut flags) = (0, 0, 0);
    if let Place::Tc(tc) = &args.place {
        mark = tc.mark.unwrap_or_default();
        target = tc.to.as_deref().map_or(Ok(0), if_nametoindex).context("no such device to redirect to")?;
        flags = if tc.to_ingress { BPF_F_INGRESS } else { 0 };
    }
    EbpfLoader::new()
        .override_global("MATCH_PORT", &args.port, true)
        .override_global("VERDICT", &verdict, true)
        .override_global("NEW_MARK", &mark, true)
        .override_global("TARGET_IFINDEX", &target, true)
        .override_global("TARGET_FLAGS", &flags, true)
        .load(OBJECT)
        .context("loading the programs")
}

fn hexadecimal(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x").ok_or("write it as 0x…")?;
    u32::from_str_radix(digits, 16).map_err(|error| error.to_string())
}
