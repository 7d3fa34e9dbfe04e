"""Phase diagrams: what becomes of the extra feature, over density and relative importance."""

from collections.abc import Callable

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sup.analysis.gaps import LARGE, gap_summary
from sup.analysis.phases import NO_MODEL, PHASE_NAMES, Phase, extra_share, phase_of
from sup.figures.style import activation_label, activations_in, best_seed, log_ticks, of_activation

PHASE_COLOURS = {
    Phase.NOT_REPRESENTED: "#DDDDDD",
    Phase.SUPERPOSITION: "#E69F00",
    Phase.ALONE: "#0072B2",
}
"""Told apart by the colour-blind, and by their lightness in print."""

CLASSES = ListedColormap([PHASE_COLOURS[phase] for phase in Phase])

LEAST_GAP = 1e-5
GAP_COLOURS, GAP_SCALE = "viridis", LogNorm(LEAST_GAP, 1)
"""Of a loss that is relative to the optimum's."""

FIRST, EXTRA = np.array(to_rgb("#D55E00")), np.array(to_rgb("#0072B2"))
"""Hues of the continuous diagram: all weight on the first feature, all on the extra one."""

HEIGHT = 2.5


def phase_figure(results: xr.Dataset) -> Figure:
    """Draw the three phases, a panel for each activation, with a legend.

    The best of several seeds is shown; dots mark cells where seeds end in different phases. The
    boundaries of the optimum are drawn over it, where the results know them.

    Args:
        results: with dimensions sparsity and importance_ratio, and activation and seed at most.
    """
    figure = _diagrams(results, _paint_classes)
    handles: list = []
    if "optimum_phase" in results:
        handles.append(Line2D([], [], color="black", lw=1.2, label="boundary of the optimum"))
    if "seed" in results.dims:
        dots = Line2D([], [], color="black", marker=".", ms=3, lw=0, label="seeds disagree")
        handles.append(dots)
    _name_phases(figure, handles)
    return figure


def optimum_phase_figure(results: xr.Dataset) -> Figure:
    """Draw the phases of the optimum, a panel for each activation, with a legend.

    Args:
        results: as for `phase_figure`, with `optimum_phase`.
    """
    figure = _diagrams(results, _paint_optimum)
    _name_phases(figure, [])
    return figure


def phase_seeds_figure(results: xr.Dataset) -> Figure:
    """Draw the share of seeds that end in each phase: the mixture of the phases' colours.

    Args:
        results: as for `phase_figure`, with several seeds.
    """
    figure = _diagrams(results, _paint_seeds)
    _name_phases(figure, [])
    return figure


def loss_gap_figure(results: xr.Dataset) -> Figure:
    """Draw how far training ends from the optimum, the mean over seeds.

    There is a panel for each activation, with the median of its models and the share above 1%.

    Args:
        results: as for `phase_figure`, with `loss_gap`.
    """
    figure = _diagrams(results, _paint_gaps)
    legend = _legend(figure)
    box = legend.get_position()
    bar = figure.add_axes((box.x0 + 0.1 * box.width, box.y0, 0.06 * box.width, box.height))
    figure.colorbar(ScalarMappable(GAP_SCALE, GAP_COLOURS), cax=bar, extend="both")
    bar.set_ylabel("excess over the optimum's loss", fontsize=8)
    bar.tick_params(labelsize=7)
    return figure


def _name_phases(figure: Figure, others: list) -> None:
    """Write the legend of the phases, and of what else is drawn."""
    handles = [Patch(color=PHASE_COLOURS[phase], label=PHASE_NAMES[phase]) for phase in Phase]
    legend = _legend(figure)
    legend.legend(handles=[*handles, *others], loc="center left", fontsize=7, frameon=False)


def phase_share_figure(results: xr.Dataset) -> Figure:
    """Draw the phases continuously: hue for the extra feature's share of the squared weights.

    The lighter a cell, the more superposition: its lightness is ``|W_1 . W_2|``, cut off at 1.

    Args:
        results: as for `phase_figure`.
    """
    figure = _diagrams(results, _paint_shares)
    legend = _legend(figure)
    box = legend.get_position()
    key = figure.add_axes(
        (box.x0 + 0.3 * box.width, box.y0 + 0.28 * box.height, 0.6 * box.width, 0.5 * box.height)
    )
    share, overlap = np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 60))
    key.imshow(share_colours(share, overlap), origin="lower", extent=(0, 1, 0, 1), aspect="auto")
    key.set_xlabel("extra feature's share", fontsize=8)
    key.set_ylabel("interference $|W_1\\cdot W_2|$", fontsize=8)
    key.tick_params(labelsize=7, length=2)
    return figure


def share_colours(share: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """Return the colour ``[..., 3]`` of a share of the extra feature and an interference."""
    hue = FIRST + share[..., None] * (EXTRA - FIRST)
    light = 0.75 * np.clip(overlap, 0, 1)[..., None]
    return hue + light * (1 - hue)


def _diagrams(results: xr.Dataset, paint: Callable[[Axes, xr.Dataset], None]) -> Figure:
    """Draw one panel for each activation, and leave room for one more."""
    names = activations_in(results)
    columns = min(4, len(names) + 1)
    rows = -(-(len(names) + 1) // columns)
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
    for axis, name in zip(axes, names, strict=False):
        own = of_activation(results, name).sortby(["sparsity", "importance_ratio"])
        own = own.transpose("importance_ratio", "sparsity", ...)
        paint(axis, own)
        _decorate(axis, own)
        axis.set_title(activation_label(name), fontsize=9)
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    figure.supxlabel("density  $p = 1 - S$", fontsize=9)
    figure.supylabel("relative importance of the extra feature", fontsize=9)
    return figure


def _legend(figure: Figure) -> Axes:
    """Return the first panel that holds no diagram."""
    return next(axis for axis in figure.axes if not axis.axison)


def _edges(values: np.ndarray) -> np.ndarray:
    """Return the edges of cells around log-spaced values; a single cell has a width too."""
    logs = np.log(values)
    if len(logs) == 1:
        return np.exp([logs[0] - 0.5, logs[0] + 0.5])
    middles = (logs[1:] + logs[:-1]) / 2
    ends = (2 * logs[:1] - middles[:1], 2 * logs[-1:] - middles[-1:])
    return np.exp(np.concatenate([ends[0], middles, ends[1]]))


def _cells(own: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    return _edges(1 - own["sparsity"].values), _edges(own["importance_ratio"].values)


def _paint_classes(axis: Axes, own: xr.Dataset) -> None:
    best = best_seed(own).transpose("importance_ratio", "sparsity", ...)
    x, y = _cells(best)
    phases = np.ma.masked_equal(phase_of(best["W"].values), NO_MODEL)
    axis.pcolormesh(x, y, phases, cmap=CLASSES, vmin=0, vmax=2, rasterized=True)
    _boundaries(axis, own)
    if "seed" in own.dims:
        phases = phase_of(own.transpose("seed", "importance_ratio", "sparsity", ...)["W"].values)
        at = np.argwhere((phases != phases[0]).any(0))
        density, ratio = 1 - own["sparsity"].values, own["importance_ratio"].values
        axis.plot(density[at[:, 1]], ratio[at[:, 0]], "k.", ms=1, alpha=0.5, rasterized=True)


def _paint_seeds(axis: Axes, own: xr.Dataset) -> None:
    phases = phase_of(own.transpose("seed", "importance_ratio", "sparsity", ...)["W"].values)
    counts = np.stack([(phases == phase).sum(0) for phase in Phase], axis=-1)
    colours = np.array([to_rgb(PHASE_COLOURS[phase]) for phase in Phase])
    known = counts.sum(-1, keepdims=True)
    mixed = np.where(known > 0, counts / np.maximum(known, 1) @ colours, 1.0)
    axis.pcolormesh(*_cells(own), mixed, rasterized=True)
    _boundaries(axis, own)


def _paint_shares(axis: Axes, own: xr.Dataset) -> None:
    W = best_seed(own).transpose("importance_ratio", "sparsity", ...)["W"].values
    x, y = _cells(own)
    overlap = np.abs(W[..., 0, 0].astype(float) * W[..., 0, 1])
    colours = np.nan_to_num(share_colours(extra_share(W), overlap), nan=1.0)
    axis.pcolormesh(x, y, colours, rasterized=True)


def _paint_optimum(axis: Axes, own: xr.Dataset) -> None:
    x, y = _cells(own)
    phases = np.ma.masked_invalid(_of_a_seed(own["optimum_phase"]))
    axis.pcolormesh(x, y, phases, cmap=CLASSES, vmin=0, vmax=2, rasterized=True)


def _paint_gaps(axis: Axes, own: xr.Dataset) -> None:
    x, y = _cells(own)
    gap = own["loss_gap"]
    shown = gap.mean("seed").values if "seed" in gap.dims else gap.values
    # What is below the scale, by rounding below zero too, is as good as the optimum.
    shown = np.ma.masked_invalid(np.maximum(shown, LEAST_GAP / 10))
    axis.pcolormesh(x, y, shown, cmap=GAP_COLOURS, norm=GAP_SCALE, rasterized=True)
    _boundaries(axis, own)
    if summary := gap_summary(gap.values):
        text = f"median {max(summary.median, 0):.0e}\nabove {LARGE:.0%}: {summary.above:.0%}"
        box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 2}
        axis.text(0.04, 0.04, text, transform=axis.transAxes, fontsize=7, bbox=box)


def _of_a_seed(values: xr.DataArray) -> np.ndarray:
    """Return what no seed changes, ``[ratio, sparsity]``."""
    return (values.isel(seed=0) if "seed" in values.dims else values).values


def _boundaries(axis: Axes, own: xr.Dataset) -> None:
    """Draw where phases of the optimum meet: around those with one feature alone."""
    if "optimum_phase" not in own:
        return
    density, ratio = 1 - own["sparsity"].values, own["importance_ratio"].values
    phases = _of_a_seed(own["optimum_phase"])
    for phase in (Phase.NOT_REPRESENTED, Phase.ALONE):
        here = phases == phase
        if here.any() and not here.all() and min(here.shape) > 1:
            axis.contour(density, ratio, here, [0.5], colors="black", linewidths=1.2)


def _decorate(axis: Axes, own: xr.Dataset) -> None:
    x, y = _cells(own)
    axis.set(xscale="log", yscale="log", xlim=(x.max(), x.min()), ylim=(y.min(), y.max()))
    log_ticks(axis.xaxis, [tick for tick in (1, 0.3, 0.1, 0.03, 0.01) if x.min() <= tick])
    log_ticks(axis.yaxis, (0.1, 0.3, 1, 3, 10))
    axis.tick_params(labelsize=7, length=2)
