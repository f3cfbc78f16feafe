#!/bin/sh
# Every command of README.md's code blocks, in order, on tiny pictures and for few steps.
set -eu
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work"
ln -s "$FOIL_SOURCE/configs" configs
picture() { LC_ALL=C awk -v s="$1" 'BEGIN { srand(s); printf "P6\n32 32\n255\n"; for (i = 0; i < 3072; i++) printf "%c", 1 + int(rand() * 254) }'; }
mkdir -p pictures/real/camera pictures/fake/noise bin
for i in $(seq 30); do
    picture "$i" >pictures/real/camera/$i.ppm
    picture "$((i + 100))" >pictures/fake/noise/$i.ppm
done
ln -s "$FOIL" bin/foil
PATH=$work/bin:$PATH
awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$FOIL_SOURCE/README.md" >commands
n=0
while read -r command; do
    n=$((n + 1))
    case $command in
    'sh scripts/'*) command="sh -n $FOIL_SOURCE/${command#sh }" ;; # tested by being run in a bare system
    'cmake --install'*) command="cmake --install $FOIL_BUILD --prefix $work/prefix" ;;
    'cmake '*) command="grep -q '\"release\"' $FOIL_SOURCE/CMakePresets.json" ;; # the build under test
    esac
    command=$(echo "$command" | sed -E 's/run\.steps=[0-9]+/run.steps=4 run.batch=8/')
    sh -c "$command" >output 2>message </dev/null || {
        echo "failed: $command" >&2
        cat message >&2
        exit 1
    }
done <commands
[ "$n" -ge 15 ] || { echo "README.md has only $n commands" >&2; exit 1; }
# and what it says was made is there
for file in set.h5 run/best.safetensors run/config.yaml run/report.html grid.png report/scores.csv report/metrics.json report/report.html detector.onnx detector.npz generator.safetensors supervised/best.safetensors; do
    [ -s "$file" ] || { echo "README.md promises $file" >&2; exit 1; }
done
for link in $(grep -o '](\([a-z][^):]*\))' "$FOIL_SOURCE/README.md" | tr -d '()]'); do
    [ -e "$FOIL_SOURCE/$link" ] || { echo "README.md links to $link, which is not there" >&2; exit 1; }
done
