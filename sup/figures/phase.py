"""Phase diagrams: what becomes of the extra feature, over density and relative importance."""

from collections.abc import Callable
from itertools import product

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sup.analysis.diagrams import DEAD
from sup.figures.phase_panels import (
    COLOURS,
    DEAD_COLOUR,
    DEAD_NAME,
    TIE_NAME,
    TIE_STYLE,
    decorate,
    diagram_in,
    laid_out,
    name_of_boundaries,
    paint_classes,
    paint_optimum,
    paint_seeds,
    paint_shares,
    share_colours,
    ties_in,
)
from sup.figures.style import activation_label, activations_in, best_seed, of_activation

HEIGHT = 2.5


def phase_figure(results: xr.Dataset) -> Figure:
    """Draw the classes, a panel for each activation, with a legend.

    The best of several seeds is shown; dots mark cells where seeds end in different ones. The
    boundaries of the optimum are drawn over it, where the results know them.

    Args:
        results: of a diagram (`sup.analysis.diagrams`), with dimensions sparsity and
            importance_ratio, and activation and seed at most.
    """
    figure = diagrams(results, paint_classes)
    handles = [*_name_of_dead(best_seed(results)), *_name_of_ties(results, "loss")]
    handles += name_of_boundaries(results)
    if "seed" in results.dims:
        said = f"seeds end in different phases:\nthe best of {results.sizes['seed']} is shown"
        handles.append(Line2D([], [], color="black", marker=".", ms=3, lw=0, label=said))
    _name_classes(figure, results, handles)
    return figure


def optimum_phase_figure(results: xr.Dataset) -> Figure:
    """Draw the classes of the optimum, a panel for each activation, with a legend.

    Args:
        results: as for `phase_figure`, with `optimum_phase`.
    """
    figure = diagrams(results, paint_optimum)
    _name_classes(figure, results, _name_of_ties(results, "optimum_loss"))
    return figure


def phase_seeds_figure(results: xr.Dataset) -> Figure:
    """Draw the share of seeds that end in each class: the mixture of the classes' colours.

    Args:
        results: as for `phase_figure`, with several seeds.
    """
    figure = diagrams(results, paint_seeds)
    mixed = Patch(facecolor="none", label="mixed: seeds end in\ndifferent phases")
    others = [*_name_of_dead(results), *name_of_boundaries(results), mixed]
    _name_classes(figure, results, others)
    return figure


def _name_of_dead(shown: xr.Dataset) -> list[Artist]:
    """Return what names dead models in a legend, where there are any among those that are shown."""
    W = shown["W"].transpose(..., "hidden", "feature").values
    there = (diagram_in(shown).class_of(W) == DEAD).any()
    return [Patch(color=DEAD_COLOUR, label=DEAD_NAME)] if there else []


def _name_of_ties(results: xr.Dataset, loss: str) -> list[Artist]:
    """Return what names ties in a legend, where there are any."""
    each = (laid_out(of_activation(results, name)) for name in activations_in(results))
    there = any(ties_in(own, loss).any() for own in each)
    return [Patch(label=TIE_NAME, **TIE_STYLE)] if there else []


def _name_classes(figure: Figure, results: xr.Dataset, others: list[Artist]) -> None:
    """Write the legend of the classes, and of what else is drawn."""
    diagram = diagram_in(results)
    named = zip(COLOURS[diagram], diagram.names, strict=True)
    handles = [Patch(color=colour, label=name) for colour, name in named]
    legend = legend_panel(figure)
    legend.legend(handles=[*handles, *others], loc="center left", fontsize=7, frameon=False)


def phase_share_figure(results: xr.Dataset) -> Figure:
    """Draw the phases continuously: hue for the extra feature's share of the squared weights.

    The lighter a cell, the more superposition: its lightness is the greatest ``|W_i . W_n|`` of
    another feature with the extra one, cut off at 1.

    Args:
        results: as for `phase_figure`.
    """
    figure = diagrams(results, paint_shares)
    legend = legend_panel(figure)
    if dead := _name_of_dead(best_seed(results)):
        legend.legend(handles=dead, loc="upper left", fontsize=7, frameon=False)
    box = legend.get_position()
    key = figure.add_axes(
        (box.x0 + 0.3 * box.width, box.y0 + 0.28 * box.height, 0.6 * box.width, 0.5 * box.height)
    )
    most = 1 / results.sizes["hidden"]
    share, overlap = np.meshgrid(np.linspace(0, most, 60), np.linspace(0, 1, 60))
    colours = share_colours(share, overlap, results.sizes["hidden"])
    key.imshow(colours, origin="lower", extent=(0, most, 0, 1), aspect="auto")
    key.set_xlabel("extra feature's share", fontsize=8)
    key.set_ylabel("interference $|W_i\\cdot W_n|$", fontsize=8)
    key.tick_params(labelsize=7, length=2)
    return figure


def diagrams(results: xr.Dataset, *paints: Callable[[Axes, xr.Dataset], None]) -> Figure:
    """Draw a panel for each activation and each way to paint it, and leave room for one more."""
    panels = list(product(activations_in(results), paints))
    columns = len(panels) + 1 if len(panels) < 5 else 4
    rows = -(-(len(panels) + 1) // columns)
    size = (HEIGHT * columns + 0.6, HEIGHT * rows + 0.4)
    figure = Figure(figsize=size)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    figure.subplots_adjust(
        left=0.65 / size[0],
        right=1 - 0.1 / size[0],
        bottom=0.55 / size[1],
        top=1 - 0.3 / size[1],
        wspace=0.28,
        hspace=0.36,
    )
    for axis, (name, paint) in zip(axes, panels, strict=False):
        own = laid_out(of_activation(results, name))
        paint(axis, own)
        decorate(axis, own)
        axis.set_title(activation_label(name), fontsize=9)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    figure.supxlabel("density  $p = 1 - S$", fontsize=9)
    figure.supylabel("relative importance $r$ of the extra feature", fontsize=9)
    return figure


def legend_panel(figure: Figure) -> Axes:
    """Return the first panel that holds no diagram."""
    return next(axis for axis in figure.axes if not axis.axison)
