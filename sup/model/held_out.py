"""Held-out inputs by the number of features that are present: integrated where these are few.

At a sparsity of 0.9999, one of a thousand inputs of ten features holds anything but zeros, and one
of two thousand of those holds two, which may be all that a model in superposition gets wrong. So
no input is one input, those of one feature are integrated (`sup.model.piecewise`), as are all where
n <= 3, each by its exact probability; those of two features and more are sampled
(`sup.model.several`). This is stratified sampling (Cochran, 1977, chapter 5).
"""

from collections.abc import Iterator
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor

from sup.model.piecewise import single_nodes, subset_nodes

SAMPLES = 1024
"""As many inputs are made at a time."""

INTEGRATED = 3
"""Features of models whose inputs are all integrated."""

SINGLES = 2**14
"""Nodes of single features, of all together; each has 4 to 32."""

Batch = tuple[Float[Tensor, "instance feature sample"], Float[Tensor, "instance sample"]]
"""Inputs, and what each of them counts."""


def integrated(
    W: Float[Tensor, "instance hidden feature"],
    b: Float[Tensor, "instance feature"],
    density: Float[Tensor, "instance feature"],
) -> Iterator[Batch]:
    """Yield the inputs of no feature and of one, and of n features up to 3 all others too.

    Args:
        W: weights.
        b: biases.
        density: ``p``, in (0, 1].
    """
    p, n = density.cpu().double(), b.shape[-1]  # Apple's GPUs have no float64
    none, one = chances(p)
    yield torch.zeros_like(b)[..., None], none.to(b)[:, None]
    if n <= INTEGRATED:
        yield from subsets(W.mT @ W, b, p)
        return
    square = W.square().sum(-2)
    count = max(2, min(16, SINGLES // (2 * n)))
    for features in torch.arange(n).split(max(1, SAMPLES // (2 * count))):
        own = range(int(features[0]), int(features[-1]) + 1)
        x, weight = single_nodes(square, b, own, count)
        yield x, (one[:, own.start : own.stop, None].to(b) * weight).flatten(1)


def subsets(
    G: Float[Tensor, "instance feature feature"],
    b: Float[Tensor, "instance feature"],
    p: Float[Tensor, "instance feature"],
) -> Iterator[Batch]:
    """Yield the inputs of each subset of at most three features but the empty one."""
    n = p.shape[-1]
    for size in range(1, n + 1):
        for subset in combinations(range(n), size):
            here = torch.tensor([feature in subset for feature in range(n)])
            chance = torch.where(here, p, 1 - p).prod(-1).to(b)[:, None]
            for x, weight in subset_nodes(G, b, subset, SAMPLES):
                yield x, chance * weight


def chances(
    p: Float[Tensor, "instance feature"],
) -> tuple[Float[Tensor, " instance"], Float[Tensor, "instance feature"]]:
    """Return the probability that no feature is present, and that one is and no other.

    Args:
        p: density of each feature.
    """
    absent, end = 1 - p, torch.ones_like(p[:, :1])
    before = torch.cat([end, absent[:, :-1].cumprod(-1)], -1)
    after = torch.cat([absent[:, 1:].flip(-1).cumprod(-1).flip(-1), end], -1)
    return absent.prod(-1), p * before * after
