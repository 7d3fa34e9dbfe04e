"""Nodes and weights on [0, 1]^k, cut along planes where what is integrated has a kink."""

from functools import cache
from itertools import product

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@cache
def subsets(n_features: int) -> Bool[Tensor, "subset feature"]:
    """Return which features are present in each subset."""
    return torch.tensor(list(product((False, True), repeat=n_features)))


@cache
def gauss(along: int) -> tuple[Float[Tensor, " along"], Float[Tensor, " along"]]:
    """Return Gauss-Legendre nodes and weights on [0, 1]."""
    at, weight = np.polynomial.legendre.leggauss(along)
    return torch.from_numpy((at + 1) / 2), torch.from_numpy(weight / 2)


@cache
def whole_cubes(
    n_features: int, along: int
) -> tuple[Float[Tensor, "1 1 feature node"], Float[Tensor, " node"], Int[Tensor, " node"]]:
    """Return nodes of the cubes of all subsets, uncut; the weight and the subset of each."""
    inputs, weights, numbers = [], [], []
    for number, here in enumerate(subsets(n_features)):
        none = torch.zeros(1, 1, int(here.sum()), dtype=torch.float64)
        x, weight = cut_cube(none, none.new_zeros(1, 1), (), gauss(along))
        padded = x.new_zeros(1, 1, n_features, x.shape[-1])
        padded[:, :, here] = x
        inputs.append(padded)
        weights.append(weight[0, 0])
        numbers.append(torch.full_like(weight[0, 0], number, dtype=torch.int64))
    return torch.cat(inputs, -1), torch.cat(weights), torch.cat(numbers)


def cut_cube(
    slopes: Float[Tensor, "model output axis"],
    start: Float[Tensor, "model output"],
    kinks: tuple[float, ...],
    rule: tuple[Float[Tensor, " along"], Float[Tensor, " along"]],
) -> tuple[Float[Tensor, "model output axis node"], Float[Tensor, "model output node"]]:
    """Return nodes and weights on [0, 1]^k, cut where ``start + slopes . x`` is at a kink.

    Along each axis it is cut where the plane meets an edge of the cube of the axes that follow, so
    that it enters or leaves no piece.

    Args:
        slopes: of k axes, which may be none.
        start: at x = 0.
        kinks: values at which it is cut.
        rule: nodes and weights on [0, 1], used along each axis of each piece.
    """
    at, weight = rule
    placed: list[Tensor] = []
    value = start[..., None]
    share = torch.ones_like(value)
    for axis in range(slopes.shape[-1]):
        slope, rest = slopes[..., axis, None], slopes[..., axis + 1 :]
        corners = torch.tensor(list(product((0.0, 1.0), repeat=rest.shape[-1]))).to(slopes)
        edges = [(rest * corner).sum(-1, keepdim=True) for corner in corners]
        cuts = [(kink - value - edge) / slope for kink in kinks for edge in edges]
        ends = [torch.zeros_like(value), *cuts, torch.ones_like(value)]
        # 0 / 0 where the plane is parallel to the axis: any cut will do.
        bounds = torch.stack(ends, -1).nan_to_num(nan=0.0).clamp(0, 1).sort(-1).values
        width = bounds.diff()[..., None]
        here = bounds[..., :-1, None] + width * at
        count = here.shape[-1] * here.shape[-2]
        placed = [before.repeat_interleave(count, -1) for before in placed]
        placed.append(here.flatten(-3))
        share = (share[..., None, None] * width * weight).flatten(-3)
        value = (value[..., None, None] + slope[..., None, None] * here).flatten(-3)
    empty = share.new_zeros(*share.shape[:2], 0, share.shape[-1])
    return torch.stack(placed, 2) if placed else empty, share
