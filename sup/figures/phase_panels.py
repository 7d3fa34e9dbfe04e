"""What stands in one panel of a phase diagram: a colour in each cell, and the optimum's boundaries.

Results are of one activation, over the axes of `laid_out` and over seeds at most.
"""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patheffects import AbstractPathEffect, withStroke

from sup.analysis.diagrams import AXES, DEAD, DIAGRAMS, PAIR, TRIPLE, Diagram
from sup.analysis.phases import NO_MODEL, extra_share, is_dead
from sup.analysis.ties import TIE, explained_by, is_tie
from sup.figures.style import best_seed, log_ticks

COLOURS = {
    PAIR: ("#DDDDDD", "#E69F00", "#0072B2"),
    TRIPLE: ("#DDDDDD", "#E69F00", "#D55E00", "#56B4E9", "#0072B2"),
}
"""Of a diagram's classes: in superposition the extra feature is warm, alone it is blue. They are
told apart by the colour-blind, and those of a pair by their lightness in print."""

DEAD_COLOUR, DEAD_NAME = "#444444", "nothing represented"
"""Of models in none of the classes."""

BOUNDARY: list[AbstractPathEffect] = [withStroke(linewidth=2.4, foreground="white")]
"""Around the black line: there are dark cells, too."""

TIE_STYLE: dict[str, Any] = {"facecolor": "white", "edgecolor": "0.45", "hatch": "//////"}
"""Of cells in which one feature alone would do as well (`sup.analysis.ties`)."""

TIE_NAME = f"a tie, at equal importance:\none alone does as well, to {TIE:.0%}"

OTHERS, EXTRA = np.array(to_rgb("#D55E00")), np.array(to_rgb("#0072B2"))
"""Hues of the continuous diagram: the extra feature has none of the squared weights, or what it has
alone on one of m dimensions, 1/m of them, and more."""


def laid_out(results: xr.Dataset) -> xr.Dataset:
    """Return results with the importance rising upwards and the density falling to the right."""
    return results.sortby(list(AXES)).transpose(*AXES, ...)


def diagram_in(results: xr.Dataset) -> Diagram:
    """Return what diagram results are of, by the shape of their weights."""
    return DIAGRAMS[results.sizes["hidden"], results.sizes["feature"]]


def share_colours(share: np.ndarray, overlap: np.ndarray, n_hidden: int) -> np.ndarray:
    """Return the colour ``[..., 3]`` of a share of the extra feature and an interference."""
    hue = OTHERS + np.minimum(n_hidden * share[..., None], 1) * (EXTRA - OTHERS)
    light = 0.75 * np.clip(overlap, 0, 1)[..., None]
    return hue + light * (1 - hue)


def _edges(values: np.ndarray) -> np.ndarray:
    """Return the edges of cells around log-spaced values; a single cell has a width too."""
    logs = np.log(values)
    if len(logs) == 1:
        return np.exp([logs[0] - 0.5, logs[0] + 0.5])
    middles = (logs[1:] + logs[:-1]) / 2
    ends = (2 * logs[:1] - middles[:1], 2 * logs[-1:] - middles[-1:])
    return np.exp(np.concatenate([ends[0], middles, ends[1]]))


def cells(own: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges of the cells, along density and along importance."""
    return _edges(1 - own["sparsity"].values), _edges(own["importance_ratio"].values)


def paint_classes(axis: Axes, own: xr.Dataset) -> None:
    """Paint the class of the best seed, with dots where seeds are of different classes.

    Ties, in which they may well be, are hatched instead.
    """
    class_of = diagram_in(own).class_of
    _paint_phases(axis, own, class_of(laid_out(best_seed(own))["W"].values))
    ties = ties_in(own, "loss")
    _hatch(axis, own, ties)
    boundaries(axis, own)
    if "seed" in own.dims:
        phases = class_of(own.transpose("seed", *AXES, ...)["W"].values)
        at = np.argwhere((phases != phases[0]).any(0) & ~ties)
        density, ratio = 1 - own["sparsity"].values, own["importance_ratio"].values
        axis.plot(density[at[:, 1]], ratio[at[:, 0]], "k.", ms=1, alpha=0.5, rasterized=True)


def paint_seeds(axis: Axes, own: xr.Dataset) -> None:
    """Paint the share of seeds in each class, and of dead ones, by mixing their colours."""
    diagram = diagram_in(own)
    phases = diagram.class_of(own.transpose("seed", *AXES, ...)["W"].values)
    classes = (*range(len(diagram.names)), DEAD)
    counts = np.stack([(phases == phase).sum(0) for phase in classes], axis=-1)
    known = counts.sum(-1, keepdims=True)
    colours = np.array([to_rgb(colour) for colour in (*COLOURS[diagram], DEAD_COLOUR)])
    mixed = np.where(known > 0, counts / np.maximum(known, 1) @ colours, 1.0)
    axis.pcolormesh(*cells(own), mixed, rasterized=True)
    boundaries(axis, own)


def paint_shares(axis: Axes, own: xr.Dataset) -> None:
    """Paint the extra feature's share and its greatest interference, of the best seed.

    A share of next to nothing is none: dead models have their own colour here too.
    """
    W = laid_out(best_seed(own))["W"].values.astype(float)
    with_others = (W[..., -1:] * W[..., :-1]).sum(-2)
    overlap = np.abs(with_others).max(-1)
    colours = share_colours(extra_share(W), overlap, W.shape[-2])
    colours[is_dead(W) & np.isfinite(overlap)] = to_rgb(DEAD_COLOUR)
    axis.pcolormesh(*cells(own), np.nan_to_num(colours, nan=1.0), rasterized=True)


def paint_optimum(axis: Axes, own: xr.Dataset) -> None:
    """Paint the class of the optimum, and hatch ties."""
    _paint_phases(axis, own, np.nan_to_num(_of_a_seed(own["optimum_phase"]), nan=NO_MODEL))
    _hatch(axis, own, ties_in(own, "optimum_loss"))


def ties_in(own: xr.Dataset, loss: str) -> np.ndarray:
    """Tell in which cells, ``[ratio, density]``, one feature alone has the same loss.

    It is known of two features of which results tell how much of each is explained.

    Args:
        own: as all of these take it; the best of several seeds is looked at.
        loss: the loss of what is drawn: `loss`, or that of the optimum.
    """
    best = laid_out(best_seed(own))
    if diagram_in(best) != PAIR or not {"explained", loss} <= best.keys():
        return np.zeros([best.sizes[name] for name in AXES], dtype=bool)
    explained = best["explained"].transpose(*AXES, "feature").values
    total = explained_by(best[loss].values, best["loss"].values, explained)
    return is_tie(total, best["importance_ratio"].values[:, None])


def _hatch(axis: Axes, own: xr.Dataset, ties: np.ndarray) -> None:
    """Hatch cells that are ties: they are in no class."""
    x, y = cells(own)
    corners = [
        [(x[k], y[j]), (x[k + 1], y[j]), (x[k + 1], y[j + 1]), (x[k], y[j + 1])]
        for j, k in np.argwhere(ties)
    ]
    axis.add_collection(PolyCollection(corners, lw=0, **TIE_STYLE), autolim=False)


def _paint_phases(axis: Axes, own: xr.Dataset, phases: np.ndarray) -> None:
    colours = ListedColormap(COLOURS[diagram_in(own)]).with_extremes(under=DEAD_COLOUR)
    shown = np.ma.masked_equal(phases, NO_MODEL)
    axis.pcolormesh(*cells(own), shown, cmap=colours, vmin=0, vmax=colours.N - 1, rasterized=True)


def _of_a_seed(values: xr.DataArray) -> np.ndarray:
    """Return what no seed changes, ``[ratio, sparsity]``."""
    return (values.isel(seed=0) if "seed" in values.dims else values).values


def boundaries(axis: Axes, own: xr.Dataset) -> None:
    """Draw where classes of the optimum meet: around each of them."""
    if "optimum_phase" not in own:
        return
    density, ratio = 1 - own["sparsity"].values, own["importance_ratio"].values
    phases = _of_a_seed(own["optimum_phase"])
    for phase in range(len(diagram_in(own).names)):
        here = phases == phase
        if here.any() and not here.all() and min(here.shape) > 1:
            lines = axis.contour(density, ratio, here, [0.5], colors="black", linewidths=1.2)
            lines.set(path_effects=BOUNDARY)


def name_of_boundaries(results: xr.Dataset) -> list[Line2D]:
    """Return what names the optimum's boundaries in a legend, where they are drawn."""
    line = Line2D([], [], color="black", lw=1.2, label="boundary of the optimum")
    line.set_path_effects(BOUNDARY)
    return [line] if "optimum_phase" in results else []


def decorate(axis: Axes, own: xr.Dataset) -> None:
    """Give a panel its axes."""
    x, y = cells(own)
    axis.set(xscale="log", yscale="log", xlim=(x.max(), x.min()), ylim=(y.min(), y.max()))
    log_ticks(axis.xaxis, [tick for tick in (1, 0.3, 0.1, 0.03, 0.01) if x.min() <= tick])
    log_ticks(axis.yaxis, (0.1, 0.3, 1, 3, 10))
    axis.tick_params(labelsize=7, length=2)
