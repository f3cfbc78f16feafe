"""Maps of shipped networks against PyTorch's: gradients by autograd, in f64, of the network that docs/layers.md describes."""
import os
import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(os.environ["FOIL_SOURCE"]) / "tests"
sys.path += [str(TESTS / "nn"), str(TESTS / "export")]
import peers

torch, np, _, _, safetensors, safe = peers.need("torch", "numpy", "PIL.Image", "yaml", "safetensors.torch", "safetensors")
from torch_network import Network

TOOL = peers.BUILD / "tests/tool_explain"
# The module whose output is Grad-CAM's activation: the body's last that is not a pool.
LAST = {"meso4": -2}
ALL = ["gradcam", "integrated", "occlusion"]
NETWORKS = {"dcgan64-d": ALL, "sngan32-d": ALL[:2], "resnet18": ALL[:1], "meso4": ALL[:1], "npr": ALL[:1]}


def load(path):
    with safe.safe_open(path, "pt") as file:
        network = Network(file.metadata()["network"])
    network.load_state_dict(safetensors.load_file(path), strict=False)
    return network.double().eval()


def logit(network, x):
    return network(x)[1]["detect"]


def gradcam(network, module, x):
    kept = []
    hook = module.register_forward_hook(lambda _, __, y: kept.append(y))
    y = logit(network, x)
    hook.remove()
    (gradient,) = torch.autograd.grad(y.sum(), kept[0])
    places = (kept[0] * gradient.mean(dim=(2, 3), keepdim=True)).sum(1, keepdim=True)
    return torch.nn.functional.interpolate(places, size=x.shape[2:], mode="bilinear", align_corners=False)[0, 0]


def integrated(network, x, steps):
    total = torch.zeros_like(x)
    for far in ((torch.arange(steps, dtype=torch.float64) + 0.5) / steps).split(8):
        way = (x * far[:, None, None, None]).requires_grad_()
        (gradient,) = torch.autograd.grad(logit(network, way).sum(), way)
        total += gradient.sum(0, keepdim=True)
    return (x * total / steps)[0].sum(0)


def occlusion(network, x):
    """By the definition, one rectangle at a time."""
    height, width = x.shape[2:]
    h, w = max(1, height // 8), max(1, width // 8)
    rows = sorted({min(i, height - h) for i in range(0, height - h + (h + 1) // 2, (h + 1) // 2)})
    columns = sorted({min(i, width - w) for i in range(0, width - w + (w + 1) // 2, (w + 1) // 2)})
    loss, covers = torch.zeros(height, width, dtype=torch.float64), torch.zeros(height, width, dtype=torch.float64)
    whole = logit(network, x)
    for r in rows:
        for c in columns:
            covered = x.clone()
            covered[:, :, r : r + h, c : c + w] = 0
            loss[r : r + h, c : c + w] += (whole - logit(network, covered)).item()
            covers[r : r + h, c : c + w] += 1
    return loss / covers


def check(name, methods, folder):
    network = load(folder / f"{name}.safetensors")
    channels, height, width = network.shape
    picture = peers.write_pictures(folder, height, width, channels)[1]  # a PNG
    subprocess.run([TOOL, folder / f"{name}.safetensors", picture, folder / "maps", *methods], check=True)
    ours = safetensors.load_file(folder / "maps")
    steps, grey, whole = ours.pop("facts").tolist()
    x = torch.from_numpy(peers.read_pictures([picture], channels)).double() * 2 - 1
    theirs = {"gradcam": lambda: gradcam(network, network.layers[LAST.get(name, -1)], x), "integrated": lambda: integrated(network, x, int(steps)),
              "occlusion": lambda: occlusion(network, x)}
    with torch.no_grad():
        assert abs(logit(network, x).item() - whole) < 1e-4, name
        assert not steps or abs(logit(network, 0 * x).item() - grey) < 1e-4, name
    for method in methods:
        with torch.set_grad_enabled(method != "occlusion"):
            wanted = theirs[method]().detach()
        # Norms, since in f32 here and there a ReLU or a maximum turns over on the way, and one pixel with it.
        worst = ((ours[method].double() - wanted).norm() / wanted.norm()).item()
        print(f"{name:12} {method:12} {worst:.1e}", flush=True)
        assert worst < 1e-3, (name, method)


with tempfile.TemporaryDirectory() as folder:
    peers.write_networks(folder)
    for name, methods in NETWORKS.items():
        check(name, methods, pathlib.Path(folder))
