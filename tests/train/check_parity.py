"""Loss curves lie on PyTorch's from identical weights and inputs: the first 3 steps within 1e-4 relative, 20 steps within 1 %. And bf16's on f32's: 1 % on
average, 3 % at worst."""
import functools
import os
import re
import subprocess
import sys
import tempfile

SOURCE, BUILD = os.environ["FOIL_SOURCE"], os.environ["FOIL_BUILD"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "nn"))
try:
    import torch
    import torch.nn.functional as F
    import yaml
    from safetensors import safe_open
    from safetensors.torch import load_file
    from torch_network import Network
except ImportError as e:
    print("skipped:", e)
    sys.exit(77)

STEPS = 20
# Adam's first steps move each weight by the rate in the direction of its gradient's sign, however small the gradient: at the shipped rates PyTorch's own f32
# and f64 part by more than 1e-4 within 3 steps. A twentieth of the rate keeps rounding apart from mistakes.
SLOW = "optimizer.adam.lr=1e-5"


class Numbers(yaml.SafeLoader):
    """YAML 1.2's numbers: 2e-4 is one."""


Numbers.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9.]+e[-+]?[0-9]+"), list("-+0123456789."))
torch.manual_seed(1)


@functools.cache  # several checks look at the same steps
def trace(folder, name, *overrides):
    path = os.path.join(folder, "trace.safetensors")
    config = os.path.join(SOURCE, "configs", "train", name + ".yaml")
    subprocess.run([os.path.join(BUILD, "tests", "tool_trace"), config, path, str(STEPS), "optimizer.adam.schedule=constant", *overrides], check=True)
    with safe_open(path, "pt") as f:
        return yaml.load(f.metadata()["config"], Loader=Numbers), load_file(path)


def network(config, key, tensors):
    net = Network(open(config[key]).read())
    prefix = key + "."
    own = {k[len(prefix):]: v for k, v in tensors.items() if k.startswith(prefix)}
    missing, unexpected = net.load_state_dict(own, strict=False)
    assert not unexpected and all(k.endswith("num_batches_tracked") for k in missing), (missing, unexpected)
    return net.train()


def discriminator_loss(kind, r, f):
    if kind == "hinge":
        return F.relu(1 - r).mean() + F.relu(1 + f).mean()
    return F.softplus(-r).mean() + F.softplus(f).mean()


def generator_loss(kind, f):
    return -f.mean() if kind == "hinge" else F.softplus(-f).mean()


def still(d, x):
    """D on x without its state moving on."""
    state = {k: b.clone() for k, b in d.named_buffers()}
    logits = d(x)[1]["game"]
    for k, b in d.named_buffers():
        b.data = state[k]
    return logits


def replay(config, tensors):
    """The same steps in PyTorch: losses (d, penalty, g)."""
    g, d = network(config, "generator", tensors), network(config, "discriminator", tensors)
    game = config["game"]
    adam = config["optimizer"]["adam"]
    optimizers = [torch.optim.Adam(n.parameters(), lr=adam["lr"], betas=(float(adam["beta1"]), float(adam["beta2"]))) for n in (g, d)]
    weight = game.get("penalty", {}).get("r1", {}).get("weight", 0)
    apart = any(isinstance(m, torch.nn.BatchNorm2d) for m in d.modules())
    draws, draw, losses = game.get("d_steps", 1), 0, []
    for _ in range(STEPS):
        for _ in range(draws):
            real = tensors[f"real.{draw}"].permute(0, 3, 1, 2).float() * (2 / 255) - 1
            fake = g(tensors[f"latent.{draw}"])[0]
            real.requires_grad_(weight > 0)
            if apart:
                r, f = d(real)[1]["game"], still(d, fake.detach())
            else:
                r, f = d(torch.cat([real, fake.detach()]))[1]["game"].chunk(2)
            loss_d, penalty = discriminator_loss(game["loss"], r, f), torch.tensor(float("nan"))
            total = loss_d
            if weight:
                slope, = torch.autograd.grad(r.sum(), real, create_graph=True)
                penalty = weight / 2 * slope.square().sum((1, 2, 3)).mean()
                total = loss_d + penalty
            optimizers[1].zero_grad()
            total.backward()
            optimizers[1].step()
            draw += 1
        loss_g = generator_loss(game["loss"], still(d, fake))
        optimizers[0].zero_grad()
        loss_g.backward()
        optimizers[0].step()
        losses.append([loss_d.item(), penalty.item(), loss_g.item()])
    return torch.tensor(losses)


def distance(ours, theirs):
    """Relative, of each step's farthest loss. Losses near zero are compared with the size that losses have at the start."""
    return ((ours - theirs).abs() / theirs.abs().clamp(min=0.1)).nan_to_num(0).amax(1)


def check(folder, name, *overrides):
    config, tensors = trace(folder, name, *overrides)
    ours, theirs = tensors["losses"], replay(config, tensors)
    far = distance(ours, theirs)
    print(f"{name}: first 3 steps {far[:3].max():.2g}, {STEPS} steps {far.max():.2g}")
    if far[:3].max() > 1e-4 or far.max() > 1e-2 or not ours.isfinite().any(0)[[0, 2]].all():
        print(torch.cat([ours, theirs], 1))
        return False
    return True


def check_bf16(folder, name, *overrides):
    f32, bf16 = (trace(folder, name, *overrides, *more)[1]["losses"] for more in ([], ["run.precision=bf16"]))
    far = distance(bf16, f32)
    print(f"{name} in bf16 beside f32: first 3 steps {far[:3].max():.2g}, {STEPS} steps: mean {far.mean():.2g}, farthest {far.max():.2g}")
    return far[:3].max() < 0.01 and far.mean() < 0.01 and far.max() < 0.03


def check_other_way(folder, name, key, *overrides):
    """The same computed in another way than by default."""
    usual, other = (trace(folder, name, *overrides, *more)[1]["losses"] for more in ([], [key]))
    far = distance(usual, other)
    print(f"{name} with {key} beside the default: first 3 steps {far[:3].max():.2g}, {STEPS} steps {far.max():.2g}")
    return far[:3].max() < 1e-4 and far.max() < 1e-2


def main():
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    with tempfile.TemporaryDirectory() as folder:
        sets = {}
        for side in (32, 64):
            sets[side] = "data.set=" + os.path.join(folder, f"{side}.h5")
            subprocess.run([os.path.join(BUILD, "tests", "tool_set"), sets[side].split("=")[1], str(side), "300", "3"], check=True)
        good = [check(folder, "dcgan64", sets[64], "run.batch=32", SLOW),
                check(folder, "sngan32", sets[32], "run.batch=8", "game.d_steps=1", SLOW),
                check(folder, "r1_32", sets[32], "run.batch=8", SLOW),
                check_other_way(folder, "dcgan64", "run.convolution=direct", sets[64], "run.batch=32", SLOW),
                check_other_way(folder, "sngan32", "run.convolution=direct", sets[32], "run.batch=8", "game.d_steps=1", SLOW),
                check_other_way(folder, "dcgan64", "game.batches=apart", sets[64], "run.batch=32", SLOW),
                check_other_way(folder, "sngan32", "game.batches=together", sets[32], "run.batch=8", "game.d_steps=1", SLOW),
                check_bf16(folder, "dcgan64", sets[64], "run.batch=32", SLOW)]
    sys.exit(0 if all(good) else 1)


main()
