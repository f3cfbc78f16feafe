#!/bin/sh
# foil eval --scores: what wrong files print, files that are unusual but right, and scores joined by path with each other and with a set.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "$1" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "$3: '$1' instead of '$2'"; }
refused() { # MESSAGE OPTIONS...
    wanted=$1 status=0
    shift
    "$FOIL" eval --draws 40 "$@" >output 2>message || status=$?
    same "$status" 1 "status of: $*"
    same "$(cat message)" "foil eval: $wanted" "message of: $*"
    [ ! -s output ] || fail "printed, and failed: $*"
}
auc() { "$FOIL" eval --draws 0 --json "$@" | tr -d ' \n' | sed 's/.*"overall":{"reals":[0-9]*,"fakes":[0-9]*,"auc":{"value":\([0-9.]*\).*/\1/'; }

# Wrong files -------------------------------------------------------------------------------------------------------------------------------------
header=path,score,fake
wrong() { # CONTENT (printf) MESSAGE
    printf "$1" >f.csv
    refused "$2" --scores f.csv
}
expects="a header with the column score was expected (and path, fake, method, subject, clip, if known), or lines 'utterance attack bonafide|spoof score'"
wrong '' "f.csv:1: $expects"
wrong '\n\n' "f.csv:3: $expects"
wrong 'a,b,c\n1,2,3\n' "f.csv:1: $expects"
wrong "$header\n" "f.csv: a header and no scores"
wrong "$header\na,nan,1\n" "f.csv:2: score 'nan'; a finite number was expected"
wrong "$header\na,0.1,0\nb,inf,1\n" "f.csv:3: score 'inf'; a finite number was expected"
wrong "$header\na,,1\n" "f.csv:2: score ''; a finite number was expected"
wrong "$header\na,0.5 ,1\n" "f.csv:2: score '0.5 '; a finite number was expected"
wrong "$header\na,1e999,1\n" "f.csv:2: score '1e999'; a finite number was expected"
wrong "$header\na,0.5,yes\n" "f.csv:2: fake 'yes'; 0 or 1 was expected"
wrong "$header\na,0.5\n" "f.csv:2: 2 fields; 3 were expected, as in the header"
wrong "$header\n\"a,0.5,1\nb,0.5,0\n" "f.csv:2: a quoted field without an end"
wrong "$header\n\"a\"b,0.5,1\n" "f.csv:2: text behind a quoted field"
wrong "$header\na,0.5,1\nb,0.4,1\n" "f.csv has 0 reals and 2 fakes: an evaluation needs both"
wrong "$header\na,0.5,0\n" "f.csv has 1 reals and 0 fakes: an evaluation needs both"
wrong 'path,score\na,0.5\n' "f.csv: no column fake; without a set beside it, it must say what is fake (1) and what is real (0)"
wrong 'score,fake,score\n0.5,1,0.5\n' "f.csv:1: column 'score' is there twice"
wrong 'score,fake,clip\n0.5,1,2147483648\n' "f.csv:2: clip '2147483648'; nothing or a whole number from 0 to 2147483647 was expected"
wrong 'score,fake,clip\n0.5,1,-1\n' "f.csv:2: clip '-1'; nothing or a whole number from 0 to 2147483647 was expected"
wrong 'score,fake,clip\n0.5,1,1.5\n' "f.csv:2: clip '1.5'; nothing or a whole number from 0 to 2147483647 was expected"
wrong 'u1 - bonafide 1\nu2 A07 spoofed 2\n' "f.csv:2: key 'spoofed'; bonafide or spoof was expected"
wrong 'u1 - bonafide 1\nu2 A07 spoof\n' "f.csv:2: four words were expected: utterance attack bonafide|spoof score"
wrong 'u1 - bonafide 1\nu2 A07 spoof x\n' "f.csv:2: score 'x'; a finite number was expected"
head -c 300 /dev/zero >f.csv
refused "f.csv: not a text file: it holds a zero byte" --scores f.csv
refused "nowhere.csv: can't be read: No such file or directory" --scores nowhere.csv
mkdir folder
refused "folder: is a folder, expected a file" --scores folder
status=0
"$FOIL" eval --scores 2>message || status=$?
same "$status" 2 "status without a file"
"$FOIL" eval --by face --scores f.csv 2>message && fail "--by face"
same "$(cat message)" "foil eval: --by 'face': some of method, level and subject were expected, separated by commas; 'foil eval --help' tells more" "--by"
"$FOIL" eval --clips best --scores f.csv 2>message && fail "--clips best"
grep -q "mean, max, median" message || fail "the rules are not named: $(cat message)"

for shift in --threshold --prior; do
    status=0
    "$FOIL" eval --scores f.csv $shift 0.3 2>message || status=$?
    same "$status: $(cut -d';' -f1 message)" "2: foil eval: $shift is of a detector, and there is none: scores from a file stay as they are, and are judged at 0.5" $shift
done

# Unusual, but right: byte order mark, CRLF, quotes, blank lines, columns in another order, no line end at the end
printf 'path,score,fake\na,0.9,1\nb,0.2,0\nc,0.6,1\nd,0.7,0\n' >plain.csv
same "$(auc --scores plain.csv)" 0.75 "the plain file"
printf '\357\273\277fake,note,score,path\r\n\r\n1,"x, ""y""\r\nz",0.9,a\r\n0,,0.2,"b"\r\n\r\n1,,6e-1,c\r\n0,,+.7,d' >odd.csv
same "$(auc --scores odd.csv)" 0.75 "the odd file"
printf 'a A1 spoof -0.9\nb - bonafide -0.2\n\nc A1 spoof -0.6\nd - bonafide -0.7\n' >asvspoof.txt
same "$(auc --scores asvspoof.txt)" 0.75 "ASVspoof's lines"

# Logits are none the less in a row whose own are all between 0 and 1
printf 'score,fake,subject\n-3.5,0,a\n2.5,1,a\n0.3,0,b\n0.7,1,b\n' >logits.csv
same "$("$FOIL" eval --scores logits.csv --by subject --draws 0 --json | tr -d ' \n' | grep -o '"brier":{"value":null' | wc -l)" 3 "Brier scores of logits"

# Joined with each other ----------------------------------------------------------------------------------------------------------------------------
printf 'score,path,fake\n0.1,d,0\n0.8,c,1\n0.3,a,1\n0.2,b,0\n' >other.csv
"$FOIL" eval --scores plain.csv --scores other.csv --scores asvspoof.txt --draws 50 --json --out out >two.json
cmp two.json out/metrics.json
same "$(ls out | tr '\n' ' ')" "metrics.json report.html scores-0-0.csv scores-0-1.csv scores-0-2.csv " "files"
same "$(cat out/scores-0-1.csv | cut -d, -f1,2 | tr '\n' ' ')" "path,score a,0.29999999999999999 b,0.20000000000000001 c,0.80000000000000004 d,0.10000000000000001 " "the order of items"
tr -d ' \n' <two.json | grep -q '"set":0,"a":0,"b":1,"metric":"auc","value":-0.25,' || fail "the difference is not there"
tr -d ' \n' <two.json | grep -q '"set":0,"a":0,"b":2,"metric":"auc","value":0.0,"low":null,"high":null,"p":null,"p_holm":null' || fail "an interval of two reals and two fakes"
joined() { # CONTENT MESSAGE
    printf "$1" >f.csv
    refused "$2" --scores plain.csv --scores f.csv
}
joined "$header\na,1,1\nb,1,0\na,2,1\nc,1,1\nd,1,0\n" "f.csv:4: path 'a' is there twice, before in line 2; one score of each was expected"
joined "$header\na,1,1\nb,1,0\nx,1,1\nd,1,0\n" "f.csv has no score for 1 of the 4 items of plain.csv, the first: 'c'"
joined "$header\na,1,1\nb,1,0\nc,1,1\nd,1,0\ne,1,0\n" "f.csv has 5 scores, plain.csv has 4: the same items were expected"
joined "$header\na,1,1\nb,1,0\nc,1,0\nd,1,0\n" "f.csv:4: fake 0, but 'c' is fake in plain.csv"
joined "score,fake\n1,1\n" "f.csv: no column path, by which its scores could be joined with plain.csv"
printf "$header\na,1,1\na,0.1,0\nb,0.2,0\n" >twice.csv
printf "$header\na,1,1\nb,1,0\n" >f.csv
refused "f.csv: two items of twice.csv have the path 'a': which of them its score is of can't be told" --scores twice.csv --scores f.csv

# Clips: the mean, and two frames of three
printf 'path,score,fake,method,clip\n' >clips.csv
for clip in 1 2 3; do
    for frame in 1 2 10; do printf "r$clip/$frame.png,0.$clip$frame,0,cam,$clip\nf$clip/$frame.png,0.9$frame,1,gan,$clip\n"; done
done >>clips.csv
"$FOIL" eval --scores clips.csv --clips mean --out c --draws 0 >table
same "$(wc -l <c/scores.csv)" 7 "clips"
grep -q '^clips.csv: 6 clips, each the mean of its pictures. scores: 18 pictures' table || fail "the title: $(head -1 table)"
"$FOIL" eval --scores clips.csv --clips max --frames 2 --out c --draws 0 >table
same "$(grep '^r1/' c/scores.csv | cut -d, -f1,2)" "r1/1.png,0.11" "the greatest of frames 1 and 10 out of 1, 2, 10"
refused "plain.csv: neither a detector nor a set; for scores, --scores plain.csv was expected" plain.csv

# What intervals can't say is said once: too few clips, scores that are wholly apart; and that scores point the wrong way
{ echo score,fake,method,clip; for i in $(seq 60); do echo "0.$((i + 10)),0,,"; echo "0.9$i,1,apart,"; echo "0.$((i + 15)),1,few,$((i % 9))"; done; } >doubts.csv
"$FOIL" eval --scores doubts.csv --draws 50 >table
grep -qE '^apart +1.0000 \[1.0000, 1.0000\]' table && grep -qE '^few +0.[0-9]{4} \[     -,      -\]' table || fail "intervals: $(cat table)"
same "$(grep -c 'No interval where a class has fewer than 10 clips' table) $(grep -c 'wholly apart' table)" "1 1" "notes"
! grep -q 'wrong way' table || fail "no way is wrong: $(cat table)"
{ echo score,fake; for i in $(seq 300); do echo "0.$((i + 100)),1"; echo "0.$((i + 150)),0"; done; } >turned.csv
"$FOIL" eval --scores turned.csv --draws 50 >table
same "$(tail -n 1 table)" "worse than guessing: here the scores point the wrong way; higher must be more likely fake" "scores that are turned"
! grep -q 'No interval' table || fail "60 of each are enough: $(cat table)"

# Without draws nothing is known of the intervals, which takes as much room
"$FOIL" eval --scores plain.csv --scores plain.csv --draws 0 >table
grep -qE '^overall +1  [01]\.[0-9]{4} \[     -,      -\]  [01]\.' table || fail "an AUC without an interval: $(cat table)"
grep -qE '^  1 - 2 +\+0\.0000 \[      -,       -\]       -       -' table || fail "a difference without an interval: $(cat table)"
! grep -q resamples table || fail "p of no draws is explained: $(cat table)"
# Fewer than 40 draws do not reach what 95 % leave out.
"$FOIL" eval --scores plain.csv --draws 39 >table 2>message && fail "39 draws were taken for enough"
grep -q -- "--draws 39: at least 40 were expected" message || fail "too few draws: $(cat message)"
"$FOIL" eval --scores plain.csv --draws 40 >table
