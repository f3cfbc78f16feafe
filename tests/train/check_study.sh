#!/bin/sh
# Studies: what malformed ones print; a cell is what its printed command gives; killed and continued, a study ends with the same report; each protocol.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
tiny=$FOIL_SOURCE/tests/train/tiny
"$FOIL_BUILD/tests/tool_set" set.h5 32 120 3
"$FOIL_BUILD/tests/tool_set" reals.h5 32 60 3 reals
cat >train.yaml <<END
run: {steps: 6, batch: 4}
discriminator: $tiny/d.yaml
optimizer: {adam: {lr: 1e-3}}
checkpoint: {every: 3}
evaluate: {every: 3}
END
# study [PROTOCOL [VARIANTS [REST]]]: writes study.yaml.
study() {
    cat >study.yaml <<END
protocol: ${1:-leave_one_method_out}
config: train.yaml
sets: set.h5
seeds: [1, 2]
draws: 200
variants: ${2:-{plain: [], other: [run.batch=6]\}}
${3:-}
END
}

# refused STATUS WORDS ARGUMENTS...: foil study fails so, and its message holds WORDS.
refused() {
    status=$1 words=$2
    shift 2
    got=0
    "$FOIL" study "$@" >out 2>message || got=$?
    if [ $got -ne "$status" ]; then echo "foil study $*: status $got, expected $status"; cat message; exit 1; fi
    grep -qF -- "$words" message || { echo "foil study $*: expected '$words' in:"; cat message; exit 1; }
}

refused 2 "a study file was expected"
refused 2 "--out DIR was expected" study.yaml
refused 2 "KEY=VALUE was expected" study.yaml seeds --out S
refused 1 "nowhere.yaml" nowhere.yaml --out S
study leave_one_method
refused 1 "study.yaml:1:11: unknown protocol 'leave_one_method'" study.yaml --out S
refused 1 "did you mean 'leave_one_method_out'" study.yaml --out S
study supervised "" "sedes: [1]"
refused 1 "study.yaml:7:1: unknown key 'sedes' in a study (did you mean 'seeds'?)" study.yaml --out S
study supervised "{plain: [run.stps=3]}"
refused 1 "study.yaml:6:19: variant 'plain': run.stps=3: unknown key 'stps' in run (did you mean 'steps'?)" study.yaml --out S
study supervised "{plain: [run.seed=3]}"
refused 1 "'run.seed=3': the study sets run.seed itself, for each cell" study.yaml --out S
study supervised "{plain: [steps]}"
refused 1 "'steps': expected KEY=VALUE" study.yaml --out S
study supervised "{'a/b': []}"
refused 1 "variant 'a/b': expected a name of letters" study.yaml --out S
study supervised "[plain]"
refused 1 "'variants' is a list, expected a map" study.yaml --out S
study supervised "{plain: {generator: g.yaml}}"
refused 1 "unknown key 'generator' in a variant; known: overrides, config" study.yaml --out S
study supervised "{game: [generator=$tiny/g.yaml]}"
refused 1 "variant 'game' trains no detector" study.yaml --out S
study
refused 1 "seed 1 is there twice" study.yaml 'seeds=[1, 2, 1]' --out S
refused 1 "'draws' is 5, expected 100 to 1e+06" study.yaml draws=5 --out S
refused 1 "'metric' is 'roc', expected one of auc" study.yaml metric=roc --out S
refused 1 "nowhere.h5" study.yaml sets=nowhere.h5 --out S
refused 1 "the test split has 6 reals and 0 fakes, expected both" study.yaml sets=reals.h5 --out S
study "{leave_one_method_out: {methods: [noise, stipes]}}"
refused 1 "set has no method of forgery 'stipes' (did you mean 'stripes'?); it has: noise, stripes" study.yaml --out S
study leave_one_source_out
refused 1 "set has 1 source of reals, expected at least two" study.yaml --out S
study learning_curve
refused 1 "learning_curve lacks the key 'amounts'" study.yaml --out S
study "{learning_curve: {amounts: [0.5, 0.1]}}"
refused 1 "amount '0.1' follows '0.5': expected them to ascend" study.yaml --out S
study "{learning_curve: {amounts: [0.5, 10]}}"
refused 1 "both are here" study.yaml --out S
study "{learning_curve: {amounts: [1, 2, 10]}}"
refused 1 "both are here: '1' and '2'" study.yaml --out S
for mistake in "forgers=[foo]" run.batch=1 run.steps=0 "data.augment=[foo]" "forgers=[{dataset: {methods: foo}}]"; do
    study supervised "{plain: [], wrong: ['$mistake']}"
    refused 1 "variant 'wrong'" study.yaml --out S
done
study "{continual: {order: [noise]}}"
refused 1 "with one nothing can be forgotten" study.yaml --out S
study "{continual: {order: [noise, noise]}}"
refused 1 "'noise' is there twice" study.yaml --out S
study "{supervised: {methods: [noise]}}"
refused 1 "unknown key 'methods' in supervised; it takes none" study.yaml --out S
[ ! -e S ] || { echo "a refused study left a folder"; exit 1; }

# The printed commands are the cells.
study
"$FOIL" study study.yaml --out whole --dry-run >commands
[ "$(wc -l <commands)" -eq 8 ]
[ ! -e whole ]
"$FOIL" study study.yaml --out whole --quiet >report
cmp report whole/study.md
grep -q "8 of 8 cells ended" report
grep -q "plain minus other is -*0.[0-9]* \[no interval: fewer than 10 clips of a class\] ([12] of 2 seeds agree)" report # 9 reals
! grep -qw -e nan -e -nan report
sed -n 's|^foil \(.*--out \).*|"$FOIL" \1alone --quiet|p' commands | sed -n 6p >alone.sh
(export FOIL && sh alone.sh >/dev/null)
cell=$(sed -n '6s/.*--out //p' commands)
cmp alone/best.safetensors "$cell/best.safetensors"
"$FOIL" inspect --json alone/best.safetensors >card
grep -q '"noise": 0' card && grep -q '"stripes": 21' card || { echo "$cell learnt from:"; grep -A4 '"methods"' card; exit 1; }

# Killed at any moment and continued with the same command: the same report, and no cell that has ended is run again.
"$FOIL" study study.yaml --out killed --quiet >/dev/null &
process=$!
while [ "$(ls killed/cells/*/scores.csv 2>/dev/null | wc -l)" -lt 3 ]; do sleep 0.02; done
kill -KILL $process 2>/dev/null || true
wait $process 2>/dev/null || true
first=$(ls -i killed/cells/plain.without-noise.seed-1/best.safetensors)
touch killed/.foil-999999999-0
"$FOIL" study study.yaml --out killed --quiet >again
cmp report again
[ ! -e killed/.foil-999999999-0 ] || { echo "what the killed study was writing is still there"; exit 1; }
cmp whole/cells/other.without-stripes.seed-2/scores.csv killed/cells/other.without-stripes.seed-2/scores.csv
[ "$first" = "$(ls -i killed/cells/plain.without-noise.seed-1/best.safetensors)" ]
"$FOIL" study study.yaml --out stopped --quiet >/dev/null 2>message &
process=$!
while [ ! -e stopped/cells/other.without-noise.seed-1/log.jsonl ]; do sleep 0.02; done
kill -INT $process || true
got=0
wait $process || got=$?
if [ $got -ne 0 ]; then grep -q "the same command goes on" message || { cat message; exit 1; }; fi
"$FOIL" study study.yaml --out stopped --quiet >again
cmp report again

# Another study, or another training file beneath it, is refused with the difference; scores of other pictures are not compared.
refused 1 "seeds is ['1', '2', '3'], but the study began with ['1', '2']" study.yaml 'seeds=[1, 2, 3]' --out whole
sed -i 's/1e-3/1e-2/' train.yaml
refused 1 "optimizer.adam.lr is '1e-2', but the run began with '1e-3'" study.yaml --out whole
sed -i 's/1e-2/1e-3/' train.yaml
sed -i '3d' killed/cells/other.without-stripes.seed-2/scores.csv
refused 1 "scored 17 pictures, but" study.yaml --out killed

# A cell that diverges is reported, and the others are judged.
study supervised "{calm: [], wild: [discriminator=$FOIL_SOURCE/configs/nets/resnet32-d.yaml, 'optimizer={sgd: {lr: 1000}}']}"
"$FOIL" study study.yaml --out wild --quiet >report
grep -q "2 of 4 cells ended" report
grep -q "wild.seed-1 | – | diverged: step " report
"$FOIL" study study.yaml --out wild --quiet >again
cmp report again

cat >small.yaml <<END
input: {image: [16, 16, \$channels]}
layers: [{conv: {out: 8, kernel: 4, stride: 2, pad: 1}}, leaky_relu]
heads: {detect: {layers: [global_pool, {linear: 1}]}}
END
study supervised "{wild: [discriminator=small.yaml, evaluate.every=1, run.batch=8, run.steps=30, 'optimizer={sgd: {lr: 1000}}'], calm: []}"
"$FOIL" study study.yaml --out validated --quiet >report
grep -q "wild.seed-1 | – | diverged: step [0-9]*: what the detect head says of a picture is" report

# The other protocols.
study "{continual: {order: [stripes, noise]}}"
"$FOIL" study study.yaml --out continual --quiet >report
grep -q "| 1. stripes |" report
grep -q "| forgetting | plain | 2 |" report
grep -q "from: .*cells/plain.stage-1-stripes.seed-2\"" continual/cells/plain.stage-2-noise.seed-2/config.yaml
study "{learning_curve: {amounts: [0.2, 1]}}" "{plain: []}"
"$FOIL" study study.yaml --out curve --quiet >report
grep -q "plain with 1 instead of 0.2: " report
"$FOIL_BUILD/tests/tool_set" scans.h5 32 60 3 scans
"$FOIL" pack set.h5 scans.h5 -o both.h5 --size 32 --quiet >/dev/null
study leave_one_source_out "{plain: []}"
"$FOIL" study study.yaml sets=both.h5 --out sources --quiet >report
grep -q "plain.without-scans.seed-2" report
study supervised "{plain: []}"
"$FOIL" study study.yaml 'sets=[both.h5, set.h5]' --out sets --quiet >report
grep -q "24 test pictures, 15 reals and 9 fakes" report
grep -q "18 test pictures, 9 reals and 9 fakes" report
grep -q "set.plain.seed-1" report
echo "all refused with words, continued without a difference"
