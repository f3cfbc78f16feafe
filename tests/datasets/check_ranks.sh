#!/bin/sh
# Two ranks pack the files and give the scores that one process does, to the bit; what goes wrong on one of them ends both, and nothing is written.
set -eu
. "$FOIL_SOURCE/tests/mpirun.sh"
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_NUM_THREADS=1
picture() { LC_ALL=C awk -v s="$1" 'BEGIN { srand(s); printf "P6\n16 16\n255\n"; for (i = 0; i < 768; i++) printf "%c", 1 + int(rand() * 254) }'; }
mkdir -p p/real/camera p/fake/gan alone together
picture 1 >p/real/camera/0.ppm
for i in $(seq 300); do # more than one block of an evaluation
    { printf 'P6\n16 16\n255\n'; head -c $i p/real/camera/0.ppm; tail -c +$((14 + i)) p/real/camera/0.ppm; } | head -c 781 >p/real/camera/$i.ppm
    { printf 'P6\n16 16\n255\n'; tail -c $((768 - i)) p/real/camera/0.ppm; head -c $i p/real/camera/0.ppm; } >p/fake/gan/$i.ppm
done
for to in alone together; do
    run=
    [ $to = alone ] || run="ranks 2"
    $run "$FOIL" pack p -o $to/s.yaml --shards 5 --size 16 --quiet >$to/summary
    $run "$FOIL" pack p -o $to/s.h5 --size 16 --quiet >$to/summary1
    sed -i "s/$to//" $to/summary $to/summary1
done
diff -r alone together

cat >d.yaml <<'Y'
input: {image: [16, 16, 3]}
layers: [{conv: {out: 8, kernel: 4, stride: 2, pad: 1}}, {leaky_relu: {slope: 0.2}}]
heads:
  game: {layers: [{conv: {out: 1, kernel: 8}}]}
  detect: {layers: [{global_pool: mean}, {linear: {out: 1}}]}
Y
cat >train.yaml <<'Y'
run: {seed: 1, steps: 4, batch: 16}
data: {set: alone/s.yaml}
discriminator: d.yaml
optimizer: {adam: {lr: 1e-3}}
forgers: [{dataset: {share: 1}}]
Y
"$FOIL" train train.yaml --out run --quiet >/dev/null
for source in alone/s.yaml p; do
    "$FOIL" eval run/best.safetensors $source --split all --draws 50 --out e1 --quiet >t1
    ranks 2 "$FOIL" eval run/best.safetensors $source --split all --draws 50 --out e2 --quiet >t2
    sed -i 's/--out e[12]/--out e/' e1/report.html e2/report.html # a report names its command
    diff -r e1 e2
    cmp t1 t2
    rm -r e1 e2
done

refused() { # PATTERN COMMAND...
    pattern=$1
    shift
    if ranks 2 "$@" >output 2>message; then echo "accepted: $*" >&2; exit 1; fi
    [ "$(grep -c "^foil .*$pattern" message)" = 1 ] || { echo "no or many messages with '$pattern':" >&2; cat message >&2; exit 1; }
}
# The second rank's shard, its part of the list, a file that is in its way.
cp -r alone moved
mv moved/s-004.h5 x
head -c 5000 /dev/zero >moved/s-004.h5
refused "s-004.h5 has 5000 bytes" "$FOIL" eval run/best.safetensors moved/s.yaml --split all --quiet
sed "s/bytes: $(wc -c <x)\(.*\)\(pictures: .*\)/bytes: $(wc -c <x)\1\2/" alone/s.yaml >moved/s.yaml
cp alone/s-003.h5 moved/s-004.h5
refused "s-004.h5" "$FOIL" eval run/best.safetensors moved/s.yaml --split all --quiet
echo words >p/real/camera/zzz.png
before=$(ls -A . together)
refused "1 of 602 files can't be read, the first: p/real/camera/zzz.png" "$FOIL" pack p -o together/new.yaml --shards 4 --size 16 --quiet
rm p/real/camera/zzz.png
echo mine >together/new-003.h5
refused "rank 1 of 2: together/new-003.h5: exists and is not a data set" "$FOIL" pack p -o together/new.yaml --shards 4 --size 16 --quiet
[ "$(ls -A together | grep -v '^s')" = new-003.h5 ] || { ls -A together >&2; exit 1; }
echo "two ranks pack and evaluate as one does"
