"""Measures of superposition, pure functions of the weights ``W [..., hidden, feature]``.

They say how features are laid out, not whether they are reconstructed: see
`sup.analysis.reconstruction` for that. Those that depend on the scale of W say so; activations
differ in the scale that suits them, so across activations these are compared with care.

Definitions: Elhage et al., 2022 ("Toy Models of Superposition") and Lad & Kostolansky, 2023
("The Effect of Activation Functions On Superposition in Toy Models").
"""

import torch
from jaxtyping import Float
from torch import Tensor

from sup.analysis.thresholds import NORM_THRESHOLD, dimensionality_threshold

ENTRIES = 2**20
"""Products of two features that are held at once, of the n x n of each instance: 8 MiB."""


def gram(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes feature feature"]:
    """Return ``W^T W``: representation on the diagonal, interference off it."""
    return W.mT @ W


def feature_norm(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes feature"]:
    """Return ``||W_i||``, which scales as c under W -> cW."""
    return _norm(_precise(W)).to(W)


def dimensions_per_feature(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Return ``D* = m / ||W||_F^2``, which scales as 1/c^2 under W -> cW; inf where W = 0."""
    return (W.shape[-2] / _precise(W).square().sum((-2, -1))).to(W)


def _precise(W: Tensor) -> Tensor:
    """Return weights in float64, in which squares of float32 neither overflow nor vanish.

    Apple's GPUs have no float64: there it is the CPU that computes.
    """
    return (W.cpu() if W.device.type == "mps" else W).double()


def _norm(W: Tensor) -> Tensor:
    return W.square().sum(-2).sqrt()


def _others(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes feature"]:
    """Return ``sum_{j != i} (Ŵ_i . W_j)^2`` of weights in float64; 0 for a feature with W_i = 0.

    The sum over all j is ``Ŵ_i^T (W W^T) Ŵ_i``: where m < n, no n x n products are needed.
    """
    m, n = W.shape[-2:]
    norm = _norm(W)
    unit = torch.where(norm > 0, 1 / norm, 0.0)[..., None, :] * W
    total = (unit * (W @ W.mT @ unit)).sum(-2) if m < n else (unit.mT @ W).square().sum(-1)
    # What is left of two sums that are equal but for rounding can be below zero.
    return (total - norm.square()).clamp_min(0)


def feature_dimensionality(
    W: Float[Tensor, "*axes hidden feature"],
) -> Float[Tensor, "*axes feature"]:
    """Return ``D_i = ||W_i||^2 / sum_j (Ŵ_i . W_j)^2``, in [0, 1]; 0 for a feature with W_i = 0.

    Their sum is at most rank(W). Unchanged by rotation (W -> QW) and scale (W -> cW).
    Elhage et al., 2022, "The Geometry of Superposition".
    """
    precise = _precise(W)
    own = _norm(precise).square()
    return torch.where(own > 0, own / (own + _others(precise)), 0.0).to(W)


def polysemanticity(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes feature"]:
    """Return ``sum_{j != i} (Ŵ_i . W_j)^2``: how much of the others lies along feature i.

    It scales as c^2 under W -> cW.
    """
    return _others(_precise(W)).to(W)


def mean_interference(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Return the mean of ``|W_i . W_j|`` over pairs i != j; 0 for a single feature.

    It scales as c^2 under W -> cW, and does not tell antipodal features from aligned ones. The
    products are made of some features at a time: those of 10,000 take 800 MB at once.
    """
    precise = _precise(W)
    n = W.shape[-1]
    some = max(1, ENTRIES * W.shape[-2] // max(1, W.numel()))
    total = -precise.square().sum((-2, -1))  # the products of each feature with itself
    for features in precise.split(some, -1):
        total += (features.mT @ precise).abs_().sum((-2, -1))
    return (total.clamp_min(0) / max(n * (n - 1), 1)).to(W)


def mean_signed_interference(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Return the mean of ``W_i . W_j`` over pairs i != j; 0 for a single feature.

    Below 0 where most interference lies opposite, from where a nonlinearity can clear it away. It
    scales as c^2 under W -> cW. The sum over pairs is ``||sum_i W_i||^2 - sum_i ||W_i||^2``.
    """
    precise, n = _precise(W), W.shape[-1]
    total = precise.sum(-1).square().sum(-1) - precise.square().sum((-2, -1))
    return (total / max(n * (n - 1), 1)).to(W)


def total_dimensionality(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Return ``sum_i D_i``, at most m."""
    return feature_dimensionality(W).sum(-1)


def features_represented(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Count the features with ``D_i`` above 0.05, or above half of m/n; free of W's scale."""
    threshold = dimensionality_threshold(*W.shape[-2:])
    return (feature_dimensionality(W) > threshold).to(W.dtype).sum(-1)


def features_strong(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Count the features with norm above `NORM_THRESHOLD`; it grows with the scale of W."""
    return (feature_norm(W) > NORM_THRESHOLD).to(W.dtype).sum(-1)


def effective_features(W: Float[Tensor, "*axes hidden feature"]) -> Float[Tensor, "*axes"]:
    """Return ``exp(-sum_i s_i log s_i)``, ``s_i = ||W_i||^2 / ||W||_F^2``; 0 where W = 0.

    Between 1 and n, without a threshold, and free of W's scale: k features of one length and no
    others are k. Bereska, Tzifa-Kratira, Samavi & Gavves, 2025 (arXiv 2512.13568), take it of the
    shares of a sparse autoencoder's activations; here the features are known, and the shares are
    those of their squared norms.
    """
    squares = _precise(W).square().sum(-2)
    total = squares.sum(-1, keepdim=True)
    share = squares / torch.where(total > 0, total, 1.0)
    count = torch.special.entr(share).sum(-1).exp()
    return torch.where(total[..., 0] > 0, count, 0.0).to(W)


PER_INSTANCE = {
    metric.__name__: metric
    for metric in (
        dimensions_per_feature,
        total_dimensionality,
        features_represented,
        features_strong,
        effective_features,
        mean_interference,
        mean_signed_interference,
    )
}
"""The measures with one number for each instance, by name."""

PER_FEATURE = {
    metric.__name__: metric for metric in (feature_norm, feature_dimensionality, polysemanticity)
}
"""The measures with one number for each feature of each instance, by name."""
