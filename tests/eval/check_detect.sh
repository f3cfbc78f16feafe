#!/bin/sh
# foil detect, foil eval and foil export from the command line: formats, thresholds, files that cannot be read, files that appear.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$FOIL_BUILD/tests/export_test_networks" . small32-d >/dev/null
detector=small32-d.safetensors
fail() { echo "$1" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "$3: '$1' instead of '$2'"; }

# Pictures: two good ones and something else, in a folder with a comma
mkdir -p "a, b/deep"
cp "$FOIL_SOURCE/tests/broken/good.jpg" "a, b/one.jpg"
cp "$FOIL_SOURCE/tests/broken/good.png" "a, b/deep/two.png"
echo notes >"a, b/notes.txt"

# Detect --------------------------------------------------------------------------------------------------------------------------------------
"$FOIL" detect $detector "a, b" --csv >scores.csv
same "$(head -1 scores.csv)" "path,score,verdict" "header"
same "$(wc -l <scores.csv)" 3 "lines: the folder's pictures and nothing else"
same "$(cut -d, -f1,2 scores.csv | sed -n 2p)" '"a, b/deep/two.png"' "the first path"
score=$(sed -n 3p scores.csv | cut -d, -f3)

# The verdict follows the threshold, whose edge belongs to the fakes; the exit status never does
for t in 0:fake "$score:fake" 1:real; do
    same "$("$FOIL" detect $detector "a, b/one.jpg" --csv --threshold "${t%:*}" | sed 's/.*,//' | tail -1)" "${t#*:}" "verdict at ${t%:*}"
done
same "$("$FOIL" detect $detector "a, b/one.jpg" --json --threshold fpr=0.01 | grep -c '"threshold": 0.7')" 1 "the detector's own threshold"

# A file that cannot be read is named, the others are scored, the status is 1
head -c 300 "a, b/one.jpg" >cut.jpg
status=0
"$FOIL" detect $detector "a, b/one.jpg" cut.jpg nowhere.png "a, b/deep/two.png" >text 2>message || status=$?
same "$status" 1 "status with unreadable files"
same "$(grep -c '  0\.[0-9]*  ' text)" 2 "scored lines"
grep -q "^foil detect: cut\.jpg: " message || fail "cut.jpg is not named"
grep -q "^foil detect: nowhere\.png: .*No such file" message || fail "nowhere.png is not named"

# So are one whose score is no number, as all are here, whose last weights are too large, and a link to nothing
{ head -c -512 $detector; for i in $(seq 128); do printf '\377\377\177\177'; done; } >huge.safetensors
status=0
"$FOIL" detect huge.safetensors "a, b" --csv >text 2>message || status=$?
same "$status: $(cat text)" "1: path,score,verdict" "what is said of scores that are no numbers"
same "$(cat message)" "foil detect: a, b/deep/two.png: the output of the detector huge.safetensors is not a number
foil detect: a, b/one.jpg: the output of the detector huge.safetensors is not a number" "messages of scores that are no numbers"
mkdir links && cp "a, b/one.jpg" links/one.jpg && ln -s nowhere links/lost.jpg
status=0
"$FOIL" detect $detector links >text 2>message || status=$?
same "$status: $(wc -l <text)" "1: 1" "status and lines with a link to nothing"
grep -q "^foil detect: links/lost\.jpg: .*No such file" message || fail "the link is not named: $(cat message)"
"$FOIL" pack links --label real -o links.h5 --size 16 --skip-bad >summary 2>message
grep -q "1 pictures in links.h5; 1 files left out" summary || fail "packing with a link to nothing: $(cat summary message)"

# One picture's score does not depend on how many others there are; and nothing depends on threads, broken files in the midst included
for i in $(seq 90); do cp "a, b/one.jpg" "many$i.jpg"; done
for i in 7 40 41; do cp cut.jpg "many$i.jpg"; done
for threads in 1 2 5; do
    status=0
    "$FOIL" detect $detector many*.jpg --csv --threads $threads >"scores$threads" 2>"messages$threads" || status=$?
    same "$status" 1 "status with broken files in the midst"
    cmp scores1 "scores$threads" && cmp messages1 "messages$threads" || fail "scores depend on threads"
done
same "$(tail -n +2 scores1 | cut -d, -f1 | tr '\n' ' ')" "$(ls many*.jpg | grep -vx 'many\(7\|40\|41\).jpg' | tr '\n' ' ')" "the order of files"
same "$(sed 's/^foil detect: \(many[0-9]*\.jpg\): .*/\1/' messages1 | tr '\n' ' ')" "many40.jpg many41.jpg many7.jpg " "the order of messages"
tail -n +2 scores1 | cut -d, -f2 | awk -v s="$score" '{ if ($1 - s > 1e-6 || s - $1 > 1e-6) exit 1 }' || fail "scores depend on company: $score"

# A run's folder in place of its detector
mkdir ran && cp $detector ran/best.safetensors
for command in "detect ran one.jpg" "eval ran nowhere.h5" "explain ran one.jpg -o map.png" "calibrate ran set.h5 -o new.safetensors"; do
    "$FOIL" $command 2>message && fail "foil $command"
    grep -q "^foil ${command%% *}: ran: is a folder, expected a detector (of a run: its best.safetensors)" message || fail "foil $command: $(cat message)"
done

mv ran/best.safetensors ran/checkpoint.safetensors # one that has not evaluated yet, or trains no detector
"$FOIL" eval ran set.h5 2>message && fail "foil eval of a run without a detector"
grep -q "^foil eval: ran: is a folder, expected a detector" message || fail "foil eval: $(cat message)"
"$FOIL" export ran -o ran.onnx 2>message && fail "foil export of a run without a detector"
grep -q "a run with forgers writes its detector when it first evaluates" message || fail "foil export: $(cat message)"

# A folder without pictures
mkdir nothing
echo notes >nothing/notes.txt
status=0
"$FOIL" detect $detector nothing 2>message || status=$?
same "$status" 1 "status of an empty folder"
grep -q "^foil detect: nothing: no pictures" message || fail "the empty folder is not named"

# A signal ends it with what has been scored so far
for i in $(seq 2000); do echo many1.jpg; done >list
"$FOIL" detect $detector $(cat list) --csv --threads 1 >begun 2>message &
until [ -s begun ]; do sleep 0.05; done
kill -TERM $!
status=0
wait $! || status=$?
same "$status" 1 "status when interrupted"
grep -q "^foil detect: interrupted after [0-9]* of 2000 files" message || fail "nothing is said of the interruption: $(cat message)"
same "$(wc -l <begun)" "$(($(sed 's/.*after \([0-9]*\) of.*/\1/' message) + 1))" "lines before the interruption"

# Eval ----------------------------------------------------------------------------------------------------------------------------------------
picture() { LC_ALL=C awk -v s="$1" -v n="$2" 'BEGIN { srand(s); printf "P6\n16 16\n255\n"; for (i = 0; i < 768; i++) printf "%c", 1 + int(rand() * n) }'; }
seed=0
for i in $(seq 30); do
    for method in real/camera fake/flat fake/noisy; do
        mkdir -p "set/$method"
        case $method in *noisy) range=254 ;; *) range=$((30 + i)) ;; esac
        seed=$((seed + 1))
        picture $seed $range >"set/$method/$i.ppm"
    done
done
"$FOIL" pack set -o set.h5 --size 16 --split 0.4,0.2,0.4 --seed 3 >/dev/null
for from in set.h5 set; do
    rm -rf out
    "$FOIL" eval $detector $from --out out --draws 100 >table
    "$FOIL" eval $detector $from --draws 100 --json --threads 1 >again.json
    cmp out/metrics.json again.json || fail "metrics depend on threads"
    grep -q '^overall ' table && grep -q '^flat ' table && grep -q '^noisy ' table || fail "a row is missing: $(cat table)"
    same "$(head -1 out/scores.csv)" "path,score,fake,method,subject,clip" "scores.csv"
done
same "$(wc -l <out/scores.csv)" 91 "rows of a folder"
same "$("$FOIL" eval $detector set.h5 --split all --draws 40 --json | grep -c '"fakes": 60')" 1 "all fakes"

# Export --------------------------------------------------------------------------------------------------------------------------------------
"$FOIL" export $detector -o copy.safetensors
cmp $detector copy.safetensors || fail "an exported detector is another file"
mkdir run
status=0
"$FOIL" export run -o x.onnx 2>message || status=$?
same "$status" 1 "status of a run without a detector"
grep -q "best\.safetensors" message || fail "the message does not say what is missing"
cp $detector run/best.safetensors
"$FOIL" export run -o run.onnx
"$FOIL" export $detector -o one.onnx
cmp run.onnx one.onnx || fail "two exports differ"
