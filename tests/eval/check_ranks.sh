#!/bin/sh
# Two ranks judge several detectors, sets and files of scores as one process does, to the bit; what goes wrong ends both, with one message.
set -eu
. "$FOIL_SOURCE/tests/mpirun.sh"
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_NUM_THREADS=1
"$FOIL_BUILD/tests/export_test_networks" . small32-d everything-d >/dev/null
a=small32-d.safetensors b=everything-d.safetensors
picture() { LC_ALL=C awk -v s="$1" -v n="$2" 'BEGIN { srand(s); printf "P6\n16 16\n255\n"; for (i = 0; i < 768; i++) printf "%c", 1 + int(rand() * n) }'; }
echo path,label,method,split,clip >list.csv
for i in $(seq 70); do
    for class in real fake; do
        mkdir -p p/$class/one
        picture $i $([ $class = real ] && echo 200 || echo 100) >p/$class/one/$i.ppm
        echo "p/$class/one/$i.ppm,$class,one,test,$class$((i / 4))" >>list.csv
    done
done
"$FOIL" pack list.csv -o set.h5 --size 16 --quiet >/dev/null
"$FOIL" eval $a set.h5 --draws 0 --out first --quiet >/dev/null
for options in "set.h5 p" "set.h5 --frames 2 --clips median --scores first/scores.csv"; do
    "$FOIL" eval $a $b $options --draws 40 --out alone --quiet >table1
    ranks 2 "$FOIL" eval $a $b $options --draws 40 --out together --quiet >table2
    cmp table1 table2
    sed -i 's/--out [a-z]*//' alone/report.html together/report.html # where it says which command it is of
    diff -r alone together
    rm -r alone together
done
sed 2d first/scores.csv >short.csv
for wrong in "set.h5 --scores nowhere.csv" "set.h5 --scores short.csv" "nowhere.h5"; do
    if ranks 2 "$FOIL" eval $a $wrong --quiet >output 2>message; then echo "accepted: $wrong" >&2; exit 1; fi
    [ "$(grep -c "^foil eval: " message)" = 1 ] || { echo "no or many messages:" >&2; cat message >&2; exit 1; }
done
echo "two ranks evaluate as one does"
