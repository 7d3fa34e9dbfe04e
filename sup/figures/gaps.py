"""How far training ends from the optimum, over density and relative importance."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from sup.analysis.diagrams import AXES
from sup.analysis.gaps import LARGE, gap_summary
from sup.analysis.intervals import LEAST_SEEDS
from sup.figures.phase import diagrams, legend_panel
from sup.figures.phase_panels import boundaries, cells, name_of_boundaries
from sup.figures.style import best_seed

LEAST_GAP = 1e-5
GAP_COLOURS, GAP_SCALE = "viridis", LogNorm(LEAST_GAP, 1)
"""Of a loss that is relative to the optimum's."""


def loss_gap_figure(results: xr.Dataset) -> Figure:
    """Draw how far training ends from the optimum, two panels for each activation.

    The first shows the median over seeds: a single seed in another minimum would decide the mean.
    Its number is the share of a seed's models above 1%, the mean over seeds with its 95% interval.
    The second shows the best seed, whose distance is not the fault of where training began. Of one
    seed there is one panel.

    Args:
        results: as for `sup.figures.phase.phase_figure`, with `loss_gap`.
    """
    if "seed" not in results.dims:
        figure = diagrams(results, _paint_best)
    else:
        figure = diagrams(results, _paint_median, _paint_best)
        drawn = [axis for axis in figure.axes if axis.axison]
        for index, axis in enumerate(drawn):
            which = ("median of the seeds", "best seed")[index % 2]
            axis.set_title(f"{axis.get_title()}: {which}", fontsize=9)
    _legend(figure, results)
    return figure


def _legend(figure: Figure, results: xr.Dataset) -> None:
    """Draw the scale, and say what the lines and the numbers are."""
    legend = legend_panel(figure)
    box = legend.get_position()
    bar = figure.add_axes((box.x0 - 0.12 * box.width, box.y0, 0.06 * box.width, box.height))
    figure.colorbar(ScalarMappable(GAP_SCALE, GAP_COLOURS), cax=bar, extend="both")
    bar.set_ylabel("excess over the optimum's loss", fontsize=8)
    bar.tick_params(labelsize=7)
    has_interval = results.sizes.get("seed", 1) >= LEAST_SEEDS
    said = f"number: share of models\nabove {LARGE:.0%}" + ", with its\n95% interval" * has_interval
    style: dict = {"fontsize": 7, "title_fontsize": 7, "frameon": False, "alignment": "left"}
    legend.legend(
        handles=name_of_boundaries(results),
        title=said,
        loc="upper left",
        bbox_to_anchor=(0.16, 1.0),
        handlelength=1.5,
        **style,
    )


def _paint_median(axis: Axes, own: xr.Dataset) -> None:
    """Paint the median over those seeds that have a loss."""
    _paint(axis, own, own["loss_gap"].transpose("seed", *AXES).values)


def _paint_best(axis: Axes, own: xr.Dataset) -> None:
    """Paint the seed with the least held-out loss in each cell."""
    _paint(axis, own, best_seed(own)["loss_gap"].transpose(*AXES).values[None])


def _paint(axis: Axes, own: xr.Dataset, gaps: np.ndarray) -> None:
    """Paint the median of excesses ``[seed, ratio, density]``, and tell how many are large."""
    known = np.isfinite(gaps)
    medians = np.ma.median(np.ma.masked_array(np.where(known, gaps, 0), ~known), axis=0)
    # What is below the scale, by rounding below zero too, is as good as the optimum.
    shown = np.ma.maximum(medians, LEAST_GAP / 10)
    colours = {"cmap": GAP_COLOURS, "norm": GAP_SCALE}
    axis.pcolormesh(*cells(own), shown, rasterized=True, **colours)
    boundaries(axis, own)
    if summary := gap_summary(gaps):
        text = f"above {LARGE:.0%}: {summary.above:.0%}"
        if summary.interval:
            text += " ({:.0%} to {:.0%})".format(*summary.interval)
        box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 2}
        axis.text(0.04, 0.04, text, transform=axis.transAxes, fontsize=7, bbox=box)
