# Start and end of tracer, and errors it must report. In these scripts tracer is a background job of a non-interactive
# shell, so it starts with SIGINT ignored.

# start_tracer ARGUMENTS…: starts tracer, sets `tracer_pid`, and returns once every probe is attached.
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

# must_end_within MILLISECONDS STATUS: fails unless tracer ends within that time from now, with that status. If only the
# time is wrong, the block exits with 75 (EX_TEMPFAIL), and the runner tries again.
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

# must_refuse PATTERN COMMAND…: fails unless the command exits with status 2, prints nothing on stdout, and prints one
# line on stderr that matches PATTERN.
must_refuse() {
    local pattern=$1 status=0 said
    shift
    # Without a limit, a command that is not refused traces until it gets a signal.
    timeout 30 "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" </dev/null || status=$?
    said=$(<"$SCRATCH/err")
    echo "$said"
    ((status == 2)) || fail "status is $status, not 2"
    [ -s "$SCRATCH/out" ] && fail "stdout is not empty: $(<"$SCRATCH/out")"
    (($(grep -c . <<<"$said") == 1)) || fail "not one sentence"
    grep -qiE -e "$pattern" <<<"$said" || fail "it does not say '$pattern'"
}

# unload MODULE PREFIX: unloads the module, and all modules whose names start with PREFIX.
unload() {
    local module=$1 prefix=$2 users
    for _ in {1..50}; do
        [ -e "/sys/module/$module" ] || return 0
        mapfile -t users < <(awk -v prefix="$prefix" 'index($1, prefix) == 1 { print $1 }' /proc/modules)
        # A later round unloads modules that are still in use now.
        rmmod "${users[@]}" "$module" 2>/dev/null || sleep 0.1
    done
    fail "module $module cannot be unloaded: $(grep "^$module " /proc/modules)"
}
