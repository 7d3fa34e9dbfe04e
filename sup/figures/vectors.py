"""The features of models with two hidden dimensions, as vectors in the plane.

The picture of Elhage et al., 2022: pairs stand opposite, and five features form a pentagon.
"""

import numpy as np
import xarray as xr
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sup.config.grid import MOST_SHOWN
from sup.figures.features import feature_colours, number_fields
from sup.figures.gallery import Gallery, arranged, arranged_best, grey_where_missing, panels
from sup.figures.style import colour_bar, greatest

SIDE = 1.7
"""Inches of a panel."""


def vector_figure(results: xr.Dataset) -> Figure:
    """Draw the directions ``W_i`` of a run's instances, a panel an instance.

    Args:
        results: of models with two hidden dimensions.
    """
    return vector_panels(arranged(results, MOST_SHOWN))


def vector_gallery(results: xr.Dataset) -> Figure:
    """Draw those of a sweep's models, each the best of its seeds."""
    return vector_panels(arranged_best(results, MOST_SHOWN))


def vector_panels(gallery: Gallery) -> Figure:
    """Draw each feature as a line from the origin, and as a dot at its end, on one scale.

    A circle of radius 1 shows how long they are; colours tell features apart.
    """
    figure, axes = panels(gallery, (SIDE, SIDE), ("$h_1$", "$h_2$"))
    models = gallery.each()
    features = gallery.models["feature"].values
    shades = feature_colours(len(features))
    colours = shades.to_rgba(features)
    reach = 1.15 * greatest(np.abs(gallery.models["W"].values), 1.0)
    turn = np.linspace(0, 2 * np.pi, 100)
    for axis, one in zip(axes, models, strict=True):
        ends = one["W"].transpose("feature", "hidden").values
        axis.plot(np.cos(turn), np.sin(turn), color="0.85", linewidth=0.8)
        lines = np.stack([np.zeros_like(ends), ends], 1)
        axis.add_collection(LineCollection(list(lines), colors=colours, linewidths=1.5))
        axis.scatter(*ends.T, c=colours, s=14, zorder=3)
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach))
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_locator(MaxNLocator(3, integer=True))
    grey_where_missing(axes, models)
    colour_bar(figure, shades, "feature", "neither")
    number_fields(figure.axes[-1], len(features))
    return figure
