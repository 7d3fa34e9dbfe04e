"""Dimensions per feature of many equal features at the optimum, by a mean field.

After Cowsik, Dolev & Infanger, 2024, "The Persian Rug: solving toy models of superposition using
large-scale symmetries", extended to any elementwise activation. With many features of one
importance in many dimensions ``W^T W`` is ``a n/m`` times a projector whose diagonal is m/n: a
feature is seen ``a`` times, and all the others by a sum of many small parts, which is normal::

    x' = f(a x + b + a sqrt(n/m - 1) sqrt(v(p)) xi),    D* = m / (n a)

a and b are those of the least ``E (x - x')^2``; the mean of the sum is within b.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from sup.analysis.minimise import minimise
from sup.analysis.theory import feature_variance

NODES, NORMAL_NODES = 16, 96
"""Along x and along xi: most of a kink is smoothed by x, so that few of these do."""

STARTS = ((0.3, 0.0), (1.0, 0.0), (1.0, 0.3), (3.0, -1.0), (6.0, -3.0), (20.0, -6.0))
"""a and b from which the least loss is looked for."""

ITERATIONS, TOLERANCE = 100, 1e-12


def mean_field_loss(
    activation: Callable[[Tensor], Tensor],
    a: Float64[Tensor, " model"],
    b: Float64[Tensor, " model"],
    density: Float64[Tensor, " model"],
    features_per_dimension: float,
) -> Float64[Tensor, " model"]:
    """Return ``E (x - x')^2`` of models.

    Args:
        activation: maps ``[model, x, xi]`` number by number.
        a: how much of a feature is seen, above 0.
        b: biases.
        density: p.
        features_per_dimension: ``n/m``, at least 1.
    """
    at, weight = (torch.from_numpy(one) for one in np.polynomial.legendre.leggauss(NODES))
    x = torch.cat([torch.zeros(1, dtype=torch.float64), (at + 1) / 2])
    xi, chance = (torch.from_numpy(one) for one in np.polynomial.hermite_e.hermegauss(NORMAL_NODES))
    share = torch.cat([1 - density[:, None], density[:, None] * weight / 2], dim=1)
    spread = (features_per_dimension - 1) ** 0.5 * torch.as_tensor(feature_variance(density)).sqrt()
    seen = x[:, None] + spread[:, None, None] * xi
    error = activation(a[:, None, None] * seen + b[:, None, None]) - x[:, None]
    return ((error.square() * (chance / chance.sum())).sum(-1) * share).sum(-1)


def mean_field(
    activation: Callable[[Tensor], Tensor],
    density: Float[Tensor, " density"],
    features_per_dimension: float,
) -> tuple[Float64[Tensor, " density"], Float64[Tensor, " density"]]:
    """Return D* at the optimum, and its loss for each feature, by BFGS from several starts.

    Args:
        activation: as for `mean_field_loss`.
        density: p.
        features_per_dimension: ``n/m``.
    """
    p = density.double()
    starts = torch.tensor(STARTS, dtype=torch.float64)
    starts[:, 0] = starts[:, 0].log()  # so that a stays above 0
    every = p.repeat_interleave(len(starts))
    scale = torch.as_tensor(feature_variance(every))

    def relative(point: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            leaf = point.detach().requires_grad_()
            a, b, own = leaf[:, 0].exp(), leaf[:, 1], every[numbers]
            loss = mean_field_loss(activation, a, b, own, features_per_dimension)
            loss = loss / scale[numbers]
            (gradient,) = torch.autograd.grad(loss.sum(), leaf)
        return loss.detach(), gradient

    point, loss = minimise(relative, starts.repeat(len(p), 1), ITERATIONS, TOLERANCE)
    loss, best = loss.view(len(p), -1).nan_to_num(torch.inf).min(1)
    a = point[:, 0].exp().view(len(p), -1)[torch.arange(len(p)), best]
    return 1 / (features_per_dimension * a), loss * scale[:: len(starts)]
