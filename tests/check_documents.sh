#!/bin/sh
# docs/layers.md, docs/config.md and docs/study-file.md are what the program says about itself.
bad=0
for page in layers config study-file; do
    "$FOIL" inspect --$page | diff -u "$FOIL_SOURCE/docs/$page.md" - || {
        echo "docs/$page.md is out of date: foil inspect --$page >docs/$page.md" >&2
        bad=1
    }
done
exit $bad
