"""Which models results are of: the dimensions of their weights beside those of one model."""

from math import prod

import numpy as np
import xarray as xr


def axes_of(results: xr.Dataset) -> list[str]:
    """Return the dimensions that tell models apart, in their order; none of a single model's."""
    return [str(dim) for dim in results["W"].dims if dim not in ("hidden", "feature")]


def count_of(results: xr.Dataset) -> int:
    """Return how many models results are of, diverged and missing ones among them."""
    return prod(results.sizes[dim] for dim in axes_of(results))


def across(results: xr.Dataset, name: str) -> np.ndarray:
    """Return the value of a setting, or of a measure, that each model has, ``[model]``."""
    axes = axes_of(results)
    shape = [results.sizes[dim] for dim in axes]
    template = xr.DataArray(np.zeros(shape), dims=axes)
    held = results[name]
    held = held.astype(object) if held.dtype.kind in "UT" else held
    return xr.broadcast(template, held.drop_vars(held.coords))[1].transpose(*axes).values.ravel()
