# Data of an evaluation's page as foil makes it, made up: page_sample.py usual|hostile|large|poor >FILE.json. For looking at a page's every part, and at what could break it.
import base64, json, math, random, struct, sys, zlib

SETS = ["faces.h5", "elsewhere"]
METHODS = ["stylegan1", "stylegan3", "diffusion", "face_swap", "inpainting"]


def picture(seed, side=64):
    r = random.Random(seed)
    a, b, c = (r.random() * 6 for _ in range(3))
    rows = b"".join(b"\0" + bytes(int(127 + 120 * math.sin(a + x / 9 * (k + 1) + b * math.cos(y / 11 + c))) for x in range(side) for k in range(3)) for y in range(side))
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


def around(value, spread):
    return {"value": value, "low": max(0, value - spread), "high": min(1, value + spread)}


def metrics(auc, spread):
    m = {"auc": around(auc, spread), "ap": around(auc - 0.01, spread), "eer": around(0.95 - 0.9 * auc, spread), "eer_roc": around(0.95 - 0.9 * auc, spread)}
    m |= {"accuracy": around(0.45 + 0.5 * (auc - 0.1), spread), "tpr@fpr=0.01": around(max(0, auc - 0.55), 2 * spread), "brier": around(0.4 - 0.3 * auc, spread / 2), "ece": around(0.06, 0.02)}
    return m


def result(r, at, d, auc, methods, seen):
    fpr = [i / 200 for i in range(201)]
    power = (1 - auc) / auc
    tpr = [x**power for x in fpr]
    rows = [{"kind": "overall", "name": "overall", "reals": 80, "fakes": 82, "metrics": metrics(auc, 0.05)}]
    rows += [{"kind": "method", "name": m, "reals": 80, "fakes": r.randint(9, 30), "metrics": metrics(min(0.99, max(0.35, auc + r.uniform(-0.25, 0.12))), r.uniform(0.04, 0.12))} for m in methods]
    rows += [{"kind": "level", "name": c, "reals": 40, "fakes": 41, "metrics": metrics(auc - k, 0.07)} for c, k in (("raw", 0), ("c23", 0.06), ("c40", 0.14))]
    for row in rows:
        row |= {"real_clips": row["reals"], "fake_clips": row["fakes"]}
    real, fake = [0] * 30, [0] * 30
    for _ in range(80):
        real[min(29, int(30 * r.betavariate(1.5, 1.5 + 6 * (auc - 0.4))))] += 1
        fake[min(29, int(30 * r.betavariate(1.5 + 6 * (auc - 0.4), 1.5)))] += 1
    bins = []
    for i in range(15):
        n = sum(real[2 * i : 2 * i + 2]) + sum(fake[2 * i : 2 * i + 2])
        f = sum(fake[2 * i : 2 * i + 2]) / n if n else None
        bins.append({"low": i / 15, "high": (i + 1) / 15, "n": n, "score": (i + 0.5) / 15 if n else None, "fakes": f,
                     "fakes_low": max(0, f - 0.4 / math.sqrt(n)) if n else None, "fakes_high": min(1, f + 0.4 / math.sqrt(n)) if n else None})
    wrong = [{"path": f"pictures/{'fake/' + METHODS[i % 5] if i % 2 else 'real/ffhq256'}/{1000 + i:05}.png", "score": 0.04 + i / 200 if i % 2 else 0.97 - i / 200, "fake": bool(i % 2),
              "method": METHODS[i % 5] if i % 2 else "ffhq256", "picture": picture(i), "map": picture(i + 90) if d != 2 else None} for i in range(15)]
    return {"set": at, "detector": d, "seen": seen, "calibrated": seen == "other", "threshold": {"name": "eer", "value": 0.5312}, "decisions": {"tp": 62, "fn": 20, "fp": 9, "tn": 71}, "rows": rows,
            "roc": {"table": [0, 0.01, 0.1, 0.5, 1], "fpr": fpr, "tpr": tpr, "low": [max(0, t - 0.12 * math.sqrt(x * (1 - x)) - 0.02) for x, t in zip(fpr, tpr)], "high": [min(1, t + 0.12 * math.sqrt(1 - t) + 0.02) for t in tpr]},
            "histogram": {"edges": [i / 30 for i in range(31)], "real": real, "fake": fake}, "reliability": bins, "mistakes": wrong, "map": "gradcam"}


def robust(r, at, d, auc):
    kinds = [("jpeg", "quality", [90, 75, 50, 30, 10]), ("webp", "quality", [90, 75, 50, 30, 10]), ("jpeg_twice", "first quality", [90, 80, 70, 50, 30]), ("down", "factor", [0.9, 0.75, 0.5, 0.35, 0.25]),
             ("up", "factor", [1.1, 1.25, 1.5, 2, 4]), ("blur", "sigma", [0.5, 1, 1.5, 2, 3]), ("noise", "standard deviation", [0.01, 0.02, 0.04, 0.08, 0.16]), ("crop", "share kept", [0.95, 0.9, 0.8, 0.7, 0.6]),
             ("brightness_contrast", "gain", [1.1, 1.2, 1.3, 1.4, 1.6]), ("screenshot", "scale", [1, 0.9, 0.8, 0.7, 0.5])]
    return {"set": at, "detector": d, "clean": around(auc, 0.05), "mean_relative_loss": around(0.114, 0.03), "perturbations": [
        {"name": name, "parameter": parameter, "library": "libjpeg-turbo 2.1.5", "strengths": [
            {"value": v, "auc": around(max(0.45, auc - (i + 1) * r.uniform(0.005, 0.08)), 0.05), "relative_loss": 0.02 * i} for i, v in enumerate(values)]} for name, parameter, values in kinds]}


CARD = {"kind": "network", "network": "small32-d", "input": "32 × 32, RGB, crop, lanczos", "training": {"set": "faces.h5", "fingerprint": "cdf1ed35deed", "pictures of": {"ffhq256": 640, "stylegan1": 660}, "seed": 1, "step": 4500},
        "forgers": ["generator 50 %", "replay 25 %", "dataset 25 %"], "calibration": {"method": "temperature", "value": 1.31, "on": "80 reals and 83 fakes of its validation split"},
        "thresholds": {"eer": 0.5312, "fpr=0.01": "0.93 (80 reals: FPR 1 % rests on one of them)"}, "limits": "Thresholds below 3.7 % FPR cannot be set from 80 reals."}


def usual():
    r = random.Random(1)
    aucs = {0: (0.86, 0.78, 0.66), 1: (0.71, 0.74, 0.52)}
    return {"foil": "0.1.0", "command": "foil eval faces.safetensors other.safetensors cues.safetensors faces.h5 elsewhere --split test --perturb standard --out report", "seed": 1, "draws": 1000, "interval_clips": 10, "enough_clips": 30, "enough_reals": 299,
            "sets": [{"name": n, "fingerprint": "cdf1ed35deedae5b3c8630b0cc88366846fe9d3ea57519c81e363ea31f5f0d3e", "split": None if i else "test", "unit": "picture", "rule": None, "pictures": 162, "frames": None, "reals": 80, "fakes": 82} for i, n in enumerate(SETS)],
            "detectors": [{"name": "faces", "kind": "network", "card": CARD}, {"name": "other", "kind": "network", "card": CARD}, {"name": "cues", "kind": "cues", "card": {"kind": "cues", "cues": {"knee": -0.83, "blockiness": 0.21}}}],
            "results": [result(r, s, d, aucs[s][d], METHODS, "other" if s else "test") for s in aucs for d in range(3)],
            "differences": [{"set": s, "a": a, "b": b, "metric": "auc", "value": aucs[s][a] - aucs[s][b], "low": aucs[s][a] - aucs[s][b] - 0.07, "high": aucs[s][a] - aucs[s][b] + 0.07, "p": 0.0005 if b == 2 else 0.041, "p_holm": 0.0015 if b == 2 else 0.082}
                            for s in aucs for a, b in ((0, 1), (0, 2), (1, 2))],
            "robustness": [robust(r, 0, d, aucs[0][d]) for d in range(3)]}


def one(page, detectors=1):
    page["detectors"] = page["detectors"][:detectors]
    page["sets"] = page["sets"][:1]
    page["results"] = [r for r in page["results"] if r["set"] == 0 and r["detector"] < detectors]
    page["differences"] = []
    page["robustness"] = [r for r in page["robustness"] if r["detector"] < detectors]
    return page


def hostile():
    page = one(usual())
    evil = "</script><script>document.title='broken'</script><img src=x onerror=alert(1)>\"'&\u202e\ufffd" + "x" * 200
    page["command"] = page["sets"][0]["name"] = page["detectors"][0]["name"] = evil
    page["detectors"][0]["card"] = {evil: evil, "list": [evil, {evil: [evil]}]}
    for row in page["results"][0]["rows"][1:]:
        row["name"] = evil + row["name"]
    for m in page["results"][0]["mistakes"]:
        m["path"] = m["method"] = evil
    return page


def large():  # many methods, many detectors, much of everything
    page, r = one(usual()), random.Random(2)
    page["detectors"] = [{"name": f"detector number {d}", "kind": "network", "card": CARD} for d in range(9)]
    page["results"] = [result(r, 0, d, 0.6 + 0.03 * d, [f"method number {i}" for i in range(40)], None) for d in range(9)]
    page["differences"] = [{"set": 0, "a": a, "b": b, "metric": "auc", "value": 0.1, "low": 0.02, "high": 0.2, "p": 0.03, "p_holm": 0.3} for a in range(9) for b in range(a)]
    page["results"][0]["more"] = {"method": 1234}
    return page


def poor():  # hardly anything: scores from a file, no threshold, no mistakes, nothing known
    page = one(usual())
    none = {"value": None, "low": None, "high": None}
    page["detectors"] = [{"name": "scores.csv", "kind": "scores", "card": {}}]
    page["sets"] = [{"name": "scores.csv", "fingerprint": None, "split": None, "unit": "picture", "rule": None, "pictures": 5, "frames": None, "reals": 3, "fakes": 2}]
    page["results"] = [{"set": 0, "detector": 0, "seen": None, "threshold": {"name": "none", "value": None}, "decisions": None, "rows": [
        {"kind": "overall", "name": "overall", "reals": 3, "fakes": 2, "real_clips": 3, "fake_clips": 2, "metrics": {"auc": {"value": 1, "low": None, "high": None}, "ap": {"value": 1, "low": None, "high": None}, "eer": {"value": 0, "low": None, "high": None}, "accuracy": none, "brier": none, "ece": none}}],
        "roc": {"table": [0, 1], "fpr": [0, 1], "tpr": [1, 1], "low": [None, None], "high": [None, None]}, "histogram": {"edges": [-3, 0, 3], "real": [3, 0], "fake": [0, 2]}, "reliability": [], "mistakes": []}]
    page["robustness"] = []
    return page


if __name__ == "__main__":
    json.dump({"usual": usual, "hostile": hostile, "large": large, "poor": poor}[sys.argv[1]](), sys.stdout)
