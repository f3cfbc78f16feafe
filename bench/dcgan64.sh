#!/bin/sh
# A DCGAN-64 step in Foil and in PyTorch, in turns on the same cores: images/s and peak memory, medians over the rounds.
# usage: bench/dcgan64.sh FOIL PYTHON [ROUNDS] (threads: THREADS, default 2; batch: BATCH, default 64)
set -eu
foil=$1 python=$2 rounds=${3:-3} threads=${THREADS:-2} batch=${BATCH:-64}
here=$(cd "$(dirname "$0")" && pwd)
results=$(mktemp) && trap 'rm -f "$results" "$results.one"' EXIT
pin="taskset -c 0-$((threads - 1))"

measure() { # NAME COMMAND...: one line "NAME images/s MB"
    name=$1
    shift
    if OMP_NUM_THREADS=$threads $pin "$@" >"$results.one" 2>/dev/null; then
        tr -d ' \n' <"$results.one" | sed -E "s/.*\"images_per_second\":([0-9.e+]+).*\"peak_resident_mb\":([0-9.e+]+).*/$name \1 \2/" >>"$results"
        echo >>"$results"
    else
        echo "$name failed" >&2
    fi
}
for round in $(seq "$rounds"); do
    for precision in f32 bf16; do
        measure "foil-$precision" "$foil" bench "$here/../configs/train/dcgan64.yaml" --precision $precision --batch "$batch" --threads "$threads" --seconds 8 --json
    done
    for mode in f32 f32-compiled bf16-autocast bf16-pure; do
        measure "pytorch-$mode" "$python" "$here/pytorch_dcgan.py" --mode $mode --batch "$batch" --threads "$threads"
    done
done
sort "$results" | awk '
    function median(list, n, v) { split(list, v, " "); for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (v[j] + 0 < v[i] + 0) { t = v[i]; v[i] = v[j]; v[j] = t }
        return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2 }
    { speeds[$1] = speeds[$1] " " $2; n[$1]++; if ($3 > peak[$1]) peak[$1] = $3 }
    function best(prefix, name, b) { b = 0; for (name in n) if (index(name, prefix) == 1 && speed[name] > b) b = speed[name]; return b }
    END {
        for (name in n) speed[name] = median(speeds[name], n[name])
        printf "%-22s %10s %10s %10s\n", "", "images/s", "peak MB", "of PyTorch"
        split("foil-f32 pytorch-f32 pytorch-f32-compiled foil-bf16 pytorch-bf16-autocast pytorch-bf16-pure", order, " ")
        for (k = 1; k <= 6; k++) if (order[k] in n) {
            name = order[k]
            ratio = name == "foil-f32" ? speed[name] / best("pytorch-f32") : name == "foil-bf16" ? speed[name] / best("pytorch-bf16") : 0
            printf "%-22s %10.1f %10.0f %10s\n", name, speed[name], peak[name], ratio ? sprintf("%.2f x", ratio) : ""
        }
    }'
