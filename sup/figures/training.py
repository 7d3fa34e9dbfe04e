"""The loss along training."""

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from sup.config.grid import MOST_SHOWN
from sup.figures.bands import draw_over_seeds, said_of_seeds
from sup.figures.gallery import LINE, missing, say_instead, stacked, thinned, widest
from sup.figures.labels import fixed_label
from sup.figures.style import activation_label, activation_style
from sup.figures.ticks import few_log_ticks

DASHES = ("-", "--", "-.", ":")
"""Of lines: more of them cannot be told apart."""


def training_figure(results: xr.Dataset) -> Figure:
    """Draw the loss along training, a line for each of at most `MOST_SHOWN` models.

    Several seeds of a model are one line (`sup.figures.bands`). Those that diverged are left out of
    it, and counted in the legend; where all did, it shows how far they came.
    """
    models, settings = _models(results)
    seeds = models.sizes["seed"]
    reasons = [_missing(models.isel(panel=index)) for index in range(len(settings))]
    labels = [
        "  ".join(lines) + (f": {reason}" if reason else "")
        for lines, reason in zip(settings, reasons, strict=True)
    ]
    figure, axis = _beside_legend(labels)
    losses = _losses(models)
    names = np.broadcast_to(models["activation"].values, len(labels)).tolist()
    looks = zip(*line_styles(settings, names), strict=True)
    for loss, label, (colour, dashes) in zip(losses, labels, looks, strict=True):
        draw_over_seeds(axis, models["step"].values, loss, colour, ls=dashes, label=label)
    axis.tick_params(labelsize=8)
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.02, 1), borderaxespad=0)
    said = [fixed_label(results) if len(labels) > 1 else "", said_of_seeds(seeds)]
    axis.set_title("; ".join(filter(None, said)), fontsize=7, loc="left", color="0.3")
    if (models["diverged"] != 0).all() and (np.isfinite(losses).sum(-1) < 2).all():
        say_instead(axis, reasons[0] if len(set(reasons)) == 1 else "all diverged")
        axis.set(xticks=[], yticks=[])  # a scale would mean nothing
    else:
        _scale(axis, losses)
    return figure


def line_styles(settings: list[list[str]], activations: list[str]) -> tuple[list[str], list[str]]:
    """Return the colour and the dashes of each model's line.

    Twelve shades cannot be told apart. Where there are two settings or more, dashes tell the last
    one of few values, and colours what is left. Activations have their own colours; what is not an
    activation has shades.

    Args:
        settings: of each model, as written.
        activations: of each, by their keys.
    """
    values = [list(dict.fromkeys(written)) for written in zip(*settings, strict=True)]
    named = [activation_label(key) for key in dict.fromkeys(activations)]
    few = [k for k, own in enumerate(values) if 1 < len(own) <= len(DASHES) and own != named]
    dashed = few[-1] if few and len(values) > 1 else None
    rest = [tuple(one for k, one in enumerate(own) if k != dashed) for own in settings]
    colours = _colours(rest, activations)
    if dashed is None:
        return colours, len(settings) * [DASHES[0]]
    return colours, [DASHES[values[dashed].index(own[dashed])] for own in settings]


def _colours(settings: list[tuple[str, ...]], activations: list[str]) -> list[str]:
    """Return each model's colour: of its activation, where the settings are nothing else."""
    keys, different = list(dict.fromkeys(activations)), list(dict.fromkeys(settings))
    if different == [(activation_label(key),) for key in keys]:
        return [activation_style(key, keys.index(key))["color"] for key in activations]
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(different)))
    return [to_hex(shades[different.index(own)]) for own in settings]


def _models(results: xr.Dataset) -> tuple[xr.Dataset, list[list[str]]]:
    """Return what is drawn over the axes `panel` and `seed`, and each panel's settings."""
    held = results[["loss", "training_loss", "diverged", "first_bad_step"]]
    if "seed" not in held["loss"].dims:
        held = held.drop_vars("seed", errors="ignore").expand_dims(seed=1)
    others = [str(name) for name in held["loss"].dims if name != "seed"]
    return stacked(thinned(held, MOST_SHOWN, others), others)


def _missing(model: xr.Dataset) -> str:
    """Return why a model's seeds, or some of them, are not shown; "" where all are."""
    each = [missing(model.isel(seed=index)) for index in range(model.sizes["seed"])]
    lost = [reason for reason in each if reason]
    if len(each) == 1 or not lost:
        return "".join(lost)
    diverged = all(reason.startswith("diverged") for reason in lost)
    return f"{len(lost)} of {len(each)} seeds {'diverged' if diverged else 'have no result'}"


def _losses(models: xr.Dataset) -> np.ndarray:
    """Return the losses ``[panel, seed, step]`` that a logarithm can be taken of.

    Those of a seed that is not shown are not a number: the mean would leap where it ends.
    """
    losses = models["training_loss"].transpose("panel", "seed", "step").values
    lost = (models["diverged"] != 0).transpose("panel", "seed").values
    hidden = lost & ~lost.all(1, keepdims=True)
    return np.where(np.isfinite(losses) & (losses > 0) & ~hidden[..., None], losses, np.nan)


def _beside_legend(labels: list[str]) -> tuple[Figure, Axes]:
    """Return a figure with room for a legend at the right of its axes."""
    width = 5.6 + widest(labels) + 0.6
    figure = Figure(figsize=(width, max(3.6, LINE * len(labels) + 0.4)))
    return figure, figure.add_axes((0.75 / width, 0.14, 4.7 / width, 0.79))


def _scale(axis: Axes, losses: np.ndarray) -> None:
    """Scale both axes by logarithms, where there are losses above zero."""
    axis.set(xscale="log", xlabel="step", ylabel="training loss")
    if np.isfinite(losses).any():
        axis.set_yscale("log")
        few_log_ticks(axis.yaxis)
    few_log_ticks(axis.xaxis)
    axis.grid(alpha=0.3)
