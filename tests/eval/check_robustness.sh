#!/bin/sh
# foil eval --perturb: what it prints and writes, the same at any number of threads, and for each of several detectors as alone; WebP files; what is wrong is told.
set -eu
python=$(command -v python3) || { echo "skipped: no python3 to read JSON"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "$1" >&2; exit 1; }
refused() { # STATUS WORDS ARGUMENTS...
    wanted=$1 words=$2 status=0
    shift 2
    "$FOIL" eval "$@" >out 2>err || status=$?
    [ $status = $wanted ] && grep -qF -- "$words" err && [ ! -s out ] || fail "$*: status $status, '$(cat err)' instead of '$words'"
}
"$FOIL_BUILD/tests/export_test_networks" . small32-d everything-d >/dev/null
a=small32-d.safetensors b=everything-d.safetensors
picture() { LC_ALL=C awk -v s="$1" -v n="$2" 'BEGIN { srand(s); printf "P6\n20 16\n255\n"; for (i = 0; i < 960; i++) printf "%c", 1 + int(rand() * n) }'; }
mkdir -p p/real p/fake/gan
for i in $(seq 10); do
    picture $i 220 >p/real/$i.ppm
    picture $((100 + i)) 190 >p/fake/gan/$i.ppm
done

"$FOIL" eval $a p --perturb standard --draws 40 --out one --threads 1 --quiet >one.table
"$FOIL" eval $b $a p --perturb standard --draws 40 --out two --threads 2 --quiet >two.table
"$FOIL" eval $a p --perturb noise --draws 40 --out few --quiet >/dev/null
"$FOIL" eval $a p --draws 40 --out none --quiet >/dev/null
awk 'length($0) > 100' one.table two.table | grep . && fail "lines above are too long"
grep -q 'mean relative loss of auc' one.table || fail "no mean loss"
[ ! -e none/robustness.csv ] || fail "robustness.csv without --perturb"
[ "$(wc -l <one/robustness.csv)" = 52 ] && [ "$(wc -l <two/robustness.csv)" = 103 ] || fail "lines of robustness.csv"
"$python" - <<P
import csv, json
one, two, few, none = (json.load(open(f"{n}/metrics.json")) for n in ("one", "two", "few", "none"))
r = one["robustness"]
assert r == two["results"][1]["robustness"] != two["results"][0]["robustness"] # alone, and beside another; one thread and two
assert "robustness" not in none and r["clean"] == one["overall"]["auc"] == none["overall"]["auc"]
noise, = [p for p in r["perturbations"] if p["name"] == "noise"]
assert few["robustness"]["perturbations"] == [noise] # whatever else is in the list
cells = [s for p in r["perturbations"] for s in p["strengths"]]
assert len(r["perturbations"]) == 10 and len(cells) == 50
for s in cells:
    loss = (r["clean"]["value"] - s["auc"]["value"]) / r["clean"]["value"]
    assert abs(loss - s["relative_loss"]["value"]) < 1e-12
assert abs(sum(s["relative_loss"]["value"] for s in cells) / 50 - r["mean_relative_loss"]["value"]) < 1e-12
rows = list(csv.DictReader(open("one/robustness.csv")))
assert rows[0]["perturbation"] == "none" and float(rows[0]["auc"]) == r["clean"]["value"]
assert [float(x["auc_high"]) for x in rows[1:]] == [s["auc"]["high"] for s in cells]
assert all(x["library"].startswith("libjpeg-turbo 2") or x["library"].startswith("libjpeg-turbo 3") for x in rows if x["perturbation"] == "jpeg"), rows
assert all(x["library"].startswith("libwebp 1") for x in rows if x["perturbation"] == "webp"), rows
P

# Frames are pooled into clips, perturbed ones as well.
{
    echo path,label,method,subject,split,clip
    for i in $(seq 9); do echo "p/real/$i.ppm,real,,,test,r$((i / 2))"; done
    for i in $(seq 9); do echo "p/fake/gan/$i.ppm,fake,gan,,test,f$((i / 2))"; done
} >list.csv
"$FOIL" pack list.csv -o clips.h5 --fit native --quiet >/dev/null
"$FOIL" eval $a clips.h5 --clips mean --perturb noise,crop --draws 40 --json --quiet >clips.json
"$FOIL" eval $a clips.h5 --perturb noise,crop --draws 40 --json --quiet >frames.json
"$python" - <<P
import json
clips, frames = (json.load(open(n)) for n in ("clips.json", "frames.json"))
assert clips["robustness"]["clean"] == clips["overall"]["auc"] and clips["overall"]["fakes"] == 5
values = lambda m: [s["auc"]["value"] for p in m["robustness"]["perturbations"] for s in p["strengths"]]
assert values(clips) != values(frames)
assert all(abs(25 * v * 2 - round(25 * v * 2)) < 1e-9 for v in values(clips)) # of 5 clips against 5
none = lambda v: v["low"] is None and v["high"] is None # of so few clips there is no interval
assert all(none(m["robustness"]["clean"]) and none(m["robustness"]["mean_relative_loss"]) for m in (clips, frames))
P
"$FOIL" eval $a clips.h5 --perturb noise --draws 40 --out clips --quiet >/dev/null
grep -q '^clips.h5,small32-d.safetensors,none,,,,[0-9.]*,,,,,$' clips/robustness.csv && ! grep -qi nan clips/robustness.csv || fail "what is not known: $(cat clips/robustness.csv)"

refused 2 "unknown perturbation 'nose' (did you mean 'noise'?)" $a p --perturb nose
refused 2 "'blur' is named twice" $a p --perturb blur,jpeg,blur
refused 2 "unknown perturbation ''" $a p --perturb jpeg,
refused 1 "--perturb needs a detector" --scores none/scores.csv --perturb standard
LC_ALL=C awk 'BEGIN { printf "P6\n17000 1\n255\n"; for (i = 0; i < 51000; i++) printf "a" }' >p/real/long.ppm
refused 1 "p/real/long.ppm: cannot code a 17000 x 1 picture as WebP" $a p --perturb webp --quiet
"$FOIL" eval $a p --perturb jpeg,crop --draws 40 --quiet >/dev/null || fail "a long picture"
