"""Foil's networks in PyTorch, as a careful user would write them: in place where that is safe, channels last."""
import os
import sys

import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "tests", "nn"))
from torch_network import Network  # noqa: E402

WRITES = (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.Linear)  # nothing keeps their results but the next layer


class Judge(nn.Module):
    """A network with one of its heads; head None: the body alone."""

    def __init__(self, text, head=None):
        super().__init__()
        whole = Network(text)
        self.shape, self.layers, self.head = whole.shape, whole.layers, whole.heads[head] if head else None
        self.whole = [whole]  # with the heads that are not asked for
        for m in self.modules():
            if isinstance(m, nn.Sequential):
                for before, layer in zip(m, list(m)[1:]):
                    if isinstance(layer, (nn.ReLU, nn.LeakyReLU)) and isinstance(before, WRITES):
                        layer.inplace = True

    def forward(self, x):
        y = self.layers(x)
        return y if self.head is None else self.head(y).flatten()


def read(path, head=None):
    with open(path) as f:
        return Judge(f.read(), head)


def images(batch, shape, dtype=torch.float32):
    """Values in -1..1."""
    x = torch.rand(batch, *shape, generator=torch.Generator().manual_seed(1)).mul_(2).sub_(1).to(dtype)
    return x.to(memory_format=torch.channels_last) if x.dim() == 4 else x
