"""The population loss of small models and its gradient, without samples and exact for kinks.

It is a sum over the subsets of features that can be present, each an integral over [0, 1]^k.
Gauss-Legendre nodes give it where the activation is smooth. Where its slope jumps, at ``z = c``,
the cube is cut along that plane, one axis after the other, and each piece has nodes of its own:
what is a polynomial in each piece, as for ReLU, is integrated exactly. Nodes are then those of one
output of one model, which is why the activation must be elementwise there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor

from sup.model.activations import Activation, pullback
from sup.model.cubes import cut_cube, gauss, subsets, whole_cubes
from sup.model.smoothness import Smoothness, smoothness_of

MOST_FEATURES = 3
"""Features up to which there are few enough subsets and axes."""

SMOOTH = {1: (16, 40), 2: (12, 32), 3: (6, 12)}
PIECE = {1: (8, 16), 2: (6, 12), 3: (4, 8)}
"""Nodes along an axis by the number of features, coarse and fine: of the whole cube where the
activation is smooth, and of a piece where it has kinks."""

FINER, MOST_NODES = (1.0, 1.5, 3.0, 6.0), 2**18
"""By what the fine nodes along an axis are made more, one step after the other, and the most that
an output of a model then gets."""

STRAIGHT = 3
"""Nodes of a piece where the activation is straight, exact to degree 5: a squared error is of
degree 2, and of one more after each of two integrals up to a plane."""

DIFFERENCE = 1e-6
"""Between two models whose losses tell a gradient, to about 1e-10."""

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
        step: of `FINER`, by which these are made more.
    """

    activation: Activation
    smoothness: Smoothness
    fine: bool = True
    step: int = 0

    @classmethod
    def of(cls, activation: Activation, n_features: int) -> "Population":
        """Look at an activation of so many features, and choose fine nodes."""
        return cls(activation, smoothness_of(activation, n_features))

    def without_kinks(self) -> "Population":
        """Return the same by nodes of the whole cube: rough at kinks, and several times faster."""
        return replace(self, smoothness=replace(self.smoothness, kinks=(), is_straight=False))

    def finer(self, n_features: int) -> "Population | None":
        """Return the same by more nodes; None where these are exact, or would be too many."""
        if self.smoothness.is_straight or self.step + 1 == len(FINER):
            return None
        more = replace(self, step=self.step + 1)
        return more if more.nodes_of_an_output(n_features) <= MOST_NODES else None

    def loss_and_gradient(
        self,
        W: Float[Tensor, "model hidden feature"],
        b: Float[Tensor, "model feature"],
        density: Float[Tensor, "model feature"],
        importance: Float[Tensor, "model feature"],
    ) -> Loss:
        """Return each model's ``sum_i I_i E (x_i - x'_i)^2`` and its gradient by W and by b.

        Where the activation's value jumps, the slope is not all: what an error gains or loses at
        the jump counts as well. There the gradient is one of differences.

        Args:
            W: weights of `MOST_FEATURES` features at most; all in float64.
            b: biases.
            density: p of each feature.
            importance: ``I_i``.
        """
        if self.smoothness.jumps:
            return self._by_differences(W, b, density, importance)
        given = (W, b, density, importance)
        loss, dW, db = self._in_turn(self._loss_and_gradient, *given)
        return loss, dW, db

    def _by_differences(self, W: Tensor, b: Tensor, density: Tensor, importance: Tensor) -> Loss:
        K, (m, n) = len(W), W.shape[1:]
        point = torch.cat([W.flatten(1), b], -1)
        step = DIFFERENCE * torch.eye(point.shape[1]).to(point)
        around = torch.cat([point[:, None], point[:, None] + step, point[:, None] - step], 1)
        count, around = around.shape[1], around.flatten(0, 1)
        p, cost = (each.repeat_interleave(count, 0) for each in (density, importance))
        W, b = around[:, : m * n].unflatten(-1, (m, n)), around[:, m * n :]
        loss = (cost * self.squared_error(W, b, p)).sum(-1).view(K, count)
        above, below = loss[:, 1:].chunk(2, -1)
        gradient = (above - below) / (2 * DIFFERENCE)
        return loss[:, 0], gradient[:, : m * n].unflatten(-1, (m, n)), gradient[:, m * n :]

    def squared_error(
        self,
        W: Float[Tensor, "model hidden feature"],
        b: Float[Tensor, "model feature"],
        density: Float[Tensor, "model feature"],
    ) -> Float[Tensor, "model feature"]:
        """Return ``E (x_i - x'_i)^2`` of each feature of each model; see `loss_and_gradient`."""
        (error,) = self._in_turn(self._squared_error, W, b, density)
        return error

    def _in_turn(
        self, function: Callable[..., tuple[Tensor, ...]], *given: Tensor
    ) -> tuple[Tensor, ...]:
        """Call a function with some models at a time, as many as a core's cache holds."""
        n = given[0].shape[-1]
        rows = max(1, ENTRIES // (n * self.nodes_of_an_output(n)))
        chunks = zip(*(each.split(rows) for each in given), strict=True)
        parts = zip(*(function(*chunk) for chunk in chunks), strict=True)
        return tuple(torch.cat(each) for each in parts)

    def _loss_and_gradient(self, W: Tensor, b: Tensor, density: Tensor, importance: Tensor) -> Loss:
        x, share, z, y, error = self._passed(W.mT @ W, b, density)
        gy = error * (share * importance[..., None])
        loss = (gy * error).sum((-2, -1))
        gz = 2 * pullback(self.activation, z, y, gy)
        # One product of matrices where all models share their nodes.
        by_gram = (x @ gz[..., None])[..., 0] if self.smoothness.kinks else gz @ x[0, 0].mT
        return loss, W @ (by_gram + by_gram.mT), gz.sum(-1)

    def _squared_error(self, W: Tensor, b: Tensor, density: Tensor) -> tuple[Tensor]:
        _, share, _, _, error = self._passed(W.mT @ W, b, density)
        return ((error.square_() * share).sum(-1),)

    def _passed(self, gram: Tensor, b: Tensor, density: Tensor) -> tuple[Tensor, ...]:
        """Return nodes and their shares; of each, pre-activations, outputs and errors."""
        x, share = self._nodes(gram, b, density)
        own = x.expand(len(x), len(b.mT), *x.shape[2:])
        z = b[..., None] + sum(gram[..., j, None] * x[:, :, j] for j in range(len(b.mT)))
        y = self.activation(z)
        return x, share, z, y, y - own.diagonal(dim1=1, dim2=2).mT

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

    def nodes_of_an_output(self, n: int) -> int:
        """Return about how many there are, those of the subset of all features."""
        kinks = len(self.smoothness.kinks)
        return prod((kinks * 2**inner + 1) * self._along_axis(n) for inner in range(n))

    def _along_axis(self, n: int) -> int:
        if self.smoothness.is_straight:
            return STRAIGHT
        along = (PIECE if self.smoothness.kinks else SMOOTH)[n][self.fine]
        return round(along * FINER[self.step])
