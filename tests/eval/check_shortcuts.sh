#!/bin/sh
# What `foil inspect` says of a set whose fakes are larger than its reals, and of one where they aren't.
set -eu
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_NUM_THREADS=2
picture() { LC_ALL=C awk -v s="$1" -v n="$2" 'BEGIN { srand(s); printf "P6\n%d %d\n255\n", n, n; for (i = 0; i < 3 * n * n; i++) printf "%c", 1 + int(rand() * 254) }'; }
says() { grep -q -- "$2" "$1" || { printf '%s lacks "%s":\n' "$1" "$2" >&2; cat "$1" >&2; exit 1; }; }
mkdir -p p/real/camera p/fake/gan p/fake/vae alike
for i in $(seq 40); do
    picture "$i" 16 >p/real/camera/$i.ppm
    picture "1000$i" 16 >p/fake/gan/$i.ppm
    picture "2000$i" 24 >p/fake/vae/$i.ppm
done
"$FOIL" pack p -o p.h5 --size 16 --quiet >/dev/null
"$FOIL" inspect p.h5 >said
says said '^WARNING      width tells vae from reals in 100 % of cases: reals 16, vae 24$'
says said '^WARNING      this set can be solved at an AUC of 0\.[0-9]* (.*) without a look at the content$'
"$FOIL" inspect --json p.h5 >json
says json '"property": "width"'
says json '"worst_method": "vae"'

rm -r p/fake/vae
"$FOIL" pack p -o alike.yaml --shards 3 --size 16 --quiet >/dev/null
"$FOIL" inspect alike.yaml >said
says said '^shortcuts    80 files compared by their properties alone$'
! grep WARNING said
