# Functions and defaults for every block of a scenario. The runner sources this file before each block, with the columns
# of the variant's table as variables. Variables that a table does not set get their value here.

# The traced connection: from node A to this port on node B.
: "${FAMILY:=4}" "${PORT:=10250}"

# Devices, with the names that Cilium and most nodes use.
: "${UPLINK:=eth0}" "${HOST_DEV:=cilium_host}" "${NET_DEV:=cilium_net}" "${WG_DEV:=cilium_wg0}"

# KubeSpan's device, and the host's side of a pod's veth.
: "${KUBESPAN_DEV:=kubespan}" "${POD_DEV:=lxc0}"

# VXLAN between the nodes.
: "${VXLAN_PORT:=4789}"

# How tc programs are attached: tcx or clsact.
: "${PROGRAMS_BY:=tcx}"

# What masquerades pods (iptables-nft, iptables-legacy or nft), and the table and chain of a service's DNAT.
: "${MASQUERADE_BY:=iptables-nft}" "${SERVICE_TABLE:=services}" "${SERVICE_CHAIN:=to_backends}"

# WireGuard between the nodes, and the IP version of its datagrams.
: "${WG_PORT:=51871}" "${OUTER_FAMILY:=$FAMILY}"

# What makes replies UNTRACKED (iptables-nft, iptables-legacy or nft), and in which table and chain.
: "${NOTRACK_BY:=iptables-nft}" "${NOTRACK_TABLE:=encryption}" "${NOTRACK_CHAIN:=CILIUM_PRE_raw}"

# The host firewall: its tool, its names, and whether a policy or a rule drops what it does not accept.
: "${FIREWALL_BY:=nft}" "${FIREWALL_TABLE:=talos}" "${FIREWALL_CHAIN:=ingress}" "${FIREWALL_END:=policy}"

. lib/topology.sh
. lib/switch.sh
. lib/pod.sh
. lib/nat.sh
. lib/wireguard.sh
. lib/kubespan.sh
. lib/tunnel.sh
. lib/cilium.sh
. lib/firewall.sh
. lib/traffic.sh
. lib/wire.sh
. lib/lifecycle.sh

# fail SENTENCE: prints SENTENCE and ends the block.
fail() {
    echo "$*" >&2
    exit 1
}

# start NAME COMMAND…: runs the command in the background until the scenario ends, and returns once the command has
# printed `ready`.
start() {
    local name=$1 log=$SCRATCH/$1.log
    shift
    : >"$log"
    "$@" >>"$log" 2>&1 &
    for _ in {1..200}; do
        [[ $(<"$log") == *ready* ]] && return
        kill -0 $! 2>/dev/null || break
        sleep 0.05
    done
    fail "$name did not start: $(<"$log")"
}
