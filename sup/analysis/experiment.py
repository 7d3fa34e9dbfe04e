"""What results are results of, told by their shape alone."""

import xarray as xr

from sup.analysis.phases import is_phase_diagram

LARGEST_HEATMAP = 64
"""Features up to which a heatmap shows anything."""

FEW_SPARSITIES = 10
"""Up to so many sparsities are looked at one by one; more of equal features make a curve."""


def experiment_of(results: xr.Dataset) -> str:
    """Return phase_diagram, dimensions, bottleneck (any models along sparsity) or other."""
    dims = set(results["loss"].dims)
    if is_phase_diagram(results):
        return "phase_diagram"
    if "sparsity" not in dims or not dims <= {"activation", "sparsity", "seed"}:
        return "other"
    many = results.sizes["feature"] > LARGEST_HEATMAP or results.sizes["sparsity"] > FEW_SPARSITIES
    uniform = str(results["importance"].values) == "uniform"
    return "dimensions" if uniform and many else "bottleneck"
