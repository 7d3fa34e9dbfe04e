"""How ``W^T W`` comes about: an animation over training."""

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sup.figures.gram import gram_limit
from sup.figures.labels import fixed_label
from sup.figures.large import longest, longest_label
from sup.figures.style import GRAM_COLOURS

PER_SECOND, HELD = 8, 16
"""Frames a second, and how often the last one is shown: what training comes to is seen for two
seconds before it begins anew."""


def gram_animation(one: xr.Dataset) -> FuncAnimation:
    """Animate ``W^T W`` of one instance over its snapshots, which are log-spaced in steps.

    The last of them is held; of a large model the features that are the longest in it are shown.

    Args:
        one: results of one instance, with `training_W` [snapshot, hidden, feature].
    """
    few = longest(one.assign(W=one["training_W"].isel(snapshot=-1)))
    W = few["training_W"].values.astype(float)
    grams = np.einsum("shi,shj->sij", W, W)
    limit = gram_limit([W[-1]])
    figure = Figure(figsize=(4.2, 3.7), dpi=100)
    axis = figure.add_axes((0.14, 0.14, 0.62, 0.73))
    image = axis.imshow(grams[0], cmap=GRAM_COLOURS, vmin=-limit, vmax=limit)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.tick_params(labelsize=8)
    axis.set_xlabel(longest_label(one), fontsize=8)
    axis.set_ylabel("feature", fontsize=8)
    bar = figure.add_axes((0.79, 0.14, 0.03, 0.73))
    figure.colorbar(image, cax=bar, extend="both", label="$W^T W$")
    bar.tick_params(labelsize=8)
    title, fixed = axis.set_title("", fontsize=9), fixed_label(one)

    def show(frame: int) -> tuple:
        image.set_data(grams[frame])
        step = one["snapshot"].values[frame]
        title.set_text(f"{fixed}\n$W^T W$ after {step:,} steps")
        return image, title

    frames = [*range(len(grams)), *(HELD - 1) * [len(grams) - 1]]
    return FuncAnimation(figure, show, frames=frames, init_func=lambda: show(0))


def write_gif(animation: FuncAnimation, path: Path) -> Path:
    """Write an animation as a GIF of `PER_SECOND` frames; equal ones become one that is longer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # a link would be followed
    animation.save(path, writer=PillowWriter(fps=PER_SECOND))
    return path
