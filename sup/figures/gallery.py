"""Many models in one figure: which are shown, where their panels stand, what is written beside."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import ceil, isqrt, prod

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from sup.analysis.axes import axes_of, count_of
from sup.config.grid import evenly_spaced
from sup.figures.labels import fixed_label, setting_labels
from sup.figures.style import best_seed, has_best_seed

LONGEST_ROW = 6
"""Panels of one row, where no second setting asks for rows."""

MOST_ROWS = 16
"""Rows of a figure, which is else higher than can be looked at."""

NOTHING_SHOWN = "0.85"
"""Grey where there is nothing: white is a product of weights that is zero."""

POINTS, LINE = 8, 0.14
"""Size of what is written beside panels, and the height of a line of it in inches."""

GAP, TICKS, LABEL, BAR = 0.12, 0.32, 0.3, 1.0
"""Inches between panels, and for numbers at ticks, for an axis' label and for the colour bar."""


@dataclass(frozen=True)
class Gallery:
    """Which models a figure shows, and where.

    Args:
        models: results with the one axis `panel`, in the order of the panels, row by row.
        columns: panels in a row.
        titles: written above each panel; "" where one above its column is enough.
        rows: written at the left of each row, a setting a line.
        heading: written above all of them, what they have in common.
        note: what of the results is not shown; "" if all is.
    """

    models: xr.Dataset
    columns: int
    titles: list[str]
    rows: list[str]
    heading: str
    note: str

    @property
    def size(self) -> int:
        """The number of panels."""
        return len(self.titles)

    def each(self) -> list[xr.Dataset]:
        """Return the models one by one."""
        return [self.models.isel(panel=index) for index in range(self.size)]

    def alike(self) -> list[range]:
        """Return the panels that share a colour scale: of neighbouring rows of one activation.

        Weights of one are several times another's: a single scale would leave that one pale.
        """
        names = np.broadcast_to(self.models["activation"].values, self.size).tolist()
        starts = range(0, self.size, self.columns)
        rows = [set(names[start : start + self.columns]) for start in starts]
        firsts = [k for k in range(len(rows)) if k == 0 or rows[k] != rows[k - 1]]
        ends = [*firsts[1:], len(rows)]
        return [
            range(self.columns * first, min(self.columns * end, self.size))
            for first, end in zip(firsts, ends, strict=True)
        ]


def arranged(results: xr.Dataset, most: int) -> Gallery:
    """Give each model its place: sparsity, or the last axis, is columns, the others are rows.

    Activations are the slowest of the rows. A single axis is wrapped.

    Args:
        results: with any axes.
        most: how many models are shown, in `MOST_ROWS` rows; where there are more, each axis is
            thinned evenly.
    """
    shown = thinned(results, most, axes_of(results))
    dims = _slowest_first(shown)
    shown = thinned(shown, MOST_ROWS, dims[:-1])
    models, settings = stacked(shown, dims)
    count = len(settings)
    wide = shown.sizes[dims[-1]] if len(dims) > 1 else _wrapped(count)
    columns = min(count, wide)
    titles = [
        lines[-1] if index < columns or len(dims) < 2 else ""
        for index, lines in enumerate(settings)
    ]
    rows = ["\n".join(lines[:-1]) for lines in settings[::columns]]
    total = count_of(results)
    note = f"{count} of {total} models, evenly spaced" if count < total else ""
    heading = fixed_label(shown) if dims else ""  # a single model is named by its title
    return Gallery(models, columns, titles, rows, heading, note)


def arranged_best(results: xr.Dataset, most: int) -> Gallery:
    """Give each model its place as `arranged` does, with the best of its seeds."""
    gallery = arranged(best_seed(results), most)
    if not has_best_seed(results):
        return gallery
    notes = (f"the best of {results.sizes['seed']} seeds of each model", gallery.note)
    return replace(gallery, note="; ".join(note for note in notes if note))


def thinned(results: xr.Dataset, most: int, dims: Sequence[Hashable]) -> xr.Dataset:
    """Leave out values of the longest of some axes, evenly, until at most `most` models are left.

    Of axes of one length the last loses first: that is seed before activation.
    """
    sizes = {str(name): results.sizes[name] for name in reversed(dims)}
    while prod(sizes.values()) > most:
        sizes[max(sizes, key=lambda name: sizes[name])] -= 1
    return results.isel({dim: evenly_spaced(results.sizes[dim], n) for dim, n in sizes.items()})


def stacked(results: xr.Dataset, dims: Sequence[str]) -> tuple[xr.Dataset, list[list[str]]]:
    """Flatten axes to one, `panel`, the last fastest, and write down each instance's settings.

    Args:
        results: with these axes; others are kept as they are.
        dims: the axes; none where the results are of one model.
    """
    if not dims:
        return results.expand_dims("panel"), [[fixed_label(results)]]
    flat = results.stack(panel=dims, create_index=False).transpose("panel", ...)
    settings = product(*(setting_labels(dim, results[dim].values.tolist()) for dim in dims))
    return flat, [list(lines) for lines in settings]


def missing(one: xr.Dataset) -> str:
    """Return why one model has nothing to show; "" where it has."""
    diverged = float(one["diverged"])  # not a number where no run has these settings
    if diverged == 0:
        return ""
    if np.isnan(diverged):
        return "no result"
    step = float(one["first_bad_step"])  # not a number of models that others have trained
    return "diverged" if np.isnan(step) else f"diverged at step {step:.0f}"


def grey_where_missing(axes: Sequence[Axes], models: Sequence[xr.Dataset]) -> None:
    """Make panels of models that have nothing to show grey, and write the reasons into them.

    Where that is all of them, there is no scale either.
    """
    reasons = [missing(one) for one in models]
    for axis, reason in zip(axes, reasons, strict=True):
        if reason:
            say_instead(axis, reason)
        if all(reasons):
            axis.set(xticks=[], yticks=[])


def say_instead(axis: Axes, reason: str) -> None:
    """Make a panel grey and write into it why it shows nothing."""
    axis.set_facecolor(NOTHING_SHOWN)
    style = {"fontsize": 7, "ha": "center", "va": "center"}
    axis.text(0.5, 0.5, reason, transform=axis.transAxes, **style)


def panels(
    gallery: Gallery, size: tuple[float, float], labels: tuple[str, str]
) -> tuple[Figure, list[Axes]]:
    """Return a figure with its panels and what is written beside, and room for a colour bar.

    Places are computed here: matplotlib's layout engine doubles the time that a figure takes.

    Args:
        gallery: what is shown.
        size: width and height of a panel, in inches.
        labels: of the horizontal and of the vertical axes.
    """
    width, height = size
    columns, lines = gallery.columns, len(gallery.rows)
    names, inner_title = widest(gallery.rows), tallest(gallery.titles[columns:])
    body = max(height, tallest(gallery.rows))
    across, down = max(width, widest(gallery.titles)) + GAP, body + inner_title + GAP
    left = GAP + names + LABEL + TICKS
    bottom = TICKS + LABEL + LINE * bool(gallery.note)
    above = tallest(gallery.titles[:columns]) + tallest([gallery.heading]) + GAP
    whole_width = max(left + columns * across + BAR, 2 * GAP + widest([gallery.note]))
    whole_height = bottom + (lines - 1) * down + body + above
    figure = Figure(figsize=(whole_width, whole_height))
    axes = []
    for index in range(gallery.size):
        row, column = divmod(index, columns)
        x = left + column * across + (across - GAP - width) / 2
        y = bottom + (lines - 1 - row) * down + (body - height) / 2
        box = (x / whole_width, y / whole_height, width / whole_width, height / whole_height)
        axes.append(figure.add_axes(box))
    _write_beside(figure, axes, gallery, labels)
    return figure, axes


def _write_beside(
    figure: Figure, axes: Sequence[Axes], gallery: Gallery, labels: tuple[str, str]
) -> None:
    """Write the heading, titles, the names of rows, the axes' labels and the note."""
    width, height = figure.get_size_inches()
    for index, (axis, title) in enumerate(zip(axes, gallery.titles, strict=True)):
        # All panels share their scales, and numbers take their time to be written.
        lowest, first = index >= gallery.size - gallery.columns, index % gallery.columns == 0
        axis.tick_params(labelsize=7, length=2, labelleft=first, labelbottom=lowest)
        axis.set_title(title, fontsize=POINTS, pad=3, y=1)
        without_label(axis)
    for axis, name in zip(axes[:: gallery.columns], gallery.rows, strict=True):
        box = axis.get_position()
        right, middle = (GAP + widest(gallery.rows)) / width, (box.y0 + box.y1) / 2
        figure.text(right, middle, name, fontsize=POINTS, ha="right", va="center")
    first, last = axes[0].get_position(), axes[-1].get_position()
    centre = (first.x0 + axes[gallery.columns - 1].get_position().x1) / 2
    beneath, beside = last.y0 - (TICKS + LABEL / 2) / height, first.x0 - (TICKS + LABEL / 2) / width
    middle = (first.y1 + last.y0) / 2
    style = {"fontsize": POINTS, "ha": "center", "va": "center"}
    figure.text(centre, beneath, labels[0], **style)
    figure.text(beside, middle, labels[1], rotation=90, **style)
    top = 1 - (GAP + LINE / 2) / height
    figure.text(first.x0, top, gallery.heading, fontsize=POINTS, va="center")
    figure.text(
        GAP / width, 0.5 * LINE / height, gallery.note, fontsize=7, va="center", color="0.3"
    )


def without_label(axis: Axes) -> None:
    """Leave both axes of a panel without labels.

    For the place of a label that is not there, matplotlib measures all numbers once more.
    """
    axis.xaxis.set_label_coords(0, 0)
    axis.yaxis.set_label_coords(0, 0)


def widest(texts: Iterable[str]) -> float:
    """Return the width of the widest line that is written beside panels, in inches."""
    return max((_width(line) for text in texts for line in text.splitlines()), default=0.0)


@lru_cache(maxsize=65_536)  # the figures of a sweep's runs share most of their texts
def _width(line: str) -> float:
    extent = TextPath((0, 0), line, size=POINTS).get_extents()
    # Some more, as letters are moved to whole pixels when they are drawn.
    return 1.05 * extent.width / 72


def tallest(texts: Iterable[str]) -> float:
    """Return the height of the text of most lines that is written beside panels, in inches."""
    return LINE * max((len(text.splitlines()) for text in texts), default=0)


def _slowest_first(results: xr.Dataset) -> list[str]:
    """Order the axes of results: activation before all others, that of columns after them."""
    names = axes_of(results)
    others = [name for name in names if name != "activation"]
    columns = "sparsity" if "sparsity" in names else next(reversed(others), None)
    return sorted(names, key=lambda name: (name == columns, name != "activation"))


def _wrapped(count: int) -> int:
    """Return in how many columns a single axis of so many models is shown."""
    return count if count <= LONGEST_ROW else ceil(count / isqrt(count))
