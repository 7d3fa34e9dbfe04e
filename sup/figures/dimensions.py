"""How many dimensions a feature gets, along sparsity."""

from typing import Any

import numpy as np
import torch
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from sup.analysis import published
from sup.analysis.mean_field import mean_field
from sup.analysis.recipes import excess_loss
from sup.analysis.thresholds import dimensionality_threshold
from sup.figures.basics import article_activations
from sup.figures.gallery import say_instead
from sup.figures.style import (
    activation_label,
    activation_style,
    activations_in,
    best_seed,
    log_ticks,
    of_activation,
)

FRACTIONS = {
    1: "1",
    3 / 4: "3/4",
    2 / 3: "2/3",
    1 / 2: "1/2",
    2 / 5: "2/5",
    3 / 8: "3/8",
    1 / 4: "1/4",
}
"""Dimensionalities of regular arrangements: alone, tetrahedron, triangle, antipodal pair, pentagon,
square antiprism, and four features in one dimension. Elhage et al., 2022."""

X_LABEL = "$1/(1-S)$"


TO_THE_END: dict[str, Any] = {"ls": ":", "lw": 1.3, "ms": 5, "markerfacecolor": "none"}
"""How curves of models that were trained to the end are drawn."""


def dimensions_figure(results: xr.Dataset, end: xr.Dataset | None = None) -> Figure:
    """Draw D* of all activations with the published curves behind, and scale-free measures beside.

    Several seeds are drawn as their mean, with a band from the lowest to the highest. Dashed is the
    D* of the optimum (`sup.analysis.mean_field`), which a trained model need not have reached.

    Args:
        results: with the dimension sparsity, and activation and seed at most.
        end: of the same models trained to the end: dotted, and how much less their loss is.
    """
    figure, axes = _panels(3 if end is None else 4)
    _published(axes[0], results)
    _mean_field(axes[0], results)
    hidden, features = results.sizes["hidden"], results.sizes["feature"]
    threshold = dimensionality_threshold(hidden, features)
    curves = {
        "dimensions_per_feature": "dimensions per feature  $D^* = m / \\|W\\|_F^2$",
        "total_dimensionality": "total dimensionality  $\\sum_i D_i$",
        "features_represented": f"features with $D_i$ > {threshold:.2g}",
    }
    for axis, (variable, label) in zip(axes, curves.items(), strict=False):
        if end is not None:
            _curves(axis, end, variable, TO_THE_END)
        _curves(axis, results, variable, {"lw": 1.3, "ms": 4})
        axis.set_title(label, fontsize=9)
    axes[0].set_ylim(bottom=0)
    axes[1].set_ylim(0, 1.08 * hidden)
    axes[1].axhline(hidden, color="0.6", lw=0.8, ls=":", zorder=0)
    axes[2].set_ylim(0, 1.05 * features)
    if end is not None:
        _excess(axes[3], results, end)
    for axis in axes:
        axis.set_xlabel(X_LABEL, fontsize=9)
    _legend(figure, activations_in(results), end is not None)
    return figure


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    """Return three panels in a row, D*'s the widest, or four in two rows."""
    if count == 3:
        figure = Figure(figsize=(11.5, 4.4))
        figure.subplots_adjust(left=0.06, right=0.99, bottom=0.24, top=0.92, wspace=0.22)
        return figure, list(figure.subplots(1, 3, width_ratios=(1.5, 1, 1)))
    figure = Figure(figsize=(11.5, 8.2))
    figure.subplots_adjust(left=0.06, right=0.99, bottom=0.13, top=0.96, wspace=0.16, hspace=0.26)
    return figure, list(figure.subplots(2, 2, width_ratios=(1.3, 1)).flat)


def _legend(figure: Figure, names: list[str], with_end: bool) -> None:
    """Write below the panels what the lines are."""
    handles = [
        Line2D([], [], lw=1.3, ms=4, label=activation_label(name), **activation_style(name, index))  # pyright: ignore[reportArgumentType]
        for index, name in enumerate(names)
    ]
    handles.append(Line2D([], [], color="0.4", lw=4, alpha=0.35, label="published"))
    if with_end:
        handles.append(Line2D([], [], color="0.4", marker="o", label="to the end", **TO_THE_END))
    handles.append(Line2D([], [], color="0.4", lw=1, ls="--", label="optimum by a mean field"))
    figure.legend(handles=handles, loc="lower center", ncols=10, fontsize=8, frameon=False)


def _curves(axis: Axes, results: xr.Dataset, variable: str, drawn: dict[str, Any]) -> None:
    results = results.sortby("sparsity")
    x = _inverse_density(results)
    for index, name in enumerate(activations_in(results)):
        values = of_activation(results, name)[variable]
        mean = values.mean("seed") if "seed" in values.dims else values
        style = activation_style(name, index)
        axis.plot(x, mean, **drawn, **style)  # pyright: ignore[reportArgumentType]
        if "seed" in values.dims:
            low, high = values.min("seed"), values.max("seed")
            axis.fill_between(x, low, high, color=style["color"], alpha=0.2, lw=0)
    _x_axis(axis, x)


def _excess(axis: Axes, results: xr.Dataset, end: xr.Dataset) -> None:
    """Draw how far a recipe's held-out loss is above that of models trained to the end."""
    excess = excess_loss(results, end)
    axis.set_title("held-out loss over that of training to the end, less 1", fontsize=9)
    if not excess.size:
        say_instead(axis, "no sparsity in common")
        return
    x = _inverse_density(excess)
    for name in map(str, excess["activation"].values):
        style = activation_style(name, activations_in(results).index(name))
        axis.plot(x, excess.sel(activation=name), lw=1.3, ms=4, **style)  # pyright: ignore[reportArgumentType]
    axis.set_yscale("symlog", linthresh=0.01)  # below 1% is the noise of two held-out losses
    axis.yaxis.set_major_formatter(PercentFormatter(1))
    _x_axis(axis, x)


def _published(axis: Axes, results: xr.Dataset) -> None:
    """Draw the published curves, broad and pale, behind ours."""
    curves = published.dimensions_per_feature()
    for index, name in enumerate(activations_in(results)):
        if name in curves["activation"]:
            colour = activation_style(name, index)["color"]
            line = curves.sel(activation=name)
            x = curves["inverse_density"]
            axis.plot(x, line, color=colour, lw=5, alpha=0.25, solid_capstyle="round", zorder=0)


def _mean_field(axis: Axes, results: xr.Dataset) -> None:
    """Draw what D* is at the optimum of many equal features, of elementwise activations."""
    if "importance" not in results or str(results["importance"].values) != "uniform":
        return
    known = article_activations()
    density = 1 - np.sort(results["sparsity"].values)
    crowd = results.sizes["feature"] / results.sizes["hidden"]
    for index, name in enumerate(activations_in(results)):
        if name in known and name != "solu":
            D = mean_field(known[name], torch.from_numpy(density), max(crowd, 1.0))[0]
            colour = activation_style(name, index)["color"]
            axis.plot(1 / density, D.numpy(), color=colour, lw=1, ls="--", zorder=1)


def dimensionality_figure(results: xr.Dataset) -> Figure:
    """Draw every feature's dimensionality ``D_i`` along sparsity, a panel for each activation.

    Lines mark the dimensionalities of regular arrangements. The best of several seeds is shown.

    Args:
        results: as for `dimensions_figure`.
    """
    names = activations_in(results)
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    size = (2.9 * columns + 1.1, 2.4 * rows + 0.6)
    figure = Figure(figsize=size)
    axes = list(figure.subplots(rows, columns, squeeze=False, sharey=True).flat)
    figure.subplots_adjust(
        left=0.8 / size[0],
        right=1 - 0.45 / size[0],
        bottom=0.55 / size[1],
        top=1 - 0.3 / size[1],
        wspace=0.08,
        hspace=0.32,
    )
    generator = np.random.default_rng(0)
    for index, (axis, name) in enumerate(zip(axes, names, strict=False)):
        own = best_seed(of_activation(results, name)).transpose("sparsity", ...)
        x = _inverse_density(own)
        values = own["feature_dimensionality"].values
        # Moved aside at random, so that features of one value are seen to be many.
        spread = np.exp(generator.uniform(-0.025, 0.025, values.shape))
        style = activation_style(name, index)
        across = (x[:, None] * spread).ravel()
        axis.plot(
            across, values.ravel(), ".", ms=1.5, color=style["color"], alpha=0.4, rasterized=True
        )
        for fraction in FRACTIONS:
            axis.axhline(fraction, color="0.7", lw=0.6, zorder=0)
        if not np.isfinite(values).any():
            axis.set_xlim(x.min(), x.max())  # of nothing, no logarithm can be taken
            say_instead(axis, "no finite results")
        _x_axis(axis, x)
        axis.set_ylim(-0.03, 1.06)
        axis.set_yticks([0, 0.25, 0.5, 0.75, 1])
        axis.set_title(activation_label(name), fontsize=9)
        if index % columns == columns - 1 or index == len(names) - 1:
            _fractions(axis)
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    figure.supxlabel(X_LABEL, fontsize=9)
    figure.supylabel("feature dimensionality $D_i$", fontsize=9)
    return figure


def _fractions(axis: Axes) -> None:
    """Write the fractions at the right of a panel."""
    for fraction, label in FRACTIONS.items():
        # 2/5 and 3/8 lie too close to be written one below the other.
        shift = {2 / 5: 0.012, 3 / 8: -0.022}.get(fraction, 0.0)
        axis.annotate(
            label,
            (1.02, fraction + shift),
            xycoords=("axes fraction", "data"),
            fontsize=7,
            va="center",
            color="0.35",
        )


def _inverse_density(results: xr.Dataset | xr.DataArray) -> np.ndarray:
    return 1 / (1 - results["sparsity"].values)


def _x_axis(axis: Axes, x: np.ndarray) -> None:
    high = float(x.max())
    if high == x.min():
        axis.set_xlim(high / 2, 2 * high)
    axis.set_xscale("log")
    log_ticks(
        axis.xaxis, [tick for tick in (1, 2, 5, 10, 20, 50, 100, 1000) if tick <= 1.01 * high]
    )
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25)
