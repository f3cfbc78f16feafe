#!/bin/sh
# How evenly training steps are divided over threads, on a machine that may have fewer cores: each thread's time between two barriers is the time that it computes, and the
# longest counts. What cores share, memory and its caches, is not in it: it is a bound, and says where work is divided badly. Needs GCC's OpenMP.
# usage: bench/division.sh BUILD PYTHON CONFIG [KEY=VALUE...]
# Variables: COUNTS of threads (2 4 8), TYPES (f32 bf16), BATCH (64), PIECE: seconds of each measurement (3).
set -eu
[ $# -ge 3 ] || { sed -n '4,5s/^# //p' "$0" >&2; exit 2; }
build=$1 python=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for type in ${TYPES:-f32 bf16}; do
    echo "$type"
    for threads in ${COUNTS:-2 4 8}; do
        OMP_WAIT_POLICY=passive DIVISION=$folder/records LD_PRELOAD=$(realpath "$build/libdivision.so") "$build/foil" bench "$@" --precision "$type" \
            --batch "${BATCH:-64}" --threads "$threads" --seconds "${PIECE:-3}" -q >/dev/null
        "$python" "$(dirname "$0")/division.py" "$folder/records" "$build/foil" "$threads"
    done
done
