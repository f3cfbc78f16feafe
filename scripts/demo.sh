#!/bin/sh
# From photographs to a shipped detector in minutes, on a fresh Debian 12: installs what is missing, builds, packs patches of photographs, trains a generator
# against a discriminator, and shows how well the detector does on photographs it never saw and on a generator it never met. A second call does only what is
# missing. Everything lands in build/ and build/demo/.
set -eu
cd "$(dirname "$0")/.."
steps=9
. scripts/steps.sh
began=$(date +%s)
foil=build/release/foil demo=build/demo
once() { # FILE COMMAND...: the command makes the file; not again if it is there
    made=$1
    shift
    if [ -e "$made" ]; then echo "$made is there"; else "$@"; fi
}
train() { # FOLDER OVERRIDES...: goes on with a run that was cut short
    folder=$1
    shift
    if [ -e "$folder/finished" ]; then
        echo "$folder is there"
        return
    fi
    "$foil" train configs/train/demo.yaml "data.set=$demo/photographs.h5" "$@" --out "$folder" --resume
    : >"$folder/finished"
}
samples() { # RUN FOLDER NUMBER SEED: the folder is whole or not there
    rm -rf "$2.part"
    "$foil" generate "$1" -o "$2.part" -n "$3" --seed "$4" --quiet >/dev/null
    mkdir -p "$(dirname "$2")"
    mv "$2.part" "$2"
}

say "Debian packages, two of them photographs"
sh scripts/packages.sh lomiri-wallpapers-16.04 mate-backgrounds

say "Build"
configure_release
build build/release foil
"$foil" --version

say "Patches of photographs are the reals; a photograph's patches stay together in training, validation or test (there, enough of them for intervals)"
mkdir -p $demo
once $demo/photographs.h5 "$foil" pack /usr/share/backgrounds/*_by_*.jpg /usr/share/backgrounds/mate/nature/*.jpg --label real --method photograph \
    --size 32 --patches 400 --patch-scale 0.5 --split 0.5,0.1,0.4 -o $demo/photographs.h5

say "Training: a generator against a discriminator whose second head learns to detect it"
train $demo/run
grid=$(ls $demo/run/samples/*.png | tail -1)
echo "what the generator makes now: $grid"

say "Export"
for suffix in onnx safetensors npz; do once $demo/detector.$suffix "$foil" export $demo/run -o $demo/detector.$suffix; done
ls -l $demo/detector.*

say "Another generator, of another architecture, that the detector never met"
train $demo/other generator=configs/nets/upsample32-g.yaml game.loss=hinge forgers= run.seed=2 run.steps=1000

say "A test set: photographs never seen, and samples of both generators"
once $demo/samples/fake/opponent samples $demo/run $demo/samples/fake/opponent 1000 3
once $demo/samples/fake/stranger samples $demo/other $demo/samples/fake/stranger 1000 3
once $demo/test.h5 "$foil" pack $demo/photographs.h5 $demo/samples --size 32 --split 0,0,1 -o $demo/test.h5 --quiet

say "Evaluation"
"$foil" eval $demo/detector.safetensors $demo/test.h5 --out $demo/report
echo "opponent: the generator it trained against; stranger: the one it never met. 0.5 is guessing. A detector of one small opponent may well fail on a stranger."

say "Scores of single files: samples of both generators, and whole photographs made small"
"$foil" detect $demo/detector.safetensors $demo/samples/fake/*/00000[0-2].png /usr/share/backgrounds/mate/nature/[DG]*.jpg

cat <<END

Done in $(($(date +%s) - began)) seconds. Made:
  $demo/photographs.h5          the data set: h5py opens it
  $demo/run/                    the training run: config.yaml, log.jsonl, TensorBoard events, checkpoints
  $grid   samples of its generator
  $demo/detector.safetensors    the detector: foil detect $demo/detector.safetensors FILE...
  $demo/detector.onnx, .npz     the same for ONNX runtimes and for NumPy
  $demo/samples/                of the generator it trained against and of the one that it never met
  $demo/test.h5                 those and the photographs, all that is evaluated
  $demo/report/report.html      how good it is, for people: open it in a browser; beside it metrics.json and a score for each test picture
  $demo/run/report.html         how the training went
END
