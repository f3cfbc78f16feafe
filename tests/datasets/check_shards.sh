#!/bin/sh
# A set in many files is the same set as in one, for training and for evaluation; its pictures keep together what must be together.
set -eu
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_NUM_THREADS=2
picture() { LC_ALL=C awk -v s="$1" 'BEGIN { srand(s); printf "P6\n16 16\n255\n"; for (i = 0; i < 768; i++) printf "%c", 1 + int(rand() * 254) }'; }
expect() { [ "$2" = "$3" ] || { printf '%s: %s instead of %s\n' "$1" "$3" "$2" >&2; exit 1; }; }
mkdir -p p/real/camera p/fake/gan p/fake/vae
for i in $(seq 60); do
    picture "$i" >p/real/camera/$i.ppm
    picture "1000$i" >p/fake/gan/$i.ppm
    picture "2000$i" >p/fake/vae/$i.ppm
done
cp p/real/camera/7.ppm p/real/camera/twin.ppm

"$FOIL" pack p -o five.yaml --shards 5 --size 16 --quiet >packed
expect "files" "five-000.h5 five-001.h5 five-002.h5 five-003.h5 five-004.h5 five.yaml" "$(ls | grep five | xargs)"
"$FOIL" pack five.yaml -o one.h5 --size 16 --quiet >/dev/null
"$FOIL" pack p -o plain.h5 --size 16 --quiet >plain
counts() { "$FOIL" inspect "$1" | awk '$1 == "real" || $1 == "fake" || $1 == "all"'; }
expect "splits of one and of many" "$(counts plain.h5)" "$(counts five.yaml)"
expect "splits of both" "$(counts one.h5)" "$(counts five.yaml)"
expect "summary" "$(sed 's/plain.h5/five.yaml/' plain)" "$(cat packed)"
"$FOIL" inspect five.yaml | grep -q '^five-004.h5  *36$'
"$FOIL" inspect --json five.yaml | grep -q '"file": "five-000.h5"'
grep -q "fingerprint: $("$FOIL" inspect five-002.h5 | awk '/^fingerprint/ { print $2 }')," five.yaml
"$FOIL" pack p -o again.yaml --shards 5 --size 16 --quiet >/dev/null
for i in 0 1 2 3 4; do cmp five-00$i.h5 again-00$i.h5; done
expect "an index's own text" "$(sed s/five/again/ five.yaml)" "$(cat again.yaml)"
"$FOIL" pack p -o sized.yaml --shard-size 80 --size 16 --quiet >/dev/null
expect "files by size" "sized-000.h5 sized-001.h5 sized-002.h5 sized.yaml" "$(ls | grep sized | xargs)"

cat >d.yaml <<'Y'
input: {image: [16, 16, 3]}
layers: [{conv: {out: 8, kernel: 4, stride: 2, pad: 1}}, {leaky_relu: {slope: 0.2}}]
heads:
  game: {layers: [{conv: {out: 1, kernel: 8}}]}
  detect: {layers: [{global_pool: mean}, {linear: {out: 1}}]}
Y
cat >train.yaml <<'Y'
run: {seed: 1, steps: 12, batch: 16}
data: {set: five.yaml, augment: [flip]}
discriminator: d.yaml
optimizer: {adam: {lr: 1e-3}}
forgers: [{dataset: {share: 1}}]
log: {every: 1}
Y
"$FOIL" train train.yaml --out many --quiet >/dev/null
"$FOIL" train train.yaml data.set=one.h5 --out one --quiet >/dev/null
"$FOIL" train train.yaml run.steps=5 --out half --quiet >/dev/null
"$FOIL" train train.yaml --out half --resume --quiet >/dev/null
# All but the card is weights: of equal bits.
weights() { tail -c $(($(wc -c <"$1") - 8 - $(od -An -t u8 -N 8 "$1"))) "$1" | cksum; }
expect "weights" "$(weights one/checkpoint.safetensors)" "$(weights many/checkpoint.safetensors)"
expect "weights after a resume" "$(weights half/checkpoint.safetensors)" "$(weights many/checkpoint.safetensors)"

"$FOIL" eval many/best.safetensors five.yaml --out e5 --draws 50 --quiet >/dev/null
"$FOIL" eval many/best.safetensors one.h5 --out e1 --draws 50 --quiet >/dev/null
cut -d , -f 1-5 e5/scores.csv >a
cut -d , -f 1-5 e1/scores.csv >b
cmp a b
grep value e5/metrics.json >a # the intervals draw clips, which have other numbers
grep value e1/metrics.json >b
cmp a b

# Ended by a signal: the set is whole or not there, and nothing else is.
for signal in INT TERM HUP; do
    env --default-signal=INT "$FOIL" pack p -o "ended-$signal.h5" --size 400 --quiet >summary 2>&1 &
    process=$!
    while kill -0 $process 2>/dev/null && ! ls -A | grep -q '^\.foil'; do :; done
    kill -$signal $process 2>/dev/null || true
    wait $process || true
    expect "temporaries after SIG$signal" "" "$(ls -A | grep '^\.foil' || true)"
    [ ! -e "ended-$signal.h5" ] || "$FOIL" inspect "ended-$signal.h5" >summary
done

# What an index can't name: nothing is written
odd=$(printf 'l\351s')
refused() { # MESSAGE ARGUMENTS...
    wanted=$1 status=0
    shift
    "$FOIL" pack p --shards 2 --size 16 --quiet "$@" 2>message >&2 || status=$?
    expect "status of $*" 1 "$status"
    grep -qaF -e "$wanted" message || { cat message >&2; exit 1; }
    expect "files of $*" "" "$(ls | grep -a '^bad\|^l.s' | head -3)"
}
refused "bad.yaml: method '$odd' is not UTF-8" -o bad.yaml --method "$odd"
refused "$odd.yaml: not UTF-8, which the name of an index must be" -o "$odd.yaml"
echo "a set in five files is as the same set in one"
