"""The loss along training."""

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from sup.figures.style import evenly_spaced, stacked_instances


def training_figure(results: xr.Dataset) -> Figure:
    """Draw the loss along training, a line for each of at most `MOST_PANELS` instances."""
    flat, labels = stacked_instances(results)
    shown = evenly_spaced(flat.sizes["instance"])
    figure = Figure(figsize=(7.5, 3.6))
    axis = figure.subplots()
    figure.subplots_adjust(left=0.1, right=0.68, bottom=0.14, top=0.96)
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(shown)))
    for index, colour in zip(shown, colours, strict=True):
        one = flat.isel(instance=index)
        loss = one["training_loss"].where(np.isfinite(one["training_loss"]))
        axis.plot(one["step"], loss.where(loss > 0), color=colour, label=labels[index])
    if bool((flat["training_loss"].isel(instance=shown) > 0).any()):
        axis.set_yscale("log")
        axis.yaxis.set_minor_formatter(NullFormatter())
        low, high = axis.get_ylim()
        decades = (1,) if high > 300 * low else (1, 2, 5)
        axis.yaxis.set_major_locator(LogLocator(subs=decades))
        axis.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set(xscale="log", xlabel="step", ylabel="training loss")
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.02, 1), borderaxespad=0)
    return figure
