#!/bin/sh
# Killed with SIGKILL at random moments and resumed, a run ends with the checkpoint and the detector of one that was never disturbed, byte for byte.
# KILLS: how often, at each number of THREADS.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$FOIL_BUILD/tests/tool_set" "$folder/set.h5" 32 120 3
cat >"$folder/g.yaml" <<'NET'
input: {latent: 16}
layers:
  - linear: 256
  - reshape: [16, 4, 4]
  - repeat:
      for: {width: [16, 16, 8]}
      layers:
        - conv_transpose: {out: $width, kernel: 4, stride: 2, pad: 1, bias: false}
        - batch_norm
        - relu
  - conv: {out: 3, kernel: 3, pad: 1}
  - tanh
NET
cat >"$folder/d.yaml" <<'NET'
input: {image: [32, 32, 3]}
layers:
  - repeat:
      for: {width: [8, 16, 16]}
      layers:
        - conv: {out: $width, kernel: 4, stride: 2, pad: 1, spectral_norm: true}
        - leaky_relu
  - dropout: 0.2
heads:
  game: {layers: [{conv: {out: 1, kernel: 4}}]}
  detect: {layers: [{global_pool: mean}, {linear: 1}]}
NET
cat >"$folder/run.yaml" <<'RUN'
run: {steps: 150, batch: 8}
data: {set: set.h5, augment: [flip, {crop: {shift: 2}}]}
generator: g.yaml
discriminator: d.yaml
game: {loss: hinge, d_steps: 2, penalty: {r1: {weight: 0.1, every: 4}}, ema: {decay: 0.9, start: 10}}
detect: {augment: [flip, {jpeg: {quality: [60, 100], p: 0.5}}]}
optimizer: {adam: {lr: 1e-3, beta1: 0.5, schedule: linear, warmup: 5}}
forgers: [{generator: {share: 0.5}}, {replay: {share: 0.25, keep: 3, every: 12}}, {dataset: {share: 0.25}}]
checkpoint: {every: 7}
log: {every: 3, samples: 40}
evaluate: {every: 30}
RUN
train() { exec "$FOIL" train "$folder/run.yaml" --quiet --threads "$threads" "$@" >/dev/null; }
now() { date +%s.%N; }
# What a run must have ended with: files, and the steps that its log holds.
ending() { (cd "$1" && sha256sum checkpoint.safetensors best.safetensors samples/*.png config.yaml && cut -d, -f1 log.jsonl); }

for threads in ${THREADS:-1 2}; do
    begin=$(now)
    (train --out "$folder/whole")
    seconds=$(awk "BEGIN { print $(now) - $begin }")
    ending "$folder/whole" >"$folder/expected"
    kills=0 begun=0
    while [ $kills -lt "${KILLS:-3}" ]; do
        begun=$((begun + 1))
        (train --resume --out "$folder/killed") &
        process=$!
        sleep "$(awk "BEGIN { srand($begun + 100 * $threads); print rand() * $seconds }")"
        kill -KILL $process 2>/dev/null && kills=$((kills + 1))
        wait $process 2>/dev/null || true
        (train --resume --out "$folder/killed")
        ending "$folder/killed" >"$folder/got"
        diff "$folder/expected" "$folder/got"
        rm -rf "$folder/killed"
    done
    echo "$threads threads: killed $kills times, $kills equal checksums"
    rm -rf "$folder/whole"
done
