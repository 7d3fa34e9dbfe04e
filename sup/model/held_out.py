"""Held-out inputs by the number of features that are present: integrated where these are few.

At a sparsity of 0.9999, one of a thousand inputs of ten features holds anything but zeros, and one
of two thousand of those holds two, which may be all that a model in superposition gets wrong. So
no input is one input, and those of one feature are integrated, each by its exact probability; those
of two features and more are sampled (`sup.model.several`). This is stratified sampling (Cochran,
1977, chapter 5). Of up to three features nothing is sampled (`sup.model.population`).
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from sup.model.cubes import cut_cube, gauss

SAMPLES = 1024
"""As many inputs are made at a time."""

SINGLES = 2**14
"""Nodes of single features, of all together; each has 8 to 32."""

Batch = tuple[Float[Tensor, "instance feature sample"], Float[Tensor, "instance sample"]]
"""Inputs, and what each of them counts."""


def integrated(
    W: Float[Tensor, "instance hidden feature"],
    b: Float[Tensor, "instance feature"],
    density: Float[Tensor, "instance feature"],
) -> Iterator[Batch]:
    """Yield the inputs of no feature and of one.

    An axis is cut where the present feature's own pre-activation is 0, as there ReLU's like have a
    kink. Where that of another feature begins, its squared error begins with it, and has none.

    Args:
        W: weights.
        b: biases.
        density: ``p``, in (0, 1].
    """
    p, n = density.cpu().double(), b.shape[-1]  # Apple's GPUs have no float64
    none, one = chances(p)
    yield torch.zeros_like(b)[..., None], none.to(b)[:, None]
    square, count = W.square().sum(-2), max(4, min(16, SINGLES // (2 * n)))
    nodes, share = gauss(count)
    rule = (nodes.to(b), share.to(b))
    for own in torch.arange(n).split(max(1, SAMPLES // (2 * count))):
        at, weight = cut_cube(square[:, own, None], b[:, own], (0.0,), rule)
        x = at.new_zeros(*b.shape, len(own), at.shape[-1])
        x[:, own, torch.arange(len(own))] = at[:, :, 0]
        yield x.flatten(2), (one[:, own, None].to(b) * weight).flatten(1)


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
