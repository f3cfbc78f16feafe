"""Makes optimizer_values.json: what PyTorch's optimizers do to given values under given gradients."""
import json
import pathlib

import torch

# Foil's options beside PyTorch's.
CASES = [
    ("{sgd: {lr: 0.1}}", torch.optim.SGD, {"lr": 0.1}, 0),
    ("{sgd: {lr: 0.05, momentum: 0.9, weight_decay: 0.01}}", torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}, 0),
    ("{adam: {lr: 2e-4, beta1: 0.5, beta2: 0.999}}", torch.optim.Adam, {"lr": 2e-4, "betas": (0.5, 0.999)}, 0),
    ("{adam: {lr: 0.01, beta1: 0, beta2: 0.9, weight_decay: 0.1}}", torch.optim.Adam, {"lr": 0.01, "betas": (0.0, 0.9), "weight_decay": 0.1}, 0),
    ("{adamw: {lr: 0.01, weight_decay: 0.1}}", torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}, 0),
    ("{adam: {lr: 0.01, clip: 0.5}}", torch.optim.Adam, {"lr": 0.01}, 0.5),
]
STEPS, SIZE = 6, 37


def case(options, kind, arguments, clip):
    generator = torch.Generator().manual_seed(5)
    start = torch.randn(SIZE, generator=generator)
    gradients = torch.randn(STEPS, SIZE, generator=generator) * torch.logspace(-4, 1, SIZE)
    parameter = torch.nn.Parameter(start.clone())
    optimizer = kind([parameter], **arguments)
    norms = []
    for g in gradients:
        parameter.grad = g.clone()
        norms.append(float(g.double().norm()))
        if clip:
            torch.nn.utils.clip_grad_norm_([parameter], clip)
        optimizer.step()
    return {"options": options, "start": start.tolist(), "gradients": gradients.tolist(), "norms": norms, "end": parameter.detach().tolist()}


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("optimizer_values.json")
    path.write_text("[\n" + ",\n".join(json.dumps(case(*c)) for c in CASES) + "\n]\n")
