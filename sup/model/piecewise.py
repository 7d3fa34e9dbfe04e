"""Nodes of each instance's own that integrate its squared error exactly, whatever its kinks.

ReLU and its like have a kink where a pre-activation is 0, and across a kink Gauss-Legendre nodes
converge slowly: 24 along each axis leave .14% of an antipodal pair's loss. The pre-activations
``z_i = G_i x + b_i``, G the Gram matrix, are planes in the cube of the features that are present.
Along the last axis a plane is a point; along the one before, what matters are the two points where
the plane enters and leaves the cube, and so on: an axis is cut at the ``2^r`` points where a plane
meets the edges of the r axes still to come. Between the cuts the integral over those axes is
smooth in it (a polynomial for ReLU), and Gauss-Legendre nodes there are exact.

An activation with kinks elsewhere than at 0 has them smoothed over, by nodes that are still several
dozen along each axis.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from math import prod

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

NODES = {1: (16,), 2: (12, 12), 3: (6, 4, 4)}
"""Nodes in each piece of an axis, the first axis first, by the number of features present. Two are
enough for ReLU; more are for smooth activations, the steeper the more. Of trained models of the
seven activations, from a sparsity of 0 to 0.99, the loss is within 1e-6 (norms up to 2.4)."""


@cache
def gauss_legendre(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes on [0, 1] and their weights, which sum to 1, in float64."""
    at, weight = np.polynomial.legendre.leggauss(count)
    return (at + 1) / 2, weight / 2


def pieces(
    cuts: Float[Tensor, "*shape cut"], count: int
) -> tuple[Float[Tensor, "*shape node"], Float[Tensor, "*shape node"]]:
    """Return nodes on [0, 1], and weights, for functions that are smooth between some cuts.

    A cut outside of (0, 1) is put where it makes the pieces even, so that no node is wasted.

    Args:
        cuts: in any order; not a number where there is none.
        count: nodes in each piece, of which there is one more than cuts.
    """
    number = cuts.shape[-1]
    even = torch.arange(1, number + 1, device=cuts.device).to(cuts) / (number + 1)
    inside = (cuts > 0) & (cuts < 1)
    ends = torch.where(inside, cuts, even).sort(-1).values
    first = torch.zeros_like(ends[..., :1])
    ends = torch.cat([first, ends, first + 1], -1)
    width = ends.diff(dim=-1)[..., None]
    at, weight = (torch.from_numpy(one).to(cuts) for one in gauss_legendre(count))
    return (ends[..., :-1, None] + width * at).flatten(-2), (width * weight).flatten(-2)


def crossings(
    slope: Float[Tensor, "instance #node plane"],
    later: Float[Tensor, "instance #node plane axis"],
    offset: Float[Tensor, "instance node plane"],
) -> Float[Tensor, "instance node cut"]:
    """Return where along an axis planes meet the edges of the unit cube of the axes to come.

    Args:
        slope: of each plane along the axis.
        later: its slopes along the axes to come.
        offset: its height at the origin of all of these.
    """
    height = offset[..., None]
    for axis in later.unbind(-1):
        height = torch.cat([height, height + axis[..., None]], -1)
    return (-height / slope[..., None]).flatten(-2)


def subset_nodes(
    G: Float[Tensor, "instance feature feature"],
    b: Float[Tensor, "instance feature"],
    subset: Sequence[int],
    most: int,
) -> Iterator[tuple[Float[Tensor, "instance feature node"], Float[Tensor, "instance node"]]]:
    """Yield inputs in which just the features of a subset are present, and their weights.

    Args:
        G: Gram matrices ``W^T W``.
        b: biases.
        subset: features, of which there are one to three.
        most: about as many nodes are made at a time.

    Yields:
        Inputs and weights; all weights of an instance sum to 1.
    """
    counts, n = NODES[len(subset)], G.shape[-1]
    sizes = [count * (n * 2**k + 1) for k, count in enumerate(reversed(counts))][::-1]
    first, share = axis_nodes(G, b[:, None], subset, counts[0])
    some = max(1, most // prod(sizes[1:]))
    for at, weight in zip(first[:, 0].split(some, -1), share[:, 0].split(some, -1), strict=True):
        x = at.new_zeros(*at.shape, n)
        x[..., subset[0]] = at
        yield along_others(G, b, subset, x, weight)


def along_others(
    G: Float[Tensor, "instance feature feature"],
    b: Float[Tensor, "instance feature"],
    subset: Sequence[int],
    x: Float[Tensor, "instance first feature"],
    weight: Float[Tensor, "instance first"],
) -> tuple[Float[Tensor, "instance feature node"], Float[Tensor, "instance node"]]:
    """Return nodes along all axes, of nodes `x` along the first one and their weights."""
    for k in range(1, len(subset)):
        height = x @ G.mT + b[:, None]
        at, share = axis_nodes(G, height, subset[k:], NODES[len(subset)][k])
        weight = (weight[..., None] * share).flatten(1)
        x = x[:, :, None].repeat(1, 1, at.shape[-1], 1)
        x[..., subset[k]] = at
        x = x.flatten(1, 2)
    return x.mT.contiguous(), weight


def axis_nodes(
    G: Float[Tensor, "instance feature feature"],
    height: Float[Tensor, "instance node feature"],
    axes: Sequence[int],
    count: int,
) -> tuple[Float[Tensor, "instance node next"], Float[Tensor, "instance node next"]]:
    """Return nodes along the first of some axes, and weights, of each node of those before.

    Args:
        G: Gram matrices.
        height: pre-activations where the features of all these axes are 0.
        axes: the features of the axis and of those to come.
        count: nodes in each piece.
    """
    slopes = G[:, None, :, list(axes)]
    return pieces(crossings(slopes[..., 0], slopes[..., 1:], height), count)


def single_nodes(
    square: Float[Tensor, "instance feature"],
    b: Float[Tensor, "instance feature"],
    features: range,
    count: int,
) -> tuple[Float[Tensor, "instance feature node"], Float[Tensor, "instance single own"]]:
    """Return inputs in which one feature is present, of any number of them, and their weights.

    Each axis is cut where the feature's own reconstruction has its kink. Where that of another one
    begins, its squared error begins with it, and has none.

    Args:
        square: ``||W_i||^2``, the slope of each feature's own pre-activation.
        b: biases.
        features: which are present, one at a time.
        count: nodes in each of the two pieces.

    Returns:
        Inputs, of one feature after the other, and weights, which sum to 1 for each of them.
    """
    own = slice(features.start, features.stop)
    at, weight = pieces((-b[:, own] / square[:, own])[..., None], count)
    x = at.new_zeros(*b.shape, len(features), at.shape[-1])
    x[:, list(features), range(len(features))] = at
    return x.flatten(2), weight
