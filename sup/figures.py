"""Figures, as pure functions of results, and quick pictures of weights during training."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import xarray as xr
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from sup.grid import shown as as_shown

GRAM_COLOURS = "RdBu_r"
"""Diverging, centred on zero, told apart by the colour-blind: red represents, blue interferes."""

MOST_PANELS = 16
"""A figure shows at most this many instances, evenly spaced through the grid."""

PIXELS = 160
"""Least height of a quick picture of one Gram matrix."""


def gram_picture(W: Float[np.ndarray, "instance hidden feature"]) -> UInt8[np.ndarray, "y x 3"]:
    """Paint the ``W^T W`` of several instances side by side, without axes: quick to make and log.

    Colours run from -1 (blue) over 0 (white) to 1 (red), larger entries cut off, so that pictures
    of different steps can be compared.
    """
    gram = np.nan_to_num(np.einsum("khi,khj->kij", W, W))
    scale = -(-PIXELS // gram.shape[-1])
    colours = mpl.colormaps[GRAM_COLOURS]((np.clip(gram, -1, 1) + 1) / 2)[..., :3]
    cells = (colours * 255).astype(np.uint8).repeat(scale, axis=1).repeat(scale, axis=2)
    framed = np.pad(cells, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=128)
    columns = int(np.ceil(np.sqrt(len(framed))))
    rows = -(-len(framed) // columns)
    blank = np.full((rows * columns - len(framed), *framed.shape[1:]), 255, dtype=np.uint8)
    tiles = np.concatenate([framed, blank]).reshape(rows, columns, *framed.shape[1:])
    return tiles.transpose(0, 2, 1, 3, 4).reshape(
        rows * framed.shape[1], columns * framed.shape[2], 3
    )


def evenly_spaced(count: int, most: int = MOST_PANELS) -> list[int]:
    """Return at most `most` of the indices 0..count-1, the first and the last among them."""
    return sorted({round(index) for index in np.linspace(0, count - 1, min(count, most))})


def stacked_instances(results: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    """Flatten the axes of results to one dimension `instance`, and label each instance."""
    axes = [str(name) for name in results["loss"].dims]
    if not axes:
        return results.expand_dims("instance"), [str(results["activation"].item())]
    flat = results.stack(instance=axes)
    labels = [
        "  ".join(
            f"{name}={as_shown(value)}"
            for name, value in zip(
                axes, np.atleast_1d(np.asarray(point, dtype=object)), strict=True
            )
        )
        for point in flat["instance"].values
    ]
    return flat.transpose("instance", ...), labels


def _panels(count: int, rows: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with a grid of panels, and room at the right for a colour bar.

    Margins are set by hand: matplotlib's layout engine doubles the time that a figure takes.
    """
    columns = -(-count // rows)
    size = (0.7 + width * columns + 1.0, 0.5 + height * rows + 0.3)
    figure = Figure(figsize=size)
    axes = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(
        left=0.7 / size[0],
        right=1 - 1.0 / size[0],
        bottom=0.5 / size[1],
        top=1 - 0.3 / size[1],
        wspace=0.3,
        hspace=0.35,
    )
    for axis in axes.flat[count:]:
        axis.set_axis_off()
    for axis in axes.flat[:count]:
        axis.tick_params(labelsize=7, length=2)
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure, list(axes.flat[:count])


def _colour_bar(figure: Figure, colours: ScalarMappable, label: str, extend: str) -> None:
    """Put a colour bar of an inch and a half at the right edge of a figure."""
    width, height = figure.get_size_inches()
    length = min(1.5, height - 0.8)
    box = figure.add_axes(
        (1 - 0.85 / width, (height - 0.3 - length) / height, 0.12 / width, length / height)
    )
    figure.colorbar(colours, cax=box, extend=extend)
    box.set_ylabel(label, fontsize=8)
    box.tick_params(labelsize=7)


def gram_figure(results: xr.Dataset) -> Figure:
    """Draw ``W^T W`` of a run's instances, or of `MOST_PANELS` of them.

    Features are in order of their index, the most important first where importance decays. All
    panels share one scale.
    """
    flat, labels = stacked_instances(results)
    shown = evenly_spaced(flat.sizes["instance"])
    weights = [flat["W"].values[index] for index in shown]
    return _gram_panels(weights, [labels[index] for index in shown], rows=-(-len(shown) // 4))


def gram_gallery(
    results: xr.Dataset, rows: str = "activation", columns: str = "sparsity"
) -> Figure:
    """Draw ``W^T W`` over two dimensions of a sweep, one panel for each combination."""
    ordered = results["W"].transpose(rows, columns, "hidden", "feature")
    titles = [
        f"{row}, {columns} {column:g}"
        for row in results[rows].values
        for column in results[columns].values
    ]
    weights = list(ordered.values.reshape(-1, *ordered.shape[-2:]))
    return _gram_panels(weights, titles, rows=results.sizes[rows])


def _gram_panels(weights: Sequence[np.ndarray], titles: Sequence[str], rows: int) -> Figure:
    grams = [W.T @ W for W in weights]
    # Set by the largest entries, the scale would wash out every panel but the largest one's.
    finite = [np.abs(gram[np.isfinite(gram)]) for gram in grams]
    limit = max([1.0, *(float(np.quantile(gram, 0.98)) for gram in finite if gram.size)])
    figure, axes = _panels(len(grams), rows, width=2.0, height=2.0)
    scale = Normalize(-limit, limit)
    for axis, gram, title in zip(axes, grams, titles, strict=True):
        axis.imshow(gram, cmap=GRAM_COLOURS, norm=scale)
        axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axis.set_title(title, fontsize=8)
    figure.supxlabel("feature", fontsize=8)
    figure.supylabel("feature", fontsize=8)
    _colour_bar(figure, ScalarMappable(scale, GRAM_COLOURS), "$W^T W$", "both")
    return figure


def feature_figure(results: xr.Dataset) -> Figure:
    """Draw each feature's norm as a bar, coloured by its polysemanticity, a panel an instance."""
    flat, labels = stacked_instances(results)
    shown = evenly_spaced(flat.sizes["instance"])
    figure, axes = _panels(len(shown), rows=-(-len(shown) // 4), width=2.2, height=1.6)
    colours = ScalarMappable(Normalize(0, 1), "viridis")
    norms = flat["feature_norm"].isel(instance=shown).values
    highest = 1.05 * float(norms.max(initial=1e-9, where=np.isfinite(norms)))
    for axis, index in zip(axes, shown, strict=True):
        one = flat.isel(instance=index)
        shades = colours.to_rgba(one["polysemanticity"].values)
        axis.bar(one["feature"], one["feature_norm"], color=shades)
        axis.set_ylim(0, highest)
        axis.set_title(labels[index], fontsize=8)
    figure.supxlabel("feature", fontsize=8)
    figure.supylabel("norm $\\|W_i\\|$", fontsize=8)
    _colour_bar(figure, colours, "polysemanticity", "max")
    return figure


def training_figure(results: xr.Dataset) -> Figure:
    """Draw the loss along training, a line for each of at most `MOST_PANELS` instances."""
    flat, labels = stacked_instances(results)
    shown = evenly_spaced(flat.sizes["instance"])
    figure = Figure(figsize=(7.5, 3.6))
    axis = figure.subplots()
    figure.subplots_adjust(left=0.1, right=0.68, bottom=0.14, top=0.96)
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(shown)))
    for index, colour in zip(shown, colours, strict=True):
        one = flat.isel(instance=index)
        loss = one["training_loss"].where(np.isfinite(one["training_loss"]))
        axis.plot(one["step"], loss.where(loss > 0), color=colour, label=labels[index])
    if bool((flat["training_loss"].isel(instance=shown) > 0).any()):
        axis.set_yscale("log")
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set(xscale="log", xlabel="step", ylabel="training loss")
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.02, 1), borderaxespad=0)
    return figure


RUN_FIGURES = {"gram": gram_figure, "features": feature_figure, "training": training_figure}
"""The figures of every run, by file name."""
