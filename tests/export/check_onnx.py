"""Exported ONNX models pass onnx.checker and agree with `foil detect`: in ONNX Runtime, OpenVINO and OpenCV."""
import json
import sys
import tempfile

import peers

np, onnx, onnxruntime, _ = peers.need("numpy", "onnx", "onnxruntime", "PIL.Image")


def optional(name):
    try:
        return __import__(name)
    except ImportError as why:
        print(f"not compared: {name} ({why})")
        return None


openvino, cv2 = optional("openvino"), optional("cv2")


def in_onnxruntime(path, name, x):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {name: x})
    one_by_one = [session.run(None, {name: x[i : i + 1]}) for i in range(len(x))]
    for whole, single in zip(outputs, zip(*one_by_one)):
        assert np.abs(whole - np.concatenate(single)).max() < peers.TOLERANCE * max(1, np.abs(whole).max()), "the batch changes results"
    return outputs


def in_openvino(path, name, x):
    model = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 2})
    results = model({name: x})
    return [results[model.output(i)] for i in range(len(model.outputs))]


def in_opencv(path, name, x, outputs):
    net = cv2.dnn.readNetFromONNX(str(path))
    net.setInput(x, name)
    return [np.asarray(y) for y in net.forward(outputs)]


def check_detector(detector, folder):
    name = detector.stem
    path = detector.with_suffix(".onnx")
    peers.foil("export", detector, "-o", path)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8 and model.opset_import[0].version == 17
    properties = {p.key: p.value for p in model.metadata_props}
    assert json.loads(properties["thresholds"]) == {"eer": 0.1234567890123456, "fpr=0.01": 0.7 + 1e-16}
    batch, channels, height, width = model.graph.input[0].type.tensor_type.shape.dim
    assert batch.dim_param == "N"
    shape = height.dim_value, width.dim_value, channels.dim_value

    pictures = peers.write_pictures(folder, *shape)
    x = peers.read_pictures(pictures, channels.dim_value)
    logit, score = peers.detect(detector, pictures)
    assert np.ptp(logit) > 1e-4, f"{name} says the same of every picture"
    for what, run in (("onnxruntime", in_onnxruntime), ("openvino", in_openvino if openvino else None)):
        if run:
            got = run(path, "image", x)
            peers.compare(name, f"{what} logit", logit, got[0])
            peers.compare(name, f"{what} score", score, got[1])
    if cv2:
        got = in_opencv(path, "image", x, ["logit", "score"])
        peers.compare(name, "opencv logit", logit, got[0].reshape(-1))
        peers.compare(name, "opencv score", score, got[1].reshape(-1))


def check_generator(run):
    path = run.with_suffix(".onnx")
    peers.foil("export", run, "--generator", "-o", path)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    z = np.random.default_rng(1).normal(size=(3, model.graph.input[0].type.tensor_type.shape.dim[1].dim_value)).astype(np.float32)
    (image,) = in_onnxruntime(path, "latent", z)
    assert image.ndim == 4 and len(image) == 3 and image.min() >= 0 and image.max() <= 1 and image.std() > 1e-3
    if openvino:
        peers.compare(run.name, "openvino image", image.astype(np.float64), in_openvino(path, "latent", z)[0])
    if cv2:
        peers.compare(run.name, "opencv image", image.astype(np.float64), in_opencv(path, "latent", z, ["image"])[0])


with tempfile.TemporaryDirectory() as folder:
    detectors, runs = peers.write_networks(folder)
    assert len(detectors) > 2 and len(runs) > 2
    for detector in detectors:
        check_detector(detector, folder)
        sys.stdout.flush()
    for run in runs:
        check_generator(run)
