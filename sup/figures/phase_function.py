"""Phase diagrams by function: which features are reconstructed, whatever the weights look like."""

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sup.analysis.intervals import LEAST_SEEDS, interval_of_mean
from sup.analysis.pairs import pair_reconstructed
from sup.analysis.phases import NO_MODEL, FunctionalPhase, phase_by_function
from sup.figures.bands import mean_over_seeds
from sup.figures.phase import diagrams, legend_panel
from sup.figures.phase_panels import boundaries, cells, name_of_boundaries
from sup.figures.style import best_seed

COLOURS = {
    FunctionalPhase.NOT_RECONSTRUCTED: "#DDDDDD",
    FunctionalPhase.BOTH: "#E69F00",
    FunctionalPhase.ALONE: "#0072B2",
    FunctionalPhase.NEITHER: "#444444",
}
"""As of the phases by weights (`sup.figures.phase_panels`), where these mean the same."""

NAMES = {
    FunctionalPhase.NOT_RECONSTRUCTED: "first feature only",
    FunctionalPhase.BOTH: "both features",
    FunctionalPhase.ALONE: "extra feature only",
    FunctionalPhase.NEITHER: "neither",
}

SHARE_COLOURS, SHARE_SCALE = "viridis", Normalize(0, 1)
"""Of the models in superposition by weights that reconstruct both features."""

NO_PAIR = "white"
"""Where no seed is in superposition: it is no share of none."""


def has_function(results: xr.Dataset) -> bool:
    """Tell whether results of a phase diagram know what two features of a model are explained."""
    return "explained" in results and results.sizes["feature"] == 2


def phase_function_figure(results: xr.Dataset) -> Figure:
    """Draw what is reconstructed, two panels for each activation.

    The first shows which features the best of several seeds reconstructs; the second, of the seeds
    that are in superposition by their weights, the share that reconstructs both. Its number is
    the share of all models that are in superposition and reconstruct one feature at most: the mean
    over seeds, with its 95% interval.

    Args:
        results: of two features in one dimension, as for `sup.figures.phase.phase_figure`, with
            `explained`.
    """
    figure = diagrams(results, _paint_function, _paint_pairs)
    drawn = [axis for axis in figure.axes if axis.axison]
    best = "best seed" if "seed" in results.dims else "reconstructed"
    for left, right in zip(drawn[::2], drawn[1::2], strict=True):
        right.set_title(f"{left.get_title()}: pairs by weights", fontsize=9)
        left.set_title(f"{left.get_title()}: {best}", fontsize=9)
    _legend(figure, name_of_boundaries(results))
    return figure


def _legend(figure: Figure, others: list[Line2D]) -> None:
    """Write what the colours of both kinds of panels mean."""
    legend = legend_panel(figure)
    handles: list[Artist] = [
        Patch(color=COLOURS[phase], label=NAMES[phase]) for phase in FunctionalPhase
    ]
    handles.append(Patch(facecolor=NO_PAIR, edgecolor="0.7", label="no pair by weights"))
    handles += others
    style: dict = {"fontsize": 7, "frameon": False, "title_fontsize": 7, "alignment": "left"}
    legend.legend(handles=handles, loc="upper left", title="reconstructed, $R^2$ > 1/2", **style)
    box = legend.get_position()
    bar = figure.add_axes(
        (box.x0 + 0.06 * box.width, box.y0 + 0.26 * box.height, 0.8 * box.width, 0.06 * box.height)
    )
    colours = ScalarMappable(SHARE_SCALE, SHARE_COLOURS)
    figure.colorbar(colours, cax=bar, orientation="horizontal", ticks=[0, 0.5, 1])
    said = "share that reconstructs both\n(number: of all models, pairs that do not)"
    bar.set_xlabel(f"pairs by weights:\n{said}", fontsize=7)
    bar.tick_params(labelsize=7, length=2)


def _paint_function(axis: Axes, own: xr.Dataset) -> None:
    best = best_seed(own).transpose("importance_ratio", "sparsity", ...)
    phases = np.ma.masked_equal(phase_by_function(best["explained"].values), NO_MODEL)
    colours = ListedColormap([COLOURS[phase] for phase in FunctionalPhase])
    axis.pcolormesh(*cells(best), phases, cmap=colours, vmin=0, vmax=3, rasterized=True)
    boundaries(axis, own)


def _paint_pairs(axis: Axes, own: xr.Dataset) -> None:
    seeds = (
        own if "seed" in own.dims else own.drop_vars("seed", errors="ignore").expand_dims("seed")
    )
    seeds = seeds.transpose("seed", "importance_ratio", "sparsity", ...)
    pairs = pair_reconstructed(seeds["W"].values, seeds["explained"].values)
    share = np.ma.masked_invalid(mean_over_seeds(pairs))
    axis.set_facecolor(NO_PAIR)
    scale = {"cmap": SHARE_COLOURS, "norm": SHARE_SCALE}
    axis.pcolormesh(*cells(own), share, rasterized=True, **scale)
    boundaries(axis, own)
    box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 2}
    axis.text(0.04, 0.04, _summary(pairs), transform=axis.transAxes, fontsize=7, bbox=box)


def _summary(pairs: np.ndarray) -> str:
    """Return the share of models ``[seed, ratio, sparsity]`` that are pairs and lack a feature."""
    each = (pairs == 0).mean((1, 2))  # of the cells of each seed: seeds are the unit
    mean = f"at most one: {each.mean():.0%}"
    if len(each) < LEAST_SEEDS:
        return mean
    low, high = np.clip(interval_of_mean(each), 0, 1)  # of shares
    return f"{mean} ({low:.0%} to {high:.0%})"
