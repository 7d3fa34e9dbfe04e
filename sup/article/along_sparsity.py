"""What decides claims about ten features in five dimensions along sparsity."""

from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr

from sup.analysis.groups import together
from sup.analysis.linear import linear_projector
from sup.analysis.metrics import feature_dimensionality
from sup.article.evidence import Evidence, NotMeasuredError, own, seeds_of
from sup.article.parts import Known, OfSeeds, Part, Thresholds, at_least, at_most
from sup.results.measuring import importance_of

JUST_THE_TOP = "share of sparsities with just the top m features strong"
GREATEST = "greatest interference |Wᵢ·Wⱼ|"


def is_strong(W: np.ndarray, at: Thresholds) -> np.ndarray:
    """Tell which features are strong, ``[..., feature]``."""
    return (W**2).sum(-2) > at.strength


def keeps_the_top(W: np.ndarray, at: Thresholds) -> float:
    """Return how often the strong features of models ``[model, ...]`` are just the first m."""
    first = np.arange(W.shape[-1]) < W.shape[-2]
    return float((is_strong(W, at) == first).all(-1).mean())


def interference(W: np.ndarray) -> np.ndarray:
    """Return the greatest ``|W_i . W_j|`` of each model."""
    gram = np.abs(np.swapaxes(W, -1, -2) @ W)
    return (gram * (1 - np.eye(gram.shape[-1]))).max((-2, -1))


def shared(W: np.ndarray, at: Thresholds) -> np.ndarray:
    """Tell whose dimension others share, ``[..., feature]``; it does not depend on W's scale."""
    return 1 - feature_dimensionality(torch.from_numpy(W.astype(float))).numpy() > at.shared


def groups(W: np.ndarray, at: Thresholds) -> Iterator[np.ndarray]:
    """Yield the squared norms of the features of each connected group, which needs no basis.

    Features of hardly any norm are left out.
    """
    strong = is_strong(W, at)
    joined = together(W, strong, at.together)
    for group in np.unique(joined[strong], axis=0):
        yield (W**2).sum(0)[group]


def seeds(bottleneck: Evidence, activation: str) -> list[xr.Dataset]:
    """Return the results of each seed of an activation, along sparsity."""
    return list(seeds_of(own(bottleneck, activation)))


def of_the_top(bottleneck: Evidence, activation: str, at: Thresholds) -> Part:
    """Return how often an activation has just the top features, as linear models do."""
    values = [keeps_the_top(one["W"].values, at) for one in seeds(bottleneck, activation)]
    return OfSeeds(JUST_THE_TOP, at_least(0.95), np.array(values))


def linear_keeps_the_top(bottleneck: Evidence, at: Thresholds) -> list[Part]:
    """C1."""
    each = seeds(bottleneck, "linear")
    worst = np.array([interference(one["W"].values).max() for one in each])
    parts = [
        of_the_top(bottleneck, "linear", at),
        OfSeeds(GREATEST, at_most(0.1), worst),
    ]
    if all("loss_gap" in one for one in each):
        excess = np.array([float(one["loss_gap"].max()) for one in each])
        parts.append(OfSeeds("greatest excess over the optimum's loss", at_most(0.01), excess))
    return parts


def linear_optimum_keeps_the_top(bottleneck: Evidence, at: Thresholds) -> list[Part]:
    """C1, of the optimum, which is known in closed form."""
    found = own(bottleneck, "linear")
    one = found.isel(seed=0) if "seed" in found.dims else found
    importance = importance_of(one)
    if importance is None:
        raise NotMeasuredError("importances")
    density = torch.from_numpy(1 - one["sparsity"].values)[:, None].expand(importance.shape)
    W = linear_projector(one.sizes["hidden"], density, importance)[0].numpy()
    return [
        Known(JUST_THE_TOP, at_least(0.95), np.array([keeps_the_top(W, at)])),
        Known(GREATEST, at_most(0.1), interference(W).max(keepdims=True)),
    ]


def gelu_and_silu(bottleneck: Evidence, at: Thresholds) -> list[Part]:
    """C4, in groups of features that belong together: hidden space has no basis of its own.

    A feature alone is no group here, and where there is none, none has a greatest feature: linear
    models, whose features are all alone, do not pass.
    """
    parts: list[Part] = []
    for name in ("gelu", "silu"):
        sizes, lead = [], []
        for one in seeds(bottleneck, name):
            found = [group for W in one["W"].values for group in groups(W, at) if len(group) > 1]
            sizes.append(max(map(len, found), default=np.nan))
            lead.append(np.mean([g.max() / g.sum() for g in found]) if found else 0.0)
        parts += [
            OfSeeds(f"{name}: most features in a group", at_most(2), np.array(sizes)),
            OfSeeds(
                f"{name}: mean share of the greatest feature of a group",
                at_least(0.6),
                np.array(lead),
            ),
        ]
    rule = "difference of GELU and SiLU in explained variance, by that of GELU and ReLU"
    return [OfSeeds(rule, at_most(0.5), alike(bottleneck)), *parts]


def alike(bottleneck: Evidence) -> np.ndarray:
    """Return by how much less GELU differs from SiLU than from ReLU, ``[seed]``.

    Of each seed, as its models see the same inputs: the mean of ``|R2_i - R2_i'|`` over features
    and sparsities. Not a number where GELU does not differ from ReLU.
    """
    R2 = {name: explained(bottleneck, name) for name in ("gelu", "silu", "relu")}
    apart = {name: np.abs(R2["gelu"] - R2[name]).mean((1, 2)) for name in ("silu", "relu")}
    nothing = np.full_like(apart["relu"], np.nan)
    return np.divide(apart["silu"], apart["relu"], out=nothing, where=apart["relu"] > 0)


def explained(bottleneck: Evidence, activation: str) -> np.ndarray:
    """Return ``R2_i`` of an activation's models, ``[seed, sparsity, feature]``.

    Raises:
        NotMeasuredError: where results have none, as those of an earlier release.
    """
    each = seeds(bottleneck, activation)
    if any("explained" not in one for one in each):
        raise NotMeasuredError("explained variances")
    return np.stack([one["explained"].values for one in each])


def superposed(bottleneck: Evidence, activation: str, at: Thresholds) -> tuple[np.ndarray, ...]:
    """Tell which features are reconstructed, and which are and share their dimension.

    Returns:
        Both ``[seed, sparsity, feature]``.
    """
    known = explained(bottleneck, activation) > at.explained
    W = np.stack([one["W"].values for one in seeds(bottleneck, activation)])
    return known, known & shared(W, at)


def sigmoid_speckles(bottleneck: Evidence, at: Thresholds) -> list[Part]:
    """C6."""
    sparsity = own(bottleneck, "sigmoid")["sparsity"].values
    if not (sparsity[0] == 0 and len(sparsity) > 1):
        raise NotMeasuredError("sparsities of 0 and above")
    known, both = superposed(bottleneck, "sigmoid", at)
    share = both.sum(-1) / np.maximum(known.sum(-1), 1)
    rule = "share of the reconstructed features that are in superposition"
    per_dimension = known.sum(-1) / own(bottleneck, "sigmoid").sizes["hidden"]
    return [
        OfSeeds(f"{rule}, at S = 0", at_most(0.05), share[:, 0]),
        OfSeeds(f"{rule}, at S = {sparsity[1]:.3g}", at_least(0.95), share[:, 1]),
        OfSeeds(f"{rule}, least of all above", at_least(0.95), share[:, 1:].min(1)),
        OfSeeds(
            "reconstructed features for each dimension, least of all above",
            at_least(1.1),
            per_dimension[:, 1:].min(1),
        ),
    ]


def all_in_superposition(bottleneck: Evidence, activation: str, at: Thresholds) -> Part:
    """Return how many of all features are reconstructed in superposition, over all sparsities."""
    _, both = superposed(bottleneck, activation, at)
    rule = "share of features that are reconstructed in superposition, over all sparsities"
    return OfSeeds(rule, at_least(0.95), both.mean((1, 2)))
