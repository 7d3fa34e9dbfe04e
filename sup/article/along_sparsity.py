"""What decides claims about ten features in five dimensions along sparsity."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from sup.analysis.groups import TOGETHER, together
from sup.analysis.thresholds import NORM_THRESHOLD, dimensionality_threshold
from sup.article.evidence import Evidence, NotMeasuredError, own, seeds_of
from sup.article.parts import Part, at_least, at_most

SHARED = 0.1
"""A feature is shared if so much of the others lies along it (its polysemanticity)."""


def strong_norm(factor: float) -> float:
    """Return the norm from which a feature is strong: 1/4, 1/2 or 0.71 at half, once and double.

    Twice 1/2 would be the norm of a feature that is fully represented.
    """
    return NORM_THRESHOLD ** (1 / factor)


def top_features(one: xr.Dataset, factor: float) -> np.ndarray:
    """Tell at each sparsity whether the strong features are just the first m, ``[sparsity]``."""
    strong = one["feature_norm"].values > strong_norm(factor)
    return (strong == (np.arange(one.sizes["feature"]) < one.sizes["hidden"])).all(-1)


def interference(one: xr.Dataset) -> np.ndarray:
    """Return the greatest ``|W_i . W_j|`` of each model, ``[sparsity]``."""
    W = one["W"].values
    gram = np.abs(np.swapaxes(W, -1, -2) @ W)
    return (gram * (1 - np.eye(gram.shape[-1]))).max((-2, -1))


def cosines(W: np.ndarray, least: float) -> np.ndarray:
    """Return the cosines between features of at least some norm, ``[strong, strong]``."""
    norm = np.linalg.norm(W, axis=0)
    unit = W[:, norm > least] / norm[norm > least]
    return unit.T @ unit


def groups(W: np.ndarray, factor: float = 1.0) -> Iterator[np.ndarray]:
    """Yield the squared norms of the features of each connected group, which needs no basis.

    Features are connected where the cosine between them exceeds `TOGETHER`; those of hardly any
    norm are left out.
    """
    squares = (W**2).sum(0)
    strong = squares > strong_norm(factor) ** 2
    joined = together(W, strong, TOGETHER * factor)
    for group in np.unique(joined[strong], axis=0):
        yield squares[group]


def linear_keeps_the_top(bottleneck: Evidence, factor: float) -> list[Part]:
    """C1."""
    seeds = seeds_of(own(bottleneck, "linear"))
    top = np.array([top_features(one, factor).mean() for one in seeds])
    worst = np.array([interference(one).max() for one in seeds])
    return [
        Part("share of sparsities with just the top m features strong", at_least(0.95), top),
        Part("greatest interference |Wᵢ·Wⱼ|", at_most(0.1), worst),
    ]


def linear_is_at_its_optimum(bottleneck: Evidence, factor: float) -> list[Part]:
    """C1, of the optimum: training is there, and the optimum is known in closed form."""
    gap = own(bottleneck, "linear").get("loss_gap")
    if gap is None:
        raise NotMeasuredError("gaps to the optimum")
    worst = np.atleast_1d(gap.max("sparsity").values)
    return [Part("greatest excess of the loss over the linear optimum's", at_most(0.01), worst)]


def gelu_and_silu(bottleneck: Evidence, factor: float) -> list[Part]:
    """C4, in groups of features that belong together: hidden space has no basis of its own."""
    parts, sizes = [], {}
    for name in ("gelu", "silu"):
        members = [
            [group for W in one["W"].values for group in groups(W, factor)]
            for one in seeds_of(own(bottleneck, name))
        ]
        if not all(members):
            raise NotMeasuredError(f"strong features of {name}")
        largest = np.array([max(map(len, found)) for found in members], float)
        sizes[name] = np.array([np.mean([len(group) for group in found]) for found in members])
        lead = np.array(
            [np.mean([group.max() / group.sum() for group in found]) for found in members]
        )
        parts += [
            Part(f"{name}: most features in a group", at_most(2), largest),
            Part(f"{name}: mean share of a group's greatest feature", at_least(0.6), lead),
        ]
    apart = np.abs(sizes["gelu"].mean() - sizes["silu"].mean())
    rule = "difference in the mean size of groups between the two"
    return [Part(rule, at_most(0.5), np.array([apart]), exact=True), *parts]


def shared_features(one: xr.Dataset, factor: float) -> np.ndarray:
    """Return the share of represented features that others share, ``[sparsity]``."""
    threshold = dimensionality_threshold(one.sizes["hidden"], one.sizes["feature"])
    represented = one["feature_dimensionality"].values > threshold
    shared = (one["polysemanticity"].values > SHARED * factor) & represented
    return shared.sum(-1) / np.maximum(represented.sum(-1), 1)


def sigmoid_speckles(bottleneck: Evidence, factor: float) -> list[Part]:
    """C6."""
    seeds = list(seeds_of(own(bottleneck, "sigmoid")))
    sparsity = seeds[0]["sparsity"].values
    if not (sparsity[0] == 0 and len(sparsity) > 1):
        raise NotMeasuredError("sparsities of 0 and above")
    shared = np.stack([shared_features(one, factor) for one in seeds])
    rule = "share of features in superposition"
    return [
        Part(f"{rule} at S = 0", at_most(0.05), shared[:, 0]),
        Part(f"{rule} at S = {sparsity[1]:.3g}", at_least(0.95), shared[:, 1]),
        Part(f"{rule}, least of all above", at_least(0.95), shared[:, 1:].min(1)),
    ]


def keeps_the_top(bottleneck: Evidence, activation: str, factor: float) -> Part:
    """Return how often an activation has just the top features, as linear models do."""
    seeds = seeds_of(own(bottleneck, activation))
    top = np.array([top_features(one, factor).mean() for one in seeds])
    return Part("share of sparsities with just the top m features strong", at_least(0.95), top)


def all_in_superposition(bottleneck: Evidence, activation: str, factor: float) -> Part:
    """Return how many features are represented and shared, over all sparsities."""
    values = []
    for one in seeds_of(own(bottleneck, activation)):
        threshold = dimensionality_threshold(one.sizes["hidden"], one.sizes["feature"])
        represented = one["feature_dimensionality"].values > threshold
        values.append((represented & (one["polysemanticity"].values > SHARED * factor)).mean())
    rule = "share of features in superposition, over all sparsities"
    return Part(rule, at_least(0.95), np.array(values))
