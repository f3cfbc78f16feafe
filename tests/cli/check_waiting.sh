#!/bin/sh
# Threads are told to wait for each other briefly: the program starts itself again, as the same process, unless somebody has said how they wait.
set -eu
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
fail() { echo "$1" >&2; exit 1; }
config="$FOIL_SOURCE/configs/train/dcgan32.yaml"
unset OMP_WAIT_POLICY GOMP_SPINCOUNT LD_PRELOAD

# The name of a benchmark as it runs and what it has in its environment: running VARIABLE=VALUE...
running() {
    env "$@" "$FOIL" bench "$config" --batch 4 --seconds 60 >"$work/out" 2>&1 &
    pid=$!
    sleep 2
    cat /proc/$pid/comm
    tr '\0' '\n' </proc/$pid/environ | grep -E '^(GOMP_SPINCOUNT|OMP_WAIT_POLICY)=' || true
    kill $pid
    wait $pid 2>/dev/null || true
}

[ "$(running | paste -sd ' ')" = "foil GOMP_SPINCOUNT=3000" ] || fail "it was not told to wait briefly"
[ "$(running GOMP_SPINCOUNT=7 | paste -sd ' ')" = "foil GOMP_SPINCOUNT=7" ] || fail "it does not wait as it was told"
[ "$(running OMP_WAIT_POLICY=passive | paste -sd ' ')" = "foil OMP_WAIT_POLICY=passive" ] || fail "it does not wait as it was told"

# Arguments and the exit status stay.
status=0
"$FOIL" bench 'no such file.yaml' 2>"$work/message" || status=$?
[ $status = 1 ] && grep -q 'no such file.yaml' "$work/message" || fail "its arguments were lost"
