#!/usr/bin/env python3
"""Writes picture_values.h, PyTorch's pooling and resampling of one small picture: picture_values.py > picture_values.h"""
import torch
import torch.nn.functional as F

H, W, C = 5, 7, 2
x = torch.tensor([((i * 37 + 11) % 64 - 32) / 16 for i in range(H * W * C)], dtype=torch.float64).reshape(1, H, W, C)
OPS = {  # initialisers of `how`: kind, then sizes or a pool's parameters
    "nearest, 8, 9": lambda p: F.interpolate(p, (8, 9), mode="nearest"),
    "nearest, 3, 3": lambda p: F.interpolate(p, (3, 3), mode="nearest"),
    "nearest, 10, 14": lambda p: F.interpolate(p, (10, 14), mode="nearest"),
    "bilinear, 8, 9": lambda p: F.interpolate(p, (8, 9), mode="bilinear", align_corners=False),
    "bilinear, 3, 4": lambda p: F.interpolate(p, (3, 4), mode="bilinear", align_corners=False),
    "bilinear, 10, 14": lambda p: F.interpolate(p, (10, 14), mode="bilinear", align_corners=False),
    "bilinear, 1, 1": lambda p: F.interpolate(p, (1, 1), mode="bilinear", align_corners=False),
    "max, .kernel = {2, 2}": lambda p: F.max_pool2d(p, 2),
    "max, .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}": lambda p: F.max_pool2d(p, 3, 2, 1),
    "max, .kernel = {3, 2}, .stride = {1, 2}, .pad = {1, 1, 1, 1}": lambda p: F.max_pool2d(p, (3, 2), (1, 2), (1, 1)),
    "average, .kernel = {2, 2}": lambda p: F.avg_pool2d(p, 2),
    "average, .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}, .count_padding = true": lambda p: F.avg_pool2d(p, 3, 2, 1),
    "average, .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}, .count_padding = false": lambda p: F.avg_pool2d(p, 3, 2, 1, count_include_pad=False),
    "average, .kernel = {5, 7}": lambda p: F.avg_pool2d(p, (5, 7)),
}


def numbers(t):
    return ", ".join(f"{v:.9g}" for v in t.permute(0, 2, 3, 1).flatten().tolist())


print("// Made by picture_values.py with PyTorch. For each op: the result, and the gradient toward the picture of sum(result · ramp(i)).")
print("// clang-format off")
for how, op in OPS.items():
    p = x.permute(0, 3, 1, 2).clone().requires_grad_()
    y = op(p)
    ramp = torch.arange(y.numel(), dtype=torch.float64).reshape(y.shape[0], y.shape[2], y.shape[3], y.shape[1]).permute(0, 3, 1, 2) / 8
    (y * ramp).sum().backward()
    print(f"{{CASE({how}), {{1, {y.shape[2]}, {y.shape[3]}, {C}}},\n {{{numbers(y.detach())}}},\n {{{numbers(p.grad)}}}}},")
