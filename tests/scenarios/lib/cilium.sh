# What Cilium 1.19 with WireGuard node encryption configures on a node, reduced to what the scenarios need.

# cilium_with_wireguard: sets up both nodes to encrypt the traffic between them.
cilium_with_wireguard() {
    local node
    wireguard_between_nodes
    for node in A B; do
        cilium_host_device "$node"
        cilium_rules "$node"
    done
    # In parallel, because loading the programs is slow.
    start cilium-A lab cilium --netns A --remote "$NODE_B4" "$NODE_B6" "${cilium_devices[@]}" &
    local node_a=$!
    start cilium-B lab cilium --netns B --remote "$NODE_A4" "$NODE_A6" "${cilium_devices[@]}"
    wait $node_a
}

cilium_devices=(--uplink "$UPLINK" --wg-dev "$WG_DEV" --wg-port "$WG_PORT"
    --host-dev "$HOST_DEV" --net-dev "$NET_DEV")

# cilium_for_pods NODE ARGUMENTS…: adds masquerading and, unless ARGUMENTS override it, BPF host routing.
cilium_for_pods() {
    local node=$1 addr4=NODE_${1}4 addr6=NODE_${1}6
    shift
    start "cilium-$node" lab cilium --netns "$node" --uplink "$UPLINK" --by "$PROGRAMS_BY" \
        --masquerade "${!addr4}" "${!addr6}" "$@"
}

# cilium_host_device NODE: creates the veth pair through which Cilium passes packets to the host's stack.
cilium_host_device() {
    local node=$1 number=1
    [ "$node" = B ] && number=2
    configure "$node" <<EOT
link add $HOST_DEV type veth peer name $NET_DEV
address add 10.244.$number.1/32 dev $HOST_DEV
address add fd00:10:244:$number::1/128 dev $HOST_DEV
link set $HOST_DEV arp off up
link set $NET_DEV arp off up
EOT
}

# cilium_rules NODE: exempts encrypted and decrypted packets from connection tracking.
cilium_rules() {
    case $NOTRACK_BY in
    nft) notrack_decrypted_by_nft "$1" ;;
    *)
        cilium_iptables "$1" "$NOTRACK_BY"
        cilium_iptables "$1" "${NOTRACK_BY/#iptables/ip6tables}"
        ;;
    esac
}

# cilium_iptables NODE PROGRAM: installs the chains and rules of Cilium's agent, in the agent's order.
cilium_iptables() {
    in_netns "$1" "$2-restore" --noflush <<EOT
*raw
:$NOTRACK_CHAIN - [0:0]
:CILIUM_OUTPUT_raw - [0:0]
-A PREROUTING -m comment --comment "cilium-feeder: $NOTRACK_CHAIN" -j $NOTRACK_CHAIN
-A OUTPUT -m comment --comment "cilium-feeder: CILIUM_OUTPUT_raw" -j CILIUM_OUTPUT_raw
-A $NOTRACK_CHAIN -m mark --mark 0x00000e00/0x00000f00 -m comment --comment "cilium-encryption-notrack:" -j CT --notrack
-A $NOTRACK_CHAIN -m mark --mark 0x00000d00/0x00000f00 -m comment --comment "cilium-encryption-notrack:" -j CT --notrack
-A $NOTRACK_CHAIN -m mark --mark 0x00000200/0x00000f00 -m comment --comment "cilium: NOTRACK for proxy traffic" -j CT --notrack
-A CILIUM_OUTPUT_raw -m mark --mark 0x00000e00/0x00000f00 -m comment --comment "cilium-encryption-notrack:" -j CT --notrack
-A CILIUM_OUTPUT_raw -m mark --mark 0x00000d00/0x00000f00 -m comment --comment "cilium-encryption-notrack:" -j CT --notrack
COMMIT
*filter
:CILIUM_INPUT - [0:0]
:CILIUM_OUTPUT - [0:0]
-A INPUT -m comment --comment "cilium-feeder: CILIUM_INPUT" -j CILIUM_INPUT
-A OUTPUT -m comment --comment "cilium-feeder: CILIUM_OUTPUT" -j CILIUM_OUTPUT
-A CILIUM_INPUT -m mark --mark 0x00000200/0x00000f00 -m comment --comment "cilium: ACCEPT for proxy traffic" -j ACCEPT
-A CILIUM_INPUT -m mark --mark 0x00000e00/0x00000f00 -m comment --comment "exclude encrypt/decrypt marks from filter CILIUM_INPUT chain" -j ACCEPT
-A CILIUM_INPUT -m mark --mark 0x00000d00/0x00000f00 -m comment --comment "exclude encrypt/decrypt marks from filter CILIUM_INPUT chain" -j ACCEPT
-A CILIUM_OUTPUT -m mark --mark 0x00000e00/0x00000f00 -m comment --comment "exclude encrypt/decrypt marks from filter CILIUM_OUTPUT chain" -j ACCEPT
-A CILIUM_OUTPUT -m mark --mark 0x00000d00/0x00000f00 -m comment --comment "exclude encrypt/decrypt marks from filter CILIUM_OUTPUT chain" -j ACCEPT
-A CILIUM_OUTPUT -m mark ! --mark 0x00000e00/0x00000f00 -m mark ! --mark 0x00000d00/0x00000f00 -m mark ! --mark 0x00000400/0x00000f00 -m mark ! --mark 0x00000a00/0x00000e00 -m mark ! --mark 0x00000800/0x00000e00 -m mark ! --mark 0x00000f00/0x00000f00 -m comment --comment "cilium: host->any mark as from host" -j MARK --set-xmark 0x00000c00/0x00000f00
COMMIT
EOT
}

# notrack_decrypted_by_nft NODE: installs the same exemption as native nft rules.
notrack_decrypted_by_nft() {
    in_netns "$1" nft -f - <<EOT
table inet $NOTRACK_TABLE {
    chain $NOTRACK_CHAIN {
        type filter hook prerouting priority raw; policy accept;
        meta mark & 0x00000f00 == 0x00000e00 counter notrack
        meta mark & 0x00000f00 == 0x00000d00 counter notrack
    }
    chain before_output {
        type filter hook output priority raw; policy accept;
        meta mark & 0x00000f00 == 0x00000e00 counter notrack
        meta mark & 0x00000f00 == 0x00000d00 counter notrack
    }
}
EOT
}
