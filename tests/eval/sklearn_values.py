"""Makes sklearn_values.json: labelled scores with many ties, and what scikit-learn says of them."""
import json
import pathlib

import numpy as np
from sklearn import metrics


def case(name, fake, score):
    return {"name": name, "fake": [int(f) for f in fake], "score": [float(s) for s in score],
            "auc": metrics.roc_auc_score(fake, score), "ap": metrics.average_precision_score(fake, score),
            "brier": metrics.brier_score_loss(fake, score)}


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
