# Two nodes and the network between them, all in one kernel:
#
#     A  198.51.100.10 ──── inet ──── 192.0.2.20  B
#        2001:db8:a::10               2001:db8:b::20

NODE_A4=198.51.100.10 NODE_A6=2001:db8:a::10
NODE_B4=192.0.2.20 NODE_B6=2001:db8:b::20

# The addresses of the traced connection.
if [ "$FAMILY" = 6 ]; then
    NODE_A=$NODE_A6 NODE_B=$NODE_B6
else
    NODE_A=$NODE_A4 NODE_B=$NODE_B4
fi

# in_netns NETNS COMMAND…: runs the command in the namespace.
in_netns() {
    ip netns exec "$@"
}

two_nodes() {
    add_netns inet A B
    connect_to_inet A 198.51.100 2001:db8:a:
    connect_to_inet B 192.0.2 2001:db8:b:
}

# add_netns NETNS…: creates namespaces with the settings of a node. One process creates all of them, because an emulated
# guest takes a tenth of a second to start a process.
add_netns() {
    lab add-netns "$@"
}

# connect_to_inet NODE V4-PREFIX V6-PREFIX: adds the node's uplink, with `inet` as the router.
connect_to_inet() {
    local node=$1 v4=$2 v6=$3 addr4=NODE_${1}4 addr6=NODE_${1}6
    configure inet <<EOT
link add to_$node type veth peer name $UPLINK netns $node
address add $v4.1/24 dev to_$node
address add $v6:1/64 dev to_$node
link set to_$node up
EOT
    configure "$node" <<EOT
address add ${!addr4}/24 dev $UPLINK
address add ${!addr6}/64 dev $UPLINK
link set $UPLINK up
route add default via $v4.1
route add default via $v6:1
EOT
}

# configure NETNS: runs the `ip` commands on stdin in the namespace, in one process.
configure() {
    ip -n "$1" -batch -
}

# connect_directly: adds a second link between the nodes, which bypasses `inet`.
connect_directly() {
    ip link add direct netns A type veth peer name direct netns B
    ip -n A link set direct up
    ip -n B link set direct up
}

# stack_on_direct_link KIND: adds the device `upper` on the direct link: a VLAN on both nodes, or a macvlan or bond on
# B alone.
stack_on_direct_link() {
    case $1 in
    vlan)
        configure A <<<"link add link direct name upper up type vlan id 7"
        configure B <<<"link add link direct name upper up type vlan id 7"
        ;;
    macvlan)
        configure B <<<"link add link direct name upper up type macvlan mode bridge"
        ;;
    bond)
        configure B <<EOT
link set direct down
link add upper type bond mode active-backup
link set direct master upper
link set upper up
EOT
        ;;
    esac
}

# route_directly NODE PEER [DEVICE [PEER-DEVICE]]: routes the node's packets for the peer over the direct link, or from
# DEVICE on it to PEER-DEVICE.
route_directly() {
    local node=$1 peer4=NODE_${2}4 peer6=NODE_${2}6 device=${3:-direct} mac
    mac=$(in_netns "$2" cat "/sys/class/net/${4:-direct}/address")
    configure "$node" <<EOT
route add ${!peer4}/32 dev $device
route add ${!peer6}/128 dev $device
neighbour add ${!peer4} lladdr $mac dev $device
neighbour add ${!peer6} lladdr $mac dev $device
EOT
}

# spare_link: adds a second link from A to `inet`, down on A's side. Both ends have the MAC addresses of the
# uplink's ends, so that the receiver accepts redirected frames.
spare_link() {
    ip link add spare netns A type veth peer name spare_A netns inet
    configure A <<EOT
link set spare address $(in_netns A cat "/sys/class/net/$UPLINK/address")
EOT
    configure inet <<EOT
link set spare_A address $(in_netns inet cat /sys/class/net/to_A/address) up
EOT
}

# handle_on_processor N NETNS DEVICE: processes the packets that the device receives on CPU N (RPS).
handle_on_processor() {
    in_netns "$2" bash -c "printf '%x' $((1 << $1)) >/sys/class/net/$3/queues/rx-0/rps_cpus"
}
