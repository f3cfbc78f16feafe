#!/bin/sh
# Ranks keep what base/ranks.h promises: as one, as two, as three; with a rank that can share no memory, one that fails, one that fails alone, and one that dies.
set -eu
. "$FOIL_SOURCE/tests/mpirun.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tool=$FOIL_BUILD/tests/tool_ranks

"$tool" >"$folder/out"
diff "$folder/out" - <<END
all as promised
1 ranks
END
for n in 2 3; do
    ranks $n "$tool" >"$folder/out"
    printf 'all as promised\n%d ranks\n' $n | diff "$folder/out" -
done

ranks 3 "$tool" apart 1 >"$folder/out"
printf 'all as promised\n3 ranks\n' | diff "$folder/out" -

got=0
ranks 3 "$tool" fail 1 >"$folder/out" 2>"$folder/message" || got=$?
[ $got -eq 1 ]
printf 'rank 1 of 3: the disk is full\n3 ranks\n' | diff "$folder/out" -

got=0
ranks 3 "$tool" alone 2 >"$folder/out" 2>"$folder/message" || got=$?
[ $got -ne 0 ]
grep -q "nobody else knows" "$folder/out"

got=0
ranks 2 "$tool" die 1 >"$folder/out" 2>"$folder/message" || got=$?
[ $got -ne 0 ]
grep -q "signal 9" "$folder/message"
echo "sums, gathering and failures of 1 to 3 ranks"
