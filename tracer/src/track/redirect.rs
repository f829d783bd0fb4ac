//! Where BPF programs send packets.
//!
//! `skb_do_redirect` knows the target by ifindex alone, in a place that moves between kernels. Plain
//! redirects go on to `__bpf_redirect`, which has the device; those to a neighbour or a peer device
//! (`bpf_redirect_neigh`, `bpf_redirect_peer`) do not: there the packet's next step shows the device.

use tracer_common::{REDIRECT_UP, Step as WireStep};

use crate::model::{Redirect, Step};

/// The step that waits for the packet's next one.
pub const HOOK: &str = "skb_do_redirect";
const WITH_DEVICE: &str = "__bpf_redirect";
const RECEIVE: &str = "netif_receive_skb";

/// What `__bpf_redirect` tells.
pub fn told(step: &Step, wire: &WireStep) -> Box<Redirect> {
    /// `include/uapi/linux/bpf.h`
    const BPF_F_INGRESS: u64 = 1;
    Box::new(Redirect {
        ifname: step.ifname.clone(),
        ifindex: step.ifindex,
        ingress: wire.extra & BPF_F_INGRESS != 0,
        up: wire.extra & REDIRECT_UP != 0,
    })
}

/// A redirect, now that the packet's next step is known; nothing where that tells of it by itself.
pub fn completed(mut redirected: Step, next: &Step) -> Option<Step> {
    if next.hook == WITH_DEVICE {
        return None;
    }
    if next.drop.is_none() && next.ifindex != 0 {
        let ingress = next.hook == RECEIVE;
        let (ifname, ifindex) = (next.ifname.clone(), next.ifindex);
        redirected.redirect = Some(Box::new(Redirect { ifname, ifindex, ingress, up: true }));
        redirected.ifname.clone_from(&next.ifname);
        redirected.ifindex = next.ifindex;
    }
    Some(redirected)
}
