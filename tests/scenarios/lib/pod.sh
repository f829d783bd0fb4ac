# Pods on the nodes, and a web server on the internet.
#
#     pod  10.244.1.5 ──── A ──── inet ──── web  203.0.113.80
#          fd00:10:244:1::5                      2001:db8:c::80

POD4=10.244.1.5 POD6=fd00:10:244:1::5
BACKEND4=10.244.2.5 BACKEND6=fd00:10:244:2::5
WEB4=203.0.113.80 WEB6=2001:db8:c::80

if [ "$FAMILY" = 6 ]; then
    POD=$POD6 BACKEND=$BACKEND6 WEB=$WEB6
else
    POD=$POD4 BACKEND=$BACKEND4 WEB=$WEB4
fi

# add_pod NETNS NODE NUMBER: adds a pod in the node's part of the pod network, connected by veth.
add_pod() {
    add_netns "$1"
    ip link add "$POD_DEV" netns "$2" type veth peer name eth0 netns "$1"
    pod_addresses "$@"
}

# add_netkit_pod NETNS NODE NUMBER: adds a pod connected by netkit, with the primary device on the host's side.
add_netkit_pod() {
    add_netns "$1"
    ip -n "$2" link add "$POD_DEV" type netkit mode l2 peer name peer
    ip -n "$2" link set peer netns "$1" name eth0
    pod_addresses "$@"
}

# pod_addresses NETNS NODE NUMBER
pod_addresses() {
    local pod=$1 node=$2 v4=10.244.$3 v6=fd00:10:244:$3:
    # With link scope, the node does not use this address as a source address.
    configure "$node" <<EOT
address add $v4.1/24 dev $POD_DEV scope link
address add $v6:1/64 dev $POD_DEV
link set $POD_DEV up
EOT
    configure "$pod" <<EOT
address add $v4.5/24 dev eth0
address add $v6:5/64 dev eth0
link set eth0 up
route add default via $v4.1
route add default via $v6:1
EOT
}

# web_server: starts a web server on `inet`, which has no route to pods.
web_server() {
    configure inet <<EOT
link add web0 type dummy
address add $WEB4/32 dev web0
address add $WEB6/128 dev web0
link set web0 up
EOT
    serve inet "$PORT"
}
