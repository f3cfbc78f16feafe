"""What bench/compare.sh compares, and the tables that it prints."""
import os
import sys

import work
from tables import Tables
from turns import Records, Settings, take_turns


def main():
    foil, names = sys.argv[1], sys.argv[2:] or list(work.KINDS)
    settings = Settings()
    for name in names:
        if name.split("/")[0] not in (*work.KINDS, "report"):
            sys.exit(f"compare.sh: '{name}' was not expected; known: {', '.join(work.KINDS)}, report")
    records = Records(settings)
    every = {f"{kind}/{piece}": programs for kind, pieces in work.KINDS.items() for piece, programs in pieces.items()}
    for piece, programs in every.items():
        if any(f"{piece}/".startswith(n + "/") for n in names):
            print(f"{piece} …", file=sys.stderr, flush=True)
            take_turns(settings, piece, programs(foil, settings), records)
    with open(os.path.join(settings.out, "table.md"), "w") as file:
        tables = Tables((sys.stdout, file))
        for piece in every:
            tables.add(piece, records.medians(piece))
        tables.end()


main()
