#!/bin/sh
# docs/layers.md, docs/config.md, docs/study-file.md and the table of docs/robustness.md are what the program says about itself.
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
exit $bad
