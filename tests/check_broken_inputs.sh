#!/bin/sh
# Broken inputs: each must end with a message that names what is wrong, with the right exit status, without a crash, and without leaving anything behind.
# One line each, at the end: name, exit status, pattern that the message must hold, command.
set -u
work=$(mktemp -d)
cleanup() {
    mountpoint -q "$work/full" 2>/dev/null && umount "$work/full"
    rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || exit 1
fixtures=$FOIL_SOURCE/tests/broken
count=0 failures=0 skipped=0

listing() { find . -name message -prune -o -name output -prune -o -type f -exec cksum {} + | sort; }
check() { # NAME STATUS PATTERN ARGUMENTS...
    name=$1 wanted=$2 pattern=$3
    shift 3
    count=$((count + 1))
    before=$(listing)
    timeout 120 "$FOIL" "$@" >output 2>message </dev/null
    status=$?
    why=
    [ "$status" = "$wanted" ] || why="exit status $status instead of $wanted"
    grep -qE -e "$pattern" message || why="$why; the message lacks /$pattern/"
    grep -qE '^foil( [a-z]+)?: ' message || why="$why; the message does not say who speaks"
    [ "$before" = "$(listing)" ] || why="$why; files changed: $(listing | grep -vxF "$before" | head -3)"
    [ -z "$why" ] && return
    failures=$((failures + 1))
    printf '%s: %s\n  foil %s\n' "$name" "${why#; }" "$*" >&2
    sed 's/^/  > /' message | head -8 >&2
}
need() { [ -s "$1" ] || { echo "could not make $1: $(cat message)" >&2; exit 1; }; }
# A picture of noise, one per seed
picture() { LC_ALL=C awk -v s="$1" 'BEGIN { srand(s); printf "P6\n16 16\n255\n"; for (i = 0; i < 768; i++) printf "%c", 1 + int(rand() * 254) }'; }
cut_half() { head -c $(($(wc -c <"$1") / 2)) "$1"; }

# What is sound ------------------------------------------------------------------------------------------------------------------------------
mkdir -p good/real/noise good/fake/noise reals/real/noise nothing
for i in $(seq 30); do
    picture "$i" >good/real/noise/$i.ppm
    picture "100$i" >good/fake/noise/$i.ppm
    cp good/real/noise/$i.ppm reals/real/noise/
done
"$FOIL" pack good -o good.h5 --size 16 >output 2>message; need good.h5
"$FOIL" pack reals -o reals.h5 --size 16 >output 2>message; need reals.h5
"$FOIL" pack good -o many.yaml --shards 3 --size 16 >output 2>message; need many.yaml
cat >d.yaml <<'Y'
input: {image: [16, 16, 3]}
layers: [{conv: {out: 8, kernel: 4, stride: 2, pad: 1}}, {leaky_relu: {slope: 0.2}}]
heads:
  game: {layers: [{conv: {out: 1, kernel: 8}}]}
  detect: {layers: [{global_pool: mean}, {linear: {out: 1}}]}
Y
cat >g.yaml <<'Y'
input: {latent: 8}
layers: [{linear: {out: 1024}}, {reshape: [16, 8, 8]}, {conv_transpose: {out: 3, kernel: 4, stride: 2, pad: 1}}, {tanh: {}}]
Y
cat >supervised.yaml <<'Y'
run: {seed: 1, steps: 4, batch: 8}
data: {set: good.h5}
discriminator: d.yaml
optimizer: {adam: {lr: 1e-3}}
forgers: [{dataset: {share: 1}}]
Y
cat >game.yaml <<'Y'
run: {seed: 1, steps: 4, batch: 8}
data: {set: good.h5}
generator: g.yaml
discriminator: d.yaml
optimizer: {adam: {lr: 1e-3}}
forgers: [{generator: {share: 1}}]
Y
"$FOIL" train supervised.yaml --out sound >output 2>message; need sound/best.safetensors
"$FOIL" train game.yaml --out game >output 2>message; need game/checkpoint.safetensors
cp sound/best.safetensors detector.safetensors

# What is not ------------------------------------------------------------------------------------------------------------------------------
broken_folder() { mkdir -p "$1/real/x"; cp good/real/noise/1.ppm "$1/real/x"; cat >"$1/real/x/$2"; }
cut_half "$fixtures/good.png" | broken_folder png_cut cut.png
cut_half "$fixtures/good.jpg" | broken_folder jpeg_cut cut.jpg
{ head -c 60 "$fixtures/good.png"; head -c 400 /dev/zero | tr '\0' x; tail -c 500 "$fixtures/good.png"; } | broken_folder png_rotten rotten.png
head -c 8 "$fixtures/good.png" | broken_folder png_head head.png
printf '' | broken_folder empty empty.png
echo 'not a picture at all' | broken_folder words words.jpg
{ head -c 16 "$fixtures/good.png"; printf '\377\377\377\177\377\377\377\177'; tail -c +25 "$fixtures/good.png"; } | broken_folder png_huge huge.png
printf 'P6\n100000 100000\n255\nabc' | broken_folder ppm_huge huge.ppm
printf 'P6\n16 16\n255\nabc' | broken_folder ppm_cut cut.ppm
printf 'GIF89a\020\000' | broken_folder gif_cut cut.gif

echo 'file,kind' >columns.csv
printf 'path,label,method,subject,split\ngood/real/noise/1.ppm,perhaps,,,\n' >label.csv
printf 'path,label,method,subject,split\nnowhere.ppm,real,,,\n' >nowhere.csv
printf 'path,label,method,subject,split\n"good/real/noise/1.ppm,real,,,\n' >quote.csv
printf 'path,label,method,subject,split\ngood/real/noise/1.ppm,real,,,sometimes\n' >split.csv
cp good/real/noise/1.ppm twin.ppm
printf 'path,label,method,subject,split\ngood/real/noise/1.ppm,real,,,train\ntwin.ppm,real,,,test\n' >straddle.csv
printf 'path,label,method,subject,split\n' >header.csv
printf '\000\000\010\003\000\000\000\012\000\000\000\034\000\000\000\034abc' >cut-images-idx3-ubyte
head -c 4000 good.h5 >cut_data_batch_1.bin

mkdir -p frames/original_sequences celeb/Celeb-synthesis
echo '1 Celeb-synthesis/id0_id1_0000.mp4' >celeb/List_of_testing_videos.txt
mkdir -p avceleb artifact/afhq
printf 'source,target1,target2,method,category,type,race,gender,path,\nid1,-,-,wav2lip,D,FakeVideo-FakeAudio,African,men,1.mp4\n' >avceleb/meta_data.csv
printf 'filename,image_path,target,category\n1.jpg,cat/1.jpg,real,cat\n' >artifact/afhq/metadata.csv

cut_half good.h5 >cut.h5
echo 'no set' >words.h5
head -c 2000 good.h5 >head.h5
: >empty.h5

edit() { sed "$2" "$1" >"$3"; }
edit supervised.yaml 's/steps: 4/stepps: 4/' unknown_key.yaml
edit supervised.yaml 's/steps: 4/steps: many/' wrong_type.yaml
edit supervised.yaml 's/batch: 8/batch: -8/' bounds.yaml
edit supervised.yaml 's/seed: 1/seed: 1, seed: 2/' twice.yaml
edit supervised.yaml 's/batch: 8}/batch: 8/' syntax.yaml
edit supervised.yaml '/^discriminator/d' missing_key.yaml
edit supervised.yaml 's/share: 1/share: 0.7/' shares.yaml
edit supervised.yaml 's/dataset:/datasett:/' unknown_forger.yaml
edit supervised.yaml 's/good.h5/nowhere.h5/' no_set.yaml
edit supervised.yaml 's/good.h5/cut.h5/' cut_set.yaml
edit supervised.yaml 's/good.h5/words.h5/' words_set.yaml
edit supervised.yaml 's/good.h5/reals.h5/' one_class.yaml
edit supervised.yaml 's/d.yaml/nowhere.yaml/' no_net.yaml
edit supervised.yaml 's/set: good.h5//' unset.yaml
edit d.yaml 's/leaky_relu/leaky_rely/' d_layer.yaml
edit d.yaml 's/stride/strid/' d_key.yaml
edit d.yaml 's/kernel: 8/kernel: 80/' d_shape.yaml
edit d.yaml 's/^input.*//' d_input.yaml
edit d.yaml 's/detect:/detekt:/' d_heads.yaml
edit g.yaml 's/out: 3/out: 5/' g_out.yaml
for net in d_layer d_key d_shape d_input d_heads; do edit supervised.yaml "s/d.yaml/$net.yaml/" $net.train.yaml; done
edit game.yaml 's/g.yaml/g_out.yaml/' g_out.train.yaml
printf '\377\376\000\001' >bytes.yaml
: >nothing.yaml

edit many.yaml 's/many-001/many-009/' missing_shard.yaml
edit many.yaml 's/many-002/many-001/' twice_shard.yaml
edit many.yaml 's/foil_set: 1/foil_set: 7/' later_index.yaml
edit many.yaml 's/kind: image/kind: sound/' other_kind.yaml
edit many.yaml '/^  - {file/d; s/^shards:/shards: []/' no_shards.yaml
edit many.yaml 's/many-001/cut/' cut_shard.yaml
edit many.yaml 's/fingerprint: ./fingerprint: x/' fingerprint.yaml
edit many.yaml 's/^size: .*/size: [32, 32]/' other_size.yaml
edit many.yaml '/many-000/s/fingerprint: [0-9a-f]\{8\}/fingerprint: 00000000/' changed_shard.yaml

cut_half detector.safetensors >cut.safetensors
{ head -c $(($(wc -c <detector.safetensors) - 4)) detector.safetensors; printf '\377\377\377\177'; } >nan.safetensors
{ cat detector.safetensors; echo more; } >longer.safetensors
{ printf '\377\377\377\377\377\377\377\177'; tail -c +9 detector.safetensors; } >length.safetensors
{ head -c 8 detector.safetensors; printf '!'; tail -c +10 detector.safetensors; } >json.safetensors
sed 's/"foil_detector"/"foil_detectif"/' detector.safetensors >other.safetensors
: >empty.safetensors
cp -r sound cut_run
for f in cut_run/*.safetensors; do cut_half "$f" >x && mv x "$f"; done
mkdir one_class_folder && cp -r good/real one_class_folder/
cp "$fixtures/good.jpg" picture.jpg
cp "$fixtures/good.png" photo.png
cut_half picture.jpg >half.jpg
echo text >file

score_file() { printf 'path,score,fake,method,subject,clip\na,0.25,0,,,1\nb,%s\n' "$2" >"$1.scores"; }
score_file good 0.75,1,,,2
score_file word 'high,1,x,,'
score_file nan 'nan,1,x,,'
score_file huge '1e999,1,x,,'
score_file blank ',1,x,,'
score_file label '0.5,maybe,x,,'
score_file clip '0.5,1,x,,first'
score_file few '0.5,1,x'
score_file many '0.5,1,x,,,,'
score_file quote '0.5,1,"x,,'
score_file class '0.5,0,x,,'
printf 'file,likelihood\na,1\n' >columns.scores
: >empty.scores
printf 'a,0.5\000,1\n' >zero.scores
printf 'LA_1 - bonafide 2.5\nLA_2 A07 spoof\n' >words.scores
printf 'LA_1 - bonafide 2.5\nLA_2 A07 spoofed -1\n' >key.scores
printf 'LA_1 - bonafide 2.5\nLA_2 A07 spoof low\n' >low.scores

# The list ------------------------------------------------------------------------------------------------------------------------------------
check "no such command" 2 "unknown command 'trian' \(did you mean 'train'" trian
check "no command" 2 "which command" 
check "truncated PNG" 1 "cut\.png: " pack png_cut -o o.h5 --size 16
check "truncated JPEG" 1 "cut\.jpg: " pack jpeg_cut -o o.h5 --size 16
check "corrupt PNG" 1 "rotten\.png: " pack png_rotten -o o.h5 --size 16
check "eight bytes of a PNG" 1 "head\.png: " pack png_head -o o.h5 --size 16
check "empty picture" 1 "empty\.png: .*empty" pack empty -o o.h5 --size 16
check "words instead of a picture" 1 "words\.jpg: " pack words -o o.h5 --size 16
check "PNG of 2 G x 2 G pixels" 1 "huge\.png: " pack png_huge -o o.h5 --size 16
check "PNM larger than its bytes" 1 "huge\.ppm: " pack ppm_huge -o o.h5 --size 16
check "truncated PNM" 1 "cut\.ppm: " pack ppm_cut -o o.h5 --size 16
check "truncated GIF" 1 "cut\.gif: " pack gif_cut -o o.h5 --size 16
check "empty folder" 1 "nothing: " pack nothing -o o.h5 --size 16
check "no such source" 1 "nowhere: no such file" pack nowhere -o o.h5 --size 16
check "manifest with other columns" 1 "columns\.csv:1" pack columns.csv -o o.h5 --size 16
check "manifest with an unknown label" 1 "label\.csv:2.*perhaps" pack label.csv -o o.h5 --size 16
check "manifest with a missing file" 1 "nowhere\.ppm" pack nowhere.csv -o o.h5 --size 16
check "manifest with an open quote" 1 "quote\.csv:2" pack quote.csv -o o.h5 --size 16
check "manifest with an unknown split" 1 "split\.csv:2.*sometimes" pack split.csv -o o.h5 --size 16
check "equal files in two splits" 1 "noise/1\.ppm.*twin\.ppm|twin\.ppm.*noise/1\.ppm" pack straddle.csv -o o.h5 --size 16
check "manifest without rows" 1 "header\.csv" pack header.csv -o o.h5 --size 16
check "truncated idx file" 1 "cut-images-idx3-ubyte" pack cut-images-idx3-ubyte --label real -o o.h5 --size 16
check "size that is no number" 2 "'abc'.*whole number" pack good -o o.h5 --size abc
check "size of zero" 2 "'0'.*expected" pack good -o o.h5 --size 0
check "shares that do not sum to one" 2 "split.*0\.5,0\.1,0\.1" pack good -o o.h5 --size 16 --split 0.5,0.1,0.1
check "unknown way to fit" 2 "'stretch': one of" pack good -o o.h5 --size 16 --fit stretch
check "unknown option" 2 "unknown option '--szie' \(did you mean '--size'" pack good -o o.h5 --szie 16
check "option without value" 2 "needs a value" pack good -o o.h5 --size
check "no output named" 2 "-o" pack good --size 16
check "output in a folder that is not there" 1 "nofolder" pack good -o nofolder/o.h5 --size 16
check "output under a file" 1 "file/o\.h5|file: " pack good -o file/o.h5 --size 16

check "shards without an index" 2 "expected a name that ends in \.yaml" pack good -o o.h5 --size 16 --shards 2
check "an index without shards" 2 "expected --shards" pack good -o o.yaml --size 16
check "shards twice" 2 "one of them was expected" pack good -o o.yaml --size 16 --shards 2 --shard-size 9
check "more shards than pictures" 1 "60 pictures do not fill 90 shards" pack good -o o.yaml --size 16 --shards 90
check "an index in the way of a network" 1 "d\.yaml: exists and is not a data set" pack good -o d.yaml --size 16 --shards 2
check "shards in a folder that is not there" 1 "nofolder" pack good -o nofolder/o.yaml --size 16 --shards 2
check "FakeAVCeleb's list without folders" 1 "avceleb/meta_data\.csv:2: folder ''; FakeAVCeleb/<type>/" pack avceleb -o o.h5 --size 16
check "ArtiFact's list with words for targets" 1 "afhq/metadata\.csv:2: target 'real'; 0 for real" pack artifact -o o.h5 --size 16
check "unknown layout" 1 "unknown layout 'cifaek' .did you mean 'cifake'" pack good -o o.h5 --size 16 --layout cifaek
check "tree of another layout" 1 "good/fake/noise/1\.ppm: not where the layout genimage has pictures: .*nature,ai" pack good -o o.h5 --size 16 --layout genimage
check "FaceForensics++ without its splits" 1 "frames/splits/train\.json: no such file; .*official splits" pack frames -o o.h5 --size 16 --layout faceforensics
check "Celeb-DF's list against its folders" 1 "List_of_testing_videos\.txt:1: Celeb-synthesis/id0_id1_0000\.mp4 is listed as real" pack celeb -o o.h5 --size 16
check "missing shard" 1 "missing_shard\.yaml:[0-9]+:[0-9]+: shard many-009\.h5 is missing" eval detector.safetensors missing_shard.yaml
check "shard named twice" 1 "twice_shard\.yaml:[0-9]+:[0-9]+: .*many-001\.h5.*twice" inspect twice_shard.yaml
check "index of a later format" 1 "later_index\.yaml:[0-9]+:[0-9]+: .*7" inspect later_index.yaml
check "index of another kind" 1 "other_kind\.yaml:[0-9]+:[0-9]+: .*sound" inspect other_kind.yaml
check "index with an empty list" 1 "no_shards\.yaml:[0-9]+:[0-9]+: .*shards" inspect no_shards.yaml
check "shard cut short" 1 "cut_shard\.yaml:[0-9]+:[0-9]+: shard cut\.h5 has [0-9]+ bytes, expected [0-9]+" pack cut_shard.yaml -o o.h5 --size 16
check "fingerprint that is none" 1 "fingerprint\.yaml:[0-9]+:[0-9]+: .*64 digits" inspect fingerprint.yaml
check "shards of another size" 1 "many-00[0-2]\.h5: pictures of 16 x 16 x 3.*other_size\.yaml expects 32 x 32" eval detector.safetensors other_size.yaml
check "shard changed since" 1 "many-000\.h5: fingerprint .*changed_shard\.yaml.*changed after" eval detector.safetensors changed_shard.yaml --split all
check "a network file as a set" 1 "d\.yaml.*not the index of a set" eval detector.safetensors d.yaml
check "no such training file" 1 "nowhere\.yaml: .*No such file" train nowhere.yaml --out o
check "YAML that does not parse" 1 "syntax\.yaml:[0-9]+:[0-9]+: " train syntax.yaml --out o
check "YAML of other bytes" 1 "bytes\.yaml" train bytes.yaml --out o
check "empty training file" 1 "nothing\.yaml" train nothing.yaml --out o
check "unknown key" 1 "unknown_key\.yaml:1:[0-9]+: .*stepps.*did you mean 'steps'" train unknown_key.yaml --out o
check "wrong type" 1 "wrong_type\.yaml:1:[0-9]+: .*many" train wrong_type.yaml --out o
check "out of bounds" 1 "bounds\.yaml:1:[0-9]+: .*-8" train bounds.yaml --out o
check "key given twice" 1 "twice\.yaml:1" train twice.yaml --out o
check "missing key" 1 "missing_key\.yaml.*discriminator" train missing_key.yaml --out o
check "shares of forgers" 1 "shares\.yaml.*(0\.7|share)" train shares.yaml --out o
check "unknown forger" 1 "unknown_forger\.yaml:5:[0-9]+: .*datasett.*'dataset'" train unknown_forger.yaml --out o
check "missing set" 1 "nowhere\.h5: .*No such file" train no_set.yaml --out o
check "training file without a set" 1 "data\.set" train unset.yaml --out o
check "truncated set" 1 "cut\.h5" train cut_set.yaml --out o
check "set that is no HDF5 file" 1 "words\.h5" train words_set.yaml --out o
check "supervised on one class" 1 "no fakes.*dataset" train one_class.yaml --out o
check "missing network" 1 "nowhere\.yaml: .*No such file" train no_net.yaml --out o
check "unknown layer" 1 "d_layer\.yaml:2:[0-9]+: .*leaky_rely.*'leaky_relu'" train d_layer.train.yaml --out o
check "unknown key of a layer" 1 "d_key\.yaml:2:[0-9]+: .*strid'.*'stride'" train d_key.train.yaml --out o
check "kernel larger than its input" 1 "d_shape\.yaml:4" train d_shape.train.yaml --out o
check "network without input" 1 "d_input\.yaml.*input" train d_input.train.yaml --out o
check "discriminator without the head" 1 "d_heads\.yaml.*detect" train d_heads.train.yaml --out o
check "generator of five channels" 1 "g_out\.yaml" train g_out.train.yaml --out o
check "override of an unknown key" 1 "run\.stepps" train supervised.yaml run.stepps=3 --out o
check "unknown calibration" 1 "'calibration' is 'plat'.*'platt'" train supervised.yaml evaluate.calibration=plat --out o
check "rates that are none" 1 "'fpr' is 0\.9, expected 1e-06 to 0\.5" train supervised.yaml 'evaluate.fpr=[0.1, 0.9]' --out o
check "override without value" 2 "runsteps" train supervised.yaml runsteps --out o
check "folder with a run" 1 "sound.*--resume" train supervised.yaml --out sound
check "resuming with other settings" 1 "sound.*other settings.*run\.batch" train supervised.yaml run.batch=4 --out sound --resume
check "resuming a truncated checkpoint" 1 "cut_run/checkpoint" train supervised.yaml --out cut_run --resume
check "run folder under a file" 1 "file" train supervised.yaml --out file/run
check "training file is a set" 1 "good\.h5" train good.h5 --out o

check "truncated detector" 1 "cut\.safetensors" detect cut.safetensors picture.jpg
check "weight that is not a number" 1 "nan\.safetensors.*(finite|NaN|not a number)" detect nan.safetensors picture.jpg
check "trailing bytes" 1 "longer\.safetensors" detect longer.safetensors picture.jpg
check "header longer than the file" 1 "length\.safetensors" detect length.safetensors picture.jpg
check "header that is not JSON" 1 "json\.safetensors" detect json.safetensors picture.jpg
check "weights without a detector's card" 1 "other\.safetensors.*detector" detect other.safetensors picture.jpg
check "empty detector" 1 "empty\.safetensors" detect empty.safetensors picture.jpg
check "missing picture" 1 "nowhere\.jpg: .*No such file" detect detector.safetensors nowhere.jpg
check "truncated picture" 1 "half\.jpg" detect detector.safetensors half.jpg
check "folder without pictures" 1 "nothing" detect detector.safetensors nothing
check "unknown threshold" 2 "eeer" detect detector.safetensors picture.jpg --threshold eeer
check "threshold that its reals can't back" 1 "FPR 0\.1 % can't be set from [0-9]+ reals: at least 2995 are needed" detect detector.safetensors picture.jpg --threshold fpr=0.001
check "prior of nothing" 2 "--prior '0': a number from" detect detector.safetensors picture.jpg --prior 0
check "calibration to an unknown method" 2 "'plat': one of" calibrate detector.safetensors good.h5 -o x.safetensors --method plat
check "calibration on a truncated set" 1 "cut\.h5" calibrate detector.safetensors cut.h5 -o x.safetensors
check "calibration for a rate its reals can't back" 1 "FPR 0\.1 % can't be set from" calibrate detector.safetensors good.h5 -o x.safetensors --fpr 0.001 --split all
check "detector missing" 2 "detector|DETECTOR|expected" detect
check "map of a truncated picture" 1 "half\.jpg" explain detector.safetensors half.jpg -o map.png
check "map of a missing picture" 1 "nowhere\.jpg: .*No such file" explain detector.safetensors nowhere.jpg -o map.png
check "map by a truncated detector" 1 "cut\.safetensors" explain cut.safetensors picture.jpg -o map.png
check "map by an unknown method" 2 "'lime': one of gradcam, integrated, occlusion" explain detector.safetensors picture.jpg -o map.png --method lime
check "map without a name" 2 "-o MAP\.png was expected" explain detector.safetensors picture.jpg
check "map under another suffix" 2 "-o MAP\.png was expected .*not 'map\.jpg'" explain detector.safetensors picture.jpg -o map.jpg
check "one map of a folder" 2 "-o DIR was expected for the folder 'good'" explain detector.safetensors good -o map.png
check "maps of a folder without pictures" 1 "nothing: no pictures" explain detector.safetensors nothing -o maps
check "map in a folder that is not there" 1 "nofolder" explain detector.safetensors picture.jpg -o nofolder/map.png
check "map in its picture's place" 2 "another place than './photo\.png' itself" explain detector.safetensors ./photo.png -o "$work/photo.png"
check "maps among their pictures" 2 "another place than 'good', and outside of it" explain detector.safetensors good -o ./good/maps/deep
check "map of two pictures" 2 "a picture or folder, 3 given" explain detector.safetensors picture.jpg picture.jpg -o map.png
check "scores that are words" 1 "word\.scores:3: score 'high'; a finite number" eval --scores word.scores
check "scores that are no numbers" 1 "nan\.scores:3: score 'nan'; a finite number" eval --scores nan.scores
check "scores beyond all numbers" 1 "huge\.scores:3: score '1e999'; a finite number" eval --scores huge.scores
check "scores left out" 1 "blank\.scores:3: score ''; a finite number" eval --scores blank.scores
check "scores with an unknown label" 1 "label\.scores:3: fake 'maybe'; 0 or 1" eval --scores label.scores
check "scores with clips by name" 1 "clip\.scores:3: clip 'first'; .*whole number" eval --scores clip.scores
check "scores with too few fields" 1 "few\.scores:3: 4 fields; 6 were expected" eval --scores few.scores
check "scores with too many fields" 1 "many\.scores:3: 8 fields; 6 were expected" eval --scores many.scores
check "scores with an open quote" 1 "quote\.scores:3: a quoted field without an end" eval --scores quote.scores
check "scores of one class" 1 "class\.scores has 2 reals and 0 fakes" eval --scores class.scores
check "scores under other names" 1 "columns\.scores:1: a header with the column score" eval --scores columns.scores
check "scores in an empty file" 1 "empty\.scores" eval --scores empty.scores
check "scores with a zero byte" 1 "zero\.scores: not a text file" eval --scores zero.scores
check "ASVspoof's lines without a score" 1 "words\.scores:2: four words" eval --scores words.scores
check "ASVspoof's lines with another key" 1 "key\.scores:2: key 'spoofed'; bonafide or spoof" eval --scores key.scores
check "ASVspoof's scores that are words" 1 "low\.scores:2: score 'low'; a finite number" eval --scores low.scores
check "scores that are not there" 1 "nowhere\.csv" eval --scores nowhere.csv
check "scores that are words, beside a detector" 1 "word\.scores:3: score 'high'" eval detector.safetensors good.h5 --scores word.scores
check "evaluation of one class" 1 "one_class_folder.*(fake|class)|(fake|class).*one_class_folder" eval detector.safetensors one_class_folder --out e
check "evaluation of a truncated set" 1 "cut\.h5" eval detector.safetensors cut.h5 --out e
check "evaluation on an unknown split" 2 "'tets': one of" eval detector.safetensors good.h5 --split tets
check "evaluation of an empty file" 1 "empty\.h5" eval detector.safetensors empty.h5
check "export to an unknown suffix" 2 "detector\.xyz" export detector.safetensors -o detector.xyz
check "export of nothing" 1 "nowhere" export nowhere.safetensors -o x.onnx
check "export into a missing folder" 1 "nofolder" export detector.safetensors -o nofolder/x.onnx
check "generator of a supervised run" 1 "generator" export sound --generator -o x.onnx
mkdir scored
echo 'path,score,fake
a,0.25,0
b,0.75,1' >scored/scores.csv
ln -s scored/scores.csv link.csv
check "scores over those that are read" 2 "--out 'scored/scores\.csv': another place than 'scored/scores\.csv' itself" eval --scores scored/scores.csv --out scored
check "scores over those that a link names" 2 "another place than 'link\.csv' itself" eval --scores link.csv --out ./good/../scored
check "a detector's own place" 2 "-o .*: another place than '\./detector\.safetensors' itself" export ./detector.safetensors -o "$work/detector.safetensors"
check "a run's own checkpoint" 2 "another place than 'game/checkpoint\.safetensors' itself" export game --generator -o game/../game/checkpoint.safetensors
check "a time line over its network" 2 "--trace 'd\.yaml': another place than '\./d\.yaml' itself" bench ./d.yaml --trace d.yaml
check "no samples" 2 "'0'" generate game -o o.png -n 0
LC_ALL=C sed 's/{out: 3, kernel: 4/{out: 2, kernel: 4/' game/checkpoint.safetensors >two.safetensors
LC_ALL=C sed 's/tanh/tnah/' game/checkpoint.safetensors >word.safetensors
check "samples of two channels" 1 "two\.safetensors: its generator makes \[.*, 2\], expected pictures: \[height, width, 1 or 3\]" generate two.safetensors -o o.png
check "export of a generator of two channels" 1 "two\.safetensors: its generator makes" export two.safetensors --generator -o o.onnx
check "samples of a checkpoint with an unknown layer" 1 "word\.safetensors: .*unknown layer 'tnah'" generate word.safetensors -o o.png
check "samples of a supervised run" 1 "generator" generate sound -o o.png -n 4 --grid
check "inspection of words" 1 "file: " inspect file
check "inspection of a folder" 1 "a folder" inspect game
for page in layers config study-file; do check "Markdown as JSON" 2 "--json is of a file; --$page is Markdown" inspect --json --$page; done
check "bench of a set" 1 "good\.h5" bench good.h5
check "bench of an impossible network" 1 "d_shape\.yaml:4" bench d_shape.yaml
check "bench of a network with settings" 1 "KEY=VALUE" bench "$FOIL_SOURCE/configs/nets/meso4.yaml" run.batch=1

# A disk that is full
mkdir full
if mount -t tmpfs -o size=64k tmpfs full 2>/dev/null; then
    head -c 1M /dev/zero >full/filler 2>/dev/null
    check "set on a full disk" 1 "full.*No space left" pack good -o full/o.h5 --size 16
    check "samples on a full disk" 1 "full.*No space left" generate game -o full/o.png -n 64 --grid
    check "export on a full disk" 1 "full.*No space left" export detector.safetensors -o full/o.onnx
    check "run on a full disk" 1 "full.*No space left" train supervised.yaml --out full
    umount full
    mount -t tmpfs -o ro tmpfs full
    check "set on a read-only disk" 1 "full.*Read-only" pack good -o full/o.h5 --size 16
    check "run on a read-only disk" 1 "full.*Read-only" train supervised.yaml --out full/run
    umount full
else
    skipped=6
fi

# A shell's limit to the size of files
printf '#!/bin/sh\nulimit -f 8\nexec "%s" "$@"\n' "$FOIL" >limited && chmod +x limited && FOIL=./limited
check "set beyond the limit" 1 "o\.h5: can.t be written: File too large" pack good -o o.h5 --size 16
check "samples beyond the limit" 1 "o\.png: .*File too large" generate game -o o.png -n 64 --grid
echo "$count broken inputs, $failures not met as they should${skipped:+, $skipped need the right to mount}"
[ "$failures" = 0 ]
