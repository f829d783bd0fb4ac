# Traffic, and checks of its outcome.

# serve NODE PORT: starts a TCP server that answers.
serve() {
    start "server-$1-$2" lab listen --netns "$1" "$2"
}

# must_connect NODE ADDRESS PORT: fails unless the client connects and gets an answer.
must_connect() {
    lab connect --netns "$1" --timeout 10s "$2" "$3"
}

# must_hang NODE ADDRESS PORT: fails unless the connection attempt times out.
must_hang() {
    must_fail_with 'timed out' lab connect --netns "$1" --timeout 2.5s "$2" "$3"
}

# must_be_refused NODE ADDRESS PORT: fails unless the other side answers RST.
must_be_refused() {
    must_fail_with 'connection refused' lab connect --netns "$1" --timeout 10s "$2" "$3"
}

# must_not_connect NODE ADDRESS PORT: fails if the client connects. Any error is accepted.
must_not_connect() {
    must_fail_with 'connect to' lab connect --netns "$1" --timeout 2.5s "$2" "$3"
}

# must_fail_with TEXT COMMAND…: fails unless the command fails and prints TEXT.
must_fail_with() {
    local text=$1 said
    shift
    if said=$("$@" 2>&1); then
        fail "expected '$text', but it succeeded: $said"
    fi
    echo "$said"
    [[ $said == *"$text"* ]] || fail "expected '$text'"
}

# counter NETNS NAME: prints a counter of /proc/net/snmp, snmp6 or netstat, named as in `nstat`.
counter() {
    in_netns "$1" nstat -asz "$2" | awk -v name="$2" '$1 == name { print $2 }'
}

# must_count NETNS NAME: fails unless the counter is above 0.
must_count() {
    local value
    value=$(counter "$1" "$2")
    ((value > 0)) || fail "$2 of $1 is $value"
}

# must_have_passed NETNS DEVICE STATISTIC: fails unless the device's statistic, e.g. rx_packets, is above 0.
must_have_passed() {
    local value
    value=$(in_netns "$1" cat "/sys/class/net/$2/statistics/$3")
    ((value > 0)) || fail "$3 of $2 in $1 is $value"
}

# must_have_judged: fails unless each of the lab's single programs has seen a packet of its port.
must_have_judged() {
    local counts
    counts=$(bpftool map dump name lab_judged)
    echo "$counts"
    grep -q value <<<"$counts" || fail 'no program is loaded'
    ! grep -qE '"?value"?: *(0$|00 00 00 00 00 00 00 00)' <<<"$counts" || fail 'a program had no packet'
}
