#!/bin/sh
# foil calibrate, and --threshold and --prior of detect and eval: what is fitted, written, said and refused.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$FOIL_BUILD/tests/export_test_networks" . small32-d >/dev/null
detector=small32-d.safetensors # by temperature, on 12 reals
fail() { echo "$1" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "$3: '$1' instead of '$2'"; }
refused() { # status, what is said, command …
    wanted=$1 words=$2
    shift 2
    got=0
    "$FOIL" "$@" >/dev/null 2>message || got=$?
    same "$got" "$wanted" "status of foil $*"
    grep -q -- "$words" message || fail "foil $*: '$words' is not said: $(cat message)"
}

picture() { LC_ALL=C awk -v s="$1" -v n="$2" 'BEGIN { srand(s); printf "P6\n16 16\n255\n"; for (i = 0; i < 768; i++) printf "%c", 1 + int(rand() * n) }'; }
mkdir -p set/real/camera set/fake/flat
for i in $(seq 80); do
    picture $i 254 >set/real/camera/$i.ppm
    picture $((i + 1000)) $((150 + i)) >set/fake/flat/$i.ppm
done
"$FOIL" pack set -o set.h5 --size 16 --split 0.2,0.5,0.3 --seed 3 -q >/dev/null
fingerprint=$("$FOIL" inspect set.h5 --json | sed -n 's/.*"fingerprint": "\([0-9a-f]*\)".*/\1/p')

# Every method: scores change, logits do not; the file says what it was calibrated on; ONNX and PyTorch's readers are tested elsewhere
one="set/real/camera/1.ppm set/fake/flat/1.ppm set/fake/flat/80.ppm"
logits() { "$FOIL" detect "$1" $one --json | grep '"logit"'; }
logits $detector >wanted
for method in temperature platt isotonic; do
    "$FOIL" calibrate $detector set.h5 -o $method.safetensors --method $method -q >said 2>message
    [ ! -s message ] || fail "calibrating on val says: $(cat message)"
    head -1 said | grep -q '^set\.h5, split val: [0-9]* reals, [0-9]* fakes$' || fail "$(head -1 said)"
    for line in before after crosswise; do same "$(grep -c "^$line  *[0-9.]*  [0-9.]*  [0-9.]*  *[0-9.]*" said)" 1 "line $line"; done
    awk '/^before/ { b = $2 } /^after/ { a = $2 } END { exit !(a < b) }' said || fail "the log-loss does not fall: $(cat said)"
    grep -q "^calibration  $method, on " said || fail "the method is not said: $(cat said)"
    "$FOIL" inspect $method.safetensors --json >card
    same "$(grep -c "\"method\": \"$method\"" card)" 1 "method in the card"
    grep -q "\"calibrated\": {" card && grep -q "\"fingerprint\": \"$fingerprint\"" card || fail "the card does not say what calibrated it"
    logits $method.safetensors >got
    cmp wanted got || fail "logits changed"
    "$FOIL" export $method.safetensors -o $method.onnx
done
"$FOIL" inspect isotonic.safetensors >card
grep -q '^    calibrated  *{"set": "set.h5", "fingerprint"' card || fail "the card does not tell in words what calibrated it"
"$FOIL" inspect isotonic.safetensors | grep -q "^no threshold fpr=0.01 .*: at least 299 are needed" || fail "what reals can't back isn't said"
same "$("$FOIL" inspect platt.safetensors | grep -c '^threshold    fpr=0.1 .*of 4[0-9] reals reach it: the real rate is at most')" 1 "a threshold in words"

# An evaluation's page warns of the pictures that set the thresholds, whatever split of whatever set they are
for split in val test all; do
    "$FOIL" eval isotonic.safetensors set.h5 --split $split --draws 0 --no-cues -q --out page >/dev/null
    same "$(grep -c '"calibrated": *true' page/report.html)" "$([ $split != test ] && echo 1 || echo 0)" "warnings of a page on $split"
done

# A folder is taken whole; a calibration can be calibrated again, in place; the same again is the same file
"$FOIL" calibrate platt.safetensors set -o again.safetensors --method isotonic --fpr 0.2,0.05 -q >said
grep -q '^set, split all: 80 reals, 80 fakes$' said || fail "$(head -1 said)"
"$FOIL" calibrate again.safetensors set -o again.safetensors --method isotonic --fpr 0.2,0.05 -q --threads 1 >/dev/null
"$FOIL" calibrate $detector set -o first.safetensors --method isotonic --fpr 0.2,0.05 -q >/dev/null
cmp again.safetensors first.safetensors || fail "a calibration depends on the one before, or on threads"
"$FOIL" eval again.safetensors set --draws 0 --no-cues -q --out page >/dev/null
grep -q '"calibration": *"isotonic, on 80 reals and 80 fakes"' page/report.html || fail "the page says of what split the calibration's pictures were, which only the card knows"
for name in 0.2 0.05; do same "$("$FOIL" detect again.safetensors $one --threshold fpr=$name | wc -l)" 3 "scores at fpr=$name"; done

# A temperature in place of a bias that was needed
mkdir -p lopsided/fake/flat && cp -r set/real lopsided && cp set/fake/flat/?.ppm lopsided/fake/flat
for method in platt temperature platt; do
    "$FOIL" calibrate $detector lopsided -o lopsided.safetensors -q --method $method >/dev/null 2>message
    detector=lopsided.safetensors
    same "$(grep -c "^foil calibrate: warning: worse than before, even on these pictures" message)" "$(echo $method | grep -c temp)" "warnings of $method"
done
detector=small32-d.safetensors

# A set's name is its folder's, also behind slashes, and whatever bytes it has
odd=$(printf 'l\351s') && mkdir -p "$odd" && cp -r set/real set/fake "$odd"
for name in set/ set/. set/real/..; do
    "$FOIL" calibrate $detector $name -o named.safetensors -q >/dev/null
    "$FOIL" inspect named.safetensors --json | grep -q '"set": "set"' || fail "$name is not called set"
done
"$FOIL" calibrate $detector "$odd" -o named.safetensors -q >/dev/null
"$FOIL" inspect named.safetensors --json | grep -qF '"set": "l\\xe9s"' || fail "a name that is not UTF-8"

# Thresholds that are not there, with the reason
refused 1 "FPR 1 % can't be set from 4[0-9] reals: at least 299 are needed" calibrate $detector set.h5 -o none.safetensors --fpr 0.1,0.01
refused 1 "FPR 0.1 % can't be set from 80 reals: at least 2995 are needed" detect again.safetensors $one --threshold fpr=0.001
refused 1 "no threshold 'fpr=0.06': this detector has eer, fpr=0.2, fpr=0.05" detect again.safetensors $one --threshold fpr=0.06
refused 2 "'best': eer, fpr=RATE or a number from 0 to 1" detect again.safetensors $one --threshold best
for wrong in 1.5 -0.1 fpr=0 fpr=often nan ''; do
    refused 2 "'$wrong': eer, fpr=RATE or a number from 0 to 1" detect again.safetensors $one --threshold "$wrong"
    refused 2 "'$wrong': eer, fpr=RATE or a number from 0 to 1" eval again.safetensors nowhere.h5 --threshold "$wrong"
done
refused 1 "FPR 0.1 % can't be set from 80 reals" eval again.safetensors set --threshold fpr=0.001
[ ! -e none.safetensors ] || fail "a detector was written although its thresholds can't be set"

# Prior: log-odds move by the difference; verdicts at a named threshold stay, at a number they need not
scores() { "$FOIL" detect platt.safetensors $one --csv -q "$@" | tail -n +2; }
scores >before
scores --prior 0.01 >after
paste -d, before after | awk -F, '{ d = log($5 / (1 - $5)) - log($2 / (1 - $2)); if (NR > 1 && (d - last > 1e-9 || last - d > 1e-9)) exit 1; last = d; if ($3 != $6) exit 1 } END { exit !(last < -3) }' ||
    fail "a prior shifts otherwise: $(paste before after)"
same "$(scores --prior 0.01 --threshold 0.5 | grep -c ',fake$')" 0 "fakes at 0.5 where they are rare"
"$FOIL" detect platt.safetensors $one --prior 0.01 2>message >/dev/null
grep -q "^foil detect: scores assume that 1 % are fake instead of " message || fail "the prior is not stated: $(cat message)"
"$FOIL" calibrate $detector set.h5 -o rare.safetensors --method platt --prior 0.01 -q >said
grep -q "^prior        scores assume that 1 % are fake; among these " said || fail "the prior is not stated: $(cat said)"
"$FOIL" detect rare.safetensors $one --csv | tail -n +2 | cmp - after || fail "a stored prior is not that of --prior"
accuracy() { "$FOIL" eval platt.safetensors set --draws 0 --json -q "$@" | sed -n '/"overall"/,$p' | grep -A3 '"accuracy"' | grep '"value"' | head -1; }
same "$(accuracy --prior 0.01)" "$(accuracy)" "accuracy at eer, which no prior changes"
[ "$(accuracy --prior 0.01 --threshold 0.5)" != "$(accuracy)" ] || fail "a number as threshold does nothing"
refused 2 "a number from 1e-06 to 0.999999" detect platt.safetensors $one --prior 1
refused 2 "number" calibrate $detector set.h5 -o none.safetensors --prior often

# Wrong usage, wrong data, and the warning
refused 2 "one of temperature, platt, isotonic" calibrate $detector set.h5 -o none.safetensors --method plat
refused 2 "ending in .safetensors" calibrate $detector set.h5 -o none.onnx
refused 2 "give it with -o" calibrate $detector set.h5
refused 2 "numbers from 1e-06 to 0.5" calibrate $detector set.h5 -o none.safetensors --fpr 0.1,,0.2
refused 2 "numbers from 1e-06 to 0.5" calibrate $detector set.h5 -o none.safetensors --fpr 0.9
refused 1 "nowhere.h5" calibrate $detector nowhere.h5 -o none.safetensors
mkdir -p single/real && cp set/real/camera/1.ppm single/real
refused 1 "single: calibration needs both classes, but there are 1 reals and 0 fakes" calibrate $detector single -o none.safetensors
"$FOIL" calibrate $detector set.h5 -o test.safetensors --split test -q >/dev/null 2>message
grep -q "^foil calibrate: warning: split 'test'" message || fail "no warning of calibrating on test"
