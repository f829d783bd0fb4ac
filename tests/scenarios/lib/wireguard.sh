# WireGuard between the two nodes' addresses: what Cilium calls node encryption.

# Cilium's WireGuard sockets mark their datagrams (MARK_MAGIC_WG_ENCRYPTED).
WG_FWMARK=0x1e00

wireguard_between_nodes() {
    local node
    for node in A B; do
        (umask 077 && wg genkey >"$SCRATCH/wireguard.$node")
    done
    wireguard_device A B
    wireguard_device B A
}

# wireguard_device NODE PEER
wireguard_device() {
    local node=$1 peer=$2 addr4=NODE_${2}4 addr6=NODE_${2}6 endpoint
    endpoint=${!addr4}:$WG_PORT
    [ "$OUTER_FAMILY" = 6 ] && endpoint=[${!addr6}]:$WG_PORT
    ip -n "$node" link add "$WG_DEV" mtu 1420 type wireguard
    in_netns "$node" wg set "$WG_DEV" \
        listen-port "$WG_PORT" fwmark "$WG_FWMARK" private-key "$SCRATCH/wireguard.$node" \
        peer "$(wg pubkey <"$SCRATCH/wireguard.$peer")" \
        allowed-ips "${!addr4}/32,${!addr6}/128" endpoint "$endpoint"
    ip -n "$node" link set "$WG_DEV" up
}
