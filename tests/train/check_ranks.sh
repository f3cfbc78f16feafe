#!/bin/sh
# Training shared by several processes: the losses of one process at the same batch; the same bits on each rank and from run to run; going on with another number of
# ranks; and what is left of a run when a rank dies, is asked to stop, or cannot write.
set -eu
. "$FOIL_SOURCE/tests/mpirun.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export OMP_NUM_THREADS=1
nets=$FOIL_SOURCE/configs/nets
tiny=$FOIL_SOURCE/tests/train/tiny/run.yaml
often="log.every=1 log.samples=1000 run.batch_norm=synchronised run.convolution=direct --quiet" # fast or not may depend on the batch
"$FOIL_BUILD/tests/tool_set" set.h5 32 160 3

# near A B STEP TOLERANCE: up to STEP both logs say the same of losses, logits, gradients and validation, relative to numbers of size 1 and more.
near() {
    awk -v last="$3" -v tolerance="$4" '
        FNR == 1 { file++ }
        {
            gsub(/[{}" ]/, "")
            n = split($0, pair, ",")
            for (i = 1; i <= n; i++) {
                split(pair[i], word, ":")
                if (word[1] == "step") step = word[2]
                if (step > last || word[1] !~ /^(loss|logit|gradient|val)/) continue
                at = step " " word[1]
                if (file == 1) { expected[at] = word[2]; continue }
                if (!(at in expected)) { print "only in the second log: " at; bad = 1 }
                size = expected[at] < 0 ? -expected[at] : expected[at]
                off = expected[at] - word[2]
                if (off < 0) off = -off
                if (off > tolerance * (size > 1 ? size : 1)) { print at ": " expected[at] " alone, " word[2] " shared"; bad = 1 }
                compared++
            }
        }
        END { exit bad || compared < last }' "$1/log.jsonl" "$2/log.jsonl"
}

# One process and two, or four, are the same run. Small steps of the optimizer: large ones magnify the last bits.
same() { # RANKS STEPS TOLERANCE CONFIG KEYS...
    n=$1 steps=$2 tolerance=$3
    shift 3
    rm -rf alone shared
    "$FOIL" train "$@" data.set=set.h5 "run.steps=$steps" $often --out alone >out
    ranks "$n" "$FOIL" train "$@" data.set=set.h5 "run.steps=$steps" $often --out shared >out
    near alone shared "$steps" "$tolerance"
    [ "$(wc -l <alone/log.jsonl)" -eq "$(wc -l <shared/log.jsonl)" ]
}
# Spectral norm, dropout, lazy R1, augmentation, average, three forgers, validation; batch norm in the generator.
same 2 12 1e-5 "$tiny" run.batch=16 evaluate.every=6 optimizer.adam.lr=1e-5
mv shared two
same 4 6 1e-5 "$tiny" run.batch=16 evaluate.every=6 optimizer.adam.lr=1e-5 run.seed=2 # at seed 1 one unit stands so near its kink that the last bits decide
# Batch norm in both networks.
same 2 3 1e-4 "$FOIL_SOURCE/configs/train/dcgan32.yaml" generator="$nets/small32-g.yaml" discriminator="$nets/small32-d.yaml" run.batch=8 optimizer.adam.lr=1e-6
# Supervised, validated on the set's own fakes.
same 2 6 1e-5 "$FOIL_SOURCE/configs/train/supervised.yaml" discriminator="$nets/small32-d.yaml" run.batch=8 optimizer.adam.lr=1e-4

# Local batch norm: another computation, but one that stands; its running statistics are the same on all ranks, or the checkpoint would be refused.
ranks 2 "$FOIL" train "$tiny" data.set=set.h5 run.batch=16 run.steps=4 checkpoint.every=2 --quiet --out local >out

# The same bits again, and after going on; near them with another number of ranks.
keys="$tiny data.set=set.h5 run.batch=16 evaluate.every=6 optimizer.adam.schedule=constant optimizer.adam.lr=1e-5 $often"
ranks 2 "$FOIL" train $keys run.steps=12 --out whole >out
ranks 2 "$FOIL" train $keys run.steps=6 --out again >out
cp -r again alone_then && cp -r again three_then
ranks 2 "$FOIL" train $keys run.steps=12 --resume --out again >out
cmp whole/checkpoint.safetensors again/checkpoint.safetensors
"$FOIL" train $keys run.steps=12 --resume --out alone_then >out
near whole alone_then 12 1e-4
ranks 4 "$FOIL" train $keys run.steps=12 --resume --out three_then >out
near whole three_then 12 1e-4

# What can't be shared.
fails() { # WORDS COMMAND...: on all ranks, with a message that appears once
    words=$1
    shift
    got=0
    "$@" >out 2>message || got=$?
    [ $got -eq 1 ] || { echo "status $got, expected 1: $*"; cat message; exit 1; }
    [ "$(grep -c "^foil train: " message)" -eq 1 ] && grep -qF -- "$words" message || { echo "expected once '$words' in:"; cat message; exit 1; }
}
fails "2 ranks share batches of 7, expected a multiple of 2" ranks 2 "$FOIL" train "$tiny" data.set=set.h5 run.batch=7 --quiet --out odd
fails "expected a multiple of 4" ranks 2 "$FOIL" train "$tiny" data.set=set.h5 run.batch=6 --quiet --out odd
fails "nowhere.h5" ranks 2 "$FOIL" train "$tiny" data.set=nowhere.h5 --quiet --out odd
[ ! -e odd ]

# A disk that is full for the rank that writes: all end with its words, and the checkpoint from before serves. (MPI's own files are smaller than the limit.)
cat >limited.sh <<'END'
trap '' XFSZ
[ "$OMPI_COMM_WORLD_RANK" != 0 ] || ulimit -f 16384 # of 512 bytes
exec "$@"
END
keys_full="$FOIL_SOURCE/configs/train/dcgan32.yaml data.set=set.h5 generator=$nets/small32-g.yaml discriminator=$nets/small32-d.yaml run.batch=4 $often"
ranks 2 "$FOIL" train $keys_full run.steps=1 --out full >out
cp full/checkpoint.safetensors before
fails "File too large" ranks 2 sh limited.sh "$FOIL" train $keys_full run.steps=2 --resume --out full
cmp full/checkpoint.safetensors before
ranks 2 "$FOIL" train $keys_full run.steps=2 --resume --out full >out

# Memory that is short on one rank alone, to calibrate with.
got=0
ranks 2 timeout 60 "$FOIL_BUILD/tests/tool_short_rank" "$tiny" short data.set=set.h5 run.batch=16 run.steps=2 "log=''" >out 2>message || got=$?
[ $got -eq 1 ] && [ "$(grep -c "rank 1 of 2: out of memory" message)" -eq 1 ] || { echo "status $got of a rank short of memory:"; cat message; exit 1; }

# A rank that is killed takes the others along; one that is asked to stop ends the run for all, with a checkpoint.
cat >numbered.sh <<'END'
echo $$ >"rank.$OMPI_COMM_WORLD_RANK"
exec "$@"
END
begin() { # FOLDER: in the background, until its first checkpoint is there
    ranks 2 sh numbered.sh "$FOIL" train $keys run.steps=1000000 checkpoint.every=3 --out "$1" >out 2>message &
    job=$!
    while [ ! -e "$1/checkpoint-previous.safetensors" ]; do
        kill -0 $job || { cat message; exit 1; }
        sleep 0.05
    done
}
begin killed
kill -KILL "$(cat rank.1)"
got=0
wait $job || got=$?
[ $got -ne 0 ]
grep -q "signal 9" message
seconds=0
while [ -e "/proc/$(cat rank.0)/exe" ]; do # mpirun ends them before itself, or soon after
    [ $seconds -lt 20 ] || { echo "rank 0 lives on without rank 1"; exit 1; }
    seconds=$((seconds + 1))
    sleep 1
done
"$FOIL" generate killed -o killed.png >out

begin stopped
kill -TERM "$(cat rank.1)"
got=0
wait $job || got=$?
[ $got -eq 1 ]
grep -q "interrupted at step [0-9]*: continue with --resume" message
"$FOIL" generate stopped -o stopped.png >out
got=0
ranks 2 "$FOIL" study nowhere.yaml --out study 2>message || got=$?
[ $got -eq 1 ] && [ "$(grep -c "a study is the work of one process" message)" -eq 1 ] && [ ! -e study ] || { cat message; exit 1; }
echo "shared runs are one process's, and end in order"
