"""Makes calibration_values.json: labelled logits, and how scikit-learn (and SciPy, for limits of proportions) calibrates them."""
import json
import pathlib

import numpy as np
from scipy.stats import beta
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression


def platt_targets(fake):
    fakes = int(fake.sum())
    return np.where(fake, (fakes + 1) / (fakes + 2), 1 / (len(fake) - fakes + 2))


def logistic(logit, target, intercept):
    """The exact minimum of the log-loss against soft targets: each item once as a fake, once as a real, weighted."""
    x, y = np.concatenate((logit, logit))[:, None], np.repeat((1, 0), len(logit))
    model = LogisticRegression(C=np.inf, fit_intercept=intercept, solver="newton-cholesky", tol=1e-13, max_iter=1000)
    model.fit(x, y, sample_weight=np.concatenate((target, 1 - target)))
    return float(model.coef_[0, 0]), float(model.intercept_[0]) if intercept else 0.0


def values(fake, logit):
    fake, logit = np.asarray(fake, bool), np.asarray(logit, float)
    target = platt_targets(fake)
    slope, bias = logistic(logit, target, True)
    a, b = _sigmoid_calibration(logit, fake.astype(int))
    assert np.abs(1 / (1 + np.exp(a * logit + b)) - 1 / (1 + np.exp(-slope * logit - bias))).max() < 1e-3, "scikit-learn's own two differ"
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(logit, target)
    grid = np.linspace(logit.min() - 1, logit.max() + 1, 41)
    return {"sharpness": logistic(logit, fake.astype(float), False)[0], "slope": slope, "bias": bias, "sigmoid": [float(-a), float(-b)],
            "knots": [[float(v) for v in isotonic.X_thresholds_], [float(v) for v in isotonic.y_thresholds_]],
            "grid": [[float(v) for v in grid], [float(v) for v in isotonic.predict(grid)]]}


def case(name, fake, logit):
    fake = [int(f) for f in fake]
    logit = [float(z) for z in logit]
    return {"name": name, "fake": fake, "logit": logit, **values(fake, logit)}


def cases():
    rng = np.random.default_rng(7)
    fake = rng.random(200) < 0.5
    yield case("overlapping", fake, rng.normal(3 * fake - 1, 2))
    fake = rng.random(300) < 0.1
    yield case("few fakes, off centre", fake, 20 + 5 * rng.normal(fake, 1))
    fake = rng.random(150) < 0.6
    yield case("ties", fake, np.round(rng.normal(2 * fake - 1, 1)))
    fake = rng.random(80) < 0.5
    yield case("overconfident", fake, 30 * rng.normal(fake - 0.5, 1))
    yield case("two pairs", [0, 1, 0, 1], [-1, -0.5, 1, 2])


def limits():
    return [[k, n, float(beta.ppf(0.95, k + 1, n - k))]
            for k, n in ((0, 1), (0, 29), (0, 299), (0, 2995), (1, 2), (3, 10), (4, 400), (49, 50), (10, 1000), (1000, 100000), (99999, 1000000))]


def document():
    return {"cases": list(cases()), "limits": limits()}


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("calibration_values.json")
    made = document()
    path.write_text('{"cases": [\n' + ",\n".join(json.dumps(c) for c in made["cases"]) + '\n],\n"limits": ' + json.dumps(made["limits"]) + "}\n")
