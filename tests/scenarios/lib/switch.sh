# Both nodes on one bridge, with helpers for neighbours, pings and counters:
#
#     A  198.51.100.10 ── pA  switch: br0  pB ── 192.0.2.20  B

# nodes_at_switch: connects both nodes to a bridge. Each node reaches the other on-link.
nodes_at_switch() {
    add_netns A switch B
    # Plain bridging only, because br_netfilter, if loaded, also fragments packets.
    in_netns switch bash -c '
        for call in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e "$call" ] || echo 0 >"$call"; done'
    configure switch <<EOT
link add br0 type bridge
link set br0 up
EOT
    plug_into_switch A B
    plug_into_switch B A
    know A "$UPLINK" "$NODE_B" B "$UPLINK"
    know B "$UPLINK" "$NODE_A" A "$UPLINK"
}

# plug_into_switch NODE PEER
plug_into_switch() {
    local node=$1 own4=NODE_${1}4 own6=NODE_${1}6 peer4=NODE_${2}4 peer6=NODE_${2}6
    configure switch <<EOT
link add p$node type veth peer name $UPLINK netns $node
link set p$node master br0 up
EOT
    configure "$node" <<EOT
address add ${!own4}/24 dev $UPLINK
address add ${!own6}/64 dev $UPLINK
link set $UPLINK up
route add ${!peer4}/32 dev $UPLINK
route add ${!peer6}/128 dev $UPLINK
EOT
}

# know NETNS DEVICE ADDRESS OTHER OTHER-DEVICE: adds a permanent neighbour entry that maps ADDRESS to OTHER-DEVICE.
# Neighbour discovery is not needed then, and its packets cannot be lost either.
know() {
    local mac
    mac=$(in_netns "$4" cat "/sys/class/net/$5/address")
    ip -n "$1" neighbour replace "$3" lladdr "$mac" dev "$2" nud permanent
}

# give_up_soon NETNS DEVICE: makes a neighbour that does not answer fail after 0.3 s instead of 3 s.
give_up_soon() {
    in_netns "$1" bash -c "cd /proc/sys/net; echo 100 >ipv4/neigh/$2/retrans_time_ms; echo 100 >ipv6/neigh/$2/retrans_time_ms"
}

# must_reach NODE ADDRESS [OPTIONS…]: fails unless ADDRESS answers a ping. The ping also resolves the neighbours.
must_reach() {
    in_netns "$1" ping -c 1 -W 3 "${@:3}" "$2"
}

# must_not_reach NODE ADDRESS [OPTIONS…]: fails if ADDRESS answers a ping.
must_not_reach() {
    must_fail_with '100% packet loss' in_netns "$1" ping -c 1 -W 1 "${@:3}" "$2"
}

# sink NODE PORT: starts a UDP server that receives datagrams and sends none. `taken` counts them.
sink() {
    start "sink-$1-$2" lab udp-listen --netns "$1" --silent "$2"
}

# taken NODE: prints how many datagrams the node's sockets received.
taken() {
    local name=UdpInDatagrams
    [ "$FAMILY" = 6 ] && name=Udp6InDatagrams
    counter "$1" "$name"
}

# must_take NODE NUMBER: fails unless the node receives at least NUMBER datagrams within two seconds.
must_take() {
    for _ in {1..20}; do
        (($(taken "$1") >= $2)) && return
        sleep 0.1
    done
    fail "$1 took $(taken "$1") datagrams, not $2"
}

# must_count_ipsec NETNS NAME: fails unless that counter of /proc/net/xfrm_stat is above 0.
must_count_ipsec() {
    in_netns "$1" grep -E "^$2[[:space:]]+[1-9]" /proc/net/xfrm_stat
}
