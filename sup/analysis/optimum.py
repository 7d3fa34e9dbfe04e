"""The least population loss that a small model can have: what training is compared with.

Exact but for the search: the loss is integrated, not sampled, and minimised from every structure
that few features can have. Elhage et al., 2022, decide their phase diagram by such candidates with
fixed weights; here they are only where the search begins.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sup.analysis.linear import linear_optimum, linear_population_loss, linear_projector
from sup.analysis.phases import SHARE, extra_share
from sup.analysis.search import Search
from sup.model.activations import Activation, Linear
from sup.model.population import MOST_FEATURES, Population
from sup.model.refined import refined_error

NOTHING = 1e-9
"""Loss, over that of a model of zeros, below which an optimum is without loss, and no gap relative
to it has a meaning."""


@dataclass(frozen=True)
class Optimum:
    """The best model of each cell, in float64.

    Args:
        W: its weights.
        b: its biases.
        loss: its population loss.
    """

    W: Float[Tensor, "cell hidden feature"]
    b: Float[Tensor, "cell feature"]
    loss: Float[Tensor, " cell"]


def has_optimum(activation: Activation, n_features: int) -> bool:
    """Tell whether the optimum of such models is known: of linear ones, and of few features."""
    return isinstance(activation, Linear) or n_features <= MOST_FEATURES


def optimum(
    activation: Activation,
    n_hidden: int,
    density: Float[Tensor, "cell feature"],
    importance: Float[Tensor, "cell feature"],
) -> Optimum:
    """Return the best model of each cell.

    Args:
        activation: of all cells; its parameters, if any, are numbers or ``[1, 1, 1]``. Linear, or
            any other of three features at most.
        n_hidden: m.
        density: p of each feature.
        importance: ``I_i``.

    Raises:
        ValueError: where it is not known; see `has_optimum`.
    """
    density, importance = density.double(), importance.double()
    if isinstance(activation, Linear):
        W, b = linear_projector(n_hidden, density, importance)
        return Optimum(W, b, linear_optimum(n_hidden, density, importance))
    n = density.shape[-1]
    if not has_optimum(activation, n):
        raise ValueError(f"the optimum of {n} features is not known, but of {MOST_FEATURES}")
    rank = min(n_hidden, n)
    search = Search(Population.of(activation, n), rank, density, importance)
    point, loss = search.best()
    W, b = search.models(point)
    return Optimum(torch.cat([W, W.new_zeros(len(W), n_hidden - rank, n)], 1), b, loss)


def population_loss(
    activation: Activation,
    W: Float[Tensor, "model hidden feature"],
    b: Float[Tensor, "model feature"],
    density: Float[Tensor, "model feature"],
    importance: Float[Tensor, "model feature"],
) -> Float[Tensor, " model"]:
    """Return the exact ``sum_i I_i E (x_i - x'_i)^2`` of models whose optimum is known."""
    given = (W.double(), b.double(), density.double(), importance.double())
    if isinstance(activation, Linear):
        return linear_population_loss(*given)
    error, _ = refined_error(Population.of(activation, W.shape[-1]), *given[:3])
    return (given[3] * error).sum(-1)


def loss_gap(
    loss: Float[Tensor, " model"],
    optimum_loss: Float[Tensor, " model"],
    density: Float[Tensor, "model feature"],
    importance: Float[Tensor, "model feature"],
) -> Float[Tensor, " model"]:
    """Return ``loss / optimum_loss - 1``; not a number where the optimum is without loss."""
    zeros = (importance * density / 3).sum(-1)
    return torch.where(optimum_loss > NOTHING * zeros, loss / optimum_loss - 1, torch.nan)


def superposition_onset(
    activation: Activation, ratio: Float[Tensor, " ratio"], steps: int = 12
) -> Float[Tensor, " ratio"]:
    """Return the density below which the optimum of two features in one dimension holds both.

    They are held where the weaker one's share of the squared weights is at least `SHARE`. The
    greatest such density is sought, first among 40 that are evenly spaced on the log axis from 1
    to 0.01, then by halving; 0.01 where there is none.

    Args:
        activation: of all.
        ratio: importance r of the second feature over the first one's.
        steps: halvings; 12 tell 3e-5 of the density.
    """

    def is_shared(density: Tensor, ratio: Tensor) -> Tensor:
        cells = torch.stack([torch.ones_like(ratio), ratio], -1)
        best = optimum(activation, 1, density[:, None].expand(-1, 2), cells)
        share = torch.from_numpy(extra_share(best.W.numpy()))
        return torch.minimum(share, 1 - share) >= SHARE

    grid = torch.logspace(0, -2, 40, dtype=torch.float64)
    ratio = ratio.double()
    every = is_shared(grid.repeat(len(ratio)), ratio.repeat_interleave(len(grid)))
    first = torch.cat([every.view(len(ratio), -1), torch.ones(len(ratio), 1).bool()], 1)
    place = first.int().argmax(1)
    above, below = grid[(place - 1).clamp_min(0)], grid[place.clamp_max(len(grid) - 1)]
    for _ in range(steps):
        middle = (above * below).sqrt()
        shared = is_shared(middle, ratio)
        above, below = torch.where(shared, above, middle), torch.where(shared, middle, below)
    return below


def lone_from(activation: Activation, density: float, most: float, steps: int = 10) -> float:
    """Return the relative importance from which on the optimum has the extra feature alone.

    Of two features in one dimension; sought among 24 ratios that are evenly spaced on the log axis
    from 1 on, then by halving.

    Args:
        activation: whose.
        density: p of both features.
        most: the greatest ratio that is tried.
        steps: halvings; 10 tell a ratio to 1e-4 of itself.

    Returns:
        That ratio; infinite where there is none.
    """

    def is_alone(ratio: Tensor) -> Tensor:
        cells = torch.stack([torch.ones_like(ratio), ratio], -1)
        best = optimum(activation, 1, torch.full_like(cells, density), cells)
        return 1 - torch.from_numpy(extra_share(best.W.numpy())) < SHARE

    grid = torch.logspace(0, math.log10(most), 24, dtype=torch.float64)
    alone = is_alone(grid)
    if not alone[-1]:
        return math.inf
    first = int((~alone).sum())  # beyond it the extra feature only gains
    below, above = grid[max(first - 1, 0)], grid[first]
    for _ in range(steps):
        middle = (below * above).sqrt()
        below, above = (below, middle) if is_alone(middle[None]).item() else (middle, above)
    return float(above)
