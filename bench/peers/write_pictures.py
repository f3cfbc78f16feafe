"""A folder of COUNT photographs of ordinary sizes, as JPEG: write_pictures.py SOURCE COUNT FOLDER. They are put together from the pictures in SOURCE, so that
large ones have as much detail as small ones; SOURCE '-': made up of waves and noise."""
import io
import pathlib
import random
import sys

import numpy as np
from PIL import Image

TILE = 256


def made_up(rng):
    y, x = np.mgrid[:TILE, :TILE][..., None] / TILE
    waves = np.sin(2 * np.pi * (rng.uniform(1, 6, 3) * x + rng.uniform(1, 6, 3) * y) + rng.uniform(0, 6, 3))
    return Image.fromarray(np.clip(127 + 90 * waves + rng.normal(0, 8, waves.shape), 0, 255).astype(np.uint8))


def tiles(source):
    rng = np.random.default_rng(1)
    if source == "-":
        return [made_up(rng) for _ in range(16)]
    files = sorted(p for p in pathlib.Path(source).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    return [Image.open(p).convert("RGB").resize((TILE, TILE), Image.LANCZOS) for p in random.Random(1).sample(files, min(64, len(files)))]


def main():
    source, count, folder = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True)
    given, choose = tiles(source), random.Random(1)
    for i in range(min(count, 64)):  # then the same again: whoever scores them cannot know
        side = 1 + i % 4
        picture = Image.new("RGB", (side * TILE, side * TILE))
        for k in range(side * side):
            picture.paste(choose.choice(given), (k % side * TILE, k // side * TILE))
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=choose.randint(80, 95))
        for copy in range(i, count, 64):
            (folder / f"{copy:05}.jpg").write_bytes(data.getvalue())


main()
