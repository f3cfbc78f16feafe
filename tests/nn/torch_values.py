"""PyTorch's values and gradients of every op, in f64, for test_torch_values.c.

    python tests/nn/torch_values.py tests/nn/torch_values.safetensors

A case NAME gives tensors "NAME/x0", "NAME/x1" … (inputs), "NAME/y" (output), "NAME/gy" (gradient toward y) and "NAME/g0" … (gradients toward the inputs).
Pictures are [N,H,W,C], as Foil has them; weights are as PyTorch has them.
"""

import sys
import types

import torch
import torch.nn.functional as F
from torch.nn.utils.spectral_norm import SpectralNorm


def channels_first(f):
    return lambda x, *rest: f(x.permute(0, 3, 1, 2), *rest).permute(0, 2, 3, 1)


def pictures(f, **keys):
    return channels_first(lambda x, *rest: f(x, *rest, **keys))


def batch_norm(x, gamma, beta):
    return F.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-5)


def running_batch_norm(x, gamma, beta):
    mean, variance = torch.linspace(-0.5, 0.5, 3).double(), torch.linspace(0.5, 2, 3).double()
    return F.batch_norm(x, mean, variance, gamma, beta, training=False, eps=1e-5)


def spectral(w):  # torch.nn.utils.spectral_norm's, one iteration
    o, k = w.shape
    layer = types.SimpleNamespace(weight_orig=w, weight_u=torch.linspace(1, 2, o).double(), weight_v=torch.ones(k).double())
    return SpectralNorm("weight", n_power_iterations=1, dim=0, eps=1e-12).compute_weight(layer, do_power_iteration=True)


def minibatch_stddev(x):  # StyleGAN2's, group 2, one feature
    n, c, h, w = x.shape
    y = x.reshape(2, -1, 1, c, h, w)
    y = ((y - y.mean(0)) ** 2).mean(0)
    y = (y + 1e-8).sqrt().mean([2, 3, 4])
    return torch.cat([x, y.reshape(-1, 1, 1, 1).repeat(2, 1, h, w)], 1)


A, B = (3, 5), (5,)
P = (2, 4, 5, 3)  # a picture batch [N,H,W,C]
EVEN = (2, 4, 4, 4)
# name: (function, shapes of the inputs, transformation of the normal numbers that fill them)
SAME = lambda x: x
POSITIVE = lambda x: x.abs() + 0.5
CASES = {
    "add": (torch.add, [A, B], SAME),
    "sub": (torch.sub, [A, B], SAME),
    "mul": (torch.mul, [A, B], SAME),
    "div": (torch.div, [A, B], POSITIVE),
    "min": (torch.minimum, [A, A], SAME),
    "max": (torch.maximum, [A, A], SAME),
    "min tied": (torch.minimum, [A, A], torch.sign),
    "pow": (torch.pow, [A, B], POSITIVE),
    "pow scalar": (lambda x: x**3, [A], SAME),
    "neg": (torch.neg, [A], SAME),
    "exp": (torch.exp, [A], SAME),
    "log": (torch.log, [A], POSITIVE),
    "sqrt": (torch.sqrt, [A], POSITIVE),
    "rsqrt": (torch.rsqrt, [A], POSITIVE),
    "square": (torch.square, [A], SAME),
    "abs": (torch.abs, [A], SAME),
    "abs at 0": (torch.abs, [A], torch.zeros_like),
    "sign": (torch.sign, [A], SAME),
    "clip": (lambda x: x.clamp(-0.5, 0.75), [A], SAME),
    "clip at its ends": (lambda x: x.clamp(-1, 1), [A], torch.sign),
    "erf": (torch.erf, [A], SAME),
    "where": (lambda a, b: torch.where(a < b, a * a, b), [A, A], SAME),
    "tanh": (torch.tanh, [A], SAME),
    "sigmoid": (torch.sigmoid, [A], lambda x: 4 * x),
    "relu": (F.relu, [A], SAME),
    "relu at 0": (F.relu, [A], torch.zeros_like),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.2), [A], SAME),
    "elu": (lambda x: F.elu(x, 1.5), [A], SAME),
    "selu": (F.selu, [A], SAME),
    "gelu": (F.gelu, [A], lambda x: 2 * x),
    "silu": (F.silu, [A], lambda x: 2 * x),
    "softplus": (F.softplus, [A], lambda x: 4 * x),
    "sum": (lambda x: x.sum((0, 2)), [(2, 3, 4)], SAME),
    "mean": (lambda x: x.mean(1, keepdim=True), [(2, 3, 4)], SAME),
    "broadcast": (lambda x: x.expand(2, 3, 4), [(3, 1)], SAME),
    "reshape": (lambda x: x.reshape(4, 6), [(2, 3, 4)], SAME),
    "permute": (lambda x: x.permute(2, 0, 1), [(2, 3, 4)], SAME),
    "slice": (lambda x: x[1:4:2, 0:5:3], [(5, 6)], SAME),
    "pad": (lambda x: F.pad(x, (0, 3, 1, 2)), [(2, 3)], SAME),
    "concat": (lambda a, b: torch.cat([a, b], 1), [(2, 3), (2, 2)], SAME),
    "gather": (lambda x: x[:, [2, 0, 2, 1]], [(2, 3, 2)], SAME),
    "scatter_add": (lambda x: torch.zeros(2, 3, 2, dtype=x.dtype).index_add(1, torch.tensor([2, 0, 2, 1]), x), [(2, 4, 2)], SAME),
    "matmul": (torch.matmul, [(2, 3, 4), (2, 4, 5)], SAME),
    "matmul transposed": (lambda a, b: a.mT @ b.mT, [(2, 4, 3), (5, 4)], SAME),
    "conv": (pictures(F.conv2d, padding=1), [P, (4, 3, 3, 3)], SAME),
    "conv stride": (pictures(F.conv2d, stride=2, padding=1), [(2, 6, 6, 3), (4, 3, 4, 4)], SAME),
    "conv dilation": (pictures(F.conv2d, padding=(2, 1), dilation=(2, 1)), [P, (4, 3, 3, 3)], SAME),
    "conv groups": (pictures(F.conv2d, padding=1, groups=2), [EVEN, (6, 2, 3, 3)], SAME),
    "conv depthwise": (pictures(F.conv2d, padding=1, groups=4), [EVEN, (4, 1, 3, 3)], SAME),
    "conv asymmetric pad": (channels_first(lambda x, w: F.conv2d(F.pad(x, (0, 2, 1, 0)), w)), [P, (4, 3, 3, 3)], SAME),
    "conv transposed": (pictures(F.conv_transpose2d, stride=2, padding=1), [(2, 3, 3, 4), (4, 3, 4, 4)], SAME),
    "conv transposed groups": (pictures(F.conv_transpose2d, stride=2, padding=1, output_padding=1, groups=2), [(2, 3, 3, 4), (4, 3, 3, 3)], SAME),
    "max_pool": (pictures(F.max_pool2d, kernel_size=3, stride=2, padding=1), [P], SAME),
    "average_pool": (pictures(F.avg_pool2d, kernel_size=3, stride=2, padding=1), [P], SAME),
    "average_pool inside": (pictures(F.avg_pool2d, kernel_size=3, stride=2, padding=1, count_include_pad=False), [P], SAME),
    "resize nearest": (pictures(F.interpolate, size=(7, 9), mode="nearest"), [P], SAME),
    "resize nearest down": (pictures(F.interpolate, size=(2, 3), mode="nearest"), [P], SAME),
    "resize bilinear": (pictures(F.interpolate, size=(7, 9), mode="bilinear", align_corners=False), [P], SAME),
    "resize bilinear down": (pictures(F.interpolate, size=(2, 3), mode="bilinear", align_corners=False), [P], SAME),
    "batch_norm": (channels_first(batch_norm), [P, (3,), (3,)], lambda x: x + 2),
    "batch_norm running": (channels_first(running_batch_norm), [P, (3,), (3,)], SAME),
    "layer_norm": (lambda x, g, b: F.layer_norm(x, (3, 4), g, b, 1e-5), [(2, 3, 4), (3, 4), (3, 4)], SAME),
    "group_norm": (channels_first(lambda x, g, b: F.group_norm(x, 2, g, b, 1e-5)), [EVEN, (4,), (4,)], SAME),
    "instance_norm": (channels_first(lambda x, g, b: F.instance_norm(x, weight=g, bias=b, eps=1e-5)), [P, (3,), (3,)], SAME),
    "pixel_norm": (lambda x: x * (x.square().mean(-1, keepdim=True) + 1e-8).rsqrt(), [P], SAME),
    "spectral_norm": (spectral, [(4, 6)], SAME),
    "softmax": (lambda x: F.softmax(x, 1), [A], lambda x: 3 * x),
    "log_softmax": (lambda x: F.log_softmax(x, 0), [A], lambda x: 3 * x),
    "minibatch_stddev": (channels_first(minibatch_stddev), [EVEN], SAME),
}


def values():
    """All tensors by name; inputs are exact in f32."""
    tensors = {}
    generator = torch.Generator().manual_seed(1)

    def normal(shape):
        return torch.randn(shape, generator=generator, dtype=torch.float32).double()

    for name, (f, shapes, change) in CASES.items():
        x = [change(normal(s)).float().double().requires_grad_() for s in shapes]
        y = f(*x)
        gy = normal(y.shape)
        gradients = torch.autograd.grad(y, x, gy, allow_unused=True, materialize_grads=True)
        for i, (value, gradient) in enumerate(zip(x, gradients)):
            tensors[f"{name}/x{i}"] = value.detach()
            tensors[f"{name}/g{i}"] = gradient
        tensors[f"{name}/y"] = y.detach()
        tensors[f"{name}/gy"] = gy
    return {k: v.clone(memory_format=torch.contiguous_format) for k, v in tensors.items()}


if __name__ == "__main__":
    from safetensors.torch import save_file

    save_file(values(), sys.argv[1])
