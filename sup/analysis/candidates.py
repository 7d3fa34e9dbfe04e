"""Where the search for an optimum begins: every structure that few features can have."""

from functools import cache
from itertools import product
from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

SIZES = (1.0, 3.0)
"""Norms: of features represented as they are, and of those that a squashing activation needs."""

WEAK = 0.35
"""Weight of the lesser feature where superposition begins: between nothing and a pair there is a
narrow valley of its own."""

NUDGE = 0.1
"""Weight of the random part: a structure is often a saddle, which nothing leaves by itself."""

OFF = -20.0
"""Bias at which SoLU's softmax leaves a feature out: its optimum may be that no trace is left."""

RANDOM = 4
"""Starts that are of no structure."""


@cache
def structures(n_hidden: int, n_features: int) -> Float[Tensor, "structure hidden feature"]:
    """Return all placements of features at 0 or on both sides of axes, and of three in a triangle.

    Two features alone that share an axis stand there with one of them weak, too. What differs by a
    rotation alone stands there once. Among them are zeros, every feature alone, and every pair,
    aligned and antipodal.
    """
    axes = torch.eye(n_hidden, dtype=torch.float64)
    places = [torch.zeros_like(axes[0]), *axes, *-axes]
    found = [torch.stack(chosen, -1) for chosen in product(places, repeat=n_features)]
    if n_hidden == 2 and n_features == 3:
        angles = 2 * pi / 3 * torch.arange(3, dtype=torch.float64)
        found.append(torch.stack([angles.cos(), angles.sin()]))
    if n_features == 2:
        weak = WEAK * axes[0]
        for one, other in product((weak, -weak), (axes[0],)):
            found += [torch.stack([one, other], -1), torch.stack([other, one], -1)]
    grams = [tuple((W.mT @ W).add(0.0).flatten().tolist()) for W in found]
    return torch.stack(list(dict(zip(reversed(grams), reversed(found), strict=True)).values()))


@cache
def starts(n_hidden: int, n_features: int) -> Float[Tensor, "start parameter"]:
    """Return where the search begins: weights, row by row, and then biases.

    The structures in each of the sizes, a little off, without biases and, where features are at 0,
    with these switched off; and models of no structure.
    """
    generator = torch.Generator().manual_seed(0)
    exact = structures(n_hidden, n_features)
    off = OFF * (exact == 0).all(1).double()
    some = off.any(-1)
    W = torch.cat([*(size * exact for size in SIZES), exact[some]])
    b = torch.cat([torch.zeros(len(SIZES) * len(exact), n_features).double(), off[some]])
    point = torch.cat([W.flatten(1), b], -1)
    random = torch.zeros(RANDOM, point.shape[1], dtype=torch.float64)
    moved = torch.cat([NUDGE * torch.ones_like(point), 1 + random])
    noise = torch.randn(moved.shape, generator=generator, dtype=torch.float64)
    return torch.cat([point, random]) + moved * noise
