#!/bin/sh
# What sharing a run over processes gives: the same batch by one process of one thread and by two, in turns; what the connection gives; and what a model makes of that
# for many machines (docs/many-machines.md).
# usage: bench/ranks.sh BUILD [CONFIG [KEY=VALUE...]]
# BUILD: a build with -DFOIL_MPI=ON. CONFIG: configs/train/dcgan64.yaml. Variables: CORES (0,1), ROUNDS (3), PIECE: seconds of each measurement (5), BATCH (128, of both),
# MPIRUN: options for mpirun, HIDDEN (0.5): share of the sums' time that the backward pass hides, LATENCY (20): microseconds of a message between machines.
set -eu
[ $# -ge 1 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
build=$1
shift
[ $# -gt 0 ] || set -- "$(dirname "$0")/../configs/train/dcgan64.yaml"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# A core each. mpirun's own binding does not look at the cores that it was given.
connected() { mpirun -n 2 --bind-to none ${MPIRUN:-} sh -c 'taskset -c "$(echo "$0" | cut -d, -f$((OMPI_COMM_WORLD_RANK + 1)))" "$@"' "${CORES:-0,1}" "$@"; }
one() { taskset -c "${CORES:-0,1}" "$build/foil" bench "$@" --batch "${BATCH:-128}" --threads 1 --seconds "${PIECE:-5}" --json; }
two() { connected "$build/foil" bench "$@" --batch "${BATCH:-128}" --threads 1 --seconds "${PIECE:-5}" --json; }
# A number by its name in foil bench's JSON.
number() { sed -n "s/.*\"$1\": *\([-0-9.e+]*\).*/\1/p"; }
median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

for round in $(seq "${ROUNDS:-3}"); do
    one "$@" >"$folder/one.$round"
    two "$@" >"$folder/two.$round"
    echo "round $round: one process $(number seconds <"$folder/one.$round") s, two $(number seconds <"$folder/two.$round") s"
done
t1=$(cat "$folder"/one.* | number seconds | median)
t2=$(cat "$folder"/two.* | number seconds | median)
bytes=$(number summed_bytes <"$folder/two.1")
waited=$(cat "$folder"/two.* | number waited_for_ranks | median)
awk "BEGIN { printf \"one process %.1f ms, two %.1f ms: efficiency %.2f; %.1f MB summed a step, %.1f ms waited for each other\n\",
    1e3 * $t1, 1e3 * $t2, $t1 / (2 * $t2), $bytes / 1e6, 1e3 * $waited }"
echo
connected "$build/bench_ranks"
echo
# Halving and doubling: 2 log2 N messages and 2 (N - 1) / N times the bytes, for each bucket; the network at 90 % of its name. Nothing hides what is agreed upon a step:
# the batch, the end, and the means of two reports.
awk "BEGIN {
    step = $t2 - $waited; bytes = $bytes; hidden = ${HIDDEN:-0.5}; latency = ${LATENCY:-20} * 1e-6; buckets = int(bytes / 4e6 + 1)
    printf \"model: step %.1f ms, %.1f MB, %.0f %% hidden, %.0f us a message\n%9s %6s %10s %10s %11s\n\", 1e3 * step, bytes / 1e6, 100 * hidden, 1e6 * latency,
        \"machines\", \"Gb/s\", \"sums, ms\", \"shown, ms\", \"efficiency\"
    for (n = 64; n <= 1024; n *= 16)
        for (gbits = 25; gbits <= 100; gbits *= 4) {
            sums = 2 * log(n) / log(2) * latency * buckets + 2 * (n - 1) / n * bytes / (0.9 * gbits * 1e9 / 8)
            shown = sums * (1 - hidden) + 4 * 2 * log(n) / log(2) * latency
            printf \"%9d %6d %10.1f %10.1f %11.3f\n\", n, gbits, 1e3 * sums, 1e3 * shown, step / (step + shown)
        }
}"
