#!/bin/sh
# clang-format on every file of ours; clang-tidy on those that changed since it last passed. Needs a configured build folder: lint.sh BUILD
set -eu
build=$1
sources=$(git ls-files --cached --others --exclude-standard '*.c' '*.h' ':!third_party')
unformatted=$(for source in $sources; do clang-format --dry-run --Werror "$source" 2>/dev/null || echo "$source"; done)
[ -z "$unformatted" ] || { echo "not formatted (clang-format -i mends it):" $unformatted >&2; exit 1; }
mkdir -p "$build/tidy"
todo=
newest_header=$(ls -t $(git ls-files --cached --others --exclude-standard '*.h') .clang-tidy | head -1)
for source in $(echo "$sources" | grep '\.c$'); do
    passed=$build/tidy/$(echo "$source" | tr / _)
    [ "$passed" -nt "$source" ] && [ "$passed" -nt "$newest_header" ] || todo="$todo $source"
done
# OpenMP's header is gcc's: looked for last, so that clang's own come first
gcc_headers=$(gcc -print-file-name=include)
export build gcc_headers
echo $todo | xargs -r -n 1 -P "$(nproc)" sh -c '
    clang-tidy --quiet -p "$build" --extra-arg=-idirafter"$gcc_headers" "$0" 2>/dev/null &&
    : >"$build/tidy/$(echo "$0" | tr / _)"'
