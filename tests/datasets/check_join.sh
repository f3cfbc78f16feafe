#!/bin/sh
# A set is a source like others: joined with pictures from elsewhere it keeps its pictures, labels, clips and splits.
set -eu
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work"
picture() { LC_ALL=C awk -v s="$1" 'BEGIN { srand(s); printf "P6\n32 32\n255\n"; for (i = 0; i < 3072; i++) printf "%c", 1 + int(rand() * 254) }'; }
mkdir -p photos more/fake/noise
for i in 1 2 3 4; do
    picture "$i" >photos/$i.ppm
    picture "$((i + 100))" >more/fake/noise/$i.ppm
done
"$FOIL" pack photos --label real --method camera -o photos.h5 --size 8 --patches 4 --patch-scale 0.5 --split 0.5,0.25,0.25 --quiet
"$FOIL" pack photos.h5 -o again.h5 --size 8 --source "Debian's wallpapers" --licence CC-BY-SA-4.0 --quiet
"$FOIL" pack photos.h5 more -o joined.h5 --size 8 --split 0,0,1 --quiet >summary
counts() { "$FOIL" inspect "$1" | awk '$1 == "real" || $1 == "fake" { print $1, $2, $3, $4, $5 }'; }
expect() { [ "$2" = "$3" ] || { printf '%s: %s instead of %s\n' "$1" "$3" "$2" >&2; exit 1; }; }
expect "packed" "real camera 8 4 4" "$(counts photos.h5)"
expect "packed again" "real camera 8 4 4" "$(counts again.h5)"
expect "where they come from" "source       Debian's wallpapers
licence      CC-BY-SA-4.0" "$("$FOIL" inspect again.h5 | grep -E '^(source|licence)')"
origin() { "$FOIL" inspect "$1" | grep -E '^(source|licence)'; }
expect "what nobody told" "" "$(origin photos.h5)"
"$FOIL" pack again.h5 -o shards.yaml --shards 2 --size 8 --licence CC0 --quiet
"$FOIL" pack shards.yaml again.h5 more photos.h5 -o told.h5 --size 8 --quiet >summary
expect "what sets were told" "source       Debian's wallpapers; unknown
licence      CC0; CC-BY-SA-4.0; unknown" "$(origin told.h5)"
"$FOIL" pack told.h5 -o told.h5 --size 8 --source "" --licence CC-BY-SA-4.0 --quiet >summary
expect "what is told anew" "licence      CC-BY-SA-4.0" "$(origin told.h5)"
expect "licence of shards" 1 "$("$FOIL" inspect shards.yaml --json | grep -c '"licence": "CC0"')"
grep -q "repeat" summary && { echo "patches of one photograph are counted as repeated files" >&2; exit 1; }
expect "joined" "real camera 8 4 4
fake noise 0 0 4" "$(counts joined.h5)"
# Patches of a photograph are one clip still, whatever the shares: a set that moved them would not be the same.
"$FOIL" pack photos.h5 -o moved.h5 --size 8 --split 0,1,0 --seed 9 --quiet >moved
expect "splits that were there" "real camera 8 4 4" "$(counts moved.h5)"
# Paths stay what they were, so that scores by path join still; where two sets call pictures the same, they can't.
"$FOIL_BUILD/tests/export_test_networks" . small32-d >/dev/null
judge() { "$FOIL" eval small32-d.safetensors "$@" --split all --draws 0 --quiet; }
mkdir other && cp -r more/fake other/ && mkdir -p other/real/camera && cp photos/1.ppm photos/2.ppm other/real/camera
"$FOIL" pack other -o other.h5 --size 8 --quiet >summary
"$FOIL" pack other.h5 -o copy.h5 --size 8 --quiet >summary
judge other.h5 --out one >table
judge copy.h5 --out two --scores one/scores.csv >table
expect "paths" "$(cut -d, -f1 one/scores.csv)" "$(cut -d, -f1 two/scores-0-0.csv)"
cmp one/scores.csv two/scores-0-1.csv
seed=300
for set in first second; do
    mkdir -p $set/real/c $set/fake/g
    for class in real/c fake/g; do picture $((seed += 1)) >$set/$class/1.ppm; done
    (cd $set && "$FOIL" pack . -o ../$set.h5 --size 8 --quiet >../summary)
done
"$FOIL" pack first.h5 second.h5 -o both.h5 --size 8 --quiet >summary
judge first.h5 --out one >table
if judge both.h5 --scores one/scores.csv 2>message; then exit 1; fi
grep -q "two items of both.h5 have the path './real/c/1.ppm': which of them" message
if "$FOIL" pack again.h5 photos.h5 photos/nowhere -o x.h5 --size 8 2>message; then exit 1; fi
grep -q "photos/nowhere" message
[ ! -e x.h5 ]
