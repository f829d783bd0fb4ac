# How tracer starts, ends and refuses. In these scripts tracer is a background job of a shell that is
# not interactive, so SIGINT starts out ignored.

# start_tracer ARGUMENTS…: returns once every probe is attached; sets `tracer_pid`.
start_tracer() {
    local ready=$SCRATCH/ready
    rm -f "$ready"
    tracer "$@" --ready-file "$ready" >"$SCRATCH/tracer.out" 2>"$SCRATCH/tracer.err" &
    tracer_pid=$!
    wait_until_ready "$ready"
}

wait_until_ready() {
    for _ in {1..600}; do
        [ -e "$1" ] && return
        kill -0 "$tracer_pid" 2>/dev/null || fail "tracer ended before it was ready: $(<"$SCRATCH/tracer.err")"
        sleep 0.1
    done
    fail "tracer was not ready within 60 s: $(<"$SCRATCH/tracer.err")"
}

# must_end_within MILLISECONDS STATUS: from now on; the status is tracer's. One that is right but late
# makes the block end with 75, which the runner takes for "try again" (EX_TEMPFAIL).
must_end_within() {
    local begin=${EPOCHREALTIME/./} status=0 took
    wait "$tracer_pid" || status=$?
    took=$(((${EPOCHREALTIME/./} - begin) / 1000))
    echo "tracer ended after $took ms with status $status"
    ((status == $2)) || fail "tracer ended with status $status, not $2: $(<"$SCRATCH/tracer.err")"
    ((took <= $1)) || {
        echo "tracer took $took ms to end, more than $1" >&2
        exit 75
    }
}

# must_refuse PATTERN COMMAND…: status 2, nothing on stdout, one line on stderr that says it.
must_refuse() {
    local pattern=$1 status=0 said
    shift
    # What is not refused would trace until told otherwise.
    timeout 30 "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" </dev/null || status=$?
    said=$(<"$SCRATCH/err")
    echo "$said"
    ((status == 2)) || fail "status is $status, not 2"
    [ -s "$SCRATCH/out" ] && fail "stdout is not empty: $(<"$SCRATCH/out")"
    (($(grep -c . <<<"$said") == 1)) || fail "not one sentence"
    grep -qiE -e "$pattern" <<<"$said" || fail "it does not say '$pattern'"
}

# unload MODULE PREFIX: takes the module out of the kernel, with those whose names begin like that.
unload() {
    local module=$1 prefix=$2 users
    for _ in {1..50}; do
        [ -e "/sys/module/$module" ] || return 0
        mapfile -t users < <(awk -v prefix="$prefix" 'index($1, prefix) == 1 { print $1 }' /proc/modules)
        # Those that others still use go in a later round.
        rmmod "${users[@]}" "$module" 2>/dev/null || sleep 0.1
    done
    fail "module $module cannot be unloaded: $(grep "^$module " /proc/modules)"
}
