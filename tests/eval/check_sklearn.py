"""The committed values are today's scikit-learn's and today's formulas', and `foil eval --scores` gives the same: an agreement table."""
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import sklearn
except ImportError:
    print("skipped: no scikit-learn")
    sys.exit(77)
here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here))
import sklearn_values  # noqa: E402
import tdcf_values  # noqa: E402

SOURCE = {"auc": "roc_auc_score", "ap": "average_precision_score", "eer": "roc_curve, interp1d, brentq", "eer_roc": "roc_curve", "tpr@fpr=0.1": "roc_curve",
          "tpr@fpr=0.01": "roc_curve", "tpr@fpr=0.001": "roc_curve", "pauc@fpr=0.1": "roc_auc_score(max_fpr=0.1)", "accuracy": "accuracy_score",
          "f1": "f1_score", "mcc": "matthews_corrcoef", "brier": "brier_score_loss", "log_loss": "log_loss"}


def evaluate(*options):
    out = subprocess.run([os.environ["FOIL"], "eval", "--draws", "0", "--json", *options], check=True, capture_output=True, text=True).stdout
    return {k: v["value"] for k, v in json.loads(out)["overall"].items() if isinstance(v, dict)}


def row(name, ours, theirs, worst, source):
    print(f"{name:14} {ours:22.17g} {theirs:22.17g} {worst:9.1e}  {source}")
    assert worst < 1e-9, name


committed = json.loads((here / "sklearn_values.json").read_text())
work = tempfile.TemporaryDirectory()
scores = pathlib.Path(work.name, "scores.csv")
worst, shown = {}, {}
for a in committed:
    theirs = sklearn_values.values(a["fake"], a["score"])
    with scores.open("w", newline="") as f:
        csv.writer(f).writerows([("score", "fake"), *zip(map(repr, a["score"]), a["fake"])])
    ours = evaluate("--scores", str(scores))
    for key, value in theirs.items():
        assert abs(a[key] - value) < 1e-12, (a["name"], key, a[key], value)
        worst[key] = max(worst.get(key, 0), abs(ours[key] - value))
        if a["name"] == "no ties":
            shown[key] = ours[key], value
print(f"{'metric':14} {'Foil, no ties':>22} {'theirs, no ties':>22} {'worst':>9}  theirs (worst difference in {len(committed)} cases; scikit-learn {sklearn.__version__})")
for key, (ours, theirs) in shown.items():
    row(key, ours, theirs, worst[key], SOURCE.get(key, "the published formula"))

asv = pathlib.Path(work.name, "asv.txt")
for a in json.loads((here / "tdcf_values.json").read_text()):
    theirs = tdcf_values.tdcf(a["asv"], a["bonafide"], a["spoof"])
    asv.write_text("".join(f"x {kind} {s!r}\n" for kind, values in a["asv"].items() for s in values))
    scores.write_text("".join(f"u{i} A07 {key} {s!r}\n" for key in ("bonafide", "spoof") for i, s in enumerate(a[key])))
    ours = evaluate("--scores", str(scores), "--asv", str(asv))
    for key in ("tdcf_2019", "tdcf_2021"):
        assert abs(a[key] - theirs[key]) < 1e-12, (a["name"], key)
        row(key, ours[key], theirs[key], abs(ours[key] - theirs[key]), f"the published formula, {a['name']}")
