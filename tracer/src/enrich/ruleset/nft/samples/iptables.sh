#!/bin/sh
# Rules for the recordings: `iptables.sh nft` for iptables-nft, `iptables.sh legacy` for legacy
# iptables. Run in a netns of its own.
for program in iptables ip6tables; do
    ipt="$program-$1 -w 5"
    case $program in
    iptables) net=10.0.0.0/8 host=1.2.3.4 port=1.2.3.4:80 icmp="icmp --icmp-type 8" ;;
    *) net=fd00::/8 host=fd00::4 port=[fd00::4]:80 icmp="icmpv6 --icmpv6-type 128" ;;
    esac
    # Cilium 1.19
    $ipt -t raw -N CILIUM_PRE_raw
    $ipt -t raw -A PREROUTING -m comment --comment "cilium-feeder: CILIUM_PRE_raw" -j CILIUM_PRE_raw
    $ipt -t raw -A CILIUM_PRE_raw -m mark --mark 0x200/0xf00 -m comment --comment "cilium: NOTRACK for proxy traffic" -j CT --notrack
    $ipt -t raw -I CILIUM_PRE_raw -m mark --mark 0xd00/0xf00 -m comment --comment cilium-encryption-notrack: -j CT --notrack
    # Other ways to say it, and targets like it
    $ipt -t raw -A CILIUM_PRE_raw -p udp -j NOTRACK
    $ipt -t raw -A CILIUM_PRE_raw -p udp -j CT --zone 5
    # Odd names: punctuation, the longest there may be
    $ipt -N odd_-.name
    $ipt -N abcdefghijklmnopqrstuvwxyz01
    $ipt -A odd_-.name -s $net -d $host -i eth0 -o eth+ -p tcp -m tcp --sport 1:100 ! --dport 22 --tcp-flags SYN,RST SYN -j ACCEPT
    $ipt -A odd_-.name ! -s $net ! -i eth0 ! -p tcp -g abcdefghijklmnopqrstuvwxyz01
    $ipt -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    $ipt -A INPUT -m state --state NEW,INVALID -j ACCEPT
    $ipt -A INPUT -m conntrack ! --ctstate UNTRACKED -j DROP
    $ipt -A INPUT -m conntrack --ctstate DNAT,NEW -j DROP
    $ipt -A INPUT -m conntrack --ctstatus ASSURED --ctdir REPLY -j DROP
    $ipt -A INPUT -m conntrack --ctorigdst $host -j DROP
    $ipt -A INPUT -p tcp -m multiport --dports 22,80,100:200 -j odd_-.name
    $ipt -A INPUT -p udp --dport 53 -j REJECT
    $ipt -A INPUT -p tcp -j REJECT --reject-with tcp-reset
    $ipt -A INPUT -m addrtype --dst-type LOCAL -j RETURN
    $ipt -A INPUT -m limit --limit 5/min --limit-burst 7 -j LOG --log-prefix "dropped: "
    $ipt -A INPUT -j NFLOG --nflog-group 5
    $ipt -A INPUT -m connmark --mark 1/3
    $ipt -A INPUT -m mark ! --mark 7 -j MARK --set-mark 5
    $ipt -A INPUT -j CONNMARK --save-mark
    $ipt -A INPUT -m physdev --physdev-in eth0 -j DROP
    $ipt -A INPUT -m comment --comment "has \"quotes\" and \\ back"
    $ipt -A INPUT -p $icmp -j ACCEPT
    $ipt -A INPUT -m statistic --mode random --probability 0.5 -j DROP
    $ipt -t nat -A POSTROUTING -o eth0 -j MASQUERADE
    $ipt -t nat -A POSTROUTING -o eth1 -j SNAT --to-source $host
    $ipt -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080
    $ipt -t nat -A PREROUTING -p tcp --dport 81 -j DNAT --to-destination "$port"
    $ipt -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
    $ipt -P FORWARD DROP
done
