"""Scores one JPEG or a folder of them, as `foil detect` does: score.py ENGINE MODEL PATH. As a careful user would write it: only what is needed is
imported; of a folder every thread decodes and scores batches of its own, so that no core ever waits. Prints one JSON object."""
import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

AT_ONCE = 8


def onnxruntime(o, threads):
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    session = ort.InferenceSession(o.model + ".onnx", settings, providers=["CPUExecutionProvider"])
    return session.get_inputs()[0].shape[2], lambda x: session.run(None, {"image": x})[0]


def openvino(o, threads):
    import openvino as ov

    folder = threads < o.threads
    hint = {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": o.threads} if folder else {"PERFORMANCE_HINT": "LATENCY"}
    model = ov.Core().read_model(o.model + ".onnx")
    side = model.input(0).partial_shape[2].get_length()
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": o.type, "INFERENCE_NUM_THREADS": o.threads, **hint})
    if folder:  # alone at first: its bindings wait for each other for ever if two threads come at once, while they hold Python's lock
        compiled.create_infer_request().infer(np.zeros((1, model.input(0).partial_shape[1].get_length(), side, side), np.float32))
    return side, lambda x: compiled.create_infer_request().infer(x)[0]


def pytorch(o, threads):
    import torch
    from safetensors.torch import load_file

    sys.path.insert(0, os.path.dirname(__file__))
    from networks import read

    torch.set_num_threads(threads)
    judge = read(o.model + ".yaml", "detect").eval()
    judge.whole[0].load_state_dict(load_file(o.model + ".safetensors"), strict=False)

    def run(x):
        with torch.inference_mode():
            return judge(torch.from_numpy(x)).numpy()

    return judge.shape[1], run


def by_pillow(path, side):
    from PIL import Image

    picture = Image.open(path).convert("RGB")
    scale = side / min(picture.size)
    if scale != 1:
        picture = picture.resize([max(side, round(n * scale)) for n in picture.size], Image.BILINEAR)
    return np.asarray(picture)


def by_cv2(path, side):
    import cv2

    cv2.setNumThreads(1)
    picture = cv2.imread(path)
    scale = side / min(picture.shape[:2])
    if scale != 1:
        picture = cv2.resize(picture, [max(side, round(n * scale)) for n in picture.shape[1::-1]], interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


ENGINES = {"onnxruntime": onnxruntime, "openvino": openvino, "pytorch": pytorch}
DECODERS = {"pillow": by_pillow, "cv2": by_cv2}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("engine", choices=ENGINES)
    p.add_argument("model")
    p.add_argument("path")
    p.add_argument("--type", choices=("f32", "bf16"), default="f32")
    p.add_argument("--decoder", choices=DECODERS, default="pillow")
    p.add_argument("--threads", type=int, default=2)
    o = p.parse_args()
    folder = os.path.isdir(o.path)
    side, run = ENGINES[o.engine](o, 1 if folder else o.threads)
    files = sorted(os.path.join(o.path, f) for f in os.listdir(o.path)) if folder else [o.path]
    decode = DECODERS[o.decoder]

    def one(path):
        x = decode(path, side)
        top, left = (x.shape[0] - side) // 2, (x.shape[1] - side) // 2
        return x[top:top + side, left:left + side].transpose(2, 0, 1)

    def score(some):
        return run(np.stack([one(f) for f in some]).astype(np.float32) * np.float32(2 / 255) - np.float32(1)).ravel().tolist()

    some = [files[i:i + AT_ONCE] for i in range(0, len(files), AT_ONCE)]
    if folder:
        with ThreadPoolExecutor(o.threads) as pool:
            logits = sum(pool.map(score, some), [])
    else:
        logits = score(files)
    print(json.dumps({"files": [{"path": f, "logit": l} for f, l in zip(files, logits)]}))


main()
