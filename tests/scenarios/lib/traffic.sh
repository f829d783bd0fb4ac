# Traffic, with what must become of it.

# serve NODE PORT: a TCP server that answers.
serve() {
    start "server-$1-$2" lab listen --netns "$1" "$2"
}

# must_connect NODE ADDRESS PORT: the connection is made and answered.
must_connect() {
    lab connect --netns "$1" --timeout 10s "$2" "$3"
}

# must_hang NODE ADDRESS PORT: neither answer nor refusal comes.
must_hang() {
    must_fail_with 'timed out' lab connect --netns "$1" --timeout 2.5s "$2" "$3"
}

# must_be_refused NODE ADDRESS PORT: the other side answers RST.
must_be_refused() {
    must_fail_with 'connection refused' lab connect --netns "$1" --timeout 10s "$2" "$3"
}

# must_not_connect NODE ADDRESS PORT: whatever the client hears.
must_not_connect() {
    must_fail_with 'connect to' lab connect --netns "$1" --timeout 2.5s "$2" "$3"
}

# must_fail_with TEXT COMMAND…
must_fail_with() {
    local text=$1 said
    shift
    if said=$("$@" 2>&1); then
        fail "expected '$text', but it succeeded: $said"
    fi
    echo "$said"
    [[ $said == *"$text"* ]] || fail "expected '$text'"
}

# counter NETNS NAME: of /proc/net/snmp and netstat, in the spelling of `nstat`.
counter() {
    in_netns "$1" nstat -asz "$2" | awk -v name="$2" '$1 == name { print $2 }'
}

# must_count NETNS NAME: it is not 0.
must_count() {
    local value
    value=$(counter "$1" "$2")
    ((value > 0)) || fail "$2 of $1 is $value"
}

# must_have_passed NETNS DEVICE STATISTIC: the device counted some, e.g. rx_packets.
must_have_passed() {
    local value
    value=$(in_netns "$1" cat "/sys/class/net/$2/statistics/$3")
    ((value > 0)) || fail "$3 of $2 in $1 is $value"
}

# must_have_judged: each of the lab's single programs has had packets of its port.
must_have_judged() {
    local counts
    counts=$(bpftool map dump name lab_judged)
    echo "$counts"
    grep -q value <<<"$counts" || fail 'no program is loaded'
    ! grep -qE '"?value"?: *(0$|00 00 00 00 00 00 00 00)' <<<"$counts" || fail 'a program had no packet'
}
