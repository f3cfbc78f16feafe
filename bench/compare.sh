#!/bin/sh
# Foil and its peers at the same work, in turns on the same cores; the table goes to stdout and, with every single measurement, to the folder OUT.
# usage: bench/compare.sh FOIL PYTHON [NAME...]
# NAME: a kind of work (training inference start folder loader) or one piece of it (training/dcgan64); none = all;
# report: nothing is measured. The tables are of all that OUT holds, so a run may be made in pieces.
# Variables: THREADS (2), CORES (0,1), ROUNDS (5), PIECE: seconds of each measurement (1), OUT (compare-out), MODES (patterns of who takes part: "foil*,*bf16*";
# all), PICTURES (a folder of photographs to make the scored folder from; made up), FILES in that folder (2000), PATIENCE: seconds after which
# who gives no answer is ended (900).
set -eu
[ $# -ge 2 ] || { sed -n 's/^# //p' "$0" >&2; exit 2; }
foil=$(realpath "$1") python=$2
shift 2
exec "$python" "$(dirname "$(realpath "$0")")/compare.py" "$foil" "$@"
