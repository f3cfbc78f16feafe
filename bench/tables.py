"""Tables of medians: everybody's figures, and in short Foil beside the best of its peers at the same type of numbers."""
import sys

COLUMNS = ("work", "who", "images/s", "ms", "GFLOP/s", "of GEMM peak", "peak MB", "predicted MB")
SHORT = ("work", "", "images/s", "best peer", "its", "x", "of GEMM peak", "peak MB", "least peer's", "x", "predicted")


def text(value, form="{:,.0f}"):
    return "" if value is None else form.format(value)


def decimals(value, digits):
    return text(value, "{:,.%df}" % (digits if value is not None and value < 1000 else 0))


def numbers(mode):
    return "bf16" if "bf16" in mode else "f32"


def speed(r):
    return r.get("images_per_second") or 1 / r["seconds"]


def rate_or_time(r):
    return decimals(r["images_per_second"], 1) if "images_per_second" in r else decimals(1e3 * r["seconds"], 1) + " ms"


class Tables:
    def __init__(self, files):
        self.files, self.short = files, []
        self.head(COLUMNS)

    def row(self, cells):
        for f in self.files:
            print("| " + " | ".join(cells) + " |", file=f, flush=True)

    def head(self, columns):
        self.row(columns)
        self.row(["---"] * 2 + ["--:"] * (len(columns) - 2))

    def add(self, work, records):
        check_same_work(work, records)
        flops = next((r["flops"] for r in records.values() if "flops" in r), None)
        peaks = {numbers(m): r["gemm"] for m, r in records.items() if "gemm" in r}
        first = work
        for mode, r in records.items():
            computes = "flops" in r or not mode.startswith("foil")
            rate, peak = flops / r["seconds"] if flops and computes else None, peaks.get(numbers(mode))
            share = text(rate / peak if rate and peak else None, "{:.0%}")
            self.row([first, mode, decimals(r.get("images_per_second"), 1), decimals(1e3 * r["seconds"], 2), text(rate / 1e9 if rate else None), share,
                      text(r.get("peak_resident_mb")), text(r.get("predicted_mb"))])
            if mode.startswith("foil"):
                self.compare(work, mode, r, share, {m: o for m, o in records.items() if not m.startswith("foil") and numbers(m) == numbers(mode)})
            first = ""

    def compare(self, work, mode, r, share, peers):
        if not peers:
            return
        best = max(peers, key=lambda m: speed(peers[m]))
        least = min((o["peak_resident_mb"] for o in peers.values() if "peak_resident_mb" in o), default=None)
        own = r.get("peak_resident_mb")
        self.short.append([work, mode, rate_or_time(r), best, rate_or_time(peers[best]), f"{speed(r) / speed(peers[best]):.2f}", share, text(own), text(least),
                           text(own / least if own and least else None, "{:.2f}"), text(r.get("predicted_mb"))])

    def end(self):
        for f in self.files:
            print(file=f)
        self.head(SHORT)
        for cells in self.short:
            self.row(cells)


def check_same_work(work, records):
    """Whoever counts operations, or says what came out, must say the same. (PyTorch does not count element-wise operations; bf16 has few digits.)"""
    for key, types, near in (("flops", ("f32", "bf16"), .1), ("logit", ("f32",), .02), ("logit", ("f32", "bf16"), .1)):
        said = {m: r[key] for m, r in records.items() if key in r and numbers(m) in types}
        if said and max(said.values()) - min(said.values()) > near * max(map(abs, said.values())):
            print(f"{work}: not the same work? {key}: {said}", file=sys.stderr)
