#!/bin/sh
# foil eval with several detectors and sets: each result is what it is alone, differences are there, another tool's scores join, tables fit.
set -eu
python=$(command -v python3) || { echo "skipped: no python3 to read JSON"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "$1" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "$3: '$1' instead of '$2'"; }
"$FOIL_BUILD/tests/export_test_networks" . small32-d everything-d >/dev/null
a=small32-d.safetensors b=everything-d.safetensors

# Two methods in two levels of compression and one without; clips of four frames. Only the reals come in levels, too.
picture() { LC_ALL=C awk -v s="$1" -v n="$2" 'BEGIN { srand(s); printf "P6\n16 16\n255\n"; for (i = 0; i < 768; i++) printf "%c", 1 + int(rand() * n) }'; }
seed=0 row=path,label,method,subject,split,clip
echo $row >list.csv
for method in real/camera/c23 real/camera/c40 fake/swap/c23 fake/swap/c40 fake/gan; do
    mkdir -p "p/$method"
    for i in $(seq 24); do
        seed=$((seed + 1)) range=200
        case $method in *c40) range=120 ;; *gan) range=$((30 + i)) ;; esac
        picture $seed $range >"p/$method/$i.ppm"
        echo "p/$method/$i.ppm,${method%%/*},${method#*/},person$((i / 4 % 3)),test,$method-$((i / 4))" >>list.csv
    done
done
"$FOIL" pack list.csv -o set.h5 --size 16 --quiet >/dev/null
mkdir -p q/real/camera q/fake/gan q/fake/a_method_whose_name_is_too_long_for_a_column
for i in $(seq 12); do
    picture $((500 + i)) 250 >q/real/camera/$i.ppm
    picture $((600 + i)) 100 >q/fake/gan/$i.ppm
    picture $((700 + i)) 240 >q/fake/a_method_whose_name_is_too_long_for_a_column/$i.ppm
done

# All at once, and each alone
"$FOIL" eval $a $b set.h5 q --by method,level,subject --draws 60 --out all --quiet >table
"$FOIL" eval q $a set.h5 $b --by method,level,subject --draws 60 --json --threads 1 >order.json
for set in set.h5 q; do
    for detector in $a $b; do
        "$FOIL" eval $detector $set --by method,level,subject --draws 60 --out "one-$set-$detector" --quiet >"one-$set-$detector.table"
    done
done
cmp all/scores-0-0.csv one-set.h5-$a/scores.csv
cmp all/scores-0-1.csv one-set.h5-$b/scores.csv
cmp all/scores-1-0.csv one-q-$a/scores.csv
cmp all/scores-1-1.csv one-q-$b/scores.csv
"$python" - <<P
import json
many, order = json.load(open("all/metrics.json")), json.load(open("order.json"))
assert [s["name"] for s in many["sets"]] == ["set.h5", "q"] and [s["name"] for s in order["sets"]] == ["q", "set.h5"]
assert [d["name"] for d in many["detectors"]] == ["$a", "$b"] and {d["kind"] for d in many["detectors"]} == {"network"}
for r in many["results"]:
    name = many["sets"][r["set"]]["name"], many["detectors"][r["detector"]]["name"]
    one = json.load(open("one-%s-%s/metrics.json" % name))
    twin, = [o for o in order["results"] if o["set"] == 1 - r["set"] and o["detector"] == r["detector"]]
    for key in ("overall", "methods", "levels", "subjects", "threshold"):
        assert r[key] == one[key] == twin[key], (name, key)
first = many["results"][0]
assert list(first["methods"]) == ["gan", "swap", "swap/c23", "swap/c40"], list(first["methods"])
counts = {k: (v["reals"], v["fakes"], v["own_reals"]) for kind in ("methods", "levels", "subjects") for k, v in first[kind].items()}
assert counts == {"gan": (48, 24, False), "swap": (48, 48, False), "swap/c23": (24, 24, True), "swap/c40": (24, 24, True), "c23": (24, 24, True),
                  "c40": (24, 24, True), "person0": (16, 24, True), "person1": (16, 24, True), "person2": (16, 24, True)}, counts
assert many["sets"][0]["split"] == "test" and len(many["sets"][0]["fingerprint"]) == 64 and many["sets"][1]["fingerprint"] == ""
for d in many["differences"]:
    a, b = (next(r["overall"][d["metric"]]["value"] for r in many["results"] if r["set"] == d["set"] and r["detector"] == d[k]) for k in "ab")
    assert abs(d["value"] - (a - b)) < 1e-15 and d["low"] <= d["high"] and d["p"] <= d["p_holm"] <= 1, d
auc = sorted((d["p"], d["p_holm"]) for d in many["differences"] if d["metric"] == "auc")
assert len(auc) == 2 and auc[0][1] == min(1, 2 * auc[0][0]) and auc[1][1] == max(auc[0][1], auc[1][0]), auc
P
same "$(awk '{ gsub(/…/, "."); if (length > 100) print }' table one-*.table)" "" "lines wider than 100 columns"
grep -q 'a_method…too_long_for_a_column\|a_method…' table || fail "the long name is not cut: $(cat table)"
grep -q '^p Holm: corrected for all differences .* (2)' table || fail "nothing is said of Holm: $(cat table)"

# Another tool's scores of the same pictures: here those of $a, in another order and with others beside them
{ echo path,score; tail -n +2 all/scores-0-0.csv | cut -d, -f1,2 | sort -r; echo elsewhere.png,0.5; } >tool.csv
"$FOIL" eval $a set.h5 --scores tool.csv --draws 60 --out with --quiet >/dev/null
cmp with/scores-0-0.csv with/scores-0-1.csv
tr -d ' \n' <with/metrics.json | grep -q '"a":0,"b":1,"metric":"auc","value":0.0,"low":0.0,"high":0.0,"p":1.0,"p_holm":1.0' || fail "equal judges differ"
"$FOIL" eval set.h5 --scores tool.csv --draws 0 --json >tool.json || fail "scores alone, with a set's labels"
status=0
"$FOIL" eval $a q --scores tool.csv --quiet 2>message || status=$?
same "$status: $(cat message)" "1: foil eval: tool.csv has no score for 36 of the 36 items of q, the first: 'q/real/camera/1.ppm'" "scores of other pictures"

# Clips of a set: the mean of frames that are scored alone what they are in company
"$FOIL" eval $a set.h5 --clips mean --draws 40 --out clips --quiet >/dev/null
"$FOIL" eval --scores all/scores-0-0.csv --clips mean --draws 40 --out clips2 --quiet >/dev/null
cmp clips/scores.csv clips2/scores.csv
"$FOIL" eval $a $b set.h5 --frames 2 --draws 40 --out few --quiet >/dev/null
tail -n +2 few/scores-0-0.csv | while read -r line; do grep -qxF "$line" all/scores-0-0.csv || fail "not a frame's score: $line"; done
same "$(wc -l <few/scores-0-0.csv)" "$(($(tail -n +2 all/scores-0-0.csv | cut -d, -f4,6 | sort | uniq -c | awk '{ n += $1 > 2 ? 2 : $1 } END { print n }') + 1))" "frames"

# What is missing
for wrong in "$a" "set.h5" "set.h5 q"; do
    status=0
    "$FOIL" eval $wrong 2>message || status=$?
    same "$status" 1 "status of: foil eval $wrong"
    grep -q "at least one of each was expected, or --scores" message || fail "foil eval $wrong: $(cat message)"
done
mkdir -p one/real && cp -r q/real/camera one/real/ # what keeps a report from being made is told before all is scored
for wrong in "set.h5 one" "set.h5 --out list.csv"; do
    "$FOIL" eval $a $wrong 2>message && fail "foil eval $a $wrong"
    ! grep -q scoring message || fail "foil eval $wrong: $(cat message)"
done
"$FOIL" eval nowhere.safetensors set.h5 2>message && fail "a detector that is not there"
grep -q "^foil eval: nowhere.safetensors: .*No such file" message || fail "$(cat message)"
echo "several detectors and sets give what each gives alone"
