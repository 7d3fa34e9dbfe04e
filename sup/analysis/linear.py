"""Linear models of any size have exact answers: their loss, and the best of them. In float64."""

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
    density: Float[Tensor, "*axes #feature"],
    importance: Float[Tensor, "*axes feature"],
) -> Float[Tensor, "*axes"]:
    """Return the exact expected loss of linear models ``x' = W^T W x + b``.

    With ``A = W^T W - 1`` the error of feature i is ``sum_j A_ij x_j + b_i``. Features are
    independent, so its mean square is ``(sum_j A_ij p_j/2 + b_i)^2 + sum_j A_ij^2 v(p_j)``.

    Args:
        W: weights.
        b: biases.
        density: p of each feature, or one of all.
        importance: ``I_i``.
    """
    W, b, density, importance = (tensor.double() for tensor in (W, b, density, importance))
    A = W.mT @ W - torch.eye(W.shape[-1], dtype=W.dtype, device=W.device)
    p = density[..., None, :]
    square_mean = ((A * feature_mean(p)).sum(-1) + b).square()
    variance = (feature_variance(p) * A.square()).sum(-1)
    return (importance * (square_mean + variance)).sum(-1)


def linear_optimum(
    n_hidden: int,
    density: Float[Tensor, "*axes #feature"],
    importance: Float[Tensor, "*axes feature"],
) -> Float[Tensor, "*axes"]:
    """Return the least loss of a linear model: ``I_i v(p_i)`` summed over all but the greatest m.

    With ``d_i = I_i v(p_i)``, and b at its best, the loss is ``sum_ij I_i v(p_j) A_ij^2``, which by
    the means of ij and ji is at least ``sum_ij sqrt(d_i d_j) A_ij^2``; of rank m, ``W^T W`` leaves
    the least d_i of that (Eckart & Young, 1936), as `linear_projector` does.
    """
    worth = _worth(density, importance)
    return worth.sort(dim=-1, descending=True).values[..., n_hidden:].sum(-1)


def linear_projector(
    n_hidden: int,
    density: Float[Tensor, "*axes #feature"],
    importance: Float[Tensor, "*axes feature"],
) -> tuple[Float[Tensor, "*axes hidden feature"], Float[Tensor, "*axes feature"]]:
    """Return W and b of the best linear model: m features, each on an axis of its own.

    They are those of the greatest ``I_i v(p_i)``; of equals, the first. On the dropped ones
    ``b_i = p_i/2``.
    """
    worth = _worth(density, importance)
    n = worth.shape[-1]
    kept = worth.sort(dim=-1, descending=True, stable=True).indices[..., :n_hidden]
    W = worth.new_zeros(*worth.shape[:-1], n_hidden, n)
    W[..., : kept.shape[-1], :].scatter_(-1, kept[..., None], 1.0)
    return W, feature_mean(density.double()) * (1 - W.sum(-2))


def _worth(density: Tensor, importance: Tensor) -> Tensor:
    return importance.double() * feature_variance(density.double())
