//! Attaches the lab's tc programs where Cilium attaches its own.

mod load;

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use aya::programs::{
    TcAttachType,
    TcAttachType::{Egress, Ingress},
};
use clap::{Args, ValueEnum};
use nix::unistd::pause;

use crate::attach::{Hook, attach_tc};

#[derive(Args)]
pub struct Cilium {
    /// Device to the other nodes
    #[arg(long, default_value = "eth0", value_name = "DEV")]
    uplink: String,
    /// Where the kernel runs the programs
    #[arg(long, value_enum, default_value = "tcx")]
    by: Hook,
    #[command(flatten)]
    encryption: Encryption,
    #[command(flatten)]
    pods: Pods,
}

/// Node encryption with WireGuard.
#[derive(Args)]
struct Encryption {
    /// Address of another node that is reached encrypted; repeat for more
    #[arg(long, num_args = 1.., value_name = "ADDR")]
    remote: Vec<IpAddr>,
    /// Cilium's device on the host side
    #[arg(long, default_value = "cilium_host", value_name = "DEV")]
    host_dev: String,
    /// Its other end
    #[arg(long, default_value = "cilium_net", value_name = "DEV")]
    net_dev: String,
    /// Cilium's WireGuard device
    #[arg(long, default_value = "cilium_wg0", value_name = "DEV")]
    wg_dev: String,
    /// Port that WireGuard listens on
    #[arg(long, default_value_t = 51871, value_name = "PORT")]
    wg_port: u16,
    /// Security identity of decrypted packets; 6 is `remote-node`
    #[arg(long, default_value_t = 6, value_name = "N")]
    identity: u32,
}

/// What happens to packets of pods.
#[derive(Args)]
struct Pods {
    /// The node's address that pods are masqueraded with; once for each family
    #[arg(long, num_args = 1.., value_name = "ADDR")]
    masquerade: Vec<IpAddr>,
    /// The host's side of the pod's veth
    #[arg(long, value_name = "DEV")]
    pod_dev: Option<String>,
    /// Who moves a pod's packets between devices
    #[arg(long, value_enum, default_value = "bpf")]
    host_routing: HostRouting,
    /// VXLAN device
    #[arg(long, value_name = "DEV")]
    overlay_dev: Option<String>,
    /// The other end: the egress gateway, or the node of its client
    #[arg(long, value_name = "ADDR")]
    overlay_peer: Option<IpAddr>,
    /// VNI of what is sent there
    #[arg(long, default_value_t = 12345, value_name = "N")]
    vni: u32,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum HostRouting {
    /// The host's stack, with its firewall and connection tracking
    Legacy,
    /// BPF redirects that bypass it
    Bpf,
}

/// Attaches everything and sleeps. Links end with the process.
pub fn hold(args: &Cilium) -> Result<()> {
    let mut object = load::load(args)?;
    for (program, device, side) in places(args) {
        attach_tc(&mut object, program, device, side, args.by)
            .with_context(|| format!("attaching {program} to {device}"))?;
    }
    println!("ready");
    loop {
        pause();
    }
}

/// Returns which program goes to which side of which device.
fn places(args: &Cilium) -> Vec<(&'static str, &str, TcAttachType)> {
    let Encryption { remote, host_dev, wg_dev, .. } = &args.encryption;
    let mut places =
        vec![("cil_from_netdev", args.uplink.as_str(), Ingress), ("cil_to_netdev", args.uplink.as_str(), Egress)];
    if !remote.is_empty() {
        places.extend([
            ("cil_from_wireguard", wg_dev.as_str(), Ingress),
            ("cil_to_wireguard", wg_dev.as_str(), Egress),
            ("cil_to_host", host_dev.as_str(), Ingress),
            ("cil_from_host", host_dev.as_str(), Egress),
        ]);
    }
    places.extend(args.pods.pod_dev.iter().map(|device| ("cil_from_container", device.as_str(), Ingress)));
    if let Some(device) = &args.pods.overlay_dev {
        places.extend([("cil_from_overlay", device.as_str(), Ingress), ("cil_to_overlay", device.as_str(), Egress)]);
    }
    places
}
