"""What the export checks share: files of random networks, pictures, and what `foil detect` says of them."""
import json
import os
import pathlib
import subprocess
import sys

FOIL = os.environ["FOIL"]
BUILD = pathlib.Path(os.environ["FOIL_BUILD"])
SOURCE = pathlib.Path(os.environ["FOIL_SOURCE"])
TOLERANCE = 1e-5


def need(*names):
    """Imports modules, or ends the check as skipped."""
    modules = []
    for name in names:
        try:
            modules.append(__import__(name, fromlist=["x"]))
        except ImportError as why:
            print(f"skipped: no {name} ({why})")
            sys.exit(77)
    return modules


def foil(*arguments):
    return subprocess.run([FOIL, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def write_networks(folder):
    """Detectors NAME.safetensors and runs NAME/checkpoint.safetensors of all networks."""
    subprocess.run([BUILD / "tests/export_test_networks", folder], check=True)
    return sorted(pathlib.Path(folder).glob("*.safetensors")), sorted(p.parent for p in pathlib.Path(folder).glob("*/checkpoint.safetensors"))


def write_pictures(folder, height, width, channels):
    """Pictures of a network's size, PNG and JPEG: waves and noise."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(height * width + channels)
    y, x = np.mgrid[:height, :width][..., None] / np.array([height, width])[:, None, None, None]
    paths = []
    for i in range(5):
        waves = np.sin(2 * np.pi * (rng.uniform(1, 4, channels) * x + rng.uniform(1, 4, channels) * y) + rng.uniform(0, 6, channels))
        pixels = np.clip(127 + 90 * waves + rng.normal(0, 25, waves.shape), 0, 255).astype(np.uint8)
        path = pathlib.Path(folder) / f"{height}x{width}x{channels}-{i}.{'png' if i % 2 else 'jpg'}"
        Image.fromarray(pixels.squeeze()).save(path)
        paths.append(path)
    return paths


def read_pictures(paths, channels):
    """f32 [N,C,H,W] in 0..1, decoded by Pillow."""
    import numpy as np
    from PIL import Image

    pixels = [np.asarray(Image.open(p).convert("L" if channels == 1 else "RGB"), np.float32) for p in paths]
    return np.stack([p.reshape(*p.shape[:2], channels).transpose(2, 0, 1) for p in pixels]) / 255


def detect(detector, paths):
    """Logits and scores by `foil detect`."""
    import numpy as np

    files = json.loads(foil("detect", detector, *paths, "--json"))["files"]
    assert [f["path"] for f in files] == [str(p) for p in paths]
    return np.array([f["logit"] for f in files]), np.array([f["score"] for f in files])


def compare(name, what, wanted, got):
    import numpy as np

    got = np.asarray(got, np.float64)
    assert got.shape == wanted.shape, (name, what, got.shape, wanted.shape)
    difference = np.abs(got - wanted).max()
    print(f"{name:14} {what:24} {difference:.1e}")
    assert difference < TOLERANCE * max(1, np.abs(wanted).max()), (name, what, wanted, got)
