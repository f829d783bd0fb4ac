# Hand-made frames, and a web server behind B.

# send_from_wire SOURCE OPTION…: sends one hand-made packet from A's uplink to B's port.
send_from_wire() {
    local source=$1 mac
    shift
    mac=$(in_netns inet cat /sys/class/net/to_A/address)
    lab wire --netns A "$@" "$UPLINK" "$mac" "$source" "$NODE_B" "$PORT"
}

# datagrams NETNS: prints how many datagrams reached UDP, with or without a socket for them.
datagrams() {
    case $FAMILY in
    4) echo $(($(counter "$1" UdpInDatagrams) + $(counter "$1" UdpNoPorts))) ;;
    6) echo $(($(counter "$1" Udp6InDatagrams) + $(counter "$1" Udp6NoPorts))) ;;
    esac
}

if [ "$FAMILY" = 6 ]; then WEB_NET=2001:db8:c::/48; else WEB_NET=203.0.113.0/24; fi

# web_behind_b: starts the web server on B, and adds the router's route to its address.
web_behind_b() {
    ip -n B address add "$WEB" dev lo
    ip -n inet route add "$WEB_NET" via "$NODE_B"
    serve B "$PORT"
}

# must_have_come NETNS: fails unless a datagram reaches UDP within two seconds.
must_have_come() {
    local _
    for _ in {1..20}; do
        (($(datagrams "$1") == 0)) || return 0
        sleep 0.1
    done
    fail "no datagram came to $1"
}

# must_not_have_come NETNS: fails if a datagram has reached UDP after 0.2 s.
must_not_have_come() {
    sleep 0.2
    (($(datagrams "$1") == 0)) || fail "a datagram came to $1"
}

# serve_udp NODE PORT: starts a server that sends datagrams back.
serve_udp() {
    start "udp-$1-$2" lab udp-listen --netns "$1" "$2"
}
