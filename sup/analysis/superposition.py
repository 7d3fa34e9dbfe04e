"""Whether a model's features share dimensions at all: a yes or no for each model of results."""

import xarray as xr

from sup.analysis.thresholds import NORM_THRESHOLD

ALONE = 0.9
"""A feature whose ``D_i`` is at least this has its direction for itself: at most a tenth of what
lies along it is other features'. In an antipodal pair ``D_i`` is 1/2."""


def in_superposition(results: xr.Dataset) -> xr.DataArray:
    """Tell of each model whether a strong feature shares its direction: 1 if so, 0 if not.

    It says nothing about use: features may share because there are more of them than dimensions, or
    because they began so (Lecomte et al., 2023, arXiv 2312.03096: incidental polysemanticity).

    Args:
        results: with `feature_norm` and `feature_dimensionality`, ``[axes..., feature]``.

    Returns:
        ``[axes...]``, not a number where a model has no finite measures.
    """
    norms, dimensionality = results["feature_norm"], results["feature_dimensionality"]
    shares = ((norms > NORM_THRESHOLD) & (dimensionality < ALONE)).any("feature")
    return shares.astype(float).where(norms.notnull().any("feature"))  # some have fewer
