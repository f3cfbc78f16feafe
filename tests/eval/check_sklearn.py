"""The committed values are scikit-learn's, today's too."""
import json
import pathlib
import sys

try:
    import sklearn  # noqa: F401
except ImportError:
    print("skipped: no scikit-learn")
    sys.exit(77)
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import sklearn_values  # noqa: E402

committed = json.loads(pathlib.Path(__file__).with_name("sklearn_values.json").read_text())
for a in committed:
    live = sklearn_values.case(a["name"], a["fake"], a["score"])
    for key in sklearn_values.values(a["fake"], a["score"]):
        assert abs(a[key] - live[key]) < 1e-12, (a["name"], key, a[key], live[key])
print(f"{len(committed)} cases")
