#!/bin/sh
# How time and memory of training steps grow with the batch, and speed with the threads: figures to stdout and to OUT/growth.md, plots to PLOTS/growth-*.svg.
# Of the rounds the fastest one counts.
# usage: bench/growth.sh FOIL PYTHON [NAME...]
# NAME: batch, threads; none = both; report: nothing is measured, what OUT holds is drawn.
# Variables: CORES (0,1,2,3: as many as the most threads), THREADS of the batch's growth (2), COUNTS of threads (1 2 4), BATCHES (16 32 64 128 256),
# ROUNDS (3), PIECE: seconds of each measurement (1), OUT (growth-out), PLOTS (docs), STEPS (dcgan64 sngan32), TYPES (f32 bf16).
set -eu
[ $# -ge 2 ] || { sed -n 's/^# //p' "$0" >&2; exit 2; }
foil=$(realpath "$1") python=$2
here=$(dirname "$(realpath "$0")")
shift 2
CORES=${CORES:-0,1,2,3} ROUNDS=${ROUNDS:-3} OUT=${OUT:-growth-out} PLOTS=${PLOTS:-$here/../docs}
export CORES ROUNDS OUT PLOTS
exec "$python" "$here/growth.py" "$foil" "$@"
