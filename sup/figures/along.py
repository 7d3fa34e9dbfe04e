"""What becomes of models along any numeric setting: initial scale, learning rate, decay, ..."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sup.analysis.experiment import curve_axis
from sup.analysis.superposition import in_superposition
from sup.config.grid import evenly_spaced
from sup.figures.bands import draw_over_seeds, mean_over_seeds, said_of_seeds
from sup.figures.gallery import say_instead, stacked, tallest, widest
from sup.figures.labels import fixed_label, setting_name
from sup.figures.style import (
    activation_label,
    activation_style,
    activations_in,
    of_activation,
)
from sup.figures.ticks import few_symlog_ticks

MOST_COLUMNS = 8
"""Panels of a row: combinations of the other settings, evenly spaced where there are more."""

LOG_FROM = 20
"""An axis above zero whose ends are this factor apart is logarithmic."""

PANEL, LEFT, RIGHT, BOTTOM, GAP = (2.0, 1.5), 0.95, 0.2, 0.95, 0.12
"""Size of a panel and what is left around and between them, in inches."""


@dataclass(frozen=True)
class Measure:
    """One row of the figure.

    Args:
        label: of the vertical axis.
        needs: the variables of results that it takes.
        of: returns it of these, ``[axes...]``; by default the one that it needs.
        log_from: the vertical axis is linear up to this, then logarithmic; None: linear.
        is_share: whether a model's value is yes or no, so that the mean over seeds is a share.
        is_count: whether it is a number of features, from none to all.
    """

    label: str
    needs: tuple[str, ...]
    of: Callable[[xr.Dataset], xr.DataArray] | None = None
    log_from: float | None = None
    is_share: bool = False
    is_count: bool = False

    def values(self, results: xr.Dataset) -> xr.DataArray:
        """Return the measure of results."""
        return self.of(results) if self.of else results[self.needs[0]]


MEASURES = (
    Measure("$D^* = m / \\|W\\|_F^2$", ("dimensions_per_feature",)),
    Measure("features explained", ("features_explained",), is_count=True),
    Measure("effective features", ("effective_features",), is_count=True),
    Measure("mean $|W_i \\cdot W_j|$", ("mean_interference",), log_from=0.01),
    Measure(
        "share of seeds\nin superposition",
        ("feature_norm", "feature_dimensionality"),
        in_superposition,
        is_share=True,
    ),
)
"""What is drawn where nothing else is asked for."""


def along_figure(
    results: xr.Dataset, axis: str | None = None, measures: Sequence[Measure] = MEASURES
) -> Figure:
    """Draw measures along one numeric axis of results: a row each, a line for each activation.

    Columns are the other settings, sparsity the fastest. Lines are means over seeds, bands the 95%
    interval of that mean (`sup.analysis.intervals`); of one seed there is none.

    Args:
        results: with any axes.
        axis: the dimension along which is drawn; by default the numeric one of most values.
        measures: the rows; those whose variables the results lack are left out.

    Raises:
        ValueError: where the results have no such axis.
    """
    chosen = axis or curve_axis(results)
    if chosen is None or chosen not in results["loss"].dims:
        axes = ", ".join(map(str, results["loss"].dims))
        raise ValueError(
            f"axis={axis}: the results have no such axis to draw along; theirs: {axes}"
        )
    panels, titles = _columns(results.sortby(chosen), chosen)
    there = [one for one in measures if all(name in results for name in one.needs)]
    note = said_of_seeds(results.sizes.get("seed", 1), "Student's, of shares Wilson's")
    figure, axes = _panels(len(there), titles, note)
    for row, one in zip(axes, there, strict=True):
        for column, panel in enumerate(row):
            _curves(panel, panels.isel(panel=column), chosen, one)
        if one.log_from:
            row[0].set_yscale("symlog", linthresh=one.log_from)
            few_symlog_ticks(row[0].yaxis, one.log_from)
        if one.is_share:
            row[0].set_ylim(-0.04, 1.04)
        if one.is_count:  # an interval of Student's may go beyond what can be counted
            row[0].set_ylim(0, 1.05 * results.sizes["feature"])
        row[0].set_ylabel(one.label, fontsize=8)
    for panel, title in zip(axes[0], titles, strict=True):
        panel.set_title(title, fontsize=8)
    _write_below(figure, axes, setting_name(chosen), note)
    return figure


def _columns(results: xr.Dataset, axis: str) -> tuple[xr.Dataset, list[str]]:
    """Flatten the other settings to the one axis `instance`, a column each, and name them."""
    beside = ("activation", "seed", axis)
    dims = [str(name) for name in results["loss"].dims if name not in beside]
    if not dims:
        return results.expand_dims("panel"), [fixed_label(results)]
    dims.sort(key=lambda name: name == "sparsity")
    flat, settings = stacked(results, dims)
    shown = evenly_spaced(len(settings), MOST_COLUMNS)
    return flat.isel(panel=shown), ["\n".join(settings[index]) for index in shown]


def _panels(rows: int, titles: Sequence[str], note: str) -> tuple[Figure, np.ndarray]:
    """Return a figure and its panels, ``[row, column]``, each row on one scale.

    A single column is as broad as the note below it.
    """
    columns, top = len(titles), tallest(titles) + 2 * GAP
    width = LEFT + columns * PANEL[0] + (columns - 1) * GAP + RIGHT
    width = max(width, widest([note]) + 2 * GAP)
    height = top + rows * PANEL[1] + (rows - 1) * GAP + BOTTOM
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey="row")
    figure.subplots_adjust(
        left=LEFT / width,
        right=1 - RIGHT / width,
        top=1 - top / height,
        bottom=BOTTOM / height,
        wspace=GAP / PANEL[0],
        hspace=GAP / PANEL[1],
    )
    return figure, axes


def _curves(panel: Axes, results: xr.Dataset, axis: str, measure: Measure) -> None:
    """Draw one measure of each activation, with a band where there are several seeds."""
    x = results[axis].values.astype(float)
    lines = []
    for index, name in enumerate(activations_in(results)):
        own = measure.values(of_activation(results, name))
        own = own if "seed" in own.dims else own.expand_dims("seed")
        seeds = own.transpose("seed", axis).values.astype(float)
        if measure.is_share and np.isfinite(seeds).all():
            seeds = seeds.astype(bool)
        lines.append(mean_over_seeds(seeds))
        style = activation_style(name, index)
        label = activation_label(name)
        draw_over_seeds(panel, x, seeds, style.pop("color"), label=label, lw=1.2, ms=3, **style)
    if not np.isfinite(lines).any():
        say_instead(panel, "no finite results")
    there = x[np.isfinite(x)]
    if len(there) and there.min() > 0 and there.max() >= LOG_FROM * there.min():
        panel.set_xscale("log")
    panel.tick_params(labelsize=7)
    panel.grid(alpha=0.25)


def _write_below(figure: Figure, axes: np.ndarray, name: str, note: str) -> None:
    """Write the setting's name, the activations, and what the bands are."""
    height = figure.get_size_inches()[1]
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.text(0.5, 0.55 / height, name, fontsize=9, ha="center", va="center")
    figure.legend(
        handles,
        labels,
        loc="center",
        bbox_to_anchor=(0.5, 0.33 / height),
        ncols=len(labels),
        fontsize=8,
        frameon=False,
    )
    figure.text(0.5, 0.12 / height, note, fontsize=7, ha="center", va="center", color="0.3")
