"""study.json, computed again from the cells' scores.csv with scikit-learn and NumPy: means, deviations, continual learning's figures, two-level bootstrap."""
import csv
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from sklearn.metrics import roc_auc_score
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

FOIL, SOURCE, BUILD = os.environ["FOIL"], os.environ["FOIL_SOURCE"], os.environ["FOIL_BUILD"]
TINY = os.path.join(SOURCE, "tests/train/tiny")
SEEDS = [3, 4, 5]
STUDY = """protocol: %s
config: train.yaml
sets: set.h5
seeds: [3, 4, 5]
variants: {plain: [], wide: [run.batch=8]}
"""
TRAIN = """run: {steps: 12, batch: 4}
discriminator: %s/d.yaml
optimizer: {adam: {lr: 3e-3}}
evaluate: {every: 6}
"""


def run(protocol, out):
    with open("study.yaml", "w") as f:
        f.write(STUDY % protocol)
    subprocess.run([FOIL, "study", "study.yaml", "--out", out, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    with open(out + "/study.json") as f:
        return json.load(f)


def scores(out, cell):
    with open(f"{out}/cells/{cell}/scores.csv") as f:
        rows = list(csv.DictReader(f))
    return np.array([float(r["score"]) for r in rows]), np.array([int(r["fake"]) for r in rows]), np.array([r["method"] for r in rows])


def auc_on(out, cell, methods, times=None):
    score, fake, method = scores(out, cell) if isinstance(cell, str) else cell
    keep = (fake == 0) | np.isin(method, methods)
    return roc_auc_score(fake[keep], score[keep], sample_weight=None if times is None else times[keep])


def answer(study, question, variant, on=None):
    found = [a for a in study["sets"][0]["answers"] if a["question"] == question and a["variant"] == variant and (on is None or a["on"] == on)]
    assert len(found) == 1, (question, variant, on, len(found))
    return found[0]


def same(name, got, want, tolerance=1e-9):
    worst = np.max(np.abs(np.asarray(got, float) - np.asarray(want, float)))
    print(f"{name}: {worst:.1e}")
    assert worst <= tolerance, (name, got, want)


def check_answer(name, a, values):
    same(f"{name}, of each seed", a["values"], values, 1e-8)
    same(f"{name}, mean and deviation", [a["mean"], a["deviation"]], [np.mean(values), np.std(values, ddof=1)], 1e-8)


def left_out():
    study = run("leave_one_method_out", "out")
    cell = lambda variant, method, seed: f"{variant}.without-{method}.seed-{seed}"
    for variant in ("plain", "wide"):
        unseen = [[auc_on("out", cell(variant, m, s), [m]) for s in SEEDS] for m in ("noise", "stripes")]
        for m, values in zip(("noise", "stripes"), unseen):
            check_answer(f"{variant} without {m}", answer(study, m, variant, "the method left out"), values)
        check_answer(f"{variant}, mean", answer(study, "mean", variant, "the method left out"), np.mean(unseen, 0))
        seen = [[auc_on("out", cell(variant, m, s), [o]) for s in SEEDS] for m, o in (("noise", "stripes"), ("stripes", "noise"))]
        check_answer(f"{variant}, learnt from", answer(study, "mean", variant, "methods learnt from"), np.mean(seen, 0))

    # The interval of the difference, by a bootstrap of its own: pictures, and seeds, the same for both variants.
    [d] = [d for d in study["sets"][0]["differences"] if d["a"]["question"] == "mean" and d["a"]["variant"] == "plain" and d["b"]["variant"] == "wide"]
    table = {(v, m, s): scores("out", cell(v, m, s)) for v in ("plain", "wide") for m in ("noise", "stripes") for s in SEEDS}
    random, n, drawn = np.random.default_rng(1), len(table["plain", "noise", 3][0]), []
    for _ in range(600):
        times = np.bincount(random.integers(n, size=n), minlength=n).astype(float)
        seeds = random.choice(SEEDS, len(SEEDS))
        value = {v: np.mean([auc_on("out", table[v, m, s], [m], times) for m in ("noise", "stripes") for s in seeds]) for v in ("plain", "wide")}
        drawn.append(value["plain"] - value["wide"])
    low, high = np.percentile(drawn, [2.5, 97.5])
    print(f"difference {d['value']:.3f}: [{d['low']:.3f}, {d['high']:.3f}], NumPy's [{low:.3f}, {high:.3f}]")
    assert max(abs(d["low"] - low), abs(d["high"] - high)) < 0.15 * (high - low)


def continual():
    study = run("{continual: {order: [stripes, noise]}}", "continual")
    order = ("stripes", "noise")
    for variant in ("plain", "wide"):
        matrix = np.array([[[auc_on("continual", f"{variant}.stage-{i + 1}-{m}.seed-{s}", [t]) for t in order] for i, m in enumerate(order)] for s in SEEDS])
        check_answer(f"{variant}, average", answer(study, "mean", variant), matrix[:, -1].mean(1))
        check_answer(f"{variant}, forgetting", answer(study, "forgetting", variant), matrix[:, 0, 0] - matrix[:, 1, 0])
        check_answer(f"{variant}, backward transfer", answer(study, "backward transfer", variant), matrix[:, 1, 0] - matrix[:, 0, 0])


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    subprocess.run([BUILD + "/tests/tool_set", "set.h5", "32", "600", "3"], check=True)
    with open("train.yaml", "w") as f:
        f.write(TRAIN % TINY)
    left_out()
    continual()
