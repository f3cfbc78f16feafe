#!/bin/sh
# bench/compare.sh, bench/growth.sh and bench/division.sh run, and the first finds that everybody does the same work. How fast they do it is not looked at.
"${FOIL_PYTHON:-false}" -c 'import torch, safetensors, yaml, onnx, onnxruntime, openvino, PIL' 2>/dev/null || {
    echo "skipped: no FOIL_PYTHON with PyTorch, ONNX Runtime and OpenVINO"
    exit 77
}
set -eu
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work"
export ROUNDS=1 PIECE=0.01 OMP_WAIT_POLICY=passive FILES=12 OUT=out
fail() { echo "$1" >&2; cat table growth message >&2 2>/dev/null; exit 1; }

MODES="foil f32*,foil loader,pytorch f32,onnxruntime f32,openvino f32,the training*f32" sh "$FOIL_SOURCE/bench/compare.sh" "$FOIL" "$FOIL_PYTHON" \
    training/dcgan32 inference/dcgan64-d/1 start/dcgan64-d folder/dcgan64-d loader/dcgan32 >table 2>message || fail "compare.sh failed"
! grep -E 'failed|not the same' message || fail "compare.sh complains"
[ "$(grep -c '^| ' table)" = 27 ] || fail "compare.sh: a mode is missing"
[ "$(grep -c '"seconds": [0-9.e-]*[1-9]' out/records.jsonl)" = 16 ] || fail "compare.sh: a record is missing"
cmp table out/table.md || fail "compare.sh: the table that it prints is not the one that it keeps"

BATCHES="2 4" COUNTS="1 2" STEPS=dcgan32 TYPES=f32 CORES=0,1 PLOTS=plots sh "$FOIL_SOURCE/bench/growth.sh" "$FOIL" "$FOIL_PYTHON" >growth 2>message || fail "growth.sh failed"
[ ! -s message ] || fail "growth.sh complains"
for plot in time memory threads; do
    "$FOIL_PYTHON" -c 'import sys, xml.dom.minidom as x; assert x.parse(sys.argv[1]).getElementsByTagName("circle")' plots/growth-$plot.svg || fail "growth-$plot.svg"
done
! sh "$FOIL_SOURCE/bench/compare.sh" "$FOIL" "$FOIL_PYTHON" nonsense 2>message && grep -q nonsense message || fail "compare.sh takes any name"

BATCH=4 COUNTS="1 2" TYPES=f32 sh "$FOIL_SOURCE/bench/division.sh" "$(dirname "$FOIL")" "$FOIL_PYTHON" "$FOIL_SOURCE/configs/train/dcgan32.yaml" >division 2>message ||
    { cat division; fail "division.sh failed"; }
[ "$(grep -cE '^[12] threads: .* efficiency (1|0\.[0-9]*[1-9])' division)" = 2 ] && grep -q ' run_pictures  *[1-9][0-9]* regions .* ms of work' division ||
    { cat division; fail "division.sh says nothing"; }
