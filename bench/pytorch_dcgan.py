"""One adversarial step of the PyTorch example's DCGAN-64, timed: what `foil bench configs/train/dcgan64.yaml` is held against.

The networks, the loss (binary cross-entropy), the optimizer (Adam 2e-4, 0.5, 0.999) and the order of the loop are the example's
(pytorch/examples, dcgan/main.py). Prints one JSON object.
"""
import argparse
import json
import os
import statistics
import time

import torch
from torch import nn

MODES = ("f32", "f32-compiled", "bf16-autocast", "bf16-pure")


def generator(z=100, f=64):
    layers, channels = [], z
    for i, out in enumerate((8 * f, 4 * f, 2 * f, f)):
        stride, pad = (1, 0) if i == 0 else (2, 1)
        layers += [nn.ConvTranspose2d(channels, out, 4, stride, pad, bias=False), nn.BatchNorm2d(out), nn.ReLU(True)]
        channels = out
    return nn.Sequential(*layers, nn.ConvTranspose2d(f, 3, 4, 2, 1, bias=False), nn.Tanh())


def discriminator(f=64):
    layers, channels = [nn.Conv2d(3, f, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)], f
    for out in (2 * f, 4 * f, 8 * f):
        layers += [nn.Conv2d(channels, out, 4, 2, 1, bias=False), nn.BatchNorm2d(out), nn.LeakyReLU(0.2, True)]
        channels = out
    return nn.Sequential(*layers, nn.Conv2d(channels, 1, 4, 1, 0, bias=False))


def initialise(m):
    if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(m.weight, 0.0, 0.02)
    elif isinstance(m, nn.BatchNorm2d):
        nn.init.normal_(m.weight, 1.0, 0.02)
        nn.init.zeros_(m.bias)


def peak_resident_mb():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) * 1024 / 1e6


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--mode", choices=MODES, default="f32")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seconds", type=float, default=8)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    dtype = torch.bfloat16 if a.mode == "bf16-pure" else torch.float32
    g, d = generator(), discriminator()
    for m in (g, d):
        m.apply(initialise)
        m.to(dtype=dtype, memory_format=torch.channels_last)
    optim_d = torch.optim.Adam(d.parameters(), 2e-4, (0.5, 0.999))
    optim_g = torch.optim.Adam(g.parameters(), 2e-4, (0.5, 0.999))
    forward_g, forward_d = (torch.compile(g), torch.compile(d)) if a.mode == "f32-compiled" else (g, d)
    loss = nn.BCEWithLogitsLoss()
    real = torch.rand(a.batch, 3, 64, 64).mul_(2).sub_(1).to(dtype).to(memory_format=torch.channels_last)
    ones, zeros = torch.ones(a.batch), torch.zeros(a.batch)
    autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.mode == "bf16-autocast")

    def step():
        d.zero_grad()
        with autocast:
            loss_real = loss(forward_d(real).view(-1).float(), ones)
        loss_real.backward()
        z = torch.randn(a.batch, 100, 1, 1, dtype=dtype)
        with autocast:
            fake = forward_g(z)
            loss_fake = loss(forward_d(fake.detach()).view(-1).float(), zeros)
        loss_fake.backward()
        optim_d.step()
        g.zero_grad()
        with autocast:
            loss_g = loss(forward_d(fake).view(-1).float(), ones)
        loss_g.backward()
        optim_g.step()
        return loss_g

    for _ in range(3):
        step()
    took, start = [], time.perf_counter()
    while len(took) < 5 or time.perf_counter() - start < a.seconds:
        t = time.perf_counter()
        step().item()
        took.append(time.perf_counter() - t)
    print(json.dumps({"mode": a.mode, "torch": torch.__version__, "runs": len(took), "images_per_second": a.batch / statistics.median(took),
                      "peak_resident_mb": peak_resident_mb(), "cores": len(os.sched_getaffinity(0))}))


if __name__ == "__main__":
    main()
