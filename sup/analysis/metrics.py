"""Measures of superposition, pure functions of the weights ``W [..., hidden, feature]``.

Definitions: Elhage et al., 2022 ("Toy Models of Superposition") and Lad & Kostolansky, 2023
("The Effect of Activation Functions On Superposition in Toy Models").
"""

import torch
from jaxtyping import Float
from torch import Tensor

DIMENSIONALITY_THRESHOLD = 0.05
"""A feature counts as represented when its dimensionality exceeds this: half of m/n = 0.1, the
smallest fair share among the article's experiments."""

NORM_THRESHOLD = 0.5
"""A feature counts as strong when its norm exceeds this: half of a fully represented one's."""


def gram(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes feature feature"]:
    """Return ``W^T W``: representation on the diagonal, interference off it."""
    return W.mT @ W


def feature_norm(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes feature"]:
    """Return ``||W_i||``."""
    return W.norm(dim=-2)


def dimensions_per_feature(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Return ``D* = m / ||W||_F^2``, which scales as 1/c^2 under W -> cW; inf where W = 0."""
    return W.shape[-2] / W.square().sum((-2, -1))


def _projections(W: Float[Tensor, "*axes hidden feature"]) -> Tensor:
    """Return ``(Ŵ_i . W_j)^2`` in row i, column j; a row of zeros for a feature with W_i = 0."""
    norm = feature_norm(W)
    unit = torch.where(norm > 0, 1 / norm, 0.0)[..., None] * W.mT
    return (unit @ W).square()


def feature_dimensionality(
    W: Float[Tensor, "*axes hidden feature"],
) -> Float[Tensor, "*axes feature"]:
    """Return ``D_i = ||W_i||^2 / sum_j (Ŵ_i . W_j)^2``, in [0, 1]; 0 for a feature with W_i = 0.

    Their sum is at most rank(W). Unchanged by rotation (W -> QW) and scale (W -> cW).
    Elhage et al., 2022, "The Geometry of Superposition".
    """
    projections = _projections(W)
    total = projections.sum(-1)
    own = projections.diagonal(dim1=-2, dim2=-1)
    return torch.where(total > 0, own / total, 0.0)


def polysemanticity(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes feature"]:
    """Return ``sum_{j != i} (Ŵ_i . W_j)^2``: how much of the others lies along feature i."""
    projections = _projections(W)
    return projections.sum(-1) - projections.diagonal(dim1=-2, dim2=-1)


def mean_interference(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Return the mean of ``|W_i . W_j|`` over pairs i != j; 0 for a single feature."""
    overlap = gram(W).abs()
    off_diagonal = overlap.sum((-2, -1)) - overlap.diagonal(dim1=-2, dim2=-1).sum(-1)
    n = W.shape[-1]
    return off_diagonal / max(n * (n - 1), 1)


def total_dimensionality(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Return ``sum_i D_i``, at most m."""
    return feature_dimensionality(W).sum(-1)


def features_represented(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Count the features with ``D_i`` above `DIMENSIONALITY_THRESHOLD`; free of W's scale."""
    return (feature_dimensionality(W) > DIMENSIONALITY_THRESHOLD).to(W.dtype).sum(-1)


def features_strong(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Count the features with norm above `NORM_THRESHOLD`."""
    return (feature_norm(W) > NORM_THRESHOLD).to(W.dtype).sum(-1)


PER_INSTANCE = {
    metric.__name__: metric
    for metric in (
        dimensions_per_feature,
        total_dimensionality,
        features_represented,
        features_strong,
        mean_interference,
    )
}
"""The measures with one number for each instance, by name."""

PER_FEATURE = {
    metric.__name__: metric for metric in (feature_norm, feature_dimensionality, polysemanticity)
}
"""The measures with one number for each feature of each instance, by name."""
