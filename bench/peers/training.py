"""One training step in PyTorch: what `foil bench CONFIG` is held against. The networks, losses and optimizers are those of the training file.

Nothing is computed that nobody reads: the generator's step asks for no gradients of the discriminator's weights, and its fakes are those of the
discriminator's step. Reals and fakes go through the discriminator as one batch where neither batch norm nor R1 forbids it.
"""
import argparse
import contextlib
import os
import re
import sys

import torch
import torch.nn.functional as F
import yaml
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, os.path.dirname(__file__))
from networks import images, read  # noqa: E402
from turns import serve  # noqa: E402


class Numbers(yaml.SafeLoader):
    """YAML 1.2's numbers: 2e-4 is one."""


Numbers.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9.]+e[-+]?[0-9]+"), list("-+0123456789."))


def loss_of_discriminator(kind, real, fake):
    if kind == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def loss_of_generator(kind, fake):
    return -fake.mean() if kind == "hinge" else F.softplus(-fake).mean()


class Work:
    def __init__(self, options, config, folder):
        self.batch, self.dtype = options.batch, torch.bfloat16 if options.type == "bf16-parameters" else torch.float32
        self.autocast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.type == "bf16-autocast")
        game = config.get("game", {})
        self.loss, self.r1 = game.get("loss", "non_saturating"), game.get("penalty", {}).get("r1", {}).get("weight", 0)
        self.adam = config["optimizer"]["adam"]
        self.g = self.network(os.path.join(folder, config["generator"])) if "generator" in config else None
        self.d = self.network(options.discriminator or os.path.join(folder, config["discriminator"]), "game" if self.g else "detect")
        self.apart = self.r1 or any(isinstance(m, torch.nn.BatchNorm2d) for m in self.d.modules())
        self.real = images(self.batch, self.d.shape, self.dtype)
        self.label = torch.arange(self.batch) % 2 * 1.0
        # What differentiates twice is not compiled: torch.compile does not do that.
        self.run_g, self.run_d = (torch.compile(n) if n and options.compiled else n for n in (self.g, self.d))
        self.run_real = self.d if self.r1 else self.run_d

    def network(self, path, head=None):
        n = read(path, head).to(dtype=self.dtype, memory_format=torch.channels_last)
        n.optimizer = torch.optim.Adam(n.parameters(), lr=self.adam["lr"], betas=(float(self.adam["beta1"]), float(self.adam["beta2"])), fused=True)
        return n

    def judge(self, network, x):
        with self.autocast:
            return network(x).float()

    def penalty(self, real, logits):
        slope, = torch.autograd.grad(logits.sum(), real, create_graph=True)
        return self.r1 / 2 * slope.float().square().sum((1, 2, 3)).mean()

    def learn(self, network, loss):
        network.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        network.optimizer.step()

    def supervised(self):
        self.learn(self.d, F.binary_cross_entropy_with_logits(self.judge(self.run_d, self.real), self.label))

    def adversarial(self):
        with self.autocast:
            fake = self.run_g(torch.randn(self.batch, *self.g.shape, dtype=self.dtype))
        still = fake.detach()
        if self.r1:
            real = self.real.detach().requires_grad_()
            r = self.judge(self.run_real, real)
            total = loss_of_discriminator(self.loss, r, self.judge(self.run_d, still)) + self.penalty(real, r)
        elif self.apart:
            total = loss_of_discriminator(self.loss, self.judge(self.run_d, self.real), self.judge(self.run_d, still))
        else:
            total = loss_of_discriminator(self.loss, *self.judge(self.run_d, torch.cat([self.real, still.to(self.dtype)])).chunk(2))
        self.learn(self.d, total)
        self.d.requires_grad_(False)
        self.learn(self.g, loss_of_generator(self.loss, self.judge(self.run_d, fake)))
        self.d.requires_grad_(True)


class NoModules(contextlib.nullcontext):
    """Instead of FlopCounterMode's own tracker of modules, which cannot differentiate twice."""

    parents = {"Global"}


def operations(run):
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = NoModules()
    with counter:
        run()
    return counter.get_total_flops()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("config")
    p.add_argument("--discriminator", help="instead of the file's")
    p.add_argument("--type", choices=("f32", "bf16-autocast", "bf16-parameters"), default="f32")
    p.add_argument("--compiled", action="store_true")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--threads", type=int, default=2)
    options = p.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    with open(options.config) as f:
        work = Work(options, yaml.load(f, Loader=Numbers), os.path.dirname(options.config))
    run = work.adversarial if work.g else work.supervised
    facts = {"parameters": sum(p.numel() for n in (work.g, work.d) if n for p in n.parameters())}
    if not options.compiled:
        facts["flops"] = operations(run)
    serve(run, torch=torch.__version__, **facts)


main()
