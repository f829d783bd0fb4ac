//! Marks of well-known programs, as they are by default.

use super::{Reading, cilium};

/// Value, mask and words. Sources: Talos `pkg/machinery/constants` (`KubeSpanDefaultFirewallMark`,
/// `KubeSpanDefaultForceFirewallMark`, `KubeSpanDefaultFirewallMask`) 1.12; Kubernetes
/// `pkg/kubelet/kubelet_network_linux.go` (`KUBE-MARK-MASQ`, `KUBE-MARK-DROP`) 1.24, and kube-proxy's
/// `masqueradeBit` 14; Tailscale `util/linuxfw` (`TailscaleSubnetRouteMark`, `TailscaleBypassMark`).
/// Calico's and Antrea's marks are not listed because they are assigned at run time or by configuration.
const KNOWN: &[(u32, u32, &str)] = &[
    (0x4000, 0x4000, "Kubernetes: to be masqueraded"),
    (0x8000, 0x8000, "Kubernetes: to be dropped"),
    (0x20, 0x60, "Talos KubeSpan: sent by WireGuard itself"),
    (0x40, 0x60, "Talos KubeSpan: to be sent through WireGuard"),
    (0x4_0000, 0xff_0000, "Tailscale: from a subnet route"),
    (0x8_0000, 0xff_0000, "Tailscale: sent by Tailscale itself"),
];

/// The mark that `wg-quick` sets on WireGuard's own packets if the user configures none: the number of its routing table,
/// the first free one from 51820 on (`wireguard-tools`, `src/wg-quick/linux.bash`).
const WG_QUICK: u32 = 51820;

/// Explains the bits that are not explained yet.
pub(super) fn read(reading: &mut Reading) {
    // No other owner would set all of these bits.
    if reading.take(WG_QUICK, u32::MAX, "wg-quick: sent by WireGuard itself") {
        return;
    }
    // Cilium first: with its magic value, the upper half is its own.
    cilium::read(reading);
    for (value, mask, words) in KNOWN {
        reading.take(*value, *mask, words);
    }
    cilium::cluster(reading);
}
