"""What results are results of, told by their shape alone."""

import numpy as np
import xarray as xr

from sup.analysis.axes import axes_of
from sup.analysis.diagrams import diagram_of

LARGEST_HEATMAP = 64
"""Features up to which a heatmap shows anything."""

FEW_SPARSITIES = 10
"""Up to so many sparsities are looked at one by one; more of equal features make a curve."""

FEWEST_OF_A_CURVE = 3
"""Values of a setting from which on what becomes of a model along it is drawn as a curve."""


def experiment_of(results: xr.Dataset) -> str:
    """Return what results are results of.

    phase_diagram, dimensions, bottleneck (any models along sparsity), bottleneck_sizes (of several
    numbers of features), families (along a parameter of an activation, and of sparsity at most but
    for seeds) or other.
    """
    dims = set(axes_of(results))
    if diagram_of(results):
        return "phase_diagram"
    if dims - {"activation", "seed"} == {"n_features", "sparsity"}:
        return "bottleneck_sizes"
    if is_along_families(results):
        return "families"
    if "sparsity" not in dims or not dims <= {"activation", "sparsity", "seed"}:
        return "other"
    many = results.sizes["feature"] > LARGEST_HEATMAP or results.sizes["sparsity"] > FEW_SPARSITIES
    uniform = "importance" in results and str(results["importance"].values) == "uniform"
    return "dimensions" if uniform and many else "bottleneck"


def curve_axis(results: xr.Dataset) -> str | None:
    """Return the numeric axis of most values beside sparsity and seed; None where all are short."""
    others = [name for name in axes_of(results) if name not in ("sparsity", "seed")]
    numeric = [name for name in others if np.issubdtype(results[name].dtype, np.number)]
    longest = max(numeric, key=lambda name: results.sizes[name], default=None)
    return longest if longest and results.sizes[longest] >= FEWEST_OF_A_CURVE else None


def is_along_families(results: xr.Dataset) -> bool:
    """Tell whether results are along parameters of activations; see `experiment_of`."""
    dims = set(axes_of(results))
    if "n_features" not in results.coords:  # as of weights that others have trained
        return False
    if dims == {"instance"}:  # what is no grid, as each activation has a parameter of its own
        own = [name for name in results.coords if str(name).startswith("activation_")]
        return any(np.issubdtype(results[name].dtype, np.number) for name in own)
    others = {name for name in dims if not name.startswith("activation_")}
    sizes = {"activation", "sparsity", "seed", "n_features", "n_hidden"}
    return others < dims and others <= sizes
