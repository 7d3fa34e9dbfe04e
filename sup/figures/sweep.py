"""The figures that show a whole sweep."""

import xarray as xr
from matplotlib.figure import Figure

from sup.analysis.experiment import LARGEST_HEATMAP, curve_axis, experiment_of
from sup.config.grid import MOST_SHOWN
from sup.figures.along import along_figure
from sup.figures.dimensionality import dimensionality_figure
from sup.figures.dimensions import dimensions_figure
from sup.figures.families import families_figure
from sup.figures.features import feature_panels, neuron_figure
from sup.figures.gallery import arranged_best
from sup.figures.gaps import loss_gap_figure
from sup.figures.gram import along_sparsity_figure, gram_gallery
from sup.figures.large import MOST_DIMENSIONS
from sup.figures.phase import (
    optimum_phase_figure,
    phase_figure,
    phase_share_figure,
)
from sup.figures.phase_function import has_function, phase_function_figure
from sup.figures.style import activations_in, best_seed, of_activation
from sup.figures.vectors import vector_gallery
from sup.training.names import GALLERY


def sweep_figures(results: xr.Dataset) -> dict[str, Figure]:
    """Draw what suits the shape of a sweep's results, by name.

    Args:
        results: of all runs, joined.
    """
    kind = experiment_of(results)
    if kind == "phase_diagram":
        figures = {"phases": phase_figure(results), "phase_shares": phase_share_figure(results)}
        if "optimum_phase" in results:
            figures["phases_of_the_optimum"] = optimum_phase_figure(results)
            figures["loss_gaps"] = loss_gap_figure(results)
        if has_function(results):
            figures["phases_by_function"] = phase_function_figure(results)
        return figures
    if kind == "dimensions":
        return {
            "dimensions": dimensions_figure(results),
            "dimensionality": dimensionality_figure(results),
        }
    figures = {"dimensions": dimensions_figure(results)} if is_curve(results) else {}
    if kind == "families":
        figures["families"] = families_figure(results)
    elif axis := curve_axis(results):
        figures[f"along_{axis}"] = along_figure(results, axis)
    if "instance" in results["loss"].dims:
        return figures
    if results.sizes["feature"] > LARGEST_HEATMAP:
        return figures | {"features": feature_panels(arranged_best(results, MOST_SHOWN))}
    if results.sizes["hidden"] == 2:
        figures["vectors"] = vector_gallery(results)
    return figures | {GALLERY: gram_gallery(results)}


def is_curve(results: xr.Dataset) -> bool:
    """Tell whether results are of several sparsities, of activations and seeds, and of no more."""
    return experiment_of(results) == "bottleneck" and results.sizes["sparsity"] > 1


def activation_figures(results: xr.Dataset) -> dict[str, Figure]:
    """Draw each activation along sparsity: ``W^T W`` with norms, and the hidden dimensions.

    More than `MOST_DIMENSIONS` of them are not drawn.

    Args:
        results: with the dimension sparsity, and activation and seed at most.
    """
    figures = {}
    for name in activations_in(results):
        own = of_activation(results, name)
        figures[f"gram/{name}"] = along_sparsity_figure(own)
        if results.sizes["hidden"] <= MOST_DIMENSIONS:
            figures[f"neurons/{name}"] = neuron_figure(best_seed(own))
    return figures
