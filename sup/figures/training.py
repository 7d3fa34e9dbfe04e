"""The loss along training."""

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

from sup.config.grid import MOST_SHOWN
from sup.figures.bands import draw_over_seeds, said_of_seeds
from sup.figures.gallery import LINE, missing, say_instead, stacked, thinned, widest
from sup.figures.labels import fixed_label


def training_figure(results: xr.Dataset) -> Figure:
    """Draw the loss along training, a line for each of at most `MOST_SHOWN` models.

    Several seeds of a model are one line (`sup.figures.bands`). Those that diverged are left out of
    it, and counted in the legend; where all did, it shows how far they came.
    """
    models, settings = _models(results)
    seeds = models.sizes["seed"]
    reasons = [_missing(models.isel(panel=index)) for index in range(len(settings))]
    labels = [
        "  ".join(lines) + (f": {reason}" if reason else "")
        for lines, reason in zip(settings, reasons, strict=True)
    ]
    figure, axis = _beside_legend(labels)
    losses = _losses(models)
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(labels)))
    for loss, label, colour in zip(losses, labels, colours, strict=True):
        draw_over_seeds(axis, models["step"].values, loss, tuple(colour), label=label)
    axis.tick_params(labelsize=8)
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.02, 1), borderaxespad=0)
    said = [fixed_label(results) if len(labels) > 1 else "", said_of_seeds(seeds)]
    axis.set_title("; ".join(filter(None, said)), fontsize=7, loc="left", color="0.3")
    if (models["diverged"] != 0).all() and (np.isfinite(losses).sum(-1) < 2).all():
        say_instead(axis, reasons[0] if len(set(reasons)) == 1 else "all diverged")
        axis.set(xticks=[], yticks=[])  # a scale would mean nothing
    else:
        _scale(axis, losses)
    return figure


def _models(results: xr.Dataset) -> tuple[xr.Dataset, list[list[str]]]:
    """Return what is drawn over the axes `panel` and `seed`, and each panel's settings."""
    held = results[["loss", "training_loss", "diverged", "first_bad_step"]]
    if "seed" not in held["loss"].dims:
        held = held.drop_vars("seed", errors="ignore").expand_dims(seed=1)
    others = [str(name) for name in held["loss"].dims if name != "seed"]
    return stacked(thinned(held, MOST_SHOWN, others), others)


def _missing(model: xr.Dataset) -> str:
    """Return why a model's seeds, or some of them, are not shown; "" where all are."""
    each = [missing(model.isel(seed=index)) for index in range(model.sizes["seed"])]
    lost = [reason for reason in each if reason]
    if len(each) == 1 or not lost:
        return "".join(lost)
    diverged = all(reason.startswith("diverged") for reason in lost)
    return f"{len(lost)} of {len(each)} seeds {'diverged' if diverged else 'have no result'}"


def _losses(models: xr.Dataset) -> np.ndarray:
    """Return the losses ``[panel, seed, step]`` that a logarithm can be taken of.

    Those of a seed that is not shown are not a number: the mean would leap where it ends.
    """
    losses = models["training_loss"].transpose("panel", "seed", "step").values
    lost = (models["diverged"] != 0).transpose("panel", "seed").values
    hidden = lost & ~lost.all(1, keepdims=True)
    return np.where(np.isfinite(losses) & (losses > 0) & ~hidden[..., None], losses, np.nan)


def _beside_legend(labels: list[str]) -> tuple[Figure, Axes]:
    """Return a figure with room for a legend at the right of its axes."""
    width = 5.6 + widest(labels) + 0.6
    figure = Figure(figsize=(width, max(3.6, LINE * len(labels) + 0.4)))
    return figure, figure.add_axes((0.75 / width, 0.14, 4.7 / width, 0.79))


def _scale(axis: Axes, losses: np.ndarray) -> None:
    """Scale both axes by logarithms, where there are losses above zero."""
    axis.set(xscale="log", xlabel="step", ylabel="training loss")
    if np.isfinite(losses).any():
        axis.set_yscale("log")
        _ticks(axis.yaxis)
    _ticks(axis.xaxis)
    axis.grid(alpha=0.3)


def _ticks(axis: Axis) -> None:
    """Write plain numbers along a log axis, and no ticks between them: each takes a millisecond."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1,) if high > 300 * low else (1, 2, 5)))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_locator(NullLocator())
