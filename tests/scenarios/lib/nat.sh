# NAT by conntrack.

# masquerade_pods NODE: masquerades pods as Cilium's agent does without BPF.
masquerade_pods() {
    local program families=(iptables 10.244.0.0/16 ip6tables fd00:10:244::/48)
    if [ "$MASQUERADE_BY" = nft ]; then
        in_netns "$1" nft -f - <<EOT
table inet pod_nat {
    chain after_routing {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 counter masquerade
        ip6 saddr fd00:10:244::/48 ip6 daddr != fd00:10:244::/48 counter masquerade
    }
}
EOT
        return
    fi
    for program in 0 2; do
        in_netns "$1" "${MASQUERADE_BY/#iptables/${families[program]}}-restore" --noflush <<EOT
*nat
:CILIUM_POST_nat - [0:0]
-A POSTROUTING -m comment --comment "cilium-feeder: CILIUM_POST_nat" -j CILIUM_POST_nat
-A CILIUM_POST_nat -s ${families[program + 1]} ! -d ${families[program + 1]} ! -o cilium_+ -m comment --comment "cilium masquerade non-cluster" -j MASQUERADE
COMMIT
EOT
    done
}

# The address of a service. No node has this address; a NAT router translates it.
SERVICE4=203.0.113.10 SERVICE6=2001:db8:c::10
if [ "$FAMILY" = 6 ]; then SERVICE=$SERVICE6; else SERVICE=$SERVICE4; fi

# translate_service NETNS: translates the service's address to node B by DNAT.
translate_service() {
    in_netns "$1" nft -f - <<EOT
table inet $SERVICE_TABLE {
    chain $SERVICE_CHAIN {
        type nat hook prerouting priority dstnat; policy accept;
        ip daddr $SERVICE4 tcp dport $PORT counter dnat to $NODE_B4
        ip6 daddr $SERVICE6 tcp dport $PORT counter dnat to $NODE_B6
    }
}
EOT
}

# must_be_translated NETNS PATTERN: fails unless a line of `conntrack -L` matches PATTERN.
must_be_translated() {
    local version=ipv4 entries
    [ "$FAMILY" = 6 ] && version=ipv6
    entries=$(in_netns "$1" conntrack -L -f "$version" 2>/dev/null)
    grep -q -e "$2" <<<"$entries" || fail "conntrack of $1 has no entry '$2':" "$entries"
}
