"""Large models: which of their features a figure shows, and how it says so.

A picture of all pairs of 10,000 features takes gigabytes, and has more cells than pixels; those of
200 are so small that they make patterns of their own, and most are of features that are not
represented. So the longest are shown.
"""

import numpy as np
import xarray as xr
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sup.analysis.experiment import LARGEST_HEATMAP
from sup.config.grid import evenly_spaced

MOST_FEATURES = 200
"""Bars that a figure has at the most: more are finer than its pixels."""

MOST_DIMENSIONS = 20
"""Hidden dimensions up to which sweeps show them one by one: for 50 of them, varimax takes half a
minute a model."""


def longest_first(one: xr.Dataset) -> xr.Dataset:
    """Put the features of a model of more than `LARGEST_HEATMAP` in the order of their norms.

    `feature` then counts from the longest, 0; a model of fewer is left as it is.
    """
    if one.sizes["feature"] <= LARGEST_HEATMAP:
        return one
    squares = np.square(one["W"].transpose("hidden", "feature").values.astype(float)).sum(0)
    order = np.argsort(-np.nan_to_num(squares), kind="stable")
    return one.isel(feature=order).assign_coords(feature=np.arange(len(order)))


def longest(one: xr.Dataset) -> xr.Dataset:
    """Keep the `LARGEST_HEATMAP` longest features of a model, the longest first."""
    return longest_first(one).isel(feature=slice(LARGEST_HEATMAP))


def longest_label(results: xr.Dataset) -> str:
    """Return the label of an axis of the `longest` of these results' models: it says how many."""
    count = results.sizes["feature"]
    few = f" (the {LARGEST_HEATMAP} longest of {count:,})" if count > LARGEST_HEATMAP else ""
    return f"feature{few}"


def evenly_by_norm(one: xr.Dataset) -> xr.Dataset:
    """Leave out features of `longest_first`, evenly, until at most `MOST_FEATURES` are left."""
    return longest_first(one).isel(feature=evenly_spaced(one.sizes["feature"], MOST_FEATURES))


def by_norm_label(results: xr.Dataset) -> str:
    """Return the label of an axis of `evenly_by_norm` of these results' models."""
    count = results.sizes["feature"]
    order = ", longest first" if count > LARGEST_HEATMAP else ""
    few = f" ({MOST_FEATURES} of {count:,}, evenly spaced)" if count > MOST_FEATURES else ""
    return f"feature{order}{few}"


def feature_ticks(axis: Axis) -> None:
    """Put whole numbers at an axis of features, in thousands where those have many digits."""
    axis.set_major_locator(MaxNLocator(5, integer=True))
    if max(axis.get_view_interval()) >= 10_000:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:g}k"))


def span(features: np.ndarray) -> tuple[float, float]:
    """Return the ends of an axis along which evenly spaced features stand side by side."""
    return float(features[0]) - 0.5, float(features[-1]) + 0.5


def places(features: np.ndarray) -> tuple[np.ndarray, float]:
    """Return where bars of evenly spaced features stand in their `span`, and how wide they are."""
    low, high = span(features)
    room = (high - low) / len(features)
    # Gaps between bars of hardly a pixel make patterns that are not in the data.
    width = 0.8 * room if len(features) <= LARGEST_HEATMAP else room
    return low + room * (np.arange(len(features)) + 0.5), width
