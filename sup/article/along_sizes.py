"""What decides the claim about pairs: fewer features than twice the dimensions, as many, and more.

At n = 2m alone it could hardly fail: pairs are what 2m features in m dimensions have room for.
"""

import numpy as np
import xarray as xr

from sup.article.along_sparsity import interference, is_strong, shared
from sup.article.evidence import Evidence, NotMeasuredError, own, seeds_of
from sup.article.parts import OfSeeds, Part, Thresholds, at_least, at_most

HIGH = 0.99
"""From where sparsity is high: the article shows pairs up to here."""


def cosines(W: np.ndarray) -> np.ndarray:
    """Return the cosines between features, ``[feature, feature]``."""
    unit = W / np.linalg.norm(W, axis=0)
    return unit.T @ unit


def paired(W: np.ndarray, at: Thresholds) -> float:
    """Return the share of strong features in superposition with an opposite; 0 where none is.

    Those alone in a dimension count for nothing, so that with n < 2m, too, all can be paired.
    """
    strong = W[:, is_strong(W, at)]
    superposed = shared(strong, at)
    if not superposed.any():
        return 0.0
    return float((cosines(strong)[superposed].min(1) <= -at.opposite).mean())


def relu_pairs(sizes: Evidence, at: Thresholds) -> list[Part]:
    """C2."""
    found = own(sizes, "relu")
    twice = 2 * found.sizes["hidden"]
    numbers = np.sort(found["n_features"].values).tolist()
    if not (numbers[0] < twice < numbers[-1]):
        raise NotMeasuredError(f"numbers of features below and above {twice}")
    return [part for number in numbers for part in _of_size(_with_features(found, number), at)]


def _with_features(results: xr.Dataset, number: int) -> xr.Dataset:
    """Return the models of so many features, without the places that larger ones have."""
    return results.sel(n_features=number).isel(feature=slice(0, number))


def _of_size(results: xr.Dataset, at: Thresholds) -> list[Part]:
    """Return what is asked of models of one size."""
    seeds, size = seeds_of(results), f"n = {results.sizes['feature']}"
    high = np.flatnonzero(results["sparsity"].values >= HIGH)
    if not high.size:
        raise NotMeasuredError(f"sparsities from {HIGH}")
    low = np.array([interference(one["W"].values[:1]).item() for one in seeds])
    rule = f"{size}: greatest interference at the lowest sparsity"
    parts: list[Part] = [OfSeeds(rule, at_most(0.1), low)]
    for place in high:
        pairs = np.array([paired(one["W"].values[place], at) for one in seeds])
        where = f"S = {results['sparsity'].values[place]:.3g}"
        rule = f"{size}: share of features in superposition with an opposite at {where}"
        parts.append(OfSeeds(rule, at_least(0.8), pairs))
    return parts
