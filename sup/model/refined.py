"""Population losses by as many nodes as each model needs, and how far off they still may be.

Where an activation bends sharply between nodes, or jumps where features are mixed, what the fine
nodes tell is wrong. So each model is looked at by finer ones as well, and by finer ones still
while the two differ: the difference is what the coarser of them was off, at the least nearly.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from sup.model.population import Population

SAME = 1e-7
"""Difference of two squared errors, relative, below which the finer one is taken: the number of
nodes that it is of makes it good to the square of this where the activation is smooth."""

ROUNDING = 1e-14
"""Difference, over the mean square of a feature, that rounding makes."""


def refined_error(
    population: Population,
    W: Float[Tensor, "model hidden feature"],
    b: Float[Tensor, "model feature"],
    density: Float[Tensor, "model feature"],
) -> tuple[Float[Tensor, "model feature"], Float[Tensor, "model feature"]]:
    """Return ``E (x_i - x'_i)^2``, and by what its finer nodes changed it: 0 where it is exact.

    Args:
        population: of fine nodes, that all models are looked at by.
        W: weights, in float64 as all.
        b: biases.
        density: p of each feature.
    """
    error = population.squared_error(W, b, density)
    change, left = torch.zeros_like(error), torch.arange(len(W))
    while len(left) and (finer := population.finer(W.shape[-1])):
        population, before = finer, error[left]
        error[left] = population.squared_error(W[left], b[left], density[left])
        change[left] = error[left] - before
        off = change[left].abs() > SAME * error[left] + ROUNDING * density[left]
        left = left[off.any(-1)]
    return error, change
