# KubeSpan, the mesh of Talos Linux: WireGuard between the nodes, and marks that route packets into it.

KUBESPAN_PORT=51820 KUBESPAN_FWMARK=0x20

# kubespan_between_nodes: routes each node's packets for the other through WireGuard.
kubespan_between_nodes() {
    wireguard_keys
    kubespan_node A B
    kubespan_node B A
}

# kubespan_node NODE PEER
kubespan_node() {
    local node=$1 peer4=NODE_${2}4 peer6=NODE_${2}6
    wireguard_device "$node" "$2" "$KUBESPAN_DEV" "$KUBESPAN_PORT" "$KUBESPAN_FWMARK" "${!peer4}/32,${!peer6}/128"
    in_netns "$node" nft -f - <<EOT
table inet $FIREWALL_TABLE {
    chain kubespan_prerouting {
        type filter hook prerouting priority filter; policy accept;
        meta mark & 0x00000060 == 0x00000020 accept
        ip daddr ${!peer4} meta mark set meta mark & 0xffffff9f | 0x00000040 counter accept
        ip6 daddr ${!peer6} meta mark set meta mark & 0xffffff9f | 0x00000040 counter accept
    }
    chain kubespan_outgoing {
        type route hook output priority filter; policy accept;
        meta mark & 0x00000060 == 0x00000020 accept
        oifname "lo" accept
        ip daddr ${!peer4} meta mark set meta mark & 0xffffff9f | 0x00000040 counter accept
        ip6 daddr ${!peer6} meta mark set meta mark & 0xffffff9f | 0x00000040 counter accept
    }
}
EOT
    local version
    for version in -4 -6; do
        ip -n "$node" "$version" route add default dev "$KUBESPAN_DEV" table 180 metric 1 mtu 1420 proto static
        ip -n "$node" "$version" rule add pref 32500 fwmark 0x40/0x60 lookup 180
    done
}
