"""Networks against PyTorch: every layer type and every shipped network, names of parameters, forward in both modes, running state; and counts against the
modules of the publications."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
try:
    import torch
    import torch.nn as nn
    from safetensors.torch import load_file, save_file
    from torch_network import Network
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

TOOL = os.path.join(os.environ["FOIL_BUILD"], "tests", "nn_test_net")
NETS = os.path.join(os.environ["FOIL_SOURCE"], "configs", "nets")

IMAGE = "input: {image: [8, 12, 3]}\nlayers:\n"
LAYERS = {
    "conv": IMAGE + "  - conv: {out: 6, kernel: [3, 5], stride: [2, 1], pad: [1, 2], dilation: [1, 2], groups: 3}\n  - conv: {out: 4, kernel: 4, pad: same}\n"
                    "  - conv: {out: 4, kernel: 3, pad: same, dilation: 2, bias: false, spectral_norm: true}\n",
    "conv_transpose": IMAGE + "  - conv_transpose: {out: 6, kernel: 4, stride: 2, pad: 1, groups: 3}\n"
                              "  - conv_transpose: {out: 5, kernel: [3, 2], stride: [2, 3], pad: 1, output_pad: [1, 2], spectral_norm: true}\n",
    "linear": "input: {latent: 7}\nlayers:\n  - linear: {out: 9, spectral_norm: true}\n  - tanh\n  - linear: {out: 3, bias: false}\n  - softmax\n",
    "norms": IMAGE + "  - conv: {out: 8, kernel: 3}\n  - batch_norm: {momentum: 0.3, eps: 0.001}\n  - layer_norm\n  - group_norm: 4\n  - instance_norm\n"
                     "  - conv: {out: 8, kernel: 3}\n  - pixel_norm\n  - conv: {out: 4, kernel: 1}\n  - batch_norm: {affine: false}\n",
    "activations": IMAGE + "".join(f"  - conv: {{out: 3, kernel: 1}}\n  - {a}\n" for a in
                                   ("relu", "leaky_relu: 0.3", "elu: 0.7", "selu", "gelu", "silu", "softplus", "sigmoid", "tanh", "softmax")),
    "pools": IMAGE + "  - max_pool: {kernel: 3, stride: 1, pad: 1}\n  - average_pool: {kernel: 3, stride: [1, 2], pad: 1}\n"
                     "  - average_pool: {kernel: 3, stride: 1, pad: 1, count_padding: false}\n  - max_pool: 2\n"
                     "heads:\n  a: {layers: [global_pool: sum, linear: 1]}\n  b: {layers: [global_pool: max, linear: 1]}\n",
    "shapes": IMAGE + "  - flatten\n  - linear: 24\n  - reshape: [6, 2, 2]\n  - conv: {out: 6, kernel: 1}\n  - reshape: [3, 2, 4]\n"
                      "  - upsample: {scale: [2, 3]}\n  - upsample: {scale: 2, mode: bilinear}\n  - npr\n",
    "branches": IMAGE + "  - parallel: {branches: [[{conv: {out: 2, kernel: 1, name: point}}, relu], [{conv: {out: 3, kernel: 3, pad: 1}}], []]}\n"
                        "  - residual: {body: [{conv: {out: 8, kernel: 3, pad: 1}}, batch_norm, {residual: {body: [tanh]}}]}\n"
                        "  - parallel: {branches: [[relu], [{conv: {out: 8, kernel: 1}}]], join: add}\n"
                        "  - repeat: {for: {w: [5, 6], k: [1, 3]}, layers: [{conv: {out: $w, kernel: $k}}, {repeat: {times: 2, layers: [tanh]}}]}\n",
    "stddev": "input: {image: [4, 4, 6]}\nlayers:\n  - minibatch_stddev: {group: 2, features: 3}\n  - conv: {out: 5, kernel: 3}\n",
}


def nhwc(x):
    return x.permute(0, 2, 3, 1).contiguous() if x.dim() == 4 else x.contiguous()


def weights_of(network):
    """Non-trivial values everywhere, running statistics and spectral vectors included."""
    with torch.no_grad():
        for name, t in network.named_parameters():
            if t.dim() == 1:
                t.add_(torch.randn_like(t) * 0.1)
        for name, t in network.named_buffers():
            if name.endswith("running_mean"):
                t.copy_(torch.randn_like(t) * 0.1)
            elif name.endswith("running_var"):
                t.copy_(torch.rand_like(t) + 0.5)
    return {k: v.contiguous() for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}


def close(a, b, what):
    a, b = a.double(), b.double()
    assert a.shape == b.shape, f"{what}: {tuple(a.shape)} and PyTorch's {tuple(b.shape)}"
    scale = max(1e-3, b.abs().max().item())
    worst = (a - b).abs().max().item() / scale
    assert worst < 1e-9, f"{what}: {worst:.3g} of the largest value"


def compare(name, text, folder, modes=("infer", "train"), samples=4, channels=None):
    torch.manual_seed(1)
    path = {k: os.path.join(folder, k) for k in ("net.yaml", "weights", "in", "out")}
    if channels:
        text = f"channels: {channels}\n" + text
    open(path["net.yaml"], "w").write(text)
    network = Network(text)
    weights = weights_of(network)
    save_file(weights, path["weights"])
    for mode in modes:
        network.load_state_dict(weights, strict=False)
        network.double().train(mode == "train")
        inputs = [torch.randn(samples, *network.shape) for _ in range(2)]
        save_file({f"x{i}": nhwc(x) for i, x in enumerate(inputs)}, path["in"])
        done = subprocess.run([TOOL, path["net.yaml"], path["weights"], path["in"], path["out"], mode], stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        ours = load_file(path["out"])
        for i, x in enumerate(inputs):
            with torch.no_grad():
                y, heads = network(x.double())
            close(ours[f"y{i}"], nhwc(y), f"{name} {mode} y{i}")
            for head, logits in heads.items():
                close(ours[f"{head}{i}"], logits, f"{name} {mode} {head}{i}")
        after = network.state_dict()
        updates = {k[len("update."):]: v for k, v in ours.items() if k.startswith("update.")}
        state = [k for k in weights if re.search(r"running_|weight_[uv]$", k)] if mode == "train" else []
        assert sorted(updates) == sorted(state), f"{name} {mode}: assigns {sorted(updates)}, PyTorch {sorted(state)}"
        for k, v in updates.items():
            close(v, after[k], f"{name} {mode} {k}")
    print("ok", name)


def small(text, size):
    return re.sub(r"\[224, 224,|\[256, 256,", f"[{size}, {size},", text)


class MimicryBlock(nn.Module):
    """Parameters of mimicry's residual blocks."""

    def __init__(self, c, out, hidden, norm, shortcut):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(c, hidden, 3, 1, 1), nn.Conv2d(hidden, out, 3, 1, 1)])
        if shortcut:
            self.convs.append(nn.Conv2d(c, out, 1))
        self.norms = nn.ModuleList([nn.BatchNorm2d(c), nn.BatchNorm2d(hidden)] if norm else [])


def mimicry():
    def generator(widths):
        blocks = [MimicryBlock(a, b, b, True, True) for a, b in zip(widths, widths[1:])]
        return nn.ModuleList([nn.Linear(128, 16 * widths[0]), *blocks, nn.BatchNorm2d(widths[-1]), nn.Conv2d(widths[-1], 3, 3, 1, 1)])

    def discriminator(blocks, last):
        return nn.ModuleList([*blocks, nn.Linear(last, 1)])

    d64 = [MimicryBlock(3, 64, 64, False, True)] + [MimicryBlock(a, 2 * a, a, False, True) for a in (64, 128, 256, 512)]
    d32 = [MimicryBlock(3, 128, 128, False, True), MimicryBlock(128, 128, 128, False, True)] + [MimicryBlock(128, 128, 128, False, False)] * 2
    d32 = d32[:3] + [MimicryBlock(128, 128, 128, False, False)]
    return {"sngan32-g": generator([256] * 4), "sngan64-g": generator([1024, 512, 256, 128, 64]),
            "sngan32-d": discriminator(d32, 128), "sngan64-d": discriminator(d64, 1024)}


def check_counts():
    for name, published in mimicry().items():
        ours = Network(open(os.path.join(NETS, name + ".yaml")).read())
        count = sum(p.numel() for k, p in ours.named_parameters() if not k.startswith("heads.detect."))
        assert count == sum(p.numel() for p in published.parameters()), name
    print("ok counts of mimicry's modules")


def check_initialisation(folder):
    """PyTorch's defaults, by their deviation."""
    text = "input: {image: [8, 8, 16]}\nlayers:\n  - conv: {out: 64, kernel: 5}\n  - flatten\n  - linear: 300\n"
    path = os.path.join(folder, "init.yaml")
    open(path, "w").write(text)
    save_file({"x0": torch.randn(64, 8, 8, 16)}, os.path.join(folder, "in"))
    subprocess.run([TOOL, path, "-", os.path.join(folder, "in"), os.path.join(folder, "out"), "infer"], check=True)
    ours = load_file(os.path.join(folder, "out"))["y0"].std().item()
    torch.manual_seed(1)
    theirs = Network(text)(torch.randn(64, 16, 8, 8))[0].std().item()
    assert abs(ours / theirs - 1) < 0.05, (ours, theirs)
    print("ok initialisation")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name, text in LAYERS.items():
            compare(name, text, folder)
        for file in sorted(os.listdir(NETS)):
            text = open(os.path.join(NETS, file)).read()
            random = "dropout" in text
            big = "sngan64" in file or "sngan32-g" in file
            size = 128 if "meso4" in file else 32
            modes = ("infer",) if random else ("train",) if big else ("infer", "train")
            compare(file, small(text, size), folder, modes, samples=1 if big else 2)
        compare("grey", small(open(os.path.join(NETS, "npr.yaml")).read(), 32), folder, channels=1, samples=2)
        check_counts()
        check_initialisation(folder)


main()
