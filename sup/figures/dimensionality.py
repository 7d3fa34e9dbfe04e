"""How many dimensions each single feature gets, along sparsity."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sup.figures.dimensions import X_LABEL, density_axis, inverse_density
from sup.figures.gallery import say_instead
from sup.figures.style import (
    activation_label,
    activation_style,
    activations_in,
    best_seed,
    has_best_seed,
    of_activation,
)

FRACTIONS = {
    1: "1",
    3 / 4: "3/4",
    2 / 3: "2/3",
    1 / 2: "1/2",
    2 / 5: "2/5",
    3 / 8: "3/8",
    1 / 4: "1/4",
}
"""Dimensionalities of regular arrangements: alone, tetrahedron, triangle, antipodal pair, pentagon,
square antiprism, and four features in one dimension. Elhage et al., 2022."""

SPREAD = 0.025
"""How far features are moved aside, at random and relative to 1/(1-S), so that those of one value
are seen to be many."""


def dimensionality_figure(results: xr.Dataset) -> Figure:
    """Draw every feature's dimensionality ``D_i`` along sparsity, a panel for each activation.

    Lines mark the dimensionalities of regular arrangements. The best of several seeds is shown.

    Args:
        results: with the dimension sparsity, and activation and seed at most.
    """
    names = activations_in(results)
    columns = min(4, len(names))
    figure, axes = _panels(len(names), columns)
    generator = np.random.default_rng(0)
    for index, (axis, name) in enumerate(zip(axes, names, strict=False)):
        colour = activation_style(name, index)["color"]
        _scatter(axis, best_seed(of_activation(results, name)), colour, generator)
        axis.set_title(activation_label(name), fontsize=9)
        if index % columns == columns - 1 or index == len(names) - 1:
            _fractions(axis)
    seeds = f"  (the best of {results.sizes['seed']} seeds)" if has_best_seed(results) else ""
    figure.supxlabel(f"{X_LABEL}{seeds}", fontsize=9)
    figure.supylabel("feature dimensionality $D_i$", fontsize=9)
    return figure


def _panels(count: int, columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels, and room for the fractions at its right."""
    rows = -(-count // columns)
    size = (2.9 * columns + 1.1, 2.4 * rows + 0.6)
    figure = Figure(figsize=size)
    axes = list(figure.subplots(rows, columns, squeeze=False, sharey=True).flat)
    figure.subplots_adjust(
        left=0.8 / size[0],
        right=1 - 0.45 / size[0],
        bottom=0.55 / size[1],
        top=1 - 0.3 / size[1],
        wspace=0.08,
        hspace=0.32,
    )
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


def _scatter(axis: Axes, own: xr.Dataset, colour: str, generator: np.random.Generator) -> None:
    """Draw a dot for each feature of an activation's models."""
    own = own.transpose("sparsity", ...)
    x, values = inverse_density(own), own["feature_dimensionality"].values
    across = x[:, None] * np.exp(generator.uniform(-SPREAD, SPREAD, values.shape))
    dots = {"ms": 1.5, "color": colour, "alpha": 0.4, "rasterized": True}
    axis.plot(across.ravel(), values.ravel(), ".", **dots)
    for fraction in FRACTIONS:
        axis.axhline(fraction, color="0.7", lw=0.6, zorder=0)
    if not np.isfinite(values).any():
        axis.set_xlim(x.min(), x.max())  # of nothing, no logarithm can be taken
        say_instead(axis, "no finite results")
    density_axis(axis, x)
    axis.set_ylim(-0.03, 1.06)
    axis.set_yticks([0, 0.25, 0.5, 0.75, 1])


def _fractions(axis: Axes) -> None:
    """Write the fractions at the right of a panel."""
    for fraction, label in FRACTIONS.items():
        # 2/5 and 3/8 lie too close to be written one below the other.
        shift = {2 / 5: 0.012, 3 / 8: -0.022}.get(fraction, 0.0)
        axis.annotate(
            label,
            (1.02, fraction + shift),
            xycoords=("axes fraction", "data"),
            fontsize=7,
            va="center",
            color="0.35",
        )
