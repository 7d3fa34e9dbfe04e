"""Quick pictures of ``W^T W`` for loggers, painted without axes: a tile for each instance."""

from collections.abc import Sequence
from functools import cache

import matplotlib as mpl
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from sup.config.grid import Grid, evenly_spaced
from sup.figures.labels import grid_labels
from sup.figures.large import MOST_FEATURES
from sup.figures.style import GRAM_COLOURS

PIXELS, LEAST = 160, 2
"""Least height of a tile, and of one of its cells."""

LETTERS, LINE = 13, 17
"""Pixels of a label's letters, and of a line of it."""


def grid_picture(
    W: Float[np.ndarray, "instance hidden feature"], grid: Grid
) -> UInt8[np.ndarray, "y x 3"]:
    """Paint a grid's instances, at most `MOST_SHOWN` of them, each with its place above it."""
    shown = evenly_spaced(grid.size)
    labels = grid_labels(grid)
    return gram_picture(W[shown], [labels[k] for k in shown] if grid.axes else ())


def gram_picture(
    W: Float[np.ndarray, "instance hidden feature"], labels: Sequence[str] = ()
) -> UInt8[np.ndarray, "y x 3"]:
    """Paint the ``W^T W`` of several instances side by side: quick to make and log.

    Colours run from -1 (blue) over 0 (white) to 1 (red), larger entries cut off, so that pictures
    of different steps can be compared. Of large models `MOST_FEATURES` features are shown, evenly
    spaced.

    Args:
        W: the weights.
        labels: written above each instance, a line or several; none: nothing is.
    """
    few = W[..., evenly_spaced(W.shape[-1], MOST_FEATURES)].astype(float)
    gram = np.nan_to_num(np.einsum("khi,khj->kij", few, few))
    scale = max(-(-PIXELS // gram.shape[-1]), LEAST)
    colours = mpl.colormaps[GRAM_COLOURS]((np.clip(gram, -1, 1) + 1) / 2)[..., :3]
    cells = (colours * 255).astype(np.uint8).repeat(scale, axis=1).repeat(scale, axis=2)
    framed = np.pad(cells, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=128)
    titled = _titled(framed, labels) if labels else framed
    columns = int(np.ceil(np.sqrt(len(titled))))
    rows = -(-len(titled) // columns)
    blank = np.full((rows * columns - len(titled), *titled.shape[1:]), 255, dtype=np.uint8)
    tiles = np.concatenate([titled, blank]).reshape(rows, columns, *titled.shape[1:])
    return tiles.transpose(0, 2, 1, 3, 4).reshape(
        rows * titled.shape[1], columns * titled.shape[2], 3
    )


def _titled(
    tiles: UInt8[np.ndarray, "instance y x 3"], labels: Sequence[str]
) -> UInt8[np.ndarray, "instance higher wider 3"]:
    """Put labels above tiles, all of which become as high, and as wide, as the largest needs."""
    font = ImageFont.truetype(_font(), LETTERS)
    lines = [line for label in labels for line in label.splitlines()]
    height = LINE * max(len(label.splitlines()) for label in labels) + 4
    width = max([tiles.shape[2], *(int(font.getlength(line)) + 6 for line in lines)])
    room = ((0, 0), (height, 0), (0, width - tiles.shape[2]), (0, 0))
    titled = np.pad(tiles, room, constant_values=255)
    for tile, label in zip(titled, labels, strict=True):
        title = Image.new("RGB", (width, height), "white")
        ImageDraw.Draw(title).text((3, 1), label, "black", font, spacing=LINE - LETTERS)
        tile[:height] = np.asarray(title)
    return titled


@cache
def _font() -> str:
    return findfont("DejaVu Sans")
