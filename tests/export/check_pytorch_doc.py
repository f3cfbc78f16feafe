"""Runs docs/pytorch.md: its module loads every network with strict=True and agrees with `foil detect`, and so does its ONNX file."""
import os
import re
import shutil
import tempfile
import warnings

import peers

np, torch, _, safetensors, numpy_files, pillow = peers.need("numpy", "torch", "yaml", "safetensors", "safetensors.numpy", "PIL.Image")
warnings.simplefilter("ignore", FutureWarning)  # of the old spectral_norm, whose names Foil has
torch.set_num_threads(2)

page = (peers.SOURCE / "docs/pytorch.md").read_text()
module, score, onnx, generate = re.findall(r"```python\n(.*?)```", page, re.S)
try:
    import onnxruntime
except ImportError:
    onnxruntime = None



def check_fits(detector):
    """However a picture comes to the network's size, of 20 x 28 here: sizes beside which rounding, Pillow's order of passes or a side that is too short
    tell ways apart, with alpha, and in 16-bit grey."""
    network = {}
    exec(module, network)
    exec(score, network)
    file = safetensors.safe_open(detector, "np")
    tensors, card = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    for fit, resize in (("crop", "bicubic"), ("resize", "lanczos"), ("native", "bilinear")):
        numpy_files.save_file(tensors, "fitted.safetensors", {**card, "fit": fit, "resize": resize})
        for size in ((40, 57), (55, 10), (31, 40), (8, 90)):
            random = np.random.default_rng(1)
            for pixels in random.integers(0, 256, (*size, 4)).astype(np.uint8), random.integers(0, 65536, size).astype(np.uint16):
                pillow.fromarray(pixels).save("photo.png")
                x = network["picture"]("photo.png", 20, 28, 3, fit, resize)
                logit = network["load"]("fitted.safetensors")[0](x, head=card["head"]).detach().numpy()
                peers.compare("fits", f"{fit} {size} {pixels.dtype}", peers.detect("fitted.safetensors", ["photo.png"])[0], logit)


with tempfile.TemporaryDirectory() as folder:
    detectors, runs = peers.write_networks(folder)
    os.chdir(folder)
    for detector in detectors:
        network = {}
        exec(module, network)
        net, card = network["load"](detector)
        height, width, _ = net.input
        # One picture of the network's size, and one that must be resized and cropped
        for h, w in ((height, width), (int(height * 1.7), int(width * 1.3) + 3)):
            photo = peers.write_pictures(folder, h, w, int(card["channels"]))[1]
            wanted = peers.detect(detector, [photo])[1]
            shutil.copy(detector, "faces.safetensors")
            shutil.copy(photo, "photo.png")
            exec(score, network)
            peers.compare(detector.stem, f"score of {h} x {w}", wanted, np.array([network["score"]]))
            if onnxruntime:
                peers.foil("export", detector, "-o", "detector.onnx")
                exec(onnx, network)
                peers.compare(detector.stem, f"onnx of {h} x {w}", wanted, np.array([network["score"]]))
    check_fits("everything-d.safetensors")
    for run in runs:
        peers.foil("export", run, "--generator", "-o", "generator.safetensors")
        network = {}
        exec(module, network)
        exec(generate, network)
        images = network["images"].numpy()
        path = run.with_suffix(".onnx")
        assert images.ndim == 4 and images.std() > 1e-3 and images.min() >= 0 and images.max() <= 1
        if not onnxruntime:
            continue
        peers.foil("export", run, "--generator", "-o", path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        peers.compare(run.name, "image", images.astype(np.float64), session.run(None, {"latent": network["latents"].numpy()})[0])
