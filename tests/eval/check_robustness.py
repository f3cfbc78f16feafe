"""A cell of foil eval --perturb is what foil eval says of files that Pillow perturbed: JPEG, WebP, contrast."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from PIL import Image, ImageEnhance, features
except ImportError as why:
    print(f"skipped: {why}")
    sys.exit(77)

work = pathlib.Path(tempfile.mkdtemp(prefix="robustness-", dir=os.environ["FOIL_BUILD"]))
random = np.random.default_rng(3)


def foil(*arguments):
    done = subprocess.run([os.environ["FOIL"], "eval", *map(str, arguments), "--draws", "50", "--json", "--quiet"], capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)
    return json.loads(done.stdout)


def pictures():
    for label in ("real", "fake/some"):
        for i in range(14):
            y, x = np.mgrid[0:33, 0:40]
            scene = 110 + 60 * np.sin(x / (2 + i % 5) + y / 7)[:, :, None] + random.normal(0, 12, (33, 40, 3)) + (label != "real") * 4
            yield label, i, Image.fromarray(scene.clip(0, 255).astype(np.uint8))


def save(name, suffix, change, **options):
    for label, i, im in all_pictures:
        folder = work / name / label
        folder.mkdir(parents=True, exist_ok=True)
        change(im).save(folder / f"{i:02}.{suffix}", **options)


def auc(name):
    return foil(detector, work / name)["overall"]["auc"]


try:
    subprocess.run([os.environ["FOIL_BUILD"] + "/tests/export_test_networks", ".", "small32-d"], cwd=work, check=True, capture_output=True)
    detector = work / "small32-d.safetensors"
    all_pictures = list(pictures())
    save("plain", "png", lambda im: im)
    robustness = foil(detector, work / "plain", "--perturb", "jpeg,webp,contrast")["robustness"]
    cell = {(p["name"], s["value"]): s["auc"] for p in robustness["perturbations"] for s in p["strengths"]}
    assert len({a["value"] for a in cell.values()}) > 5, cell  # or there would be nothing to compare
    for quality in (80, 30):
        save(f"jpeg{quality}", "jpg", lambda im: im, quality=quality)
        assert auc(f"jpeg{quality}") == cell["jpeg", quality], quality
    library = next(p["library"] for p in robustness["perturbations"] if p["name"] == "webp")
    save("webp30", "webp", lambda im: im, quality=30)
    difference = abs(auc("webp30")["value"] - cell["webp", 30]["value"])
    assert difference == 0 or library != f"libwebp {features.version('webp')}", difference  # other versions may code otherwise
    assert difference < .05, difference
    save("contrast", "png", lambda im: ImageEnhance.Contrast(im).enhance(.6))  # its mean grey is a whole number
    assert abs(auc("contrast")["value"] - cell["contrast", .6]["value"]) < .05
    print(f"JPEG as Pillow's to the bit; WebP ({library}, Pillow's {features.version('webp')}) off by {difference:g}")
finally:
    subprocess.run(["rm", "-rf", work], check=True)
