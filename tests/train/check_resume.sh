#!/bin/sh
# Killed with SIGKILL at random moments and resumed, a run ends with the checkpoint and the detector of one that was never disturbed, byte for byte.
# KILLS: how often, at each number of THREADS.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$FOIL_BUILD/tests/tool_set" "$folder/both.h5" 32 120 3
"$FOIL_BUILD/tests/tool_set" "$folder/reals.h5" 32 120 3 reals
train() { exec "$FOIL" train "$FOIL_SOURCE/tests/train/tiny/run.yaml" data.set="$folder/$set.h5" ${forgers:+"$forgers"} --quiet --threads "$threads" "$@" >/dev/null; }
now() { date +%s.%N; }
# What a run must have ended with: files, and the steps that its log holds.
ending() { (cd "$1" && sha256sum checkpoint.safetensors best.safetensors samples/*.png config.yaml && cut -d, -f1 log.jsonl); }

# With fakes of the set; and without, where the best detector is judged again with each evaluation (train/validation.h).
for threads in ${THREADS:-1 2}; do
    set=both forgers=
    if [ "$threads" -eq 1 ]; then set=reals forgers="forgers=[{generator: {share: 0.5}}, {replay: {share: 0.5, keep: 3, every: 12}}]"; fi
    begin=$(now)
    (train --out "$folder/whole")
    seconds=$(awk "BEGIN { print $(now) - $begin }")
    ending "$folder/whole" >"$folder/expected"
    # Its lazy penalty is due at draws 0, 4, 8 …, and lines are of odd ones: they tell the last.
    [ "$(grep -c loss/penalty "$folder/whole/log.jsonl")" -eq 50 ] || { echo "the log lacks the penalty"; exit 1; }
    kills=0 begun=0
    while [ $kills -lt "${KILLS:-3}" ]; do
        begun=$((begun + 1))
        (train --resume --out "$folder/killed") &
        process=$!
        sleep "$(awk "BEGIN { srand($begun + 100 * $threads); print rand() * $seconds }")"
        kill -KILL $process 2>/dev/null && kills=$((kills + 1))
        wait $process 2>/dev/null || true
        (train --resume --out "$folder/killed")
        ending "$folder/killed" >"$folder/got"
        diff "$folder/expected" "$folder/got"
        rm -rf "$folder/killed"
    done
    echo "$threads threads: killed $kills times, $kills equal checksums"
    rm -rf "$folder/whole"
done
