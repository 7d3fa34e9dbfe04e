"""What decides the claim about pairs: fewer features than twice the dimensions, as many, and more.

At n = 2m alone it could hardly fail: pairs are what 2m features in m dimensions have room for.
"""

import numpy as np
import xarray as xr

from sup.article.along_sparsity import SHARED, cosines, interference, strong_norm
from sup.article.evidence import Evidence, NotMeasuredError, own, seeds_of
from sup.article.parts import Part, at_least, at_most

OPPOSITE = -0.95
"""The cosine from which two features are opposite; of a regular pentagon's it is -0.81 at best."""

HIGH = 0.99
"""From where sparsity is high: the article shows pairs up to here."""


def paired(W: np.ndarray, factor: float = 1.0) -> float:
    """Return the share of strong features in superposition with an opposite; 0 where none is.

    Those alone in a dimension count for nothing, so that with n < 2m, too, all can be paired.
    """
    found = cosines(W, strong_norm(factor))
    shared = (found**2).sum(1) - 1 > SHARED * factor
    return float((found[shared].min(1) <= OPPOSITE).mean()) if shared.any() else 0.0


def relu_pairs(sizes: Evidence, factor: float) -> list[Part]:
    """C2."""
    found = own(sizes, "relu")
    twice = 2 * found.sizes["hidden"]
    numbers = np.sort(found["n_features"].values).tolist()
    if not (numbers[0] < twice < numbers[-1]):
        raise NotMeasuredError(f"numbers of features below and above {twice}")
    return [part for number in numbers for part in _of_size(_with_features(found, number), factor)]


def _with_features(results: xr.Dataset, number: int) -> xr.Dataset:
    """Return the models of so many features, without the places that larger ones have."""
    return results.sel(n_features=number).isel(feature=slice(0, number))


def _of_size(results: xr.Dataset, factor: float) -> list[Part]:
    """Return what is asked of models of one size."""
    seeds, size = seeds_of(results), f"n = {results.sizes['feature']}"
    high = np.flatnonzero(results["sparsity"].values >= HIGH)
    if not high.size:
        raise NotMeasuredError(f"sparsities from {HIGH}")
    low = np.array([interference(one)[0] for one in seeds])
    parts = [Part(f"{size}: greatest interference at the lowest sparsity", at_most(0.1), low)]
    for at in high:
        pairs = np.array([paired(one["W"].values[at], factor) for one in seeds])
        where = f"S = {results['sparsity'].values[at]:.3g}"
        rule = f"{size}: share of features in superposition with an opposite at {where}"
        parts.append(Part(rule, at_least(0.8), pairs))
    return parts
