"""Reads what bench/division/recorder.c wrote of a program that repeats a step: how evenly the step is divided over threads."""
import bisect
import collections
import statistics
import struct
import subprocess
import sys

RECORD = struct.Struct("=QIIHBBI")
ALONE, WORK, TASK = range(3)


def regions(path):
    """Each region's function, and what it is made of: [(kind, phase, thread, seconds)], in the order in which they began."""
    functions, parts = {}, collections.defaultdict(list)
    with open(path, "rb") as f:
        for region, function, nanoseconds, thread, phase, kind, _ in RECORD.iter_unpack(f.read()):
            functions[region] = max(function, functions.get(region, 0))
            parts[region].append((kind, phase, thread, 1e-9 * nanoseconds))
    order = sorted(parts)
    return [functions[r] for r in order], [parts[r] for r in order]


def repeated(functions):
    """Where the longest stretch of equal steps begins, how many regions a step has, how many steps there are."""
    n = len(functions)
    for length in range(20, n // 2):
        best = begin = end = 0
        for i in range(n - length + 1):
            if i < n - length and functions[i] == functions[i + length]:
                continue
            if i - begin > best:
                best, end = i - begin, i
            begin = i + 1
        if best >= length and len(set(functions[end - length : end])) > 5:
            steps = best // length + 1
            return end + length - steps * length, length, steps
    sys.exit("found no step that repeats")


def longest(tasks, threads):
    """When the last of them is done, if who is free takes the next one."""
    free = [0.0] * threads
    for task in sorted(tasks, reverse=True):
        free[free.index(min(free))] += task
    return max(free)


def divide(steps, threads):
    """Of one region, from all steps: the time before it, the work in it, the time that it takes if all threads have a core."""
    each = collections.defaultdict(list)
    for parts in steps:
        sums, tasks = collections.Counter(), collections.defaultdict(list)
        for kind, phase, thread, seconds in parts:
            if kind == TASK:
                tasks[phase].append(seconds)
            else:
                sums[kind, phase, thread] += seconds
        for key, seconds in sums.items():
            each[key].append(seconds)
        for phase, some in tasks.items():
            each[TASK, phase, 0].append(sorted(some))
    alone, work, takes = 0.0, 0.0, collections.Counter()
    for (kind, phase, _), values in each.items():
        if kind == ALONE:
            alone = statistics.median(values)
        elif kind == WORK:
            seconds = statistics.median(values)
            work += seconds
            takes[phase] = max(takes[phase], seconds)
        else:
            tasks = [statistics.median(of_task) for of_task in zip(*(v for v in values if len(v) == len(values[0])))]
            work += sum(tasks)
            takes[phase] = max(takes[phase], longest(tasks, threads))
    return alone, work, sum(takes.values())


def names(program):
    symbols = []
    for line in subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] in "tT":
            symbols.append((int(fields[0], 16), fields[2].split("._omp_fn")[0]))
    return sorted(symbols)


def main():
    path, program, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    functions, parts = regions(path)
    begin, length, steps = repeated(functions)
    symbols = names(program)
    alone, by_name = 0.0, collections.defaultdict(lambda: [0, 0.0, 0.0])
    for i in range(length):
        before, work, takes = divide([parts[begin + s * length + i] for s in range(steps)], threads)
        alone += before
        at = bisect.bisect(symbols, (functions[begin + i], "~")) - 1
        known = at >= 0 and symbols[at][0] == functions[begin + i]
        row = by_name[symbols[at][1] if known else "libraries"]
        row[0] += 1
        row[1] += work
        row[2] += takes
    work, takes = sum(r[1] for r in by_name.values()), sum(r[2] for r in by_name.values())
    print(f"{threads} threads: {1e3 * (work + alone):.1f} ms of work, {1e3 * alone:.1f} of it by one thread; {1e3 * (takes + alone):.2f} ms if all had a core: "
          f"efficiency {(work + alone) / (takes + alone) / threads:.3f}")
    for name, (n, work, takes) in sorted(by_name.items(), key=lambda r: r[1][1] / threads - r[1][2]):
        print(f"  {name:28} {n:4} regions {1e3 * work:8.2f} ms of work, {work / takes / threads:.2f}, lost {1e3 * (takes - work / threads):.3f} ms")


main()
