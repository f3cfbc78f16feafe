"""Makes sklearn_values.json: labelled scores with many ties, and what scikit-learn says of them."""
import json
import pathlib

import numpy as np
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn import metrics


def asvspoof_points(fake, score):
    """FRR and FAR as compute_det_curve of ASVspoof's baselines gives them: bona fide is the target, higher = bona fide."""
    bona, spoof = -score[~fake], -score[fake]
    order = np.argsort(np.concatenate((bona, spoof)), kind="mergesort")
    labels = np.concatenate((np.ones(bona.size), np.zeros(spoof.size)))[order]
    passed = np.cumsum(labels)
    left = spoof.size - (np.arange(1, labels.size + 1) - passed)
    return np.concatenate(([0], passed / bona.size)), np.concatenate(([1], left / spoof.size))


def rates(fake, score):
    fpr, tpr, _ = metrics.roc_curve(fake, score, drop_intermediate=False)
    return {"eer": brentq(lambda x: 1 - x - interp1d(fpr, tpr)(x), 0, 1, xtol=1e-14),
            "eer_roc": fpr[np.argmin(np.abs(1 - tpr - fpr))],
            **{f"tpr@fpr={limit}": tpr[fpr <= limit].max() for limit in (0.1, 0.01, 0.001)},
            "pauc@fpr=0.1": metrics.roc_auc_score(fake, score, max_fpr=0.1)}


def asvspoof(fake, score):
    frr, far = asvspoof_points(fake, score)
    at = np.argmin(np.abs(frr - far))
    p = np.clip(score, np.finfo(float).eps, 1 - np.finfo(float).eps)
    bona, spoof = -np.log(p / (1 - p))[~fake], -np.log(p / (1 - p))[fake]
    least = min(0.95, 10 * 0.05)
    threshold = -np.log(0.95 / (10 * 0.05))
    return {"eer_asvspoof": (frr[at] + far[at]) / 2,
            "cllr": 0.5 * (np.mean(np.log1p(np.exp(-bona))) + np.mean(np.log1p(np.exp(spoof)))) / np.log(2),
            "min_dcf": np.min(0.95 * frr + 10 * 0.05 * far) / least,
            "act_dcf": (0.95 * np.mean(bona < threshold) + 10 * 0.05 * np.mean(spoof >= threshold)) / least}


def ece(fake, score):
    bins = np.minimum((score * 15).astype(int), 14)
    return sum(abs(np.sum(score[bins == b] - fake[bins == b])) for b in range(15)) / len(score)


def values(fake, score):
    """All that scikit-learn, or the published formula, says; decisions at 0.5."""
    fake, score = np.asarray(fake, bool), np.asarray(score, float)
    called = score >= 0.5
    return {k: float(v) for k, v in {
        "auc": metrics.roc_auc_score(fake, score), "ap": metrics.average_precision_score(fake, score),
        "accuracy": metrics.accuracy_score(fake, called), "f1": metrics.f1_score(fake, called),
        "mcc": metrics.matthews_corrcoef(fake, called), "brier": metrics.brier_score_loss(fake, score),
        "log_loss": metrics.log_loss(fake, score), "ece": ece(fake, score), **rates(fake, score), **asvspoof(fake, score)}.items()}


def case(name, fake, score):
    return {"name": name, "fake": [int(f) for f in fake], "score": [float(s) for s in score], **values(fake, score)}


def cases():
    rng = np.random.default_rng(1)
    for levels, n, shift in ((5, 60, 0.2), (11, 200, 0.1), (101, 400, 0.3), (2, 40, 0.0)):
        fake = rng.random(n) < 0.4
        score = np.clip(rng.normal(0.5 + shift * fake, 0.25), 0, 1)
        yield case(f"{levels} levels", fake, np.round(score * (levels - 1)) / (levels - 1))
    fake = rng.random(300) < 0.5
    yield case("no ties", fake, 1 / (1 + np.exp(-rng.normal(fake, 1))))
    yield case("constant", fake[:50], np.full(50, 0.25))
    yield case("separable", fake, np.where(fake, 0.9, 0.1))
    yield case("inverted", fake, np.where(fake, 0.1, 0.9))


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("sklearn_values.json")
    path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases()) + "\n]\n")
