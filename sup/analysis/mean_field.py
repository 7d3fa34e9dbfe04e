"""Dimensions per feature of many equal features, by a mean field.

After Cowsik, Dolev & Infanger, 2024, "The Persian Rug: solving toy models of superposition using
large-scale symmetries", extended to any activation that is one function of one feature. With many
features of one importance in many dimensions ``W^T W`` is taken to be ``a n/m`` times a projector
whose diagonal is m/n: a feature is seen ``a`` times, and all the others by a sum of many small
parts, which is normal::

    x' = f(a x + b + a sqrt(n/m - 1) sqrt(v(p)) xi),    D* = m / (n a)

a and b are those of the least ``E (x - x')^2``; the mean of the sum is within b. This is an ansatz
and no optimum: trained models, whose features need not all be seen alike, can do better.
"""

from math import pi

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from sup.analysis.minimise import minimise
from sup.analysis.theory import feature_variance
from sup.model.activations import Activation
from sup.model.cubes import cut_cube, gauss
from sup.model.smoothness import smoothness_of

NODES, NORMAL_NODES = 16, 96
"""Along x, and along xi, where the pieces between kinks share them."""

FARTHEST = 9.0
"""Standard deviations that xi is integrated to: what is beyond is below rounding."""

LEAST_SPREAD = 1e-9
"""Standard deviation of the other features' sum, so that kinks have a place along xi."""

STARTS = ((0.3, 0.0), (1.0, 0.0), (1.0, 0.3), (3.0, -1.0), (6.0, -3.0), (20.0, -6.0))
"""a and b from which the least loss is looked for."""

ITERATIONS, TOLERANCE = 100, 1e-12


def has_mean_field(activation: Activation) -> bool:
    """Tell whether an activation is one function of one feature, the same one for all."""
    z = torch.linspace(-4, 4, 99, dtype=torch.float64).expand(1, 2, -1).contiguous()
    first, second = activation(z).unbind(1)
    return torch.equal(first, second) and not smoothness_of(activation, 2).mixes


def mean_field_loss(
    activation: Activation,
    a: Float64[Tensor, " model"],
    b: Float64[Tensor, " model"],
    density: Float64[Tensor, " model"],
    features_per_dimension: float,
    kinks: tuple[float, ...],
) -> Float64[Tensor, " model"]:
    """Return ``E (x - x')^2`` of models.

    Args:
        activation: maps ``[model, 1, node]`` number by number.
        a: how much of a feature is seen, above 0.
        b: biases.
        density: p.
        features_per_dimension: ``n/m``, at least 1.
        kinks: of the activation: most of the mass is at x = 0, where x smooths none of them.
    """
    at, weight = gauss(NODES)
    x = torch.cat([torch.zeros(1, dtype=torch.float64), at])
    share = torch.cat([1 - density[:, None], density[:, None] * weight], dim=1)
    spread = (features_per_dimension - 1) ** 0.5 * torch.as_tensor(feature_variance(density)).sqrt()
    steep = (a * spread.clamp_min(LEAST_SPREAD))[:, None]
    middle = b[:, None] + a[:, None] * x
    slope = (2 * FARTHEST * steep).expand_as(middle)
    rule = gauss(NORMAL_NODES // (len(kinks) + 1))
    place, part = cut_cube(slope[..., None], middle - FARTHEST * steep, kinks, rule)
    xi = FARTHEST * (2 * place[:, :, 0] - 1)
    chance = 2 * FARTHEST * part * torch.exp(-xi.square() / 2) / (2 * pi) ** 0.5
    z = middle[..., None] + steep[..., None] * xi
    error = activation(z.flatten(1)[:, None]).view_as(z) - x[:, None]
    return ((error.square() * chance).sum(-1) * share).sum(-1)


def mean_field(
    activation: Activation,
    density: Float[Tensor, " density"],
    features_per_dimension: float,
) -> tuple[Float64[Tensor, " density"], Float64[Tensor, " density"]]:
    """Return D* and the loss for each feature where that is least, by BFGS from several starts.

    Not a number where `has_mean_field` is false.

    Args:
        activation: of all features.
        density: p.
        features_per_dimension: ``n/m``.
    """
    if not has_mean_field(activation):
        none = torch.full_like(density, torch.nan, dtype=torch.float64)
        return none, none.clone()
    kinks = smoothness_of(activation, 1).kinks
    p = density.double()
    starts = torch.tensor(STARTS, dtype=torch.float64)
    starts[:, 0] = starts[:, 0].log()  # so that a stays above 0
    every = p.repeat_interleave(len(starts))
    scale = torch.as_tensor(feature_variance(every))

    def relative(point: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            leaf = point.detach().requires_grad_()
            a, b, own = leaf[:, 0].exp(), leaf[:, 1], every[numbers]
            loss = mean_field_loss(activation, a, b, own, features_per_dimension, kinks)
            loss = loss / scale[numbers]
            (gradient,) = torch.autograd.grad(loss.sum(), leaf)
        return loss.detach(), gradient

    point, loss = minimise(relative, starts.repeat(len(p), 1), ITERATIONS, TOLERANCE)
    loss, best = loss.view(len(p), -1).nan_to_num(torch.inf).min(1)
    a = point[:, 0].exp().view(len(p), -1)[torch.arange(len(p)), best]
    return 1 / (features_per_dimension * a), loss * scale[:: len(starts)]
