"""Curves over seeds: their mean, and how sure it is. All figures with curves draw them so."""

import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.axes import Axes

from sup.analysis.intervals import LEAST_SEEDS, band_of_mean


def mean_over_seeds(values: Shaped[np.ndarray, "seed *points"]) -> Float[np.ndarray, "*points"]:
    """Return the mean of the seeds that are finite; not a number where none is."""
    known = np.isfinite(values)
    total, count = values.sum(0, where=known), known.sum(0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def draw_over_seeds(
    axis: Axes,
    x: Shaped[np.ndarray, " points"],
    values: Shaped[np.ndarray, "seed points"],
    colour: str | tuple[float, ...],
    **style,
) -> None:
    """Draw the mean over seeds as a line, with the 95% interval of it as a band behind.

    A single seed is a line alone, and so are two. Of Booleans it is a share.
    """
    axis.plot(x, mean_over_seeds(values), color=colour, **style)
    low, high = band_of_mean(values)
    if np.isfinite(low).any():
        axis.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)


def said_of_seeds(count: int, kind: str = "Student's") -> str:
    """Return what a figure says of its curves over so many seeds; "" of a single one.

    Args:
        count: of seeds.
        kind: whose interval the bands are.
    """
    if count < 2:
        return ""
    mean = f"lines: mean of {count} seeds"
    return mean if count < LEAST_SEEDS else f"{mean}; bands: its 95% interval ({kind})"
