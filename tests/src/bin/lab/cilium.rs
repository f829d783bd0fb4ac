//! Loads the lab's tc programs and attaches them where Cilium attaches its own.

use std::net::IpAddr;

use anyhow::{Context as _, Result, bail};
use aya::{
    Ebpf, EbpfLoader, include_bytes_aligned,
    programs::{
        SchedClassifier, TcAttachType,
        TcAttachType::{Egress, Ingress},
        links::LinkOrder,
        tc::TcAttachOptions,
    },
};
use clap::Args;
use nix::{ifaddrs::getifaddrs, net::if_::if_nametoindex, unistd::pause};

/// Remote nodes of one family that the object has room for (`MAX_REMOTE_NODES` in `lab-ebpf`).
const MAX_REMOTE_NODES: usize = 4;

#[derive(Args)]
pub struct Cilium {
    /// Address of another node; repeat for more
    #[arg(long, required = true, num_args = 1.., value_name = "ADDR")]
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
    /// Device to the other nodes
    #[arg(long, default_value = "eth0", value_name = "DEV")]
    uplink: String,
    /// Security identity of decrypted packets; 6 is `remote-node`
    #[arg(long, default_value_t = 6, value_name = "N")]
    identity: u32,
}

/// Attaches everything and sleeps; the links go with the process.
pub fn hold(args: &Cilium) -> Result<()> {
    let mut object = load(args)?;
    for (program, device, side) in [
        ("cil_from_netdev", &args.uplink, Ingress),
        ("cil_to_netdev", &args.uplink, Egress),
        ("cil_from_wireguard", &args.wg_dev, Ingress),
        ("cil_to_wireguard", &args.wg_dev, Egress),
        ("cil_to_host", &args.host_dev, Ingress),
        ("cil_from_host", &args.host_dev, Egress),
    ] {
        attach(&mut object, program, device, side).with_context(|| format!("attaching {program} to {device}"))?;
    }
    println!("ready");
    loop {
        pause();
    }
}

fn load(args: &Cilium) -> Result<Ebpf> {
    let index = |device: &str| if_nametoindex(device).with_context(|| format!("no device `{device}`"));
    let (v4, v6) = remote_nodes(&args.remote)?;
    EbpfLoader::new()
        .override_global("CILIUM_HOST_IFINDEX", &index(&args.host_dev)?, true)
        .override_global("CILIUM_HOST_MAC", &mac(&args.host_dev)?, true)
        .override_global("CILIUM_NET_MAC", &mac(&args.net_dev)?, true)
        .override_global("WIREGUARD_IFINDEX", &index(&args.wg_dev)?, true)
        .override_global("WIREGUARD_PORT", &args.wg_port, true)
        .override_global("IDENTITY", &args.identity, true)
        .override_global("REMOTE_NODES_V4", &v4, true)
        .override_global("REMOTE_NODES_V6", &v6, true)
        .load(include_bytes_aligned!(concat!(env!("OUT_DIR"), "/lab-ebpf")))
        .context("loading the tc programs")
}

fn attach(object: &mut Ebpf, program: &str, device: &str, side: TcAttachType) -> Result<()> {
    let program: &mut SchedClassifier = object.program_mut(program).context("not in the object")?.try_into()?;
    program.load()?;
    // A tcx link, as Cilium uses on such kernels: it ends with this process.
    program.attach_with_options(device, side, TcAttachOptions::TcxOrder(LinkOrder::default()))?;
    Ok(())
}

/// Addresses of each family as the headers carry them.
type RemoteNodes = ([[u8; 4]; MAX_REMOTE_NODES], [[u8; 16]; MAX_REMOTE_NODES]);

fn remote_nodes(addrs: &[IpAddr]) -> Result<RemoteNodes> {
    let (mut v4, mut v6) = RemoteNodes::default();
    let (mut free_v4, mut free_v6) = (v4.iter_mut(), v6.iter_mut());
    for addr in addrs {
        let place = match addr {
            IpAddr::V4(addr) => free_v4.next().map(|place| *place = addr.octets()),
            IpAddr::V6(addr) => free_v6.next().map(|place| *place = addr.octets()),
        };
        if place.is_none() {
            bail!("more than {MAX_REMOTE_NODES} remote nodes of one family");
        }
    }
    Ok((v4, v6))
}

fn mac(device: &str) -> Result<[u8; 6]> {
    getifaddrs()
        .context("listing devices")?
        .filter(|interface| interface.interface_name == device)
        .find_map(|interface| interface.address?.as_link_addr()?.addr())
        .with_context(|| format!("device `{device}` has no MAC address"))
}
