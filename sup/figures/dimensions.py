"""How many dimensions a feature gets, along sparsity."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter, SymmetricalLogLocator

from sup.analysis import published
from sup.analysis.recipes import excess_of_seeds
from sup.analysis.thresholds import EXPLAINED_THRESHOLD, dimensionality_threshold
from sup.figures.bands import draw_over_seeds, said_of_seeds
from sup.figures.behind import draw_mean_field, draw_published, has_published
from sup.figures.gallery import say_instead
from sup.figures.style import (
    activation_label,
    activation_style,
    activations_in,
    greatest,
    log_ticks,
    of_activation,
)

X_LABEL = "$1/(1-S)$"

OURS: dict[str, Any] = {"lw": 1.3, "ms": 4}
TO_THE_END: dict[str, Any] = {"ls": ":", "lw": 1.3, "ms": 5, "markerfacecolor": "none"}
"""How curves are drawn, and those of models that were trained to the end."""

TOLD_APART = 3
"""Curves up to which one that lies upon another hides none: its marker lets the other be seen."""

LETTERS = 18
"""In an inch of such words."""


def dimensions_figure(results: xr.Dataset, end: xr.Dataset | None = None) -> Figure:
    """Draw D* of all activations along sparsity, and measures free of the scale of W beside it.

    Several seeds are drawn as `sup.figures.bands` says. Behind the D* of equally important features
    are the published curves, where there are any of such models, and dashed the D* of a mean field
    (`sup.analysis.mean_field`), where models are such as that is of.

    Args:
        results: with the dimension sparsity, and activation and seed at most.
        end: of the same models trained to the end: dotted, and how much less their loss is; the
            legend tells of how many seeds.
    """
    curves = {name: label for name, label in _measures(results).items() if name in results}
    figure, axes = _panels(len(curves) + (end is not None))
    behind = [*draw_published(axes[0], results), *draw_mean_field(axes[0], results)]
    for axis, (variable, label) in zip(axes, curves.items(), strict=False):
        if end is not None:
            _curves(axis, end, variable, TO_THE_END)
        _curves(axis, results, variable, OURS)
        axis.set_title(label, fontsize=9)
        axis.set_ylim(0, 1.05 * greatest(axis.dataLim.get_points()[:, 1]))
        if variable == "total_dimensionality":
            axis.set_ylim(0, 1.08 * results.sizes["hidden"])
            axis.axhline(results.sizes["hidden"], color="0.6", lw=0.8, ls=":", zorder=0)
        elif variable != "dimensions_per_feature":
            axis.set_ylim(0, 1.05 * results.sizes["feature"])
    if end is not None:
        _excess(axes[len(curves)], results, end)
        count = end.sizes.get("seed", 1)
        label = f"to the end, {'one seed' if count == 1 else f'{count} seeds'}"
        behind.append(Line2D([], [], color="0.4", marker="o", label=label, **TO_THE_END))
    _legend(axes[-1], [*_named(results), *behind], results.sizes.get("seed", 1))
    if has_published(results) and published.OVER_INSTANCES in activations_in(results):
        say_below(figure, axes[-1], published.SOLU_IN_SHORT)
    return figure


def _measures(results: xr.Dataset) -> dict[str, str]:
    """Return the measures that are drawn, by their variable, and what is written above them."""
    threshold = dimensionality_threshold(results.sizes["hidden"], results.sizes["feature"])
    return {
        "dimensions_per_feature": "dimensions per feature  $D^* = m / \\|W\\|_F^2$",
        "total_dimensionality": "total dimensionality  $\\Sigma_i\\, D_i$",
        "features_represented": f"features with $D_i$ > {threshold:.2g}",
        "features_explained": f"features explained, $R^2_i$ > {EXPLAINED_THRESHOLD:g}",
        "effective_features": "effective features  $\\exp H(\\|W_i\\|^2 / \\|W\\|_F^2)$",
    }


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels, and one more for the legend."""
    columns = 3 if count < 6 else 4
    rows = -(-(count + 1) // columns)
    size = (11.5, 3.2 * rows)
    figure = Figure(figsize=size)
    figure.subplots_adjust(
        left=0.05,
        right=0.99,
        bottom=0.5 / size[1],
        top=1 - 0.3 / size[1],
        wspace=0.16,
        hspace=0.3,
    )
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[count:]:
        axis.set_axis_off()
    for axis in axes[max(count - columns, 0) : count]:
        axis.set_xlabel(X_LABEL, fontsize=9)
    return figure, axes[: count + 1]


def _named(results: xr.Dataset) -> list[Line2D]:
    """Return what names the curves of each activation."""
    names = activations_in(results)
    styles: list[dict[str, Any]] = [
        {**OURS, **activation_style(name, index)} for index, name in enumerate(names)
    ]
    return [
        Line2D([], [], label=activation_label(name), **style)
        for name, style in zip(names, styles, strict=True)
    ]


def _legend(axis: Axes, handles: Sequence[Line2D], seeds: int) -> None:
    """Write what the lines are into a panel of its own, and what is drawn of several seeds."""
    style: dict = {"loc": "upper left", "ncols": 2, "fontsize": 8, "frameon": False}
    said = (said_of_seeds(seeds) or "one seed").replace("; ", "\n")
    axis.legend(handles=handles, title=said, title_fontsize=8, alignment="left", **style)


def say_below(figure: Figure, axis: Axes, words: str) -> None:
    """Write some words at the foot of the legend's panel."""
    style: dict = {"fontsize": 7, "color": "0.3", "va": "bottom"}
    width = axis.get_position().width * figure.get_figwidth()
    axis.text(0.02, 0.0, fill(words, int(LETTERS * width)), transform=axis.transAxes, **style)


def seen_under(index: int, count: int, points: int) -> dict[str, Any]:
    """Return what lets one of several curves be seen where others lie upon it.

    The earlier a curve is drawn the broader it is, and each has its markers at other points.

    Args:
        index: of the curve.
        count: of curves.
        points: of each.
    """
    if count <= TOLD_APART:
        return {}
    every = max(min(count, points // 2), 1)
    return {"lw": OURS["lw"] + 0.3 * (count - 1 - index), "markevery": (index % every, every)}


def _curves(axis: Axes, results: xr.Dataset, variable: str, drawn: dict[str, Any]) -> None:
    results = results.sortby("sparsity")
    x = inverse_density(results)
    names = activations_in(results)
    for index, name in enumerate(names):
        values = of_activation(results, name)[variable]
        if "seed" not in values.dims:
            values = values.expand_dims(seed=1)
        style = activation_style(name, index)
        seeds = values.transpose("seed", "sparsity").values
        seen = seen_under(index, len(names), len(x)) if drawn is OURS else {}
        draw_over_seeds(axis, x, seeds, style.pop("color"), **{**style, **drawn, **seen})
    density_axis(axis, x)


def _excess(axis: Axes, results: xr.Dataset, end: xr.Dataset) -> None:
    """Draw how far a recipe's held-out loss is above that of models trained to the end."""
    excess = excess_of_seeds(results, end)
    alone = " (one seed)" if end.sizes.get("seed", 1) == 1 else ""
    axis.set_title(f"held-out loss above the end's{alone}", fontsize=9)
    if not excess.size:
        say_instead(axis, "no sparsity in common")
        return
    x = inverse_density(excess)
    for name in map(str, excess["activation"].values):
        style = activation_style(name, activations_in(results).index(name))
        seeds = excess.sel(activation=name).values
        draw_over_seeds(axis, x, seeds, style.pop("color"), **OURS, **style)
    axis.set_yscale("symlog", linthresh=0.01)  # below 1% is the noise of two held-out losses
    ticks = SymmetricalLogLocator(linthresh=0.01, base=10, subs=[1, 2, 5])
    axis.yaxis.set_major_locator(ticks)
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    density_axis(axis, x)


def inverse_density(results: xr.Dataset | xr.DataArray) -> np.ndarray:
    """Return 1/(1 - S) of results along sparsity."""
    return 1 / (1 - results["sparsity"].values)


def density_axis(axis: Axes, x: np.ndarray) -> None:
    """Make the horizontal axis logarithmic, of these 1/(1 - S)."""
    high = float(x.max())
    if high == x.min():
        axis.set_xlim(high / 2, 2 * high)
    axis.set_xscale("log")
    log_ticks(
        axis.xaxis, [tick for tick in (1, 2, 5, 10, 20, 50, 100, 1000) if tick <= 1.01 * high]
    )
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25)
