"""The loss along training."""

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

from sup.config.grid import MOST_SHOWN
from sup.figures.gallery import LINE, missing, say_instead, stacked, thinned, widest


def training_figure(results: xr.Dataset) -> Figure:
    """Draw the loss along training, a line for each of at most `MOST_SHOWN` instances."""
    shown = thinned(results, MOST_SHOWN)
    models, settings = stacked(shown, [str(name) for name in shown["loss"].dims])
    reasons = [missing(models.isel(instance=index)) for index in range(len(settings))]
    labels = [
        "  ".join(lines) + (f": {reason}" if reason else "")
        for lines, reason in zip(settings, reasons, strict=True)
    ]
    legend = widest(labels) + 0.6
    figure = Figure(figsize=(5.6 + legend, max(3.6, LINE * len(labels) + 0.4)))
    axis = figure.add_axes((0.75 / (5.6 + legend), 0.14, 4.7 / (5.6 + legend), 0.82))
    losses = models["training_loss"].transpose("instance", "step").values
    losses = np.where(np.isfinite(losses) & (losses > 0), losses, np.nan)
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(labels)))
    for loss, label, colour in zip(losses, labels, colours, strict=True):
        axis.plot(models["step"], loss, color=colour, label=label)
    axis.tick_params(labelsize=8)
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.02, 1), borderaxespad=0)
    if all(reasons) and (np.isfinite(losses).sum(1) < 2).all():
        say_instead(axis, reasons[0] if len(set(reasons)) == 1 else "all diverged")
        axis.set(xticks=[], yticks=[])  # a scale would mean nothing
    else:
        _scale(axis, losses)
    return figure


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
