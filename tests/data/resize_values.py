"""Writes resize_values.h: what Pillow makes of a picture that test_resize.c makes too. Run by hand: python resize_values.py > resize_values.h"""
import numpy as np
import PIL
from PIL import Image

FILTERS = ["BILINEAR", "BICUBIC", "LANCZOS"]
# channels, height and width before, after
CASES = [(3, 11, 9, 4, 5), (3, 5, 4, 8, 9), (1, 23, 3, 6, 7), (1, 2, 31, 7, 2), (3, 7, 7, 7, 3), (1, 6, 5, 17, 5), (3, 1, 1, 2, 3), (1, 40, 40, 1, 1)]


def scene(height, width, channels):
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    return ((y * 37 + x * 91 + c * 53 + x * y % 17 * 11) % 256).astype(np.uint8)


print(f"// By resize_values.py, with Pillow {PIL.__version__}.")
print("static const struct {\n    resize_filter filter;\n    int channels, height, width, to_height, to_width;\n    uint8_t want[256];\n} VALUES[] = {")
for filter in FILTERS:
    for channels, height, width, to_height, to_width in CASES:
        pixels = scene(height, width, channels)
        im = Image.fromarray(pixels if channels == 3 else pixels[:, :, 0])
        method = Image.Resampling[filter]
        out = np.asarray(im.resize((to_width, height), method).resize((to_width, to_height), method)).flatten()
        print(f"    {{RESIZE_{filter}, {channels}, {height}, {width}, {to_height}, {to_width}, {{{', '.join(map(str, out))}}}}},")
print("};")
