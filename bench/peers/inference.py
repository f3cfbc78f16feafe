"""A network of write_models.py answers batches of pictures: inference.py ENGINE MODEL (without suffix)."""
import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from turns import serve  # noqa: E402


def pictures(batch, shape):
    import numpy as np

    return np.random.default_rng(1).uniform(-1, 1, (batch, *shape)).astype(np.float32)


def onnxruntime(o):
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.intra_op_num_threads = o.threads
    settings.inter_op_num_threads = 1
    settings.add_free_dimension_override_by_name("N", o.batch)
    session = ort.InferenceSession(o.model + ".onnx", settings, providers=["CPUExecutionProvider"])
    x = {"image": pictures(o.batch, session.get_inputs()[0].shape[1:])}
    return lambda: session.run(None, x)[0]


def openvino(o):
    import openvino as ov

    core = ov.Core()
    model = core.read_model(o.model + ".onnx")
    shape = [d.get_length() for d in list(model.input(0).partial_shape)[1:]]
    model.reshape([o.batch, *shape])
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": o.type, "INFERENCE_NUM_THREADS": o.threads, "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    x = ov.Tensor(pictures(o.batch, shape))
    request.set_input_tensor(x)

    def run():
        request.infer()
        return request.get_output_tensor().data

    return run


def pytorch(o):
    import torch
    import torch._inductor.config as inductor
    from networks import read

    torch.set_num_threads(o.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[o.type]
    judge = read(o.model + ".yaml", "detect").eval().to(dtype=dtype, memory_format=torch.channels_last)
    x = torch.from_numpy(pictures(o.batch, judge.shape)).to(dtype).to(memory_format=torch.channels_last)
    inductor.freezing = True
    forward = torch.compile(judge) if o.compiled else judge

    def run():
        with torch.inference_mode() if not o.compiled else torch.no_grad():
            return forward(x).float().numpy()

    return run


ENGINES = {"onnxruntime": onnxruntime, "openvino": openvino, "pytorch": pytorch}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("engine", choices=ENGINES)
    p.add_argument("model")
    p.add_argument("--type", choices=("f32", "bf16"), default="f32")
    p.add_argument("--compiled", action="store_true")
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    o = p.parse_args()
    run = ENGINES[o.engine](o)
    serve(run, logit=float(run().ravel()[0]))


main()
