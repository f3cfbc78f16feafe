#!/bin/sh
# clang-format on every file of ours; clang-tidy on those that changed since it last passed. Needs a configured build folder: lint.sh BUILD
set -eu
build=$1
files() { git ls-files --cached --others --exclude-standard "$@" ':!third_party'; }
unformatted=$(for file in $(files '*.c' '*.h'); do clang-format --dry-run --Werror "$file" 2>/dev/null || echo "$file"; done)
[ -z "$unformatted" ] || { echo "not formatted (clang-format -i mends it):" $unformatted >&2; exit 1; }

mkdir -p "$build/tidy"
newest_header=$(ls -t $(files '*.h') .clang-tidy | head -1)
for source in $(files '*.c'); do
    passed=$build/tidy/$(echo "$source" | tr / _)
    [ "$passed" -nt "$source" ] && [ "$passed" -nt "$newest_header" ] || echo "$source" "$passed"
done | xargs -r -n 2 -P "$(nproc)" sh -c '
    if clang-tidy --quiet -p "$0" "$1" >"$2.log" 2>/dev/null; then : >"$2"; else grep -E "(warning|error):" "$2.log"; exit 1; fi' "$build"
