"""The figures that show a whole sweep."""

import xarray as xr
from matplotlib.figure import Figure

from sup.figures.dimensions import dimensionality_figure, dimensions_figure
from sup.figures.gram import gram_figure, gram_gallery
from sup.figures.phase import phase_figure, phase_share_figure
from sup.figures.style import best_seed
from sup.kinds import LARGEST_HEATMAP, kind_of

MOST_CELLS = 120
"""A gallery shows at most this many models."""


def sweep_figures(results: xr.Dataset) -> dict[str, Figure]:
    """Draw what suits the shape of a sweep's results, by name.

    Args:
        results: of all runs, joined.
    """
    kind = kind_of(results)
    if kind == "phase_diagram":
        return {"phases": phase_figure(results), "phase_shares": phase_share_figure(results)}
    if kind == "dimensions":
        return {
            "dimensions": dimensions_figure(results),
            "dimensionality": dimensionality_figure(results),
        }
    if results.sizes["feature"] > LARGEST_HEATMAP:
        return {}
    best = best_seed(results)
    crossed = set(best["loss"].dims) == {"activation", "sparsity"}
    if crossed and best["loss"].size <= MOST_CELLS:
        return {"gallery": gram_gallery(best)}
    return {"gallery": gram_figure(results)}
