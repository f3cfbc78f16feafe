#!/bin/sh
# The house has floors: no file includes a header of a floor above its own. And what else grep can see of the architecture: one file knows oneDNN, one YAML's parser;
# only cli/ prints or exits; no file grows beyond what one reads in a sitting. With a folder as argument it checks that tree; without, the sources, and that
# it can fail at all.
cd "${1:-$FOIL_SOURCE}" || exit 1
floor_of() {
    case $1 in
    foil.h | base/*) echo 0 ;;
    nn/*) echo 1 ;;
    data/*) echo 2 ;;
    gan/* | datasets/*) echo 3 ;;
    eval/*) echo 4 ;;
    train/* | export/*) echo 5 ;;
    cli/*) echo 6 ;;
    esac
}
bad=0
complain() {
    echo "$*" >&2
    bad=1
}
only() { # PATTERN WHERE-ALLOWED WHAT
    found=$(grep -rlE "$1" --include='*.[ch]' base nn data gan datasets eval train export cli 2>/dev/null | grep -vE "^($2)")
    [ -z "$found" ] || complain "$3:" $found
}

for file in $(find base nn data gan datasets eval train export cli -name '*.[ch]' 2>/dev/null); do
    own=$(floor_of "$file")
    for header in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
        case $header in *.pb-c.h) continue ;; esac
        [ -f "$header" ] || complain "$file: includes \"$header\", which is not written from the root"
        other=$(floor_of "$header")
        [ -n "$other" ] && [ "$other" -le "$own" ] || complain "$file (floor $own) includes $header (floor ${other:-none})"
    done
    [ "$(wc -l <"$file")" -le 520 ] || complain "$file: $(wc -l <"$file") lines"
done
only '#include [<"](dnnl|oneapi/dnnl)' 'nn/dnnl(_versions)?\.[ch]$' 'knows oneDNN besides nn/dnnl.c'
only '#include <libfyaml' 'base/yaml\.c$' 'knows libfyaml besides base/yaml.c'
only '(^|[^a-z_])(exit|_exit|abort|printf|puts|putchar|perror) ?\(|f(printf|puts|write)\([^;]*(stdout|stderr)' 'cli/' 'prints or exits outside cli/'

if [ $# = 0 ]; then # the check must be able to see each kind of fault
    tree=$(mktemp -d) && trap 'rm -rf "$tree"' EXIT
    mkdir -p "$tree/base" "$tree/cli" "$tree/nn" && : >"$tree/cli/cli.h"
    for fault in '#include "cli/cli.h"' '#include "cli.h"' '#include <dnnl.h>' 'void f(void) { exit(1); }' 'void f(void) { fputs("x", stderr); }'; do
        echo "$fault" >"$tree/base/fault.c"
        sh "$0" "$tree" 2>/dev/null && complain "not noticed: $fault"
    done
    seq 600 | sed 's|.*|// &|' >"$tree/base/fault.c"
    sh "$0" "$tree" 2>/dev/null && complain "not noticed: a file of 600 lines"
    : >"$tree/base/fault.c"
    sh "$0" "$tree" || complain "a clean tree was refused"
fi
exit $bad
