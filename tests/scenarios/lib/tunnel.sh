# Tunnels between the nodes, and the network inside them:
#
#     A  10.99.0.1, fd00:99::1 ──── tun0 ──── 10.99.0.2, fd00:99::2  B

if [ "$FAMILY" = 6 ]; then TUNNEL_A=fd00:99::1 TUNNEL_B=fd00:99::2; else TUNNEL_A=10.99.0.1 TUNNEL_B=10.99.0.2; fi

# tunnel_between_nodes KIND [ID]: adds a tunnel. KIND is a type of `ip link`, ID the VNI or the key. OUTER_FAMILY is the
# IP version of the outer headers.
tunnel_between_nodes() {
    [ "$1" = wireguard ] && wireguard_keys
    tunnel_end A B 1 "$@"
    tunnel_end B A 2 "$@"
}

# tunnel_end NODE PEER NUMBER KIND [ID]
tunnel_end() {
    local node=$1 peer=$2 kind=$4 id=${5-} local=NODE_${1}$OUTER_FAMILY remote=NODE_${2}$OUTER_FAMILY
    local ends=(local "${!local}" remote "${!remote}")
    case $kind in
    wireguard) wireguard_device "$node" "$peer" tun0 "$WG_PORT" 0 0.0.0.0/0,::/0 ;;
    vxlan) ip -n "$node" link add tun0 type vxlan id "$id" "${ends[@]}" dstport "$VXLAN_PORT" ;;
    geneve) ip -n "$node" link add tun0 type geneve id "$id" remote "${!remote}" ;;
    ip6tnl) ip -n "$node" link add tun0 type ip6tnl mode any "${ends[@]}" encaplimit none ;;
    gre | ip6gre) ip -n "$node" link add tun0 type "$kind" "${ends[@]}" key "$id" ;;
    *) ip -n "$node" link add tun0 type "$kind" "${ends[@]}" ;;
    esac
    configure "$node" <<EOT
link set tun0 mtu 1400 up
address add 10.99.0.$3/24 dev tun0
address add fd00:99::$3/64 dev tun0 nodad
EOT
}

# route_pods_through_tunnel: routes packets between pods of A and backends of B through the tunnel.
route_pods_through_tunnel() {
    configure A <<EOT
route add 10.244.2.0/24 via 10.99.0.2
route add fd00:10:244:2::/64 via fd00:99::2
EOT
    configure B <<EOT
route add 10.244.1.0/24 via 10.99.0.1
route add fd00:10:244:1::/64 via fd00:99::1
EOT
}

# encrypt_between_nodes MODE: adds ESP by policy, without a device. A sends with SPI 0x1001, B with 0x1002.
encrypt_between_nodes() {
    local node
    for node in A B; do
        esp_state "$node" "${NODE_A}" "${NODE_B}" 0x1001 "$1"
        esp_state "$node" "${NODE_B}" "${NODE_A}" 0x1002 "$1"
    done
    esp_policies A "$NODE_A" "$NODE_B" "$1"
    esp_policies B "$NODE_B" "$NODE_A" "$1"
}

# esp_state NODE SRC DST SPI MODE
esp_state() {
    ip -n "$1" xfrm state add src "$2" dst "$3" proto esp spi "$4" reqid 1 mode "$5" \
        aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128
}

# esp_policies NODE OWN OTHER MODE
esp_policies() {
    ip -n "$1" xfrm policy add src "$2" dst "$3" proto tcp dir out \
        tmpl src "$2" dst "$3" proto esp reqid 1 mode "$4"
    ip -n "$1" xfrm policy add src "$3" dst "$2" proto tcp dir in \
        tmpl src "$3" dst "$2" proto esp reqid 1 mode "$4"
}
