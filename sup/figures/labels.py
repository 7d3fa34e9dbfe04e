"""How settings are written: beside panels, in legends, at axes."""

from collections.abc import Sequence
from itertools import product
from math import floor, log10
from typing import Any

import numpy as np
import xarray as xr

from sup.config.grid import Grid, dimension
from sup.config.grid import shown as as_shown
from sup.figures.style import activation_label, literal

SYMBOLS = {"sparsity": "S", "n_features": "n", "n_hidden": "m"}
"""Settings with a symbol of their own."""

WORDS = {
    "sparsity": "sparsity $S$",
    "n_features": "features $n$",
    "n_hidden": "hidden dimensions $m$",
    "optimizer_lr": "learning rate",
    "optimizer_weight_decay": "weight decay",
    "features_correlation": "correlation",
}
"""What settings are called, where that is not their key's words."""


def setting_name(key: str) -> str:
    """Return what a setting is called, as at an axis."""
    if key in WORDS:
        return WORDS[key]
    words = key.removeprefix("activation_")
    if words.startswith("init_"):
        words = words.replace("init_", "initial ", 1)
    return literal(words.replace("_", " "))


def setting_labels(key: str, values: Sequence[Any]) -> list[str]:
    """Write values of a setting, in three digits, in six or in all: until they are told apart."""
    if key == "activation":
        return [activation_label(str(value)) for value in values]
    before = f"{SYMBOLS[key]} = " if key in SYMBOLS else f"{setting_name(key)} "
    if key == "sparsity":
        texts = [_sparsity(value) for value in values]
    else:
        texts = [_few_digits(value) for value in values]
    many = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    for text in (texts, many):
        if len(set(text)) == len(set(values)):
            return [before + literal(one) for one in text]
    return [before + literal(as_shown(value)) for value in values]


def sparsity_label(sparsity: float | int) -> str:
    """Write a sparsity as in titles."""
    return setting_labels("sparsity", [sparsity])[0]


def grid_labels(grid: Grid) -> list[str]:
    """Write where each instance stands on the axes of its grid, a setting a line; "" if alone."""
    texts = [setting_labels(dimension(key), values) for key, values in grid.axes.items()]
    return ["\n".join(lines) for lines in product(*texts)]


def fixed_label(results: xr.Dataset) -> str:
    """Write the activation and the sparsity of results, each where it is the same for all."""
    fixed = [key for key in ("activation", "sparsity") if key in results and not results[key].dims]
    return ", ".join(setting_labels(key, [results[key].item()])[0] for key in fixed)


def _few_digits(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:g}"


def _sparsity(value: Any) -> str:
    """Write a sparsity by the first two digits of its density, in three places at least."""
    if not isinstance(value, float) or not 0 <= value < 1:
        return _few_digits(value)
    places = max(3, 2 - floor(log10(1 - value)) - 1)
    return np.format_float_positional(value, precision=places, trim="-")
