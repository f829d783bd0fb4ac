# WireGuard between the two nodes.

# Cilium's WireGuard sockets mark their datagrams (MARK_MAGIC_WG_ENCRYPTED).
WG_FWMARK=0x1e00

# wireguard_between_nodes: encrypts traffic between the nodes' own addresses. Cilium calls this node encryption.
wireguard_between_nodes() {
    wireguard_keys
    wireguard_device A B "$WG_DEV" "$WG_PORT" "$WG_FWMARK" "$NODE_B4/32,$NODE_B6/128"
    wireguard_device B A "$WG_DEV" "$WG_PORT" "$WG_FWMARK" "$NODE_A4/32,$NODE_A6/128"
}

wireguard_keys() {
    local node
    for node in A B; do
        (umask 077 && wg genkey >"$SCRATCH/wireguard.$node")
    done
}

# wireguard_device NODE PEER DEVICE PORT FWMARK ALLOWED-IPS
wireguard_device() {
    local node=$1 peer=$2 device=$3 port=$4 addr4=NODE_${2}4 addr6=NODE_${2}6 endpoint
    endpoint=${!addr4}:$port
    [ "$OUTER_FAMILY" = 6 ] && endpoint=[${!addr6}]:$port
    ip -n "$node" link add "$device" mtu 1420 type wireguard
    in_netns "$node" wg set "$device" \
        listen-port "$port" fwmark "$5" private-key "$SCRATCH/wireguard.$node" \
        peer "$(wg pubkey <"$SCRATCH/wireguard.$peer")" allowed-ips "$6" endpoint "$endpoint"
    ip -n "$node" link set "$device" up
}

# Networks behind the two ends of a tunnel, with one address each, in addition to the tunnel's own addresses.
BEHIND_A4=10.79.0.1 BEHIND_A6=fd00:79::1
BEHIND_B4=10.78.0.1 BEHIND_B6=fd00:78::1
if [ "$FAMILY" = 6 ]; then
    BEHIND_A=$BEHIND_A6 BEHIND_B=$BEHIND_B6 INNER_A=fd00:77::1 INNER_B=fd00:77::2
else
    BEHIND_A=$BEHIND_A4 BEHIND_B=$BEHIND_B4 INNER_A=10.77.0.1 INNER_B=10.77.0.2
fi

# wireguard_networks ALLOWED-FOR-B ALLOWED-FOR-A: adds a tunnel for the networks behind the nodes. A allows its peer B
# the first list of addresses, and B allows A the second. Each peer's own tunnel address is allowed as well.
wireguard_networks() {
    wireguard_keys
    wireguard_device A B "$WG_DEV" "$WG_PORT" 0 "10.77.0.2/32,fd00:77::2/128$1"
    wireguard_device B A "$WG_DEV" "$WG_PORT" 0 "10.77.0.1/32,fd00:77::1/128$2"
    wireguard_network A 1 "$BEHIND_A4" "$BEHIND_A6" "$BEHIND_B4" "$BEHIND_B6"
    wireguard_network B 2 "$BEHIND_B4" "$BEHIND_B6" "$BEHIND_A4" "$BEHIND_A6"
}

# wireguard_network NODE NUMBER OWN4 OWN6 OTHER4 OTHER6
wireguard_network() {
    configure "$1" <<EOT
address add 10.77.0.$2/24 dev $WG_DEV
address add fd00:77::$2/64 dev $WG_DEV
link add behind type dummy
address add $3/24 dev behind
address add $4/64 dev behind
link set behind up
route add $5/32 dev $WG_DEV
route add $6/128 dev $WG_DEV
EOT
}
