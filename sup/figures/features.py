"""Features one by one: how long their directions are, and which dimensions carry them."""

import numpy as np
import xarray as xr
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sup.analysis.varimax import varimax
from sup.config.grid import MOST_SHOWN
from sup.figures.gallery import Gallery, arranged, grey_where_missing, panels
from sup.figures.style import POLYSEMANTICITY_COLOURS, colour_bar


def feature_figure(results: xr.Dataset) -> Figure:
    """Draw each feature's norm as a bar, coloured by its polysemanticity, a panel an instance."""
    return feature_panels(arranged(results, MOST_SHOWN))


def feature_panels(gallery: Gallery) -> Figure:
    """Draw the features' norms of some models, one panel each, on one scale."""
    figure, axes = panels(gallery, (2.0, 1.4), ("feature", "norm $\\|W_i\\|$"))
    colours = ScalarMappable(Normalize(0, 1), POLYSEMANTICITY_COLOURS)
    norms = gallery.models["feature_norm"].values
    highest = float(norms.max(initial=0, where=np.isfinite(norms))) or 1.0
    models = gallery.each()
    for axis, one in zip(axes, models, strict=True):
        shades = colours.to_rgba(one["polysemanticity"].values)
        axis.bar(one["feature"], one["feature_norm"], color=shades)
        axis.set_ylim(0, 1.05 * highest)
        axis.set_xlim(-0.6, len(one["feature"]) - 0.4)
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axis.yaxis.set_major_locator(MaxNLocator(4))
    grey_where_missing(axes, models)
    colour_bar(figure, colours, "polysemanticity", "max")
    return figure


def neuron_figure(results: xr.Dataset) -> Figure:
    """Draw how the features are spread over the hidden dimensions, a panel an instance.

    One bar for each hidden dimension, stacked of the squared weights with which it carries each
    feature, in the basis of `sup.analysis.varimax.varimax`.

    Args:
        results: of one activation; at most `MOST_SHOWN` of its instances are shown.
    """
    gallery = arranged(results, MOST_SHOWN)
    labels = ("hidden dimension (varimax basis)", "squared weights")
    figure, axes = panels(gallery, (1.7, 1.6), labels)
    count = gallery.models.sizes["feature"]
    colours = ScalarMappable(Normalize(0, max(count - 1, 1)), "viridis")
    shades = colours.to_rgba(np.arange(count))
    models = gallery.each()
    shares = [varimax(one["W"].values) ** 2 for one in models]
    highest = max(float(share.sum(1).max()) for share in shares) or 1.0
    for axis, share in zip(axes, shares, strict=True):
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
        axis.set_ylim(0, 1.05 * highest)
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    grey_where_missing(axes, models)
    colour_bar(figure, colours, "feature", "neither")
    return figure
