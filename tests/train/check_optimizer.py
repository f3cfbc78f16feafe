"""The committed values are PyTorch's, today's too."""
import json
import pathlib
import sys

try:
    import torch  # noqa: F401
except ImportError:
    print("skipped: no PyTorch")
    sys.exit(77)
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import optimizer_values  # noqa: E402

committed = json.loads(pathlib.Path(__file__).with_name("optimizer_values.json").read_text())
for a, c in zip(committed, optimizer_values.CASES, strict=True):
    live = optimizer_values.case(*c)
    assert max(abs(x - y) for x, y in zip(a["end"], live["end"], strict=True)) < 1e-6, a["options"]
print(f"{len(committed)} cases")
