"""What was swept, what each of the models comes to, and how to train them again."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from sup.analysis.axes import axes_of
from sup.analysis.intervals import LEAST_SEEDS, interval_of_mean
from sup.article.evidence import Evidence
from sup.config.grid import evenly_spaced
from sup.report.words import measured, plain_name, value_of, values_of
from sup.results.records import HYDRA, RUN, SWEEP, TASK, overrides_in
from sup.results.storage import FILE

MEASURES = {
    "loss": "loss",
    "loss_gap": "loss over the optimum's, less 1",
    "dimensions_per_feature": "dimensions per feature",
    "total_dimensionality": "Σ Dᵢ",
    "features_represented": "features represented",
    "features_explained": "features explained",
    "mean_interference": "mean interference",
}
"""The measures of a report's tables, and what heads their columns."""

MOST_ROWS = 60
"""Rows of a table; of more models, so many are shown."""


ITS_OWN = ("hydra.mode", "hydra.sweep.dir", "hydra.run.dir")
"""Hydra's settings that another command has of its own."""


@dataclass(frozen=True)
class Table:
    """The models of some results, a row for each.

    Args:
        columns: their heads: settings, then measures.
        settings: how many of them are settings.
        rows: what stands in each; a measure with its interval, or "".
        note: which models, and what the numbers are.
    """

    columns: list[str]
    settings: int
    rows: list[list[tuple[str, str]]]
    note: str


def swept(results: xr.Dataset) -> list[tuple[str, str]]:
    """Return the axes of results and their values, in words."""
    return [(plain_name(name), values_of(results[name])) for name in axes_of(results)]


def table(results: xr.Dataset) -> Table:
    """Return the settings and measures of models, of seeds the mean with its 95% interval."""
    over_seeds = "seed" in results.dims
    axes = [name for name in axes_of(results) if name != "seed"]
    present = [name for name in MEASURES if name in results]
    dims = ["seed"] if over_seeds else []
    flat = {
        name: results[name].transpose(*axes, *dims).values.reshape(-1, results.sizes.get("seed", 1))
        for name in present
    }
    there = np.flatnonzero(np.isfinite(np.stack([*flat.values()])).any((0, 2)))
    chosen = there[evenly_spaced(len(there), MOST_ROWS)].tolist()
    rows = [
        [*_settings(results, axes, place), *(_cell(flat[name][place]) for name in present)]
        for place in chosen
    ]
    columns = [*map(plain_name, axes), *(MEASURES[name] for name in present)]
    return Table(columns, len(axes), rows, _note(results, len(there), len(chosen)))


def _settings(results: xr.Dataset, axes: list[str], place: int) -> Iterator[tuple[str, str]]:
    indices = np.unravel_index(place, [results.sizes[axis] for axis in axes]) if axes else ()
    for axis, index in zip(axes, indices, strict=True):
        yield value_of(axis, results[axis].values[index].item()), ""


def _cell(seeds: np.ndarray) -> tuple[str, str]:
    values = seeds[np.isfinite(seeds)].astype(float)
    if not len(values):
        return "", ""
    if len(values) < LEAST_SEEDS:
        return measured(float(values.mean())), ""
    low, high = interval_of_mean(values)
    return measured(float(values.mean())), f"{measured(low)} to {measured(high)}"


def _note(results: xr.Dataset, count: int, shown: int) -> str:
    said = []
    if "seed" in results.dims:
        seeds = results.sizes["seed"]
        said.append(f"Of each model the mean over {seeds} seeds")
        said[-1] += ", with its 95% interval below." if seeds >= LEAST_SEEDS else "."
    if shown < count:
        said.append(f"These are {shown} of {count:,}, evenly spaced.")
    return " ".join(said)


def again(evidence: Evidence) -> list[str]:
    """Return the commands that train these models again, and get at them from Python."""
    path = evidence.path
    command = command_of(path)
    is_run = (path / FILE).exists()
    if command is None and is_run:
        command = f"python train.py {shlex.quote(f'rerun={path}')}"
    load = "load_run" if is_run else "load_sweep"
    return [*([command] if command else []), f"sup.{load}({str(path)!r})  # in Python"]


def command_of(path: Path) -> str | None:
    """Return the command that was given, as it was recorded; None where it was not."""
    for record, flags in ((SWEEP, ["-m"]), (RUN, [])):
        task = overrides_in(path / record, TASK)
        if task is not None:
            own = overrides_in(path / record, HYDRA) or []
            kept = [one for one in own if one.partition("=")[0].lstrip("+") not in ITS_OWN]
            return shlex.join(["python", "train.py", *flags, *kept, *task])
    return None
