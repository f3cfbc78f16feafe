"""What bench/growth.sh measures and draws."""
import os
import sys

from plot import plot
from turns import Program, Records, Settings, take_turns
from work import CONFIGS, STEPS, read_bench


class Growth:
    def __init__(self, foil):
        self.foil, self.settings, get = foil, Settings(), os.environ.get
        self.steps, self.types = get("STEPS", "dcgan64 sngan32").split(), get("TYPES", "f32 bf16").split()
        self.batches, self.counts = ([int(v) for v in get(k, d).split()] for k, d in (("BATCHES", "16 32 64 128 256"), ("COUNTS", "1 2 4")))
        self.plots, self.records, self.measures = get("PLOTS", "."), Records(self.settings), True
        os.makedirs(self.plots, exist_ok=True)

    def program(self, step, number, batch, threads):
        """Threads have a core each, always the same ones."""
        file, _, keys, _ = STEPS[step]
        cores = ",".join(str(c) for c in sorted(self.settings.cores)[:threads])
        return Program(f"{step} {number} {batch} {threads}", [
            "taskset", "-c", cores, "env", f"OMP_NUM_THREADS={threads}", self.foil, "bench", os.path.join(CONFIGS, "train", file + ".yaml"), *keys,
            "--precision", number, "--batch", batch, "--threads", threads, "--seconds", self.settings.seconds, "--json"], read_bench)

    def measure(self, what, cases):
        """The fastest rounds by (step, type, batch, threads), those of earlier runs, too."""
        if self.measures:
            take_turns(self.settings, what, [self.program(*c) for c in cases], self.records)
        found = {tuple(mode.split()): r for mode, r in self.records.fastest(what).items()}
        self.series = list(dict.fromkeys(mode[:2] for mode in found))
        return {(s, t, int(b), int(n)): r for (s, t, b, n), r in found.items()}

    def table(self, head, rows, file):
        for cells in [head, ["---"] + ["--:"] * (len(head) - 1), *rows, [""]]:
            for f in (sys.stdout, file):
                print("| " + " | ".join(map(str, cells)) + " |" if len(cells) > 1 else "", file=f, flush=True)

    def draw(self, name, title, below, points, value, **more):
        """`value` (series, point) gives a number or None."""
        lines = {f"{s} {t}": [(p, value((s, t), p)) for p in points if value((s, t), p) is not None] for s, t in self.series}
        lines = {**lines, **more.pop("also", {})}
        plot(os.path.join(self.plots, f"growth-{name}.svg"), title, below, points, {n: v for n, v in lines.items() if v}, **more)

    def batch(self, file):
        threads = self.settings.threads
        found = self.measure("batch", [(s, t, b, threads) for b in self.batches for s in self.steps for t in self.types])

        def time(s, b):
            r = found.get((*s, b, threads))
            return r and 1e3 / r["images_per_second"]

        def beside(s, b):  # the batch that the training files have, or the nearest
            usual = min(self.batches, key=lambda other: abs(other - 64))
            return time(s, b) / time(s, usual) if time(s, b) and time(s, usual) else None

        def memory(s, b, key="peak_resident_mb"):
            r = found.get((*s, b, threads))
            return r and r[key]

        head = ["", *[f"batch {b}" for b in self.batches]]
        for title, cell in (("ms an image", lambda s, b: f"{time(s, b):.2f}"), ("of batch 64's time", lambda s, b: f"{beside(s, b):.2f}"),
                            ("peak MB", lambda s, b: f"{memory(s, b):.0f}"), ("predicted MB", lambda s, b: f"{memory(s, b, 'predicted_mb'):.0f}")):
            self.table([title, *head[1:]], [[" ".join(s), *[cell(s, b) if time(s, b) else "" for b in self.batches]] for s in self.series], file)
        self.draw("time", "Time of an image, batch 64 = 1", "batch", self.batches, beside, band=(.9, 1.1))
        self.draw("memory", "Peak resident memory, MB (a doubling of the batch per step)", "batch", self.batches, memory)

    def threads(self, file):
        found = self.measure("threads", [(s, t, 64, n) for n in self.counts for s in self.steps for t in self.types])

        def gained(s, n, key):
            r, one = found.get((*s, 64, n)), found.get((*s, 64, self.counts[0]))
            return r[key] / one[key] / (n / self.counts[0]) if r and one else None

        def efficiency(s, n):
            return gained(s, n, "images_per_second")

        product = {f"product {t}": [(n, gained((self.steps[0], t), n, "gemm")) for n in self.counts if gained((self.steps[0], t), n, "gemm")]
                   for t in self.types}
        head = ["efficiency", *[f"{n} threads" for n in self.counts]]
        rows = [[" ".join(s), *[f"{efficiency(s, n):.2f}" if efficiency(s, n) else "" for n in self.counts]] for s in self.series]
        self.table(head, rows + [[name, *[f"{v:.2f}" for _, v in line]] for name, line in product.items()], file)
        self.draw("threads", "Efficiency of threads: speed by threads times one thread's", "threads", self.counts, efficiency, also=product,
                  dashed=set(product))


KINDS = {"batch": Growth.batch, "threads": Growth.threads}


def main():
    growth = Growth(sys.argv[1])
    names = sys.argv[2:] or list(KINDS)
    if names == ["report"]:
        growth.measures, names = False, list(KINDS)
    for name in names:
        if name not in KINDS:
            sys.exit(f"growth.sh: '{name}' was not expected; known: {', '.join(KINDS)}, report")
    with open(os.path.join(growth.settings.out, "growth.md"), "w") as file:
        for name in names:
            KINDS[name](growth, file)


main()
