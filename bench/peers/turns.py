"""What every peer does: get ready, say so, and then measure whenever it is told to, so that peers that take long to get ready can take turns."""
import json
import statistics
import sys
import time

RUNS_MIN = 3


def peak_resident_mb():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) * 1024 / 1e6


def say(record):
    print(json.dumps(record), flush=True)


def serve(run, **facts):
    """`run` does the work once. A line of stdin is a number of seconds to measure for; the answer is one JSON object."""
    run()
    run()
    say(facts)
    for line in sys.stdin:
        run()
        took, start = [], time.perf_counter()
        while len(took) < RUNS_MIN or time.perf_counter() - start < float(line):
            begin = time.perf_counter()
            run()
            took.append(time.perf_counter() - begin)
        say({"seconds": statistics.median(took), "runs": len(took), "peak_resident_mb": peak_resident_mb()})
