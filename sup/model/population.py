"""The population loss of small models and its gradient, without samples and exact for kinks.

It is a sum over the subsets of features that can be present, each an integral over [0, 1]^k.
Gauss-Legendre nodes give it where the activation is smooth. Where its slope jumps, at ``z = c``,
the cube is cut along that plane, one axis after the other, and each piece has nodes of its own:
what is a polynomial in each piece, as for ReLU, is integrated exactly. Nodes are then those of one
output of one model, which is why the activation must be elementwise there.
"""

from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from math import prod

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sup.model.activations import Activation, pullback
from sup.model.smoothness import Smoothness, smoothness_of

MOST_FEATURES = 3
"""Features up to which there are few enough subsets and axes."""

SMOOTH = {1: (16, 40), 2: (12, 32), 3: (6, 12)}
PIECE = {1: (8, 16), 2: (6, 12), 3: (4, 8)}
"""Nodes along an axis by the number of features, coarse and fine: of the whole cube where the
activation is smooth, and of a piece where it has kinks."""

STRAIGHT = 3
"""Nodes of a piece where the activation is straight, exact to degree 5: a squared error is of
degree 2, and of one more after each of two integrals up to a plane."""

ENTRIES = 2**18
"""Numbers of one array that are computed at once: 2 MiB, as large as a core's cache."""

Loss = tuple[
    Float[Tensor, " model"], Float[Tensor, "model hidden feature"], Float[Tensor, "model feature"]
]


@dataclass(frozen=True)
class Population:
    """What all models of one activation have in common: integrates their errors.

    Args:
        activation: its parameters, if any, broadcast with any number of models.
        smoothness: what a quadrature must know of it.
        fine: whether the nodes are the fine ones.
    """

    activation: Activation
    smoothness: Smoothness
    fine: bool = True

    @classmethod
    def of(cls, activation: Activation, n_features: int) -> "Population":
        """Look at an activation of so many features, and choose fine nodes."""
        return cls(activation, smoothness_of(activation, n_features))

    def without_kinks(self) -> "Population":
        """Return the same by nodes of the whole cube: rough at kinks, and several times faster."""
        return replace(self, smoothness=replace(self.smoothness, kinks=()))

    def loss_and_gradient(
        self,
        W: Float[Tensor, "model hidden feature"],
        b: Float[Tensor, "model feature"],
        density: Float[Tensor, "model feature"],
        importance: Float[Tensor, "model feature"],
    ) -> Loss:
        """Return each model's ``sum_i I_i E (x_i - x'_i)^2`` and its gradient by W and by b.

        Args:
            W: weights of `MOST_FEATURES` features at most; all in float64.
            b: biases.
            density: p of each feature.
            importance: ``I_i``.
        """
        n = W.shape[-1]
        rows = max(1, ENTRIES // (n * self._nodes_of_an_output(n)))
        given = (W, b, density, importance)
        chunks = zip(*(each.split(rows) for each in given), strict=True)
        parts = zip(*(self._of_some(*chunk) for chunk in chunks), strict=True)
        loss, dW, db = (torch.cat(each) for each in parts)
        return loss, dW, db

    def _of_some(self, W: Tensor, b: Tensor, density: Tensor, importance: Tensor) -> Loss:
        gram = W.mT @ W
        x, share = self._nodes(gram, b, density)
        own = x.expand(len(x), len(b.mT), *x.shape[2:])
        z = b[..., None] + sum(gram[..., j, None] * x[:, :, j] for j in range(len(b.mT)))
        y = self.activation(z)
        error = y - own.diagonal(dim1=1, dim2=2).mT
        gy = error * (share * importance[..., None])
        loss = (gy * error).sum((-2, -1))
        gz = 2 * pullback(self.activation, z, y, gy)
        # One product of matrices where all models share their nodes.
        by_gram = (x @ gz[..., None])[..., 0] if self.smoothness.kinks else gz @ x[0, 0].mT
        return loss, W @ (by_gram + by_gram.mT), gz.sum(-1)

    def _nodes(
        self,
        gram: Float[Tensor, "model feature feature"],
        b: Float[Tensor, "model feature"],
        density: Float[Tensor, "model feature"],
    ) -> tuple[Float[Tensor, "#model #output feature node"], Float[Tensor, "model #output node"]]:
        """Return the inputs of all subsets, and the share of each; alike for all without kinks."""
        along, kinks = self._along_axis(b.shape[-1]), self.smoothness.kinks
        present = subsets(b.shape[-1])
        chance = torch.where(present, density[:, None], 1 - density[:, None]).prod(-1)
        if not kinks:
            x, share, subset = whole_cubes(b.shape[-1], along)
            return x, (share * chance[:, subset])[:, None]
        inputs, shares = [], []
        for number, here in enumerate(present):
            x, share = cut_cube(gram[..., here], b, kinks, gauss(along))
            padded = x.new_zeros(*b.shape, b.shape[-1], x.shape[-1])
            padded[:, :, here] = x
            inputs.append(padded)
            shares.append(share * chance[:, number, None, None])
        return torch.cat(inputs, -1), torch.cat(shares, -1)

    def _nodes_of_an_output(self, n: int) -> int:
        """Return about how many there are, those of the subset of all features."""
        kinks = len(self.smoothness.kinks)
        return prod((kinks * 2**inner + 1) * self._along_axis(n) for inner in range(n))

    def _along_axis(self, n: int) -> int:
        if not self.smoothness.kinks:
            return SMOOTH[n][self.fine]
        return STRAIGHT if self.smoothness.is_straight else PIECE[n][self.fine]


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
