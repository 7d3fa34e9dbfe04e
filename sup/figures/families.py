"""Families of activations along their parameters: how much leak destroys superposition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sup.analysis.intervals import LEAST_SEEDS, interval_of_mean
from sup.analysis.phases import Phase, phase_of
from sup.figures.bands import said_of_seeds
from sup.figures.gallery import LINE
from sup.figures.labels import setting_name, sparsity_label
from sup.figures.style import activation_label
from sup.figures.ticks import few_log_ticks

LEAST_GAP = 1e-6
"""Relative excess over the optimum's loss that is drawn at the least, on a log axis."""

REFERENCES = {
    "ReLU": ("leaky_relu", "slope", 0.0, "--"),
    "linear": ("leaky_relu", "slope", 1.0, ":"),
}
"""What a family is compared with, by an end of the leaks, and how that is drawn."""

PAIR = 2
"""Features of the models whose optimum and phase are shown."""

Row = tuple[int, str, str]
"""Features of the models in a row of panels, what is drawn of them, and its label."""


@dataclass(frozen=True)
class Family:
    """The models of one activation.

    Args:
        name: of the activation.
        parameter: its name.
        table: of the models, by `parameter`.
    """

    name: str
    parameter: str
    table: pd.DataFrame

    @property
    def values(self) -> list[float]:
        """The values of the parameter, rising."""
        return sorted(self.table["parameter"].unique())


def families_figure(results: xr.Dataset) -> Figure:
    """Draw families of activations along their parameters: a column each, lines by sparsity.

    Of the largest models D* and the features that are explained; of two features in one dimension
    the loss over that of the optimum, and the share of seeds that hold both, with crosses where the
    optimum does. Bands are 95% intervals of the mean over seeds. The values of a parameter stand
    at even distances. Dashed is ReLU, dotted linear, where leaky ReLU's ends are among the results.

    Args:
        results: along parameters of activations, sparsity and seed, as a grid or as instances.
    """
    table = model_table(results)
    families = list(families_in(table))
    rows = rows_of(table)
    sparsities = sorted(table["sparsity"].unique())
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.88, len(sparsities)))
    colours = {S: to_hex(shade) for S, shade in zip(sparsities, shades, strict=True)}
    figure, axes = _panels(len(rows), len(families))
    references = references_in(families)
    for line, (n, variable, label) in zip(axes, rows, strict=True):
        for axis, family in zip(line, families, strict=True):
            _panel(axis, family, n, variable, colours)
            for held, style in references.values():
                _reference(axis, held, n, variable, colours, style)
        line[0].set_ylabel(label, fontsize=8)
        if variable in ("dimensions_per_feature", "loss_gap"):
            line[0].set_yscale("log")
            few_log_ticks(line[0].yaxis)
        elif variable == "superposed":
            line[0].set_yticks([0, 0.5, 1])
    for column, family in enumerate(families):
        axes[0, column].set_title(activation_label(family.name), fontsize=9)
        _ticks(axes[-1, column], family)
    lines = _lines(colours, {name: style for name, (_, style) in references.items()})
    if any(variable == "superposed" for _, variable, _ in rows):
        cross = {"color": "0.4", "marker": "x", "ms": 4, "lw": 0}
        lines.append(Line2D([], [], label="optimum holds both", **cross))
    seeds = len(set(table["seed"])) if "seed" in table else 1
    _legend(figure, lines, said_of_seeds(seeds))
    return figure


def _panels(rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    """Return a figure and its panels, ``[row, column]``, each row on one scale."""
    size = (2.3 * columns + 0.9, 1.7 * rows + 1.65)
    figure = Figure(figsize=size)
    figure.subplots_adjust(
        left=0.75 / size[0], right=1 - 0.1 / size[0], bottom=1.4 / size[1],
        top=1 - 0.3 / size[1], wspace=0.12, hspace=0.12,
    )  # fmt: skip
    return figure, figure.subplots(rows, columns, squeeze=False, sharey="row", sharex="col")


def _lines(colours: dict[float, str], references: dict[str, str]) -> list[Line2D]:
    """Return what names the line of each sparsity, and of each reference."""
    lines = [Line2D([], [], color=colour, label=sparsity_label(S)) for S, colour in colours.items()]
    return lines + [
        Line2D([], [], color="0.4", ls=ls, label=name) for name, ls in references.items()
    ]


def _legend(figure: Figure, lines: list[Line2D], note: str) -> None:
    """Write below the panels what lines and crosses are, and the note."""
    # As many beside each other as the figure is wide for, an inch and a half each.
    wide = min(8, int(figure.get_figwidth() / 1.4))
    height = figure.get_figheight()
    style: dict = {"ncols": wide, "fontsize": 8, "frameon": False, "borderaxespad": 0}
    at = {"loc": "lower center", "bbox_to_anchor": (0.5, (0.08 + LINE * bool(note)) / height)}
    figure.legend(handles=lines, **style, **at)
    figure.text(0.5, 0.1 / height, note, fontsize=7, ha="center", va="center", color="0.3")


def model_table(results: xr.Dataset) -> pd.DataFrame:
    """Return one row for each finite model: its settings, and what is drawn of it."""
    names = ["loss", "dimensions_per_feature", "features_explained", "loss_gap", "optimum_phase"]
    wanted = results[[name for name in names if name in results]]
    pair = results["W"].isel(hidden=slice(1), feature=slice(2))
    dims = results["loss"].dims
    held = phase_of(pair.transpose(*dims, "hidden", "feature").values) == Phase.SUPERPOSITION
    frame = wanted.assign(superposed=(dims, held)).to_dataframe()
    frame = frame.reset_index(drop=dims == ("instance",) or not dims)
    frame = frame[frame["loss"].notna()]
    if "loss_gap" in frame:
        frame["loss_gap"] = np.maximum(np.asarray(frame["loss_gap"]), LEAST_GAP)
    return frame.assign(pair_optimum=frame.get("optimum_phase", np.nan) == Phase.SUPERPOSITION)


def families_in(table: pd.DataFrame) -> Iterator[Family]:
    """Yield the activations that are there along a parameter, in their order."""
    keys = [name for name in table.columns if name.startswith("activation_")]
    numbers = [name for name in keys if pd.api.types.is_numeric_dtype(table[name])]
    for name in dict.fromkeys(table["activation"]):
        own = table[table["activation"] == name]
        for key in numbers:
            if len(np.unique(np.asarray(own[key], dtype=float))) > 1:
                parameter = key.removeprefix("activation_")
                yield Family(str(name), parameter, own.assign(parameter=own[key]))


def rows_of(table: pd.DataFrame) -> list[Row]:
    """Return the rows of panels: of the largest models, and of two features in one dimension."""
    sizes = sorted(table["n_features"].unique())
    most = int(sizes[-1])
    rows = [
        (most, "dimensions_per_feature", f"$D^*$, n = {most}"),
        (most, "features_explained", f"features explained, n = {most}"),
    ]
    pairs = table[(table["n_features"] == PAIR) & (table["n_hidden"] == 1)]
    if len(pairs) and "loss_gap" in table:
        rows.append((PAIR, "loss_gap", "excess over the\noptimum's loss, n = 2"))
        rows.append((PAIR, "superposed", "share that holds\nboth, n = 2"))
    return rows


def references_in(families: Sequence[Family]) -> dict[str, tuple[pd.DataFrame, str]]:
    """Return the models of each reference that is among some families, and its line's style."""
    found = {}
    for label, (name, parameter, value, style) in REFERENCES.items():
        for family in families:
            if (family.name, family.parameter) == (name, parameter) and value in family.values:
                found[label] = (family.table[family.table["parameter"] == value], style)
    return found


def _panel(axis: Axes, family: Family, n: int, variable: str, colours: dict[float, str]) -> None:
    """Draw one measure of a family's models along its parameter."""
    own = family.table[family.table["n_features"] == n]
    place = {value: at for at, value in enumerate(family.values)}
    for S, held in own.groupby("sparsity"):
        colour, found = colours[float(S)], []  # pyright: ignore[reportArgumentType]
        for value, seeds in held.groupby("parameter"):
            values = np.asarray(seeds[variable])
            low, high = interval_of_mean(values) if len(values) >= LEAST_SEEDS else (np.nan, np.nan)
            found.append((place[value], values.mean(), low, high))  # pyright: ignore[reportArgumentType]
        at, mean, low, high = np.array(found, dtype=float).T
        axis.plot(at, mean, ".-", color=colour, lw=1.2, ms=4)
        axis.fill_between(at, low, high, color=colour, alpha=0.1, lw=0)
        if variable == "superposed":
            best = [place[one] for one in held.loc[held["pair_optimum"], "parameter"].unique()]
            height = 1.08 + 0.06 * list(colours).index(float(S))  # pyright: ignore[reportArgumentType]
            axis.plot(best, np.full(len(best), height), "x", ms=3, color=colour)
    axis.grid(alpha=0.25)
    axis.tick_params(labelsize=7)


def _reference(
    axis: Axes, held: pd.DataFrame, n: int, variable: str, colours: dict[float, str], style: str
) -> None:
    """Draw the mean of a reference at each sparsity, across a panel."""
    for S, seeds in held[held["n_features"] == n].groupby("sparsity"):
        axis.axhline(seeds[variable].mean(), color=colours[float(S)], ls=style, lw=0.7, alpha=0.7)  # pyright: ignore[reportArgumentType]


def _ticks(axis: Axes, family: Family) -> None:
    """Write the values of a family's parameter below its panels."""
    labels = [f"{value:g}" for value in family.values]
    axis.set_xticks(range(len(labels)), labels, fontsize=7, rotation=60)
    axis.set_xlabel(setting_name(family.parameter), fontsize=8)
