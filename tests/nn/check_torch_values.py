"""PyTorch, asked today, still gives the committed values."""

import os
import sys

try:
    import torch
    from safetensors.torch import load_file
except ImportError:
    sys.exit(77)

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import torch_values  # noqa: E402

committed, live = load_file(os.path.join(here, "torch_values.safetensors")), torch_values.values()
if committed.keys() != live.keys():
    sys.exit(f"cases differ: {sorted(committed.keys() ^ live.keys())}")
for name, value in live.items():
    if not torch.allclose(value, committed[name], rtol=1e-10, atol=1e-12):
        sys.exit(f"{name}: differs by {(value - committed[name]).abs().max():.3g}")
print(f"{len(torch_values.CASES)} cases equal")
