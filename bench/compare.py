"""What bench/compare.sh compares, and the tables that it prints."""
import os
import sys

import work
from tables import Tables
from turns import Settings, take_turns


def main():
    foil, names = sys.argv[1], sys.argv[2:] or list(work.KINDS)
    settings = Settings()
    for name in names:
        if name.split("/")[0] not in work.KINDS:
            sys.exit(f"compare.sh: '{name}' was not expected; known: {', '.join(work.KINDS)}")
    with open(os.path.join(settings.out, "records.jsonl"), "a") as log, open(os.path.join(settings.out, "table.md"), "w") as file:
        tables = Tables((sys.stdout, file))
        for kind, pieces in work.KINDS.items():
            for piece, programs in pieces.items():
                if any(f"{kind}/{piece}/".startswith(n + "/") for n in names):
                    tables.add(f"{kind}/{piece}", take_turns(settings, kind, piece, programs(foil, settings), log))
        tables.end()


main()
