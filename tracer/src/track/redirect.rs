//! Devices that BPF programs redirect packets to.
//!
//! `skb_do_redirect` knows the target by ifindex alone, at a place that differs between kernels. A plain redirect
//! continues in `__bpf_redirect`, which has the device. A redirect to a neighbour or a peer device
//! (`bpf_redirect_neigh`, `bpf_redirect_peer`) does not: there the packet's next step shows the device.

use tracer_common::{HookId, Step as WireStep, extra::REDIRECT_UP, hook};

use crate::model::{Redirect, Step};

/// Hook whose step waits for the packet's next step.
pub const HOOK: HookId = hook::SKB_DO_REDIRECT;

/// Returns the redirect that `__bpf_redirect` reports.
pub fn reported(step: &Step, wire: &WireStep) -> Box<Redirect> {
    /// `include/uapi/linux/bpf.h`
    const BPF_F_INGRESS: u64 = 1;
    Box::new(Redirect {
        ifname: step.ifname.clone(),
        ifindex: step.ifindex,
        ingress: wire.extra & BPF_F_INGRESS != 0,
        up: wire.extra & REDIRECT_UP != 0,
    })
}

/// Completes a waiting redirect from the packet's next step. `None` if that step reports the redirect itself.
pub fn completed(mut redirected: Step, next: &Step) -> Option<Step> {
    if next.is_at(&[hook::BPF_REDIRECT]) {
        return None;
    }
    if next.drop.is_none() && next.ifindex.is_some() {
        let ingress = next.is_at(&[hook::NETIF_RECEIVE_SKB]);
        let (ifname, ifindex) = (next.ifname.clone(), next.ifindex);
        redirected.redirect = Some(Box::new(Redirect { ifname, ifindex, ingress, up: true }));
        redirected.ifname.clone_from(&next.ifname);
        redirected.ifindex = next.ifindex;
    }
    Some(redirected)
}
