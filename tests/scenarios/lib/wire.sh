# Hand-made frames, and a web server behind B.

# send_from_wire SOURCE OPTION…: a datagram for B's port, as if it came from A's part of the network.
send_from_wire() {
    local source=$1 mac
    shift
    mac=$(in_netns inet cat /sys/class/net/to_A/address)
    lab wire --netns A "$@" "$UPLINK" "$mac" "$source" "$NODE_B" "$PORT"
}

# datagrams NETNS: how many UDP was handed, with or without a socket for them.
datagrams() {
    case $FAMILY in
    4) echo $(($(counter "$1" UdpInDatagrams) + $(counter "$1" UdpNoPorts))) ;;
    6) echo $(($(counter "$1" Udp6InDatagrams) + $(counter "$1" Udp6NoPorts))) ;;
    esac
}

if [ "$FAMILY" = 6 ]; then WEB_NET=2001:db8:c::/48; else WEB_NET=203.0.113.0/24; fi

# web_behind_b: the web server's address on B, and the router knows the way.
web_behind_b() {
    ip -n B address add "$WEB" dev lo
    ip -n inet route add "$WEB_NET" via "$NODE_B"
    serve B "$PORT"
}

# must_have_come NETNS: UDP was handed a datagram.
must_have_come() {
    local _
    for _ in {1..20}; do
        (($(datagrams "$1") == 0)) || return 0
        sleep 0.1
    done
    fail "no datagram came to $1"
}

# must_not_have_come NETNS: nor was one on its way for long.
must_not_have_come() {
    sleep 0.2
    (($(datagrams "$1") == 0)) || fail "a datagram came to $1"
}

# serve_udp NODE PORT: a server that sends datagrams back.
serve_udp() {
    start "udp-$1-$2" lab udp-listen --netns "$1" "$2"
}
