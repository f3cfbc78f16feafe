#!/bin/sh
# foil cues from the command line: files, folders of results, the baseline and what becomes of it in train, eval, inspect, export.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "$1" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "$3: '$1' instead of '$2'"; }
refused() { # STATUS WORDS COMMAND...
    wanted=$1 words=$2 status=0
    shift 2
    "$@" >output 2>message || status=$?
    same "$status" "$wanted" "status of $*"
    grep -q "$words" message || fail "$*: '$(cat message)' lacks '$words'"
}
good=$FOIL_SOURCE/tests/broken/good.jpg

# Files: words, JSON, a page; what cannot be read is named and keeps nothing from being looked at
"$FOIL" cues "$good" >text
for cue in spectrum resampling blocks jpeg noise colour metadata; do grep -qx "  $cue" text || fail "no $cue in the text"; done
grep -q "never a verdict" text || fail "no caution"
"$FOIL" cues --json "$good" >a.json
same "$(grep -c '"about": "how the strength' a.json)" 1 "cues in the JSON"
grep -q '"plot"' a.json && fail "plots in JSON that nobody asked for"
refused 1 "nowhere.png" "$FOIL" cues nowhere.png "$good" --out report
[ -s report/cues.html ] && [ -s report/cues.json ] || fail "no report"
grep -q "<svg" report/cues.json || fail "no plots in the report"
echo words >words.jpg
refused 1 "not a picture" "$FOIL" cues words.jpg
mkdir -p photographs/more empty # folders, as detect, explain and eval take them
cp "$good" photographs/one.jpg
cp "$good" photographs/more/two.jpg
echo words >photographs/notes.txt
"$FOIL" cues photographs "$good" >text
same "$(sed -n 's|^\([^ ]*\.jpg\): .*|\1|p' text | sort | tr '\n' ' ')" "$(echo "$good" photographs/more/two.jpg photographs/one.jpg | tr ' ' '\n' | sort | tr '\n' ' ')" "pictures of a folder"
refused 1 "empty: no pictures in this folder" "$FOIL" cues empty "$good"
grep -q "^$good: " output || fail "an empty folder keeps a picture from being looked at"
refused 2 "at least one picture or folder" "$FOIL" cues
refused 2 "give it with -o" "$FOIL" cues --fit set.h5
refused 2 "takes no files" "$FOIL" cues --fit set.h5 -o x.safetensors "$good"
refused 2 "ending in .safetensors" "$FOIL" cues --fit set.h5 -o set.h5
refused 2 "name of a folder was expected" "$FOIL" cues "$good" --out ''
refused 2 "where --fit writes" "$FOIL" cues "$good" -o x.safetensors
refused 1 "set.h5" "$FOIL" cues --fit set.h5 -o x.safetensors

# A set whose fakes are darker
picture() { LC_ALL=C awk -v s="$1" -v top="$2" 'BEGIN { srand(s); printf "P6\n32 32\n255\n"; for (i = 0; i < 3072; i++) printf "%c", 1 + int(rand() * top) }'; }
mkdir -p pictures/real/camera pictures/fake/dark
for i in $(seq 60); do
    picture "$i" 120 >pictures/real/camera/$i.ppm
    picture "$((i + 100))" 100 >pictures/fake/dark/$i.ppm
done
"$FOIL" pack pictures -o set.h5 --size 32 --split 0.5,0.25,0.25 >/dev/null 2>&1
"$FOIL" cues --fit set.h5 -o cues.safetensors --quiet
"$FOIL" cues --fit set.h5 -o again.safetensors --threads 1
cmp cues.safetensors again.safetensors || fail "the baseline depends on threads"
"$FOIL" inspect cues.safetensors >text
grep -q "^noise.sigma  " text || fail "inspect shows no weights"
"$FOIL" inspect --json cues.safetensors >text
grep -q '"looks_at": "cues"' text || fail "inspect --json does not say what it is"
"$FOIL" detect cues.safetensors pictures --csv --quiet >scores.csv
awk -F, 'NR > 1 { right += ($3 == "fake") == ($1 ~ /dark/); n++ } END { exit !(n == 120 && right > 100) }' scores.csv || fail "the baseline does not see what is plain"
refused 1 "no network" "$FOIL" export cues.safetensors -o x.onnx
refused 1 "no network" "$FOIL" export cues.safetensors -o x.npz
refused 1 "network" "$FOIL" explain cues.safetensors "$good" -o x.png
"$FOIL" export cues.safetensors -o copy.safetensors
cmp cues.safetensors copy.safetensors || fail "the copy differs"
[ ! -e x.onnx ] && [ ! -e x.npz ] || fail "a file without content appeared"

# Training leaves it in the run's folder, where eval finds it
cat >d.yaml <<'END'
input: {image: [32, 32, 3]}
layers: [{conv: {out: 4, kernel: 4, stride: 4}}, {leaky_relu: {slope: 0.2}}]
heads: {detect: {layers: [{global_pool: mean}, {linear: {out: 1}}]}}
END
"$FOIL" train "$FOIL_SOURCE/configs/train/supervised.yaml" data.set=set.h5 discriminator=d.yaml run.steps=4 run.batch=8 --out run --quiet >/dev/null
cmp run/cues.safetensors cues.safetensors || fail "training fits another baseline than foil cues"
"$FOIL" eval run/best.safetensors set.h5 --draws 40 --out beside --quiet >table
grep -q "2  run/cues.safetensors" table || fail "the baseline is not beside the detector"
[ -s beside/scores.csv ] && [ -s beside/scores-0-1.csv ] || fail "scores of both"
for key in overall methods results differences; do grep -q "^  \"$key\"" beside/metrics.json || fail "metrics.json has no $key"; done
"$FOIL" eval run/best.safetensors set.h5 --draws 40 --no-cues --quiet >table
grep -q cues table && fail "--no-cues"
cp -r run twin
"$FOIL" eval run/best.safetensors twin/best.safetensors set.h5 --draws 40 --quiet >table
same "$(grep -c "cues.safetensors  (cues)" table)" 1 "baselines of two runs on the same data"
# What nobody named keeps nothing from being judged: a threshold that it lacks is its eer instead. Named, it must have it.
"$FOIL" calibrate run/best.safetensors pictures -o run/rates.safetensors --fpr 0.1 --quiet >/dev/null
"$FOIL" eval run/rates.safetensors set.h5 --threshold fpr=0.1 --draws 0 --out rates --quiet >/dev/null
same "$(sed -n '/"results"/,$p' rates/metrics.json | grep -o '"name": "\(eer\|fpr=0.1\)"' | tr '\n' ' ')" '"name": "fpr=0.1" "name": "eer" ' "thresholds of both"
refused 1 "run/cues.safetensors: .*FPR 10 %\|run/cues.safetensors: no threshold" "$FOIL" eval run/rates.safetensors run/cues.safetensors set.h5 --threshold fpr=0.1
refused 2 "name of a folder was expected" "$FOIL" eval run/best.safetensors set.h5 --out ''
"$FOIL" eval run/cues.safetensors set.h5 --draws 40 --out alone --quiet >/dev/null
grep -q '"results"' alone/metrics.json && fail "the baseline stands beside itself"
exit 0
