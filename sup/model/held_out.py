"""Held-out inputs by the number of features that are present: integrated where these are few.

At a sparsity of 0.9999, one of a thousand inputs of ten features holds anything but zeros, and one
of two thousand of those holds two, which may be all that a model in superposition gets wrong. So
no input is one input, and those of one feature are integrated, each by its exact probability; those
of two features and more are sampled (`sup.model.several`). This is stratified sampling (Cochran,
1977, chapter 5). Of up to three features nothing is sampled (`sup.model.population`).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from sup.model.activations import Activation
from sup.model.cubes import cut_cube, gauss
from sup.model.smoothness import Smoothness

SAMPLES = 1024
"""As many inputs are made at a time."""

SINGLES = 2**14
"""Nodes of single features, of all together; each has 4 to 16 on each side of a kink."""

BENDS = (0.0,)
"""Where an axis is cut of an activation without kinks: near 0 most bend the most."""

Batch = tuple[Float[Tensor, "instance feature sample"], Float[Tensor, "instance sample"]]
"""Inputs, and what each of them counts."""


def integrated(
    W: Float[Tensor, "instance hidden feature"],
    b: Float[Tensor, "instance feature"],
    density: Float[Tensor, "instance feature"],
    activation: Activation,
    smoothness: Smoothness,
) -> Float[Tensor, "instance feature"]:
    """Return what the inputs of no feature and of one add to ``E (x_i - x'_i)^2``.

    Along the axis of the feature that is present each output has nodes of its own, as in
    `sup.model.population`: the axis is cut where that output's pre-activation is at a kink. Of an
    activation without kinks all outputs share nodes, cut at the present feature's own bend.

    Args:
        W: weights.
        b: biases.
        density: ``p``, in (0, 1].
        activation: of all instances.
        smoothness: what a quadrature must know of it.
    """
    n = b.shape[-1]
    none, one = chances(density.cpu().double())  # Apple's GPUs have no float64
    kinks, count = smoothness.kinks or BENDS, max(4, min(16, SINGLES // (2 * n)))
    nodes, share = gauss(count)
    rule, gram = (nodes.to(b), share.to(b)), W.mT @ W
    error = none[:, None] * activation(b[..., None])[..., 0].square().cpu().double()
    every = torch.arange(n, device=b.device)
    for own in every.split(max(1, SAMPLES // ((len(kinks) + 1) * count))):
        slope, start = gram[:, :, own], b[:, :, None].expand(-1, -1, len(own))
        if not smoothness.kinks:
            slope, start = slope[:, own].diagonal(dim1=1, dim2=2)[:, None], b[:, None, own]
        at, weight = cut_cube(slope.flatten(1)[..., None], start.flatten(1), kinks, rule)
        x, weight = (each.unflatten(1, slope.shape[1:]) for each in (at[:, :, 0], weight))
        z = b[:, :, None, None] + gram[:, :, own, None] * x
        y = activation(z.flatten(2)).view_as(z)
        squares = (y - x * (every[:, None] == own)[..., None]).square()
        error += ((squares * weight).sum(-1).cpu().double() * one[:, None, own.cpu()]).sum(-1)
    return error


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
