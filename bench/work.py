"""The work that Foil and its peers are given: for every kind, its pieces, and for every piece the programs that do it."""
import json
import os
import subprocess
import sys
from functools import partial

from turns import Peer, Program, Timed

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = os.path.join(HERE, "..", "configs")
PEERS = os.path.join(HERE, "peers")
TORCH = {  # mode -> what bench/peers/training.py calls it
    "pytorch f32": ["--type", "f32"],
    "pytorch f32 hugepages": ["--type", "f32"],
    "pytorch f32 hugepages compiled": ["--type", "f32", "--compiled"],
    "pytorch bf16 autocast": ["--type", "bf16-autocast"],
    "pytorch bf16 autocast hugepages": ["--type", "bf16-autocast"],
    "pytorch bf16 autocast hugepages compiled": ["--type", "bf16-autocast", "--compiled"],
    "pytorch bf16 parameters": ["--type", "bf16-parameters"],
    "pytorch bf16 parameters hugepages": ["--type", "bf16-parameters"],
    "pytorch bf16 parameters hugepages compiled": ["--type", "bf16-parameters", "--compiled"],
}
FOIL = {
    "foil f32 direct": ["--precision", "f32", "--convolution", "direct"],
    "foil f32 fast": ["--precision", "f32", "--convolution", "fast"],
    "foil bf16 direct": ["--precision", "bf16", "--convolution", "direct"],
    "foil bf16 fast": ["--precision", "bf16", "--convolution", "fast"],
}


def peer(mode, program):
    """The beginning of a peer's command. Huge pages are a variable of PyTorch's."""
    variables = ["env", "THP_MEM_ALLOC_ENABLE=1"] if "hugepages" in mode else []
    return [*variables, sys.executable, os.path.join(PEERS, program)]


def read_bench(j):
    """A record of what `foil bench --json` says."""
    return {"seconds": j["seconds"], "images_per_second": j["images_per_second"], "flops": j["flops"],
            "gemm": j["gemm_flops_per_second"], "peak_resident_mb": j["peak_resident_mb"], "predicted_mb": j["predicted_resident_mb"] or None}


# Training -------------------------------------------------------------------------------------------------------------------------------------

MESO4 = os.path.join(CONFIGS, "nets", "meso4.yaml")
STEPS = {  # piece -> training file, batch, what Foil is told besides, what the peer is told besides
    "dcgan64": ("dcgan64", 64, [], []),
    "sngan32": ("sngan32", 64, ["game.d_steps=1"], []),
    "r1_32": ("r1_32", 64, ["game.ema.decay=0"], []),
    "dcgan32": ("dcgan32", 16, [], []),
    "meso4": ("supervised", 8, ["discriminator=" + MESO4], ["--discriminator", MESO4]),
}


def training_of(foil, s, name):
    file, batch, keys, options = STEPS[name]
    config = os.path.join(CONFIGS, "train", file + ".yaml")
    common = ["--batch", batch, "--threads", s.threads]
    programs = [Program(mode, [foil, "bench", config, *keys, *common, *more, "--seconds", s.seconds, "--json"], read_bench)
                for mode, more in FOIL.items()]
    return programs + [Peer(mode, [*peer(mode, "training.py"), config, *common, *options, *more], batch, s.seconds) for mode, more in TORCH.items()]


TRAINING = {name: partial(training_of, name=name) for name in STEPS}

# Inference ------------------------------------------------------------------------------------------------------------------------------------

NETWORKS = {"dcgan64-d": 0, "resnet18": 224, "meso4": 256, "npr": 256}  # and the side of their pictures, 0 = the file's
ENGINES = {
    "onnxruntime f32": ["onnxruntime"],
    "openvino f32": ["openvino", "--type", "f32"],
    "openvino bf16": ["openvino", "--type", "bf16"],
    "pytorch f32 hugepages": ["pytorch", "--type", "f32"],
    "pytorch f32 hugepages compiled": ["pytorch", "--type", "f32", "--compiled"],
    "pytorch bf16 hugepages": ["pytorch", "--type", "bf16"],
    "pytorch bf16 hugepages compiled": ["pytorch", "--type", "bf16", "--compiled"],
}


def model(s, name):
    """The network as everybody wants it (peers/write_models.py), made when first asked for; without suffix."""
    path = os.path.join(s.out, "models", name)
    if not os.path.exists(path + ".onnx"):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        net = os.path.join(CONFIGS, "nets", name + ".yaml")
        subprocess.run([sys.executable, os.path.join(PEERS, "write_models.py"), net, str(NETWORKS[name]), path], check=True)
    return path


def inference_of(foil, s, name, batch):
    path, common = model(s, name), ["--batch", batch, "--threads", s.threads]
    programs = [Program(mode, [foil, "bench", path + ".yaml", *common, *more, "--seconds", s.seconds, "--json"], read_bench)
                for mode, more in FOIL.items()]
    return programs + [Peer(mode, [*peer(mode, "inference.py"), more[0], path, *more[1:], *common], batch, s.seconds) for mode, more in ENGINES.items()]


INFERENCE = {f"{name}/{batch}": partial(inference_of, name=name, batch=batch) for name in NETWORKS for batch in (1, 32)}

# One file from the start of the process, and a folder ----------------------------------------------------------------------------------------------

SCORERS = {
    "onnxruntime f32": ["onnxruntime"],
    "onnxruntime f32 cv2": ["onnxruntime", "--decoder", "cv2"],
    "openvino f32": ["openvino", "--type", "f32"],
    "openvino bf16": ["openvino", "--type", "bf16"],
    "pytorch f32": ["pytorch"],
}


def pictures(s):
    """The folder to score, made when first asked for."""
    folder = os.path.join(s.out, f"pictures-{s.files}")
    if not os.path.isdir(folder):
        subprocess.run([sys.executable, os.path.join(PEERS, "write_pictures.py"), s.pictures or "-", str(s.files), folder], check=True)
    return folder


def read_scores(text):
    """Of `foil detect --json` and of peers/score.py; the mean logit shows that all have done the same."""
    files = json.loads(text)["files"]
    return {"files": len(files), "logit": sum(f["logit"] for f in files) / len(files)}


def scoring_of(foil, s, name, modes, path):
    path, detector = path(s), model(s, name)
    programs = [Timed("foil f32", [foil, "detect", detector + ".safetensors", path, "--threads", s.threads, "--json"], read_scores)]
    return programs + [Timed(m, [*peer(m, "score.py"), SCORERS[m][0], detector, path, *SCORERS[m][1:], "--threads", s.threads], read_scores) for m in modes]


def first(s):
    return os.path.join(pictures(s), "00001.jpg")


START = {name: partial(scoring_of, name=name, modes=[m for m in SCORERS if "cv2" not in m], path=first) for name in ("dcgan64-d", "resnet18")}
FOLDER = {name: partial(scoring_of, name=name, modes=[m for m in SCORERS if "pytorch" not in m], path=pictures) for name in ("dcgan64-d", "meso4")}


# The loader, beside the training that it feeds ---------------------------------------------------------------------------------------------------

def loading_of(foil, s, name, side):
    config, made = os.path.join(CONFIGS, "train", name + ".yaml"), os.path.join(s.out, f"set-{side}.h5")
    if not os.path.exists(made):
        packing = [foil, "pack", pictures(s), "--label", "real", "--size", str(side), "-o", made, "--quiet"]
        subprocess.run(packing, check=True, stdout=subprocess.DEVNULL)
    loader = os.path.join(os.path.dirname(foil), "bench_loader")
    fed = [Program(f"the training that it feeds, {t}", [foil, "bench", config, "--precision", t, "--threads", s.threads, "--seconds", s.seconds, "--json"],
                   read_bench) for t in ("f32", "bf16")]
    return [Program("foil loader", [loader, config, made, s.seconds], dict), *fed]


LOADER = {name: partial(loading_of, name=name, side=side) for name, side in (("dcgan32", 32), ("supervised", 64))}

KINDS = {"training": TRAINING, "inference": INFERENCE, "start": START, "folder": FOLDER, "loader": LOADER}
