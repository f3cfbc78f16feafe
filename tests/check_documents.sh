#!/bin/sh
# docs/layers.md, docs/config.md, docs/study-file.md and the table of docs/robustness.md are what the program says about itself; a training file is the same in YAML and JSON.
bad=0
for page in layers config study-file; do
    "$FOIL" inspect --$page | diff -u "$FOIL_SOURCE/docs/$page.md" - || {
        echo "docs/$page.md is out of date: foil inspect --$page >docs/$page.md" >&2
        bad=1
    }
done
"$FOIL" eval --perturb list | grep -Fvx -f "$FOIL_SOURCE/docs/robustness.md" && {
    echo "docs/robustness.md lacks these lines of foil eval --perturb list" >&2
    bad=1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed "s/^run:.*/run: {name: '12', seed: 12, steps: +40, batch: 8}/; s/lr: [0-9.e-]*/lr: 2.5e-05/" "$FOIL_SOURCE/configs/train/supervised.yaml" >"$work/t.yaml"
"$FOIL" inspect "$work/t.yaml" --json | tr -d ' \n' >"$work/json"
for part in '{"run":{"name":"12","seed":12,"steps":40,"batch":8,' '"adam":{"lr":2.5' '"augment":["flip"' '"amount":1,'; do
    grep -qF "$part" "$work/json" || {
        echo "foil inspect --json of a training file lacks $part: $(cat "$work/json")" >&2
        bad=1
    }
done
exit $bad
