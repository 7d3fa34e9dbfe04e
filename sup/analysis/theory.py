"""Exact answers to compare trained models with. Pure functions, in float64."""

import torch
from jaxtyping import Float
from torch import Tensor


def feature_mean(density: Tensor | float) -> Tensor | float:
    """Return E[x] = p/2 of a feature of density p."""
    return density / 2


def feature_variance(density: Tensor | float) -> Tensor | float:
    """Return Var[x] = v(p) = p/3 - p^2/4 of a feature of density p."""
    return density / 3 - density**2 / 4


def linear_population_loss(
    W: Float[Tensor, "*axes hidden feature"],
    b: Float[Tensor, "*axes feature"],
    density: Float[Tensor, "*axes"],
    importance: Float[Tensor, "*axes feature"],
) -> Float[Tensor, "*axes"]:
    """Return the exact expected loss of linear models ``x' = W^T W x + b``.

    With ``A = W^T W - 1`` the error of feature i is ``sum_j A_ij x_j + b_i``. Features are
    independent, so its mean square is ``(sum_j A_ij p/2 + b_i)^2 + v(p) sum_j A_ij^2``.
    """
    W, b, density, importance = (tensor.double() for tensor in (W, b, density, importance))
    A = W.mT @ W - torch.eye(W.shape[-1], dtype=W.dtype, device=W.device)
    p = density[..., None]
    square_mean = (A.sum(-1) * feature_mean(p) + b).square()
    variance = feature_variance(p) * A.square().sum(-1)
    return (importance * (square_mean + variance)).sum(-1)


def linear_optimum(
    n_hidden: int, density: Float[Tensor, "*axes"], importance: Float[Tensor, "*axes feature"]
) -> Float[Tensor, "*axes"]:
    """Return the least loss of a linear model: ``v(p)`` times the importances outside the top m.

    It is reached where ``W^T W`` projects on the m most important features and ``b_i = p/2`` on
    the dropped ones.
    """
    dropped = importance.double().sort(dim=-1, descending=True).values[..., n_hidden:]
    return torch.as_tensor(feature_variance(density.double())) * dropped.sum(-1)
