"""Neurons: what goes into each hidden dimension and what comes out, where these are a basis."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sup.config.grid import MOST_SHOWN
from sup.figures.gallery import Gallery, arranged_best, grey_where_missing, panels
from sup.figures.large import longest, longest_label, span
from sup.figures.style import GRAM_COLOURS, colour_bar, greatest

WIDTH, HEIGHT = 1.5, 1.7
"""Inches of a matrix."""


def weights_figure(results: xr.Dataset) -> Figure:
    """Draw W, and beside it the decoder if it is another, neuron by neuron, a panel an instance.

    Elhage et al., 2022, "Computation in Superposition". Neurons are in the order of the features
    that go into them the most. Each model is the best of its seeds; of large ones the longest
    features are shown.

    Args:
        results: of models whose hidden dimensions are neurons.
    """
    return _weights(arranged_best(results, MOST_SHOWN))


def _weights(gallery: Gallery) -> Figure:
    models = [longest(one) for one in gallery.each()]
    names = [name for name in ("W", "decoder") if name in gallery.models]
    into = f"{longest_label(gallery.models)}: into neurons ($W$)"
    label = f"{into}, and out of them ($D$)" if len(names) > 1 else into
    figure, axes = panels(gallery, (WIDTH * len(names), HEIGHT), (label, "neuron"))
    limit = greatest(np.abs(np.array([gallery.models[name].values for name in names])))
    scale = Normalize(-limit, limit)
    for axis, one in zip(axes, models, strict=True):
        _side_by_side(axis, in_order([one[name].values for name in names]), scale)
    grey_where_missing(axes, models)
    colour_bar(figure, ScalarMappable(scale, GRAM_COLOURS), "weight", "neither")
    return figure


def in_order(matrices: list[np.ndarray]) -> list[np.ndarray]:
    """Return matrices ``[neuron, feature]`` with neurons in the order of their greatest of W."""
    sizes = np.nan_to_num(np.abs(matrices[0]))
    order = np.argsort(sizes.argmax(1), kind="stable")
    return [matrix[order] for matrix in matrices]


def _side_by_side(axis: Axes, matrices: list[np.ndarray], scale: Normalize) -> None:
    """Paint matrices beside each other, with a line between, and features' numbers below."""
    neurons, n = matrices[0].shape
    low, high = span(np.arange(neurons))
    for place, matrix in enumerate(matrices):
        left = place * n - 0.5
        extent = (left, left + n, high, low)
        axis.imshow(matrix, cmap=GRAM_COLOURS, norm=scale, extent=extent, aspect="auto")
        axis.axvline(left, color="black", linewidth=0.8)
    axis.set_xlim(-0.5, len(matrices) * n - 0.5)
    axis.set_ylim(high, low)
    shown = [0, n // 2]
    ticks = [place * n + feature for place in range(len(matrices)) for feature in shown]
    axis.set_xticks(ticks, [str(feature) for _ in matrices for feature in shown])
    axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
