"""What all figures share: colours, names, scales, and how they are written."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

GRAM_COLOURS = "RdBu_r"
"""Diverging, centred on zero, told apart by the colour-blind: red represents, blue interferes."""

POLYSEMANTICITY_COLOURS = "viridis"

MOST_CELLS = 120
"""A sweep's gallery shows at most this many models."""

COLOURS = {
    "linear": "#000000",
    "relu": "#D55E00",
    "gelu": "#0072B2",
    "silu": "#56B4E9",
    "sigmoid": "#009E73",
    "tanh": "#CC79A7",
    "solu": "#E69F00",
}
"""Okabe & Ito's palette, told apart by the colour-blind; its yellow is too pale for lines."""

MARKERS = {
    "linear": "s",
    "relu": "o",
    "gelu": "^",
    "silu": "v",
    "sigmoid": "D",
    "tanh": "P",
    "solu": "X",
}
"""Beside the colours, so that figures survive a black-and-white printer."""

NAMES = {
    "relu": "ReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "solu": "SoLU",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "celu": "CELU",
    "relu6": "ReLU6",
    "jump_relu": "JumpReLU",
    "squared_relu": "squared ReLU",
    "solu_norm": "SoLU with LayerNorm",
}
"""How activations are written where that is not their key."""

SPARE = ("#666666", "#8C564B", "#9467BD", "#17A2A2")
"""For activations that are not the article's."""


LONGEST_NAME = 60
"""Letters of a name that are written: a figure is as wide as what stands beside its panels."""


def literal(text: str) -> str:
    """Return a name as matplotlib writes it letter by letter, in one line of limited length.

    It would read what stands between two dollars as a formula, and leave names that begin with an
    underscore out of legends.
    """
    line = " ".join(text.split())
    if len(line) > LONGEST_NAME:
        half = LONGEST_NAME // 2
        line = f"{line[:half]}...{line[-half:]}"
    return (" " if line.startswith("_") else "") + line.replace("$", "\\$")


def activation_name(key: str) -> str:
    """Return an activation's name for people."""
    return NAMES.get(key, key)


def activation_label(key: str) -> str:
    """Return an activation's name as figures write it."""
    return literal(activation_name(key))


def activation_style(key: str, index: int = 0) -> dict[str, str]:
    """Return the colour and marker of an activation's lines; `index` tells strangers apart."""
    spare = SPARE[index % len(SPARE)]
    return {"color": COLOURS.get(key, spare), "marker": MARKERS.get(key, "*")}


def activations_in(results: xr.Dataset) -> list[str]:
    """Return the activations of results, in their order."""
    return list(dict.fromkeys(map(str, np.atleast_1d(results["activation"].values))))


def of_activation(results: xr.Dataset, name: str) -> xr.Dataset:
    """Return one activation's part of results, which may be all of them."""
    return results.sel(activation=name) if "activation" in results.dims else results


def best_seed(results: xr.Dataset) -> xr.Dataset:
    """Choose for each model the seed with the least held-out loss, if several have one."""
    if not has_best_seed(results):
        return results
    loss = results["loss"].fillna(np.inf)
    return results.isel(seed=loss.argmin("seed"))


def has_best_seed(results: xr.Dataset) -> bool:
    """Tell whether there are seeds to choose from; weights of others may come without a loss."""
    return "seed" in results.dims and "loss" in results


def greatest(values: np.ndarray, least: float = 0.0) -> float:
    """Return the greatest finite value, or `least` if that is greater; 1 instead of 0."""
    return float(values.max(initial=least, where=np.isfinite(values))) or 1.0


def colour_bar(
    figure: Figure,
    colours: ScalarMappable,
    label: str,
    extend: str,
    beside: tuple[float, float] | None = None,
) -> None:
    """Put a colour bar of an inch and a half at the right edge of a figure.

    Args:
        figure: gets it.
        colours: its scale.
        label: what it is of.
        extend: at which of its ends values are cut off.
        beside: upper and lower end of the panels that it is of, as shares of the figure's height;
            None: it is of all.
    """
    width, height = figure.get_size_inches()
    top, bottom = beside or (1 - 0.3 / height, 0.5 / height)
    length = min(1.5 / height, top - bottom)
    place = (1 - 0.85 / width, top - length, 0.12 / width, length)
    box = figure.add_axes(place, label="colour bar")
    figure.colorbar(colours, cax=box, extend=extend)
    box.set_ylabel(label, fontsize=8)
    box.tick_params(labelsize=7)


def polysemanticity_colours() -> ScalarMappable:
    """Return the one scale of polysemanticity: up to 1, of an antipodal pair; beyond, its end."""
    return ScalarMappable(Normalize(0, 1), POLYSEMANTICITY_COLOURS)


def log_ticks(axis: Axis, ticks: Sequence[int | float]) -> None:
    """Label a log axis at the given numbers, and write them plainly."""
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
