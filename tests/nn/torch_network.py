"""A network file as a torch.nn.Module whose state_dict has Foil's names: written from docs/layers.md, not from the C code. For check_networks.py."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
import yaml


def pair(v):
    return tuple(v) if isinstance(v, list) else (v, v)


class Reshape(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape(x.shape[0], *self.shape)


class GlobalPool(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def forward(self, x):
        return {"mean": x.mean, "sum": x.sum, "max": x.amax}[self.kind](dim=(2, 3))


class Npr(nn.Module):
    def forward(self, x):
        half = F.interpolate(x, scale_factor=0.5, mode="nearest", recompute_scale_factor=True)
        return (x - F.interpolate(half, scale_factor=2.0, mode="nearest", recompute_scale_factor=True)) * 2.0 / 3.0


class Upsample(nn.Module):
    def __init__(self, scale=2, mode="nearest"):
        super().__init__()
        self.arguments = {"scale_factor": pair(scale), "mode": mode, "align_corners": False if mode == "bilinear" else None}

    def forward(self, x):
        return F.interpolate(x, **self.arguments)


class LayerNorm(nn.Module):
    """Over all of a sample, with a scale and a shift for each channel."""

    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.weight, self.bias, self.eps = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels)), eps

    def forward(self, x):
        y = F.group_norm(x, 1, eps=self.eps)
        shape = (1, -1) + (1,) * (x.dim() - 2)
        return y * self.weight.view(shape) + self.bias.view(shape)


class PixelNorm(nn.Module):
    def forward(self, x):
        return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()


class MinibatchStddev(nn.Module):
    def __init__(self, group=4, features=1):
        super().__init__()
        self.group, self.features = group, features

    def forward(self, x):
        n, c, h, w = x.shape
        g = min(self.group, n)
        y = x.reshape(g, -1, self.features, c // self.features, h, w)
        y = (y.var(0, unbiased=False) + 1e-8).sqrt().mean(dim=(2, 3, 4))
        return torch.cat([x, y.reshape(-1, self.features, 1, 1).repeat(g, 1, h, w)], 1)


class Residual(nn.Module):
    def __init__(self, body, skip):
        super().__init__()
        self.body, self.skip = body, skip

    def forward(self, x):
        return self.body(x) + self.skip(x)


class Parallel(nn.Module):
    def __init__(self, branches, join="concat"):
        super().__init__()
        self.branches, self.join = nn.ModuleList(branches), join

    def forward(self, x):
        y = [b(x) for b in self.branches]
        return torch.cat(y, 1) if self.join == "concat" else sum(y)


def substitute(node, lists, i):
    if isinstance(node, str) and node.startswith("$") and node[1:] in lists:
        value = lists[node[1:]]
        return value[i] if isinstance(value, list) else value
    if isinstance(node, list):
        return [substitute(v, lists, i) for v in node]
    if isinstance(node, dict):
        return {k: substitute(v, lists, i) for k, v in node.items()}
    return node


SHORT = {"leaky_relu": "slope", "global_pool": "kind", "max_pool": "kernel", "average_pool": "kernel", "linear": "out", "dropout": "p",
         "reshape": "shape", "upsample": "scale", "elu": "alpha", "group_norm": "groups"}
PLAIN = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "selu": nn.SELU, "gelu": nn.GELU, "silu": nn.SiLU, "softplus": nn.Softplus,
         "flatten": nn.Flatten, "npr": Npr, "pixel_norm": PixelNorm}


def convolution(kind, c, k):
    arguments = dict(kernel_size=pair(k["kernel"]), stride=pair(k.get("stride", 1)), dilation=pair(k.get("dilation", 1)),
                     groups=k.get("groups", 1), bias=k.get("bias", True))
    pad = k.get("pad", 0)
    arguments["padding"] = pad if pad == "same" else pair(pad)
    if kind is nn.ConvTranspose2d:
        arguments["output_padding"] = pair(k.get("output_pad", 0))
    return kind(c, k["out"], **arguments)


def module(name, k, c):
    """The layer, for `c` channels that come in."""
    if name in PLAIN:
        return PLAIN[name]()
    norm = {"eps": k.get("eps", 1e-5), "affine": k.get("affine", True)}
    made = {
        "conv": lambda: convolution(nn.Conv2d, c, k),
        "conv_transpose": lambda: convolution(nn.ConvTranspose2d, c, k),
        "linear": lambda: nn.Linear(c, k["out"], bias=k.get("bias", True)),
        "batch_norm": lambda: nn.BatchNorm2d(c, momentum=k.get("momentum", 0.1), **norm),
        "instance_norm": lambda: nn.InstanceNorm2d(c, **norm),
        "group_norm": lambda: nn.GroupNorm(k["groups"], c, **norm),
        "layer_norm": lambda: LayerNorm(c),
        "leaky_relu": lambda: nn.LeakyReLU(k.get("slope", 0.2)),
        "elu": lambda: nn.ELU(k.get("alpha", 1.0)),
        "softmax": lambda: nn.Softmax(1),
        "dropout": lambda: nn.Dropout(k.get("p", 0.5)),
        "max_pool": lambda: nn.MaxPool2d(pair(k["kernel"]), pair(k.get("stride", k["kernel"])), pair(k.get("pad", 0))),
        "average_pool": lambda: nn.AvgPool2d(pair(k["kernel"]), pair(k.get("stride", k["kernel"])), pair(k.get("pad", 0)),
                                             count_include_pad=k.get("count_padding", True)),
        "global_pool": lambda: GlobalPool(k.get("kind", "mean")),
        "upsample": lambda: Upsample(**k),
        "reshape": lambda: Reshape(k["shape"]),
        "minibatch_stddev": lambda: MinibatchStddev(**k),
        "residual": lambda: Residual(sequence(k["body"], c), sequence(k.get("skip", []), c)),
        "parallel": lambda: Parallel([sequence(b, c) for b in k["branches"]], k.get("join", "concat")),
    }[name]()
    return nn.utils.spectral_norm(made) if k.get("spectral_norm") else made


def unrolled(layers):
    for item in layers:
        name, k = (item, {}) if isinstance(item, str) else next(iter(item.items()))
        k = {} if k is None else k if isinstance(k, dict) else {SHORT[name]: k}
        if name != "repeat":
            yield name, k
            continue
        lists = k.get("for", {})
        for i in range(k.get("times") or len(next(iter(lists.values())))):
            yield from unrolled(substitute(copy.deepcopy(k["layers"]), lists, i))


def sequence(layers, shape):
    """nn.Sequential; shapes are followed by running each layer on zeros."""
    made = nn.Sequential()
    x = torch.zeros(2, *shape)
    for i, (name, k) in enumerate(unrolled(layers)):
        k = dict(k)
        label = k.pop("name", str(i))
        if name in ("residual", "parallel"):
            layer = module(name, k, tuple(x.shape[1:]))
        else:
            layer = module(name, k, x.shape[1])
        with torch.no_grad():
            x = copy.deepcopy(layer).eval()(x)
        made.add_module(label, layer)
    made.out = tuple(x.shape[1:])
    return made


class Network(nn.Module):
    """forward gives (body's output, {head: logits})."""

    def __init__(self, text, channels=None):
        super().__init__()
        file = yaml.safe_load(text)
        file = substitute(file, {"channels": channels or file.get("channels", 3)}, 0)
        given = file["input"]
        self.shape = (given["latent"],) if "latent" in given else (given["image"][2], given["image"][0], given["image"][1])
        self.layers = sequence(file["layers"], self.shape)
        self.heads = nn.ModuleDict({name: sequence(h["layers"], self.layers.out) for name, h in file.get("heads", {}).items()})

    def forward(self, x):
        y = self.layers(x)
        return y, {name: head(y).flatten() for name, head in self.heads.items()}
