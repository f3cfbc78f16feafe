#!/bin/sh
# What a run refuses and survives: each with a message that says what to do, exit status 1, and nothing lost.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
configs=$FOIL_SOURCE/configs
tiny=$FOIL_SOURCE/tests/train/tiny/run.yaml
"$FOIL_BUILD/tests/tool_set" set.h5 32 60 3
"$FOIL_BUILD/tests/tool_set" reals.h5 32 60 3 reals
"$FOIL_BUILD/tests/tool_set" fakes.h5 32 60 3 fakes
"$FOIL_BUILD/tests/tool_set" grey.h5 32 60 1
small="run.batch=4 run.steps=4 --quiet"
d=$configs/nets/small32-d.yaml
game="$configs/train/dcgan32.yaml generator=$configs/nets/small32-g.yaml discriminator=$d"

# refused STATUS WORDS ARGUMENTS...: foil fails so, and its message holds WORDS.
refused() {
    status=$1 words=$2
    shift 2
    got=0
    "$FOIL" "$@" >out 2>message || got=$?
    if [ $got -ne "$status" ]; then echo "foil $*: status $got, expected $status"; cat message; exit 1; fi
    grep -qF -- "$words" message || { echo "foil $*: expected '$words' in:"; cat message; exit 1; }
}

refused 2 "a training file was expected" train
refused 2 "--out DIR was expected" train "$configs/train/dcgan32.yaml"
refused 2 "KEY=VALUE was expected" train "$configs/train/dcgan32.yaml" steps --out run
refused 1 "data.set is missing" train "$configs/train/dcgan32.yaml" --out run
refused 1 "nowhere.h5" train "$configs/train/dcgan32.yaml" data.set=nowhere.h5 --out run
refused 1 "nowhere.yaml" train nowhere.yaml --out run
refused 1 "did you mean 'steps'" train "$configs/train/dcgan32.yaml" data.set=set.h5 run.stps=3 --out run
[ ! -e run ] || { echo "a refused run left a folder"; exit 1; }

refused 1 "has no fakes" train "$configs/train/supervised.yaml" data.set=reals.h5 discriminator="$d" $small --out run
refused 1 "no reals" train $game data.set=fakes.h5 $small --out run
refused 1 "no reals" train "$configs/train/supervised.yaml" data.set=fakes.h5 discriminator="$d" $small --out run
refused 1 "makes [64, 64, 3], but" train $game data.set=set.h5 generator="$configs/nets/dcgan64-g.yaml" $small --out run
refused 1 "no head 'game'" train $game data.set=set.h5 discriminator="$configs/nets/npr.yaml" $small --out run
refused 1 "batch_norm lets the samples of a batch influence each other" train $game data.set=set.h5 game.penalty.r1.weight=1 $small --out run
refused 1 "expected a generator" train $game data.set=set.h5 generator="$d" $small --out run
refused 1 "no method 'dall-e' (it has: " train "$configs/train/supervised.yaml" data.set=set.h5 discriminator="$d" \
    'forgers=[{dataset: {methods: dall-e}}]' $small --out run
supervised="$configs/train/supervised.yaml data.set=set.h5 discriminator=$d $small"
refused 1 "data.without=nois: the set has no method 'nois' (it has: " train $supervised data.without=nois --out run
refused 1 "no reals that are not left out" train $supervised data.without=blobs --out run
refused 1 "no fakes that are not left out" train $supervised "data.without=[noise, stripes]" --out run
refused 1 "'amount' is -1" train $supervised data.amount=-1 --out run
refused 1 "run.from: " train $supervised run.from=nowhere --out run
for list in data detect; do refused 1 "unknown transform 'flop' (did you mean 'flip'?)" train $supervised "$list.augment=[flop]" --out run; done
refused 1 "evaluate.max is 1, which leaves no" train $supervised evaluate.max=1 --out run
# net FILE HEAD [LAYER]: a discriminator whose heads are HEAD, after LAYER.
net() {
    cat >"$1" <<END
input: {image: [16, 16, \$channels]}
layers: [{conv: {out: 8, kernel: 4, stride: 2, pad: 1}}, leaky_relu${3:+, $3}]
heads: {game: {layers: [$2]}, detect: {layers: [$2]}}
END
}
net one.yaml "global_pool, {linear: 1}"
net two.yaml "global_pool, {linear: 2}"
net compares.yaml "global_pool, {linear: 1}" "{minibatch_stddev: 4}"
refused 1 "two.yaml:3:61: the head 'detect' gives [4, 2] for 4 pictures, expected one number for each" train $supervised discriminator=two.yaml --out run
refused 1 "compares.yaml:2:70 minibatch_stddev compares the pictures of a batch" train $supervised discriminator=compares.yaml --out run
[ ! -e run ] || { echo "a refused run left a folder"; exit 1; }
if [ "$(id -u)" -ne 0 ]; then refused 1 "/proc/run" train $game data.set=set.h5 $small --out /proc/run; fi

# A folder that holds a run; other settings; more steps.
often="checkpoint.every=2 evaluate.every=2 optimizer.adam.schedule=constant"
"$FOIL" train "$tiny" data.set=set.h5 $small $often --out run >out
refused 1 "continue it with --resume" train "$tiny" data.set=set.h5 $small --out run
refused 1 "optimizer.adam.lr is '1e-2', but the run began with '1e-3'" \
    train "$tiny" data.set=set.h5 $small $often optimizer.adam.lr=1e-2 --resume --out run
refused 1 "is at step 4 already" train "$tiny" data.set=set.h5 $small $often run.steps=3 --resume --out run
grep -q "steps: 4" run/config.yaml # a run that was refused changes nothing
"$FOIL" train "$tiny" data.set=set.h5 $small $often run.steps=6 --resume --out run >out
"$FOIL" train "$tiny" data.set=set.h5 $small $often run.steps=6 --out whole >out
cmp run/checkpoint.safetensors whole/checkpoint.safetensors
refused 1 "run.from: the discriminator there is another network: $folder/run/checkpoint.safetensors: no tensor 'discriminator.layers.0.weight'" \
    train $supervised run.from=run --out other

# Paths in a map are made absolute as others are.
"$FOIL" train "$configs/train/supervised.yaml" "data={set: set.h5}" discriminator=one.yaml $small --out map >out
(cd map && "$FOIL" train config.yaml run.steps=6 --resume --out . >out)

# What a killed process left is swept away; what another one is writing is not.
touch map/.foil-999999999-0 map/samples/.foil-999999999-12 map/.foil-$$-0 map/.foil-1x-0
"$FOIL" train map/config.yaml run.steps=7 --resume --out map --quiet >out
[ "$(ls -A map map/samples | grep -c '^\.foil')" -eq 2 ] || { ls -A map map/samples; exit 1; }

# A checkpoint that is cut short: the one before it takes over. Both: nothing is guessed.
truncate -s 1000 run/checkpoint.safetensors
"$FOIL" train "$tiny" data.set=set.h5 $small $often run.steps=6 --resume --out run >out
cmp run/checkpoint.safetensors whole/checkpoint.safetensors
truncate -s 1000 run/checkpoint.safetensors
truncate -s 0 run/checkpoint-previous.safetensors
refused 1 "no readable checkpoint" train "$tiny" data.set=set.h5 $small $often run.steps=6 --resume --out run
refused 1 "no readable checkpoint" generate run -o a.png

# One that can't be read now is not passed over for an older one.
rm whole/checkpoint.safetensors
ln -s checkpoint.safetensors whole/checkpoint.safetensors
refused 1 "whole/checkpoint.safetensors: can't be read: Too many levels" generate whole -o a.png

# The data changed under a run.
cp set.h5 other.h5
"$FOIL" train "$tiny" data.set=other.h5 $small --out moved >out
"$FOIL_BUILD/tests/tool_set" other.h5 32 50 3
refused 1 "the data set is not what the run began with" train "$tiny" data.set=other.h5 $small run.steps=9 --resume --out moved
"$FOIL_BUILD/tests/tool_set" other.h5 48 60 3
refused 1 "how the data set's pictures were sized is not what the run began with" train "$tiny" data.set=other.h5 $small run.steps=9 --resume --out moved

# Moved files are what they were; those of another name are not guessed to be, nor are any before there is a checkpoint.
mkdir elsewhere
cp set.h5 elsewhere/set.h5
cp one.yaml elsewhere/one.yaml
"$FOIL" train map/config.yaml data.set=elsewhere/set.h5 discriminator=elsewhere/one.yaml run.steps=8 --resume --out map --quiet >out
grep -q "set: .*/elsewhere/set.h5" map/config.yaml
cp set.h5 elsewhere/renamed.h5
refused 1 "data.set is 'renamed.h5', but the run began with 'set.h5'" train map/config.yaml data.set=elsewhere/renamed.h5 run.steps=9 --resume --out map
sed 's/linear: 1/linear: {out: 1}/' one.yaml >elsewhere/one.yaml
refused 1 "network file is not what the run began with" train map/config.yaml run.steps=9 --resume --out map
rm map/checkpoint*.safetensors
refused 1 "/set.h5', but the run began with" train map/config.yaml data.set=set.h5 run.steps=9 --resume --out map

# Divergence: the step, what, and where to go on; the last checkpoint stays.
refused 1 "the last good checkpoint is of step" train "$configs/train/r1_32.yaml" data.set=set.h5 $small \
    checkpoint.every=1 optimizer.adam.lr=2 run.steps=9 --out diverged
grep -q "step [0-9]*: " message
"$FOIL" generate diverged -o diverged.png >out
[ ! -e diverged/checkpoint-next.safetensors ]

refused 1 ": what the detect head says of a picture is" train $supervised discriminator=one.yaml evaluate.every=1 'optimizer={sgd: {lr: 1000}}' \
    run.batch=8 run.steps=30 --out diverged-at-once
"$FOIL" train $supervised discriminator=one.yaml evaluate.calibration=isotonic "log=''" --out isotonic >out

# SIGTERM: a checkpoint, a message, and a run that ends as if nothing had happened.
"$FOIL" train "$tiny" data.set=set.h5 $small checkpoint.every=50 run.steps=200 --out calm >out
"$FOIL" train "$tiny" data.set=set.h5 $small checkpoint.every=50 run.steps=200 --out stopped >out 2>message &
process=$!
while [ ! -e stopped/log.jsonl ]; do sleep 0.02; done
sleep 0.2
kill -TERM $process
got=0
wait $process || got=$?
if [ $got -ne 0 ]; then grep -q "interrupted at step [0-9]*: continue with --resume" message || { cat message; exit 1; }; fi
"$FOIL" train "$tiny" data.set=set.h5 $small checkpoint.every=50 run.steps=200 --resume --out stopped >out
cmp calm/checkpoint.safetensors stopped/checkpoint.safetensors

# Names of any bytes.
"$FOIL" pack set.h5 -o latin.h5 --method "$(printf 'l\351')" --quiet >out
"$FOIL" train $supervised data.set=latin.h5 discriminator=one.yaml --out latin >out
"$FOIL" inspect --json latin/best.safetensors | grep -qF '"l\\xe9": 48' || { echo "the method's name is not in the card"; exit 1; }

# One channel; samples; a supervised run has no generator.
"$FOIL" train "$tiny" data.set=grey.h5 "forgers=[generator]" $small --out grey >out
"$FOIL" generate grey -o grey.png -n 9 --seed 2 --grid >out
"$FOIL" generate grey -o again.png -n 9 --seed 2 --grid >out
cmp grey.png again.png
"$FOIL" generate grey -o many -n 3 --seed 2 >out
[ "$(ls many | wc -l)" -eq 3 ]
"$FOIL" train "$configs/train/supervised.yaml" data.set=set.h5 discriminator="$d" $small --out plain >out
refused 1 "generator" generate plain -o a.png
refused 2 "one picture" generate grey -o folder --grid
refused 2 "written as PNG, expected FILE.png or a folder" generate grey -o many.jpg
[ ! -e many.jpg ] || { echo "a refused file became a folder"; exit 1; }
"$FOIL" generate grey -o many -n 3 --seed 3 >out # in place of those
refused 1 "many holds more than 2 pictures already" generate grey -o many -n 2
echo "all refused with words, nothing lost"
