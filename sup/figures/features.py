"""Features one by one: how long their directions are, and which dimensions carry them."""

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sup.analysis.experiment import LARGEST_HEATMAP
from sup.analysis.privileged import has_neurons
from sup.analysis.varimax import varimax
from sup.config.grid import MOST_SHOWN, evenly_spaced
from sup.figures.gallery import Gallery, arranged, grey_where_missing, panels
from sup.figures.large import (
    MOST_FEATURES,
    by_norm_label,
    evenly_by_norm,
    feature_ticks,
    places,
    span,
)
from sup.figures.style import colour_bar, greatest, polysemanticity_colours

MOST_NUMBERED = 20
"""Features up to which each has a colour that can be told from its neighbours', and a number."""

DARK_ENOUGH = 0.92
"""How far viridis is used: its end is too pale for lines on white."""

LEAST_HEIGHT = 0.08
"""Of the panel's: that of a number."""


def feature_figure(results: xr.Dataset) -> Figure:
    """Draw each feature's norm as a bar, coloured by its polysemanticity, a panel an instance."""
    return feature_panels(arranged(results, MOST_SHOWN))


def feature_panels(gallery: Gallery) -> Figure:
    """Draw the features' norms of some models, one panel each, on one scale.

    Those of large models stand in their order.
    """
    models = [evenly_by_norm(one) for one in gallery.each()]
    labels = (by_norm_label(gallery.models), "norm $\\|W_i\\|$")
    figure, axes = panels(gallery, (2.0, 1.4), labels)
    colours = polysemanticity_colours()
    highest = greatest(gallery.models["feature_norm"].values)
    features = models[0]["feature"].values
    low, high = span(features)
    at, width = places(features)
    for axis, one in zip(axes, models, strict=True):
        shades = colours.to_rgba(one["polysemanticity"].values)
        norms = one["feature_norm"].values
        axis.add_collection(bars(at - width / 2, at + width / 2, 0 * norms, norms, shades))
        axis.set_ylim(0, 1.05 * highest)
        axis.set_xlim(low - 0.1, high + 0.1)
        feature_ticks(axis.xaxis)
        axis.yaxis.set_major_locator(MaxNLocator(4))
    grey_where_missing(axes, models)
    colour_bar(figure, colours, "polysemanticity", "max")
    return figure


def neuron_figure(results: xr.Dataset) -> Figure:
    """Draw how the features are spread over the hidden dimensions, a panel an instance.

    One bar for each hidden dimension, stacked of the squared weights with which it carries each
    feature, in the basis of `sup.analysis.varimax.varimax`; neurons, which no rotation leaves the
    same, in their own. Of large models `MOST_FEATURES` features are shown.

    Args:
        results: of one activation; at most `MOST_SHOWN` of its instances are shown.
    """
    if has_neurons(results):
        return _neurons(results, _as_it_is, "neurons as trained")
    return _neurons(results, varimax, "varimax basis")


def raw_neuron_figure(results: xr.Dataset) -> Figure:
    """Draw the same in the basis that training ended in, as the article does.

    Args:
        results: as for `neuron_figure`.
    """
    return _neurons(results, _as_it_is, "as trained")


def _as_it_is(W: np.ndarray) -> np.ndarray:
    return W


def _neurons(results: xr.Dataset, basis: Callable[[np.ndarray], np.ndarray], name: str) -> Figure:
    """Draw what each hidden dimension carries in a basis."""
    gallery = arranged(results, MOST_SHOWN)
    n, dimensions = results.sizes["feature"], np.arange(results.sizes["hidden"])
    features = np.array(evenly_spaced(n, MOST_FEATURES))
    some = f"\nof {MOST_FEATURES} of {n:,} features" if n > MOST_FEATURES else ""
    labels = (f"hidden dimension ({name})", f"squared weights{some}")
    figure, axes = panels(gallery, (1.7, 1.6), labels)
    colours = feature_colours(n)
    models = gallery.each()
    weights = (one["W"].values.astype(float) for one in models)
    shares = [basis(W)[:, features] ** 2 for W in weights]
    highest = greatest(np.array([share.sum(1) for share in shares]))
    for axis, share in zip(axes, shares, strict=True):
        axis.add_collection(_stacks(dimensions, share, colours.to_rgba(features)))
        if n <= MOST_NUMBERED:
            _number(axis, dimensions, share, LEAST_HEIGHT * highest)
        axis.set_xlim(*span(dimensions))
        axis.set_ylim(0, 1.05 * highest)
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    grey_where_missing(axes, models)
    colour_bar(figure, colours, "feature", "neither")
    number_fields(figure.axes[-1], n)
    return figure


def feature_colours(count: int) -> ScalarMappable:
    """Return the colours of so many features: few have a field each in the colour bar."""
    shades = ListedColormap(mpl.colormaps["viridis"](np.linspace(0, DARK_ENOUGH, 256)))
    if count > MOST_NUMBERED:
        return ScalarMappable(Normalize(0, count - 1), shades)
    fields = shades.resampled(count)
    return ScalarMappable(BoundaryNorm(np.arange(count + 1) - 0.5, fields.N), fields)


def number_fields(bar: Axes, count: int) -> None:
    """Put the numbers of few features at the middles of their fields in a colour bar."""
    if count <= MOST_NUMBERED:
        bar.set_yticks(evenly_spaced(count, 10), minor=False)
        bar.set_yticks([], minor=True)


def _number(axis: Axes, dimensions: np.ndarray, heights: np.ndarray, least: float) -> None:
    """Write the feature's number into each piece of stacked bars that has room for it."""
    middles = heights.cumsum(1) - heights / 2
    for place, feature in np.argwhere(heights >= least):
        # The later half of viridis is light.
        ink = "white" if feature < 0.6 * heights.shape[1] else "black"
        x, y = float(dimensions[place]), float(middles[place, feature])
        axis.text(x, y, str(feature), fontsize=6, ha="center", va="center_baseline", color=ink)


def _stacks(dimensions: np.ndarray, heights: np.ndarray, colours: np.ndarray) -> PolyCollection:
    """Return stacked bars, as one thing: as bars of their own, they would take gigabytes.

    Args:
        dimensions: the bars', ``[dimension]``.
        heights: of the pieces of each, ``[dimension, feature]``.
        colours: of the pieces, ``[feature, 4]``.
    """
    at, width = places(dimensions)
    left, right = ((at + side)[:, None] + 0 * heights for side in (-width / 2, width / 2))
    above = heights.cumsum(1)
    pieces = bars(left, right, above - heights, above, np.tile(colours, (len(dimensions), 1)))
    pieces.set_edgecolor("white")
    pieces.set_linewidth(0.4 if len(colours) <= LARGEST_HEATMAP else 0)
    return pieces


def bars(
    left: np.ndarray, right: np.ndarray, below: np.ndarray, above: np.ndarray, colours: np.ndarray
) -> PolyCollection:
    """Return rectangles as one thing: each by itself would take half a millisecond.

    Args:
        left: their left ends, of any shape.
        right: the right ones.
        below: the lower ones.
        above: the upper ones.
        colours: of each, ``[rectangle, 4]``.
    """
    corners = np.array([[left, right, right, left], [below, below, above, above]])
    places = np.moveaxis(corners, (0, 1), (-1, -2)).reshape(-1, 4, 2)
    return PolyCollection(places, facecolors=colours, snap=True)  # pyright: ignore[reportArgumentType]
