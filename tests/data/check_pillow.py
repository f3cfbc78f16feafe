"""Pictures in a set are what Pillow reads, turns and resizes, bit for bit, and sets are what h5py opens: from files over `foil pack` to arrays.

Pillow resizes along rows and then along columns; from version 13 on the other way round for some sizes. One direction at a time it is the same in all versions.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
    from PIL import Image, ImageOps
except ImportError as why:
    print(f"skipped: {why}")
    sys.exit(77)

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
SIZES = [(1, 1), (7, 13), (16, 16), (17, 33), (64, 48), (101, 67)]  # width, height
work = pathlib.Path(tempfile.mkdtemp(prefix="pillow-", dir=os.environ["FOIL_BUILD"]))
random = np.random.default_rng(7)


def foil(*arguments):
    done = subprocess.run([os.environ["FOIL"], *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def scene(width, height, channels):
    """Waves, edges and noise: what tells decoders apart."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 90 * np.sin(x / (3 + c) + y / (5 - c)) + 60 * ((x // 6 + y // 5 + c) % 2) for c in range(channels)]
    pixels = np.stack(planes, axis=-1) + random.normal(0, 8, (height, width, channels))
    return pixels.clip(0, 255).astype(np.uint8)


def picture(width, height, mode):
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    pixels = scene(width, height, channels)
    return Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels, mode) if mode != "LA" else Image.merge(
        "LA", [Image.fromarray(pixels[:, :, c]) for c in range(2)])


def pack(folder, *options):
    """The set's pictures by file name."""
    foil("pack", folder, "--label", "real", "-o", work / "set.h5", *options)
    with h5py.File(work / "set.h5") as f:
        assert f.attrs["foil_format"] == 1 and f.attrs["kind"] in ("image", b"image")
        names = [os.path.basename(p.decode() if isinstance(p, bytes) else p) for p in f["source/path"][:]]
        if "pixels" in f["image"]:
            return dict(zip(names, f["image/pixels"][:]))
        data, offset, shape = f["image/bytes"][:], f["image/offset"][:], f["image/shape"][:]
        return {n: data[offset[i] : offset[i + 1]].reshape(shape[i]) for i, n in enumerate(names)}


def compare(folder, wanted, *options):
    got = pack(folder, *options)
    assert got.keys() == wanted.keys(), got.keys() ^ wanted.keys()
    for name, want in wanted.items():
        want = np.asarray(want)
        want = want.reshape(want.shape[0], want.shape[1], -1)
        assert got[name].shape == want.shape, (name, options, got[name].shape, want.shape)
        differ = np.count_nonzero(got[name] != want)
        assert differ == 0, f"{name} {options}: {differ} of {want.size} values differ, by up to {np.abs(got[name].astype(int) - want).max()}"
    return len(wanted)


def over_white(pixels):
    """Pillow has no single way for this; the rounding is Foil's, within one of Pillow's alpha_composite."""
    pixels = pixels.astype(int)
    colour, alpha = pixels[:, :, :-1], pixels[:, :, -1:]
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def make_jpegs(folder):
    folder.mkdir()
    for width, height in SIZES:
        for progressive in (False, True):
            for quality in (30, 75, 95):
                name = f"{width}x{height}-q{quality}{'-progressive' if progressive else ''}"
                for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
                    picture(width, height, "RGB").save(folder / f"{name}-{subsampling.replace(':', '')}.jpg", quality=quality, subsampling=subsampling,
                                                       progressive=progressive)
                picture(width, height, "L").save(folder / f"{name}-grey.jpg", quality=quality, progressive=progressive)
                picture(width, height, "CMYK").save(folder / f"{name}-cmyk.jpg", quality=quality, progressive=progressive)
    picture(50, 41, "RGB").save(folder / "restarts.jpg", restart_marker_blocks=2)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for mode in ("RGB", "L"):
            picture(37, 22, mode).save(folder / f"exif{orientation}-{mode}.jpg", exif=exif)
    try:
        import cv2
    except ImportError:
        return
    for name in ("411", "440"):
        factor = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{name}")
        cv2.imwrite(str(folder / f"cv2-{name}.jpg"), scene(61, 45, 3), [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor])


def read_upright(path, mode="RGB"):
    with Image.open(path) as im:
        return ImageOps.exif_transpose(im).convert(mode)


def check_jpegs():
    folder = work / "jpeg"
    make_jpegs(folder)
    files = sorted(folder.iterdir())
    count = compare(folder, {p.name: read_upright(p) for p in files}, "--fit", "native")
    grey = {p.name: np.asarray(read_upright(p, "L" if Image.open(p).mode == "L" else "RGB").convert("L")) for p in files}
    return count + compare(folder, grey, "--fit", "native", "--channels", 1)


def check_webps():
    folder = work / "webp"
    folder.mkdir()
    for width, height in SIZES:
        for mode in ("RGB", "RGBA", "L"):
            for quality in (20, 80, 100):
                picture(width, height, mode).save(folder / f"{width}x{height}-{mode}-q{quality}.webp", quality=quality)
            picture(width, height, mode).save(folder / f"{width}x{height}-{mode}-lossless.webp", lossless=True)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture(37, 22, "RGB").save(folder / f"exif{orientation}.webp", exif=exif)
    wanted = {}
    for path in sorted(folder.iterdir()):
        mode = Image.open(path).mode
        pixels = np.asarray(read_upright(path, mode))
        wanted[path.name] = over_white(pixels) if mode == "RGBA" else pixels
    return compare(folder, wanted, "--fit", "native")


def check_lossless():
    folder = work / "png"
    folder.mkdir()
    wanted = {}

    def add(name, im, want, **options):
        im.save(folder / name, **options)
        wanted[name] = want

    for width, height in SIZES:
        name = f"{width}x{height}"
        grey, rgb, la, rgba = (picture(width, height, m) for m in ("L", "RGB", "LA", "RGBA"))
        as_rgb = grey.convert("RGB")
        add(f"{name}-grey.png", grey, as_rgb)
        add(f"{name}-rgb.png", rgb, rgb)
        add(f"{name}-rgba.png", rgba, over_white(np.asarray(rgba)))
        add(f"{name}-la.png", la, over_white(np.asarray(la)).repeat(3, axis=2))
        white = Image.new("RGBA", rgba.size, "white")
        assert np.abs(np.asarray(Image.alpha_composite(white, rgba))[:, :, :3].astype(int) - wanted[f"{name}-rgba.png"]).max() <= 1
        for colours in (2, 4, 16, 200):
            palette = rgb.quantize(colours)
            add(f"{name}-palette{colours}.png", palette, palette.convert("RGB"))
        clear = rgb.quantize(16)
        add(f"{name}-clear.png", clear, over_white(np.where(np.asarray(clear)[:, :, None] == 3, [0, 0, 0, 0], np.asarray(clear.convert("RGBA")))),
            transparency=3)
        bits = rgb.convert("1")
        add(f"{name}-bits.png", bits, bits.convert("RGB"))
        sixteen = random.integers(0, 65536, (height, width), dtype=np.uint16)
        add(f"{name}-sixteen.png", Image.fromarray(sixteen), (sixteen >> 8).astype(np.uint8)[:, :, None].repeat(3, axis=2))
        add(f"{name}.bmp", rgb, rgb)
        add(f"{name}-palette.bmp", rgb.quantize(100), rgb.quantize(100).convert("RGB"))
        add(f"{name}.tga", rgb, rgb)
        add(f"{name}-rle.tga", rgb, rgb, compression="tga_rle")
        add(f"{name}.ppm", rgb, rgb)
        add(f"{name}.pgm", grey, as_rgb)
        add(f"{name}.gif", rgb.quantize(64), rgb.quantize(64).convert("RGB"))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        im = picture(23, 12, "RGB")
        path = folder / f"exif{orientation}.png"
        im.save(path, exif=exif)
        wanted[path.name] = read_upright(path)
    return compare(folder, wanted, "--fit", "native")


def resized(im, width, height, method):
    return im.resize((width, im.height), method).resize((width, height), method)


def covering(im, size, method):
    scale = max(size / im.height, size / im.width)
    im = resized(im, max(size, int(im.width * scale + 0.5)), max(size, int(im.height * scale + 0.5)), method)
    left, top = (im.width - size) // 2, (im.height - size) // 2
    return im.crop((left, top, left + size, top + size))


def check_resizing():
    folder = work / "sizes"
    folder.mkdir()
    for width, height in [(1, 1), (3, 50), (64, 64), (40, 31), (97, 200), (300, 121)]:
        picture(width, height, "RGB").save(folder / f"{width}x{height}.png")
    pictures = {p.name: Image.open(p).convert("RGB") for p in folder.iterdir()}
    count = 0
    for name, method in FILTERS.items():
        for size in (1, 24, 64, 150):
            options = ("--size", size, "--filter", name)
            count += compare(folder, {n: resized(im, size, size, method) for n, im in pictures.items()}, "--fit", "resize", *options)
            count += compare(folder, {n: covering(im, size, method) for n, im in pictures.items()}, "--fit", "crop", *options)
        greys = {n: resized(im.convert("L"), 24, 24, method) for n, im in pictures.items()}
        count += compare(folder, greys, "--fit", "resize", "--size", 24, "--filter", name, "--channels", 1)
    return count


def check_other_files():
    """ILSVRC-style files: BigGAN-PyTorch's are planar, StudioGAN's are not."""
    for name, shape in {"biggan": (6, 3, 16, 16), "studiogan": (6, 16, 16, 3)}.items():
        path = work / f"{name}.hdf5"
        with h5py.File(path, "w") as f:
            f.create_dataset("imgs", data=random.integers(0, 256, shape, dtype=np.uint8), chunks=(2, *shape[1:]), compression="lzf" if "studio" in name else None)
            f.create_dataset("labels", data=np.arange(6, dtype=np.int64), chunks=(2,))
        about = json.loads(foil("inspect", path, "--json"))
        assert (about["kind"], about["count"], about["channels"], about["height"], about["width"]) == ("set", 6, 3, 16, 16), about
        assert [c["fake"] for c in about["counts"]] == [False], about


try:
    print(f"{check_jpegs()} JPEG, {check_webps()} WebP, {check_lossless()} other files, {check_resizing()} resized equal to Pillow's, bit for bit")
    check_other_files()
finally:
    subprocess.run(["rm", "-rf", work], check=True)
