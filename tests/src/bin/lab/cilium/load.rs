//! Loads the object and sets what its programs need to know.

use std::net::IpAddr;

use anyhow::{Context as _, Result, bail};
use aya::{Ebpf, EbpfLoader};
use nix::{ifaddrs::getifaddrs, net::if_::if_nametoindex};

use super::{Cilium, HostRouting};
use crate::attach::OBJECT;

/// Maximum number of remote nodes of one family (`MAX_REMOTE_NODES` in `lab-ebpf`).
const MAX_REMOTE_NODES: usize = 4;

/// Loads the object, with the globals of those parts that were requested.
pub fn load(args: &Cilium) -> Result<Ebpf> {
    let (encryption, pods) = (&args.encryption, &args.pods);
    let remote: Addresses<MAX_REMOTE_NODES> = by_family(&encryption.remote)?;
    let node: Addresses<1> = by_family(&pods.masquerade)?;
    let peer: Addresses<1> = by_family(pods.overlay_peer.as_slice())?;
    // A device that no program needs may be missing.
    let encrypts = !encryption.remote.is_empty();
    let only_if = |wanted, device| if wanted { Some(device) } else { None };
    let host_dev = only_if(encrypts, encryption.host_dev.as_str());
    let (host, wireguard) = (index(host_dev)?, index(only_if(encrypts, &encryption.wg_dev))?);
    let (host_mac, net_mac) = (mac(host_dev)?, mac(only_if(encrypts, &encryption.net_dev))?);
    let (pod, overlay) = (index(pods.pod_dev.as_deref())?, index(pods.overlay_dev.as_deref())?);
    EbpfLoader::new()
        .override_global("UPLINK_IFINDEX", &index(Some(&args.uplink))?, true)
        .override_global("CILIUM_HOST_IFINDEX", &host, true)
        .override_global("CILIUM_HOST_MAC", &host_mac, true)
        .override_global("CILIUM_NET_MAC", &net_mac, true)
        .override_global("WIREGUARD_IFINDEX", &wireguard, true)
        .override_global("WIREGUARD_PORT", &encryption.wg_port, true)
        .override_global("IDENTITY", &encryption.identity, true)
        .override_global("REMOTE_NODES_V4", &remote.v4, true)
        .override_global("REMOTE_NODES_V6", &remote.v6, true)
        .override_global("POD_IFINDEX", &pod, true)
        .override_global("HOST_ROUTING", &u8::from(pods.host_routing == HostRouting::Bpf), true)
        .override_global("NODE_V4", &node.v4[0], true)
        .override_global("NODE_V6", &node.v6[0], true)
        .override_global("OVERLAY_IFINDEX", &overlay, true)
        .override_global("OVERLAY_VNI", &pods.vni, true)
        .override_global("OVERLAY_PEER_V4", &peer.v4[0], true)
        .override_global("OVERLAY_PEER_V6", &peer.v6[0], true)
        .load(OBJECT)
        .context("loading the tc programs")
}

/// Addresses of each family as headers hold them; unused entries are zero.
struct Addresses<const N: usize> {
    v4: [[u8; 4]; N],
    v6: [[u8; 16]; N],
}

fn by_family<const N: usize>(addrs: &[IpAddr]) -> Result<Addresses<N>> {
    let mut all = Addresses { v4: [[0; 4]; N], v6: [[0; 16]; N] };
    let (mut free_v4, mut free_v6) = (all.v4.iter_mut(), all.v6.iter_mut());
    for addr in addrs {
        let place = match addr {
            IpAddr::V4(addr) => free_v4.next().map(|place| *place = addr.octets()),
            IpAddr::V6(addr) => free_v6.next().map(|place| *place = addr.octets()),
        };
        if place.is_none() {
            bail!("{addr} is one address of its family too many");
        }
    }
    Ok(all)
}

fn index(device: Option<&str>) -> Result<u32> {
    device.map_or(Ok(0), |device| if_nametoindex(device).with_context(|| format!("no device `{device}`")))
}

fn mac(device: Option<&str>) -> Result<[u8; 6]> {
    let Some(device) = device else { return Ok([0; 6]) };
    getifaddrs()
        .context("listing devices")?
        .filter(|interface| interface.interface_name == device)
        .find_map(|interface| interface.address?.as_link_addr()?.addr())
        .with_context(|| format!("device `{device}` has no MAC address"))
}
