"""Features one by one: how long their directions are, and which dimensions carry them."""

import numpy as np
import xarray as xr
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sup.basis import varimax
from sup.figures.style import (
    POLYSEMANTICITY_COLOURS,
    colour_bar,
    evenly_spaced,
    panels,
    stacked_instances,
)


def feature_figure(results: xr.Dataset) -> Figure:
    """Draw each feature's norm as a bar, coloured by its polysemanticity, a panel an instance."""
    flat, labels = stacked_instances(results)
    shown = evenly_spaced(flat.sizes["instance"])
    figure, axes = panels(len(shown), rows=-(-len(shown) // 4), width=2.2, height=1.6)
    colours = ScalarMappable(Normalize(0, 1), POLYSEMANTICITY_COLOURS)
    norms = flat["feature_norm"].isel(instance=shown).values
    highest = 1.05 * float(norms.max(initial=1e-9, where=np.isfinite(norms)))
    for axis, index in zip(axes, shown, strict=True):
        one = flat.isel(instance=index)
        shades = colours.to_rgba(one["polysemanticity"].values)
        axis.bar(one["feature"], one["feature_norm"], color=shades)
        axis.set_ylim(0, highest)
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axis.set_title(labels[index], fontsize=8)
    figure.supxlabel("feature", fontsize=8)
    figure.supylabel("norm $\\|W_i\\|$", fontsize=8)
    colour_bar(figure, colours, "polysemanticity", "max")
    return figure


def neuron_figure(results: xr.Dataset) -> Figure:
    """Draw how the features are spread over the hidden dimensions, a panel an instance.

    One bar for each hidden dimension, stacked of the squared weights with which it carries each
    feature, in the basis of `sup.basis.varimax`.

    Args:
        results: of one activation; at most `MOST_PANELS` of its instances are shown.
    """
    flat, labels = stacked_instances(results)
    shown = evenly_spaced(flat.sizes["instance"])
    figure, axes = panels(len(shown), rows=-(-len(shown) // 5), width=1.9, height=1.9)
    count = flat.sizes["feature"]
    colours = ScalarMappable(Normalize(0, max(count - 1, 1)), "viridis")
    shades = colours.to_rgba(np.arange(count))
    shares = [varimax(flat["W"].values[index]) ** 2 for index in shown]
    highest = 1.05 * max(1e-9, *(float(share.sum(1).max()) for share in shares))
    for axis, share, index in zip(axes, shares, shown, strict=True):
        below = np.zeros(len(share))
        for feature in range(count):
            axis.bar(
                np.arange(len(share)),
                share[:, feature],
                bottom=below,
                color=shades[feature],
                edgecolor="white",
                linewidth=0.4,
            )
            below += share[:, feature]
        axis.set_ylim(0, highest)
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axis.set_title(labels[index], fontsize=8)
    figure.supxlabel("hidden dimension (varimax basis)", fontsize=8)
    figure.supylabel("squared weights", fontsize=8)
    colour_bar(figure, colours, "feature", "neither")
    return figure
