#!/bin/sh
# Names that somebody else chose: control characters in them are shown to people, not sent to their terminals; programs read them as they are, and JSON loses
# none that is no UTF-8.
set -eu
export LC_ALL=C
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "$1: $(cat -v "${2:-shown}")" >&2; exit 1; }
escape=$(printf '\033') tab=$(printf '\t')
name=$(printf 'b\303\244r\tin\033[31m\r\302\233m') shown="bär${tab}in\\\\x1b\\[31m\\\\x0d.\\\\x9bm"
mkdir -p pictures/real/camera "pictures/fake/$name"
for i in 1 2 3 4; do
    printf 'P5\n8 8\n255\n%064d' "$i" >"pictures/real/camera/$i.pgm"
    printf 'P5\n8 8\n255\n%064d' "1$i" >"pictures/fake/$name/$i.pgm"
done
"$FOIL" pack pictures -o set.h5 --size 8 --quiet >/dev/null
terminal() { script -qec "$1" /dev/null </dev/null | tr -d '\r' >shown; } # which are at the ends of its lines

terminal '"$FOIL" inspect set.h5'
grep -aq "^fake   $shown " shown || fail "a method's name in a table"
grep -q "$escape" shown && fail "a control character on a terminal"
"$FOIL" inspect set.h5 >read
grep -qF "$name" read || fail "a method's name in a pipe" read
status=0
"$FOIL" inspect "$name" 2>shown || status=$?
[ $status = 1 ] && grep -aq "^foil inspect: $shown: " shown || fail "a message"
status=0
"$FOIL" "$name" 2>shown || status=$?
[ $status = 2 ] && grep -aq "unknown command '$shown'" shown || fail "a word that is no command"

# The bar is drawn as before.
terminal '"$FOIL" pack pictures -o again.h5 --size 8'
grep -aq "packing .*$escape\[K" shown || fail "a bar without an end of its line"

latin=$(printf 'caf\351')
mv "pictures/fake/$name" "pictures/fake/$latin"
"$FOIL" pack pictures -o "$latin.h5" --size 8 --quiet >/dev/null
"$FOIL" inspect --json "$latin.h5" >shown
grep -qF '"method": "caf\\xe9"' shown && grep -qF '"file": "caf\\xe9.h5"' shown || fail "a name that is no UTF-8"
