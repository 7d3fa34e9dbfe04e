"""Pictures of ``W^T W``: which features are represented, and which interfere."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from sup.config.grid import MOST_SHOWN, evenly_spaced
from sup.figures.gallery import (
    NOTHING_SHOWN,
    Gallery,
    arranged,
    arranged_best,
    grey_where_missing,
    panels,
)
from sup.figures.labels import fixed_label, sparsity_label
from sup.figures.large import feature_ticks, longest, longest_label, places, span
from sup.figures.style import (
    GRAM_COLOURS,
    MOST_CELLS,
    best_seed,
    colour_bar,
    greatest,
    has_best_seed,
    polysemanticity_colours,
)

COLUMNS = 5
"""Of the pairs along sparsity."""


def gram_figure(results: xr.Dataset) -> Figure:
    """Draw ``W^T W`` of a run's instances, or of `MOST_SHOWN` of them.

    Features are in order of their index, the most important first where importance decays. All
    panels share one scale.
    """
    return gram_panels(arranged(results, MOST_SHOWN))


def gram_gallery(results: xr.Dataset) -> Figure:
    """Draw ``W^T W`` of a sweep's models, or of `MOST_CELLS` of them, each the best of its seeds.

    Rows are activations and columns sparsities, where they are swept; see `arranged`.
    """
    return gram_panels(arranged_best(results, MOST_CELLS))


def gram_panels(gallery: Gallery) -> Figure:
    """Draw ``W^T W`` of some models, one panel each, on a scale for each activation.

    Of large models the longest features are shown.
    """
    label = longest_label(gallery.models)
    models = [longest(one) for one in gallery.each()]
    side = 2.0 if gallery.size <= MOST_SHOWN else 1.4
    figure, axes = panels(gallery, (side, side), (label, "feature"))
    low, high = span(models[0]["feature"].values)
    place = (low, high, high, low)
    for group in gallery.alike():
        colours = _gram_colours(gram_limit([models[index]["W"].values for index in group]))
        style = {"cmap": colours.cmap, "norm": colours.norm, "extent": place}
        for index in group:
            axes[index].imshow(gram_of(models[index]["W"].values), **style)
        beside = (axes[group[0]].get_position().y1, axes[group[-1]].get_position().y0)
        colour_bar(figure, colours, "$W^T W$", "both", beside)
    for axis in axes:
        axis.set_facecolor(NOTHING_SHOWN)  # behind the features that others have more than this one
        feature_ticks(axis.xaxis)
        feature_ticks(axis.yaxis)
    grey_where_missing(axes, models)
    return figure


def along_sparsity_figure(results: xr.Dataset) -> Figure:
    """Draw ``W^T W`` and the features' norms at each sparsity, of one activation.

    Features are in order of importance. A bar's colour is the feature's polysemanticity.

    Args:
        results: with the dimension sparsity, and seed at most.
    """
    chosen = best_seed(results)
    models = [longest(chosen.isel(sparsity=k)) for k in evenly_spaced(chosen.sizes["sparsity"], 10)]
    limit = gram_limit([one["W"].values for one in models])
    highest = greatest(np.array([one["feature_norm"].values for one in models]))
    shades = polysemanticity_colours()
    figure, pairs = _pairs(len(models))
    for (heat, bars), one in zip(pairs, models, strict=True):
        draw_pair(heat, bars, one, limit, shades)
        _norm_ticks(bars, highest)
        heat.set_title(sparsity_label(one["sparsity"].item()), fontsize=9, loc="left")
    for heat, bars in pairs[-min(len(models), COLUMNS) :]:
        heat.set_xlabel("feature", fontsize=8)
        bars.set_xlabel("$\\|W_i\\|$", fontsize=8)
    width, height = figure.get_size_inches()
    figure.text(0.08 / width, 1 - 0.16 / height, _said_above(results), fontsize=9, va="center")
    middle = (pairs[0][0].get_position().y1 + pairs[-1][0].get_position().y0) / 2
    figure.text(0.15 / width, middle, "feature", fontsize=8, rotation=90, ha="center", va="center")
    _two_bars(figure, _gram_colours(limit), shades)
    return figure


def _said_above(results: xr.Dataset) -> str:
    """Return the activation, and what of the results is not shown."""
    label = longest_label(results)
    seeds = f"best of {results.sizes['seed']} seeds" if has_best_seed(results) else ""
    few = label if label != "feature" else ""
    return "; ".join(text for text in (fixed_label(results), seeds, few) if text)


def _pairs(count: int) -> tuple[Figure, list[tuple[Axes, Axes]]]:
    """Return a figure with so many places for `draw_pair`, and room for colour bars."""
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    width, height = 2.6 * columns + 1.0, 1.9 * rows + 0.5
    figure = Figure(figsize=(width, height))
    pairs = []
    for place in range(count):
        row, column = divmod(place, columns)
        left, bottom = 0.55 + 2.6 * column, 0.45 + 1.9 * (rows - 1 - row)
        sizes = ((left, 1.4), (left + 1.48, 0.55))
        heat, bars = (
            figure.add_axes((x / width, bottom / height, wide / width, 1.4 / height))
            for x, wide in sizes
        )
        pairs.append((heat, bars))
    return figure, pairs


def _two_bars(figure: Figure, grams: ScalarMappable, shades: ScalarMappable) -> None:
    """Put the colour bars of both at the right edge, one above the other."""
    height = figure.get_figheight()
    half = min(1.4, (height - 1.0) / 2.4)
    top = height - 0.55
    for upper, colours, label, extend in (
        (top, grams, "$W^T W$", "both"),
        (top - 1.25 * half, shades, "polysemanticity", "max"),
    ):
        colour_bar(figure, colours, label, extend, (upper / height, (upper - half) / height))


def draw_pair(
    heat: Axes, bars: Axes, one: xr.Dataset, limit: float, shades: ScalarMappable
) -> None:
    """Draw one instance's ``W^T W`` into `heat` and its features' norms into `bars`."""
    low, high = span(one["feature"].values)
    at, width = places(one["feature"].values)
    style = {"cmap": GRAM_COLOURS, "norm": Normalize(-limit, limit), "aspect": "auto"}
    heat.imshow(gram_of(one["W"].values), extent=(low, high, high, low), **style)
    grey_where_missing([heat], [one])
    colours = shades.to_rgba(one["polysemanticity"].values)
    bars.barh(at, one["feature_norm"].values, color=colours, height=width)
    bars.set_ylim(high, low)
    bars.set_yticks([])
    for axis in (heat, bars):
        axis.tick_params(labelsize=7, length=2)
    feature_ticks(heat.xaxis)
    feature_ticks(heat.yaxis)


def _norm_ticks(bars: Axes, highest: float) -> None:
    """Give norms an axis with two ticks: 0, and the greatest of one digit that is not above all."""
    bars.set_xlim(0, 1.05 * highest)
    digit = 10.0 ** np.floor(np.log10(highest))
    bars.set_xticks([0, np.floor(highest / digit) * digit])
    bars.xaxis.set_major_formatter(FormatStrFormatter("%g"))


def gram_of(W: np.ndarray) -> np.ndarray:
    """Return ``W^T W``, without the rows that a model of fewer dimensions than others lacks."""
    there = ~np.isnan(W).all(1)
    W = W[there].astype(float)  # in which squares of float32 do not overflow
    return W.T @ W if there.any() else np.full(W.shape[1:] * 2, np.nan)


def gram_limit(weights: Sequence[np.ndarray]) -> float:
    """Return the end of a colour scale that all of these share.

    Set by the largest entries, the scale would wash out every panel but the largest one's.
    """
    grams = [np.abs(gram_of(W)) for W in weights]
    finite = [gram[np.isfinite(gram)] for gram in grams]
    return max([1.0, *(float(np.quantile(gram, 0.98)) for gram in finite if gram.size)])


def _gram_colours(limit: float) -> ScalarMappable:
    return ScalarMappable(Normalize(-limit, limit), GRAM_COLOURS)
