# Firewalls that accept replies by their conntrack state, and other rulesets.

# host_firewall NETNS: accepts replies, ICMP, `$PORT` and, with nft, WireGuard; drops all other packets.
host_firewall() {
    case $FIREWALL_BY in
    nft) talos_firewall "$1" ;;
    *)
        iptables_firewall "$1" "$FIREWALL_BY" icmp
        iptables_firewall "$1" "${FIREWALL_BY/#iptables/ip6tables}" icmpv6
        ;;
    esac
}

# talos_firewall NODE: installs the chains that Talos 1.12 builds for a NetworkDefaultActionConfig `block`.
talos_firewall() {
    local policy=drop last_rule= nodes4="{ $NODE_A4, $NODE_B4 }" nodes6="{ $NODE_A6, $NODE_B6 }"
    [ "$FIREWALL_END" = rule ] && policy=accept last_rule='counter drop'
    in_netns "$1" nft -f - <<EOT
table inet $FIREWALL_TABLE {
    chain $FIREWALL_CHAIN {
        type filter hook input priority mangle + 10; policy $policy;
        iifname { "lo", "siderolink", "$KUBESPAN_DEV" } counter accept
        ct state { established, related } counter accept
        ct state invalid counter drop
        icmp type { timestamp-request, timestamp-reply, address-mask-request, address-mask-reply } counter drop
        meta l4proto icmp limit rate 5/second burst 5 packets counter accept
        meta l4proto ipv6-icmp limit rate 5/second burst 5 packets counter accept
        ip saddr { 10.244.0.0/16, 10.96.0.0/12 } ip daddr { 10.244.0.0/16, 10.96.0.0/12 } counter accept
        meta l4proto udp ip saddr $nodes4 th dport { $WG_PORT, $KUBESPAN_PORT } counter accept
        meta l4proto udp ip6 saddr $nodes6 th dport { $WG_PORT, $KUBESPAN_PORT } counter accept
        meta l4proto tcp ip saddr $nodes4 th dport { $PORT } counter accept
        meta l4proto tcp ip6 saddr $nodes6 th dport { $PORT } counter accept
        $last_rule
    }
    chain prerouting {
        type filter hook prerouting priority dstnat - 10; policy accept;
        iifname { "lo", "siderolink", "$KUBESPAN_DEV" } counter accept
        ct state new meta l4proto udp th dport { $WG_PORT, $KUBESPAN_PORT } counter accept
        ct state new meta l4proto tcp th dport { $PORT } counter accept
        ct state new meta l4proto { tcp, udp } counter drop
    }
}
EOT
}

# firewalld NODE: installs the chains that firewalld 2.1 builds for a public zone with ssh and `$PORT`. They reject all
# other packets.
firewalld() {
    in_netns "$1" nft -f - <<EOT
table inet firewalld {
    chain filter_IN_public_allow {
        tcp dport { 22, $PORT } accept
        ip6 daddr fe80::/64 udp dport 546 accept
    }
    chain filter_IN_public {
        jump filter_IN_public_allow
        meta l4proto { icmp, ipv6-icmp } accept
    }
    chain filter_INPUT_ZONES {
        iifname vmap { "tun0" : goto filter_IN_public, "dmz0" : drop }
        goto filter_IN_public
    }
    chain filter_INPUT {
        type filter hook input priority filter + 10; policy accept;
        ct state vmap { invalid : drop, established : accept, related : accept }
        ct status dnat accept
        iifname "lo" accept
        jump filter_INPUT_ZONES
        reject with icmpx admin-prohibited
    }
}
EOT
}

# iptables_firewall NODE PROGRAM ICMP
iptables_firewall() {
    local policy=DROP last_rule=
    [ "$FIREWALL_END" = rule ] && policy=ACCEPT last_rule='-A INPUT -j DROP'
    in_netns "$1" "$2-restore" --noflush <<EOT
*filter
:INPUT $policy [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p $3 -j ACCEPT
-A INPUT -p tcp -m tcp --dport $PORT -j ACCEPT
$last_rule
COMMIT
EOT
}

# forwarding_firewall NETNS: makes the router forward only connections to `$PORT`, their replies, and ICMPv6.
forwarding_firewall() {
    in_netns "$1" nft -f - <<EOT
table inet $FIREWALL_TABLE {
    chain $FIREWALL_CHAIN {
        type filter hook forward priority filter; policy drop;
        ct state established,related counter accept
        meta l4proto ipv6-icmp counter accept
        tcp dport $PORT ct state new counter accept
    }
}
EOT
}

# stateful_router NETNS: makes the router forward replies, new connections to `$PORT`, and ICMPv6. INVALID packets are
# dropped by a rule of their own, or by the policy.
stateful_router() {
    local invalid='ct state invalid counter drop'
    [ "$FIREWALL_END" = policy ] && invalid=
    in_netns "$1" nft -f - <<EOT
table inet $FIREWALL_TABLE {
    chain $FIREWALL_CHAIN {
        type filter hook forward priority filter; policy drop;
        meta l4proto ipv6-icmp counter accept
        ct state established,related counter accept
        $invalid
        tcp dport $PORT ct state new counter accept
        counter comment "fell through"
    }
}
EOT
}

# accept_from NETNS DEVICE: accepts packets that arrive on DEVICE.
accept_from() {
    in_netns "$1" nft insert rule inet "$FIREWALL_TABLE" "$FIREWALL_CHAIN" iifname "$2" counter accept
}

# notrack_replies NETNS: exempts the replies of `$PORT` from connection tracking, and forgets the other direction. Such
# a rule is meant to relieve the conntrack table.
notrack_replies() {
    case $NOTRACK_BY in
    nft)
        in_netns "$1" nft -f - <<EOT
table inet $NOTRACK_TABLE {
    chain $NOTRACK_CHAIN {
        type filter hook prerouting priority raw; policy accept;
        tcp sport $PORT counter notrack
    }
}
EOT
        ;;
    *)
        local program
        for program in "$NOTRACK_BY" "${NOTRACK_BY/#iptables/ip6tables}"; do
            in_netns "$1" "$program" -t raw -N "$NOTRACK_CHAIN"
            in_netns "$1" "$program" -t raw -A PREROUTING -j "$NOTRACK_CHAIN"
            in_netns "$1" "$program" -t raw -A "$NOTRACK_CHAIN" -p tcp --sport "$PORT" -j CT --notrack
        done
        ;;
    esac
}

# must_have_counted NETNS nft|iptables-nft|iptables-legacy PATTERN: fails unless a rule that matches PATTERN has counted
# a packet.
must_have_counted() {
    local netns=$1 tool=$2 pattern=$3 rules counted
    if [ "$tool" = nft ]; then
        rules=$(in_netns "$netns" nft list ruleset) counted='packets [1-9]'
    else
        [ "$FAMILY" = 6 ] && tool=${tool/#iptables/ip6tables}
        rules=$(in_netns "$netns" "$tool-save" -c) counted='^\[[1-9]'
    fi
    grep -e "$pattern" <<<"$rules" | grep -q -e "$counted" ||
        fail "no rule that matches '$pattern' counted a packet in $netns:" "$rules"
}

# drop_icmp_errors NODE: drops the ICMP errors that the node sends about packets that are too big.
drop_icmp_errors() {
    in_netns "$1" nft -f - <<EOT
table inet no_icmp {
    chain outgoing {
        type filter hook output priority filter; policy accept;
        icmp type destination-unreachable counter drop
        icmpv6 type packet-too-big counter drop
    }
}
EOT
}

# clamp_segments NODE: clamps the MSS of forwarded connections to the route's MTU.
clamp_segments() {
    in_netns "$1" nft -f - <<EOT
table inet clamp {
    chain passing {
        type filter hook forward priority mangle; policy accept;
        tcp flags syn / syn,rst counter tcp option maxseg size set rt mtu
    }
}
EOT
}

# replace_ruleset NETNS NUMBER HOOK VERDICT: flushes the ruleset and loads a new one. NAMES says whether the new one's
# names contain its number, or all rulesets have the same names.
replace_ruleset() {
    local number
    number=$(suffix_of "$2")
    in_netns "$1" nft flush ruleset
    # Chains are freed after a grace period.
    sleep 0.3
    in_netns "$1" nft -f - <<EOT
table inet fw$number {
    chain guard$number {
        type filter hook $3 priority filter; policy accept;
        tcp dport $PORT counter $4 comment "rule of $2"
    }
}
EOT
}

# insert_rule NETNS NUMBER VERDICT COMMENT: inserts a rule before all others of that ruleset.
insert_rule() {
    local number
    number=$(suffix_of "$2")
    in_netns "$1" nft insert rule inet "fw$number" "guard$number" tcp dport "$PORT" counter "$3" comment "\"$4\""
}

suffix_of() {
    [ "$NAMES" = own ] && echo "$1" || true
}

# replace_table NETNS NUMBER TARGET: replaces the filter table of legacy iptables.
replace_table() {
    local tool=iptables-legacy-restore
    [ "$FAMILY" = 4 ] || tool=ip6tables-legacy-restore
    in_netns "$1" "$tool" <<EOT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport $PORT -m comment --comment "rule of $2" -j $3
COMMIT
EOT
}
