"""The committed calibrations are scikit-learn's, today's too."""
import json
import pathlib
import sys

try:
    import sklearn  # noqa: F401
except ImportError:
    print("skipped: no scikit-learn")
    sys.exit(77)
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import calibration_values  # noqa: E402
import numpy as np  # noqa: E402

committed = json.loads(pathlib.Path(__file__).with_name("calibration_values.json").read_text())
for a in committed["cases"]:
    live = calibration_values.values(a["fake"], a["logit"])
    for key in live:
        tolerance = 1e-5 if key == "sigmoid" else 1e-7
        assert np.allclose(np.array(a[key], float), np.array(live[key], float), rtol=tolerance, atol=tolerance), (a["name"], key)
for (k, n, limit), (_, _, live) in zip(committed["limits"], calibration_values.limits()):
    assert abs(limit - live) < 1e-9, (k, n)
print(f"{len(committed['cases'])} cases")
