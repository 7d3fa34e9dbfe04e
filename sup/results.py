"""Results: what a run leaves behind for figures and scripts, as one netCDF file."""

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from torch import Tensor

from sup import metrics
from sup.grid import PARTS, as_dict, dimension, is_number
from sup.parts import target_name
from sup.run import Run

FILE = "results.nc"


def setting_coordinates(run: Run) -> dict[str, Any]:
    """Return the coordinates of a run's results.

    Each axis is an index, each setting that is a single number a scalar, and so are the names of
    the activation, importance, initialisation, optimizer and scheduler.
    """
    config = run.config
    names = {part: target_name(config[part]) for part in (*PARTS, "optimizer", "scheduler")}
    numbers = {key: config[key] for key in ("n_features", "n_hidden", "steps", "batch_size")}
    optimizer = as_dict(config.optimizer)
    numbers |= {f"optimizer.{name}": value for name, value in optimizer.items() if is_number(value)}
    coordinates: dict[str, Any] = names | {dimension(key): value for key, value in numbers.items()}
    for key, value in run.grid.settings.items():
        coordinates[dimension(key)] = np.asarray(value, dtype=int if key == "seed" else float)
    return coordinates


def make_results(
    run: Run,
    *,
    W: Tensor,
    b: Tensor,
    loss: Tensor,
    training_loss: Tensor,
    steps: Sequence[int],
    attributes: dict[str, Any],
) -> xr.Dataset:
    """Gather a run's results.

    Args:
        run: whose results they are.
        W: its weights ``[instance, hidden, feature]``.
        b: its biases ``[instance, feature]``.
        loss: held-out losses ``[instance]``.
        training_loss: ``[measurement, instance]``, averaged since the measurement before.
        steps: after how many steps each measurement was made.
        attributes: what else is to be known of how they were made.

    Returns:
        A dataset whose dimensions are the run's axes by name, then hidden, feature or step.
    """
    grid = run.grid
    axes = [dimension(key) for key in grid.axes]

    def laid_out(values: Tensor, *dims: str) -> tuple[list[str], np.ndarray]:
        array = values.detach().cpu().numpy()
        return [*axes, *dims], array.reshape((*grid.shape, *array.shape[1:]))

    variables = {
        "W": laid_out(W, "hidden", "feature"),
        "b": laid_out(b, "feature"),
        "loss": laid_out(loss),
        "training_loss": laid_out(training_loss.mT, "step"),
        **{name: laid_out(metric(W)) for name, metric in metrics.PER_INSTANCE.items()},
        **{name: laid_out(metric(W), "feature") for name, metric in metrics.PER_FEATURE.items()},
    }
    lengths = {"hidden": W.shape[-2], "feature": W.shape[-1]}
    coordinates = setting_coordinates(run) | {"step": list(steps)}
    coordinates |= {name: np.arange(length) for name, length in lengths.items()}
    return xr.Dataset(variables, coordinates, run_attributes(run) | attributes)


def run_attributes(run: Run) -> dict[str, Any]:
    """Return the attributes of a run's results that do not depend on the training."""
    packages = ("torch", "lightning", "hydra-core", "numpy", "superposition")
    versions = {name: version(name) for name in packages} | {"python": platform.python_version()}
    return {
        "name": run.name,
        "config": json.dumps(run.settings, indent=1),
        "versions": json.dumps(versions),
    }


def save(results: xr.Dataset, directory: Path) -> Path:
    """Write `results.nc`, at once or not at all, and return its path."""
    path = directory / FILE
    unfinished = directory / f".{FILE}.unfinished"
    results.to_netcdf(unfinished, engine="h5netcdf")
    os.replace(unfinished, path)
    return path


def load_run(path: str | Path) -> xr.Dataset:
    """Load the results of one run.

    Args:
        path: a run's directory, or its `results.nc`.

    Returns:
        The dataset described in `make_results`, in memory.

    Raises:
        FileNotFoundError: where there are no results.
    """
    path = Path(path)
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"{path}: no {FILE} here; a run writes it when it ends")
    return xr.load_dataset(file, engine="h5netcdf")


def load_sweep(path: str | Path) -> xr.Dataset:
    """Load and join the results of all runs of a sweep.

    Settings in which the runs differ become dimensions, each in the order of first appearance.
    A combination that no run has is filled with NaN. Where two runs agree in all their settings,
    the one new dimension is `run`.

    Args:
        path: the sweep's directory; runs may lie at any depth below it.

    Raises:
        FileNotFoundError: where there are no results.
    """
    files = sorted(Path(path).rglob(FILE), key=_natural)
    if not files:
        raise FileNotFoundError(f"{path}: no {FILE} in any directory below")
    return join([load_run(file) for file in files])


def _natural(path: Path) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in path.parts]


def join(runs: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join runs into one dataset; see `load_sweep`."""
    values = [
        {str(name): run[name].item() for name in run.coords if run[name].ndim == 0} for run in runs
    ]
    names = list(dict.fromkeys(name for one in values for name in one))
    varying = [name for name in names if len({one.get(name) for one in values}) > 1]
    distinct = _distinguishing(varying, values)
    if len(runs) == 1:
        return runs[0]
    if len(_keys(distinct, values)) < len(runs):
        distinct = ["run"]
    joined = xr.concat(
        [run.drop_vars(varying, errors="ignore") for run in runs],
        dim="run",
        data_vars="all",
        coords="minimal",
        compat="override",
        join="outer",
        combine_attrs="drop_conflicts",
    ).assign_coords({"run": range(len(runs))} if distinct == ["run"] else {})
    dependent = {name: [one.get(name, np.nan) for one in values] for name in varying}
    joined = joined.assign_coords({name: ("run", column) for name, column in dependent.items()})
    if distinct == ["run"]:
        return joined
    order = {name: list(dict.fromkeys(one[name] for one in values)) for name in distinct}
    unstacked = (
        joined.set_index(run=distinct).unstack("run")
        if len(distinct) > 1
        else (joined.swap_dims(run=distinct[0]))
    )
    return unstacked.reindex(order).transpose(*distinct, ...)


def _keys(names: Sequence[str], values: Sequence[dict[str, Any]]) -> set[tuple]:
    return {tuple(one.get(name) for name in names) for one in values}


def _distinguishing(varying: list[str], values: Sequence[dict[str, Any]]) -> list[str]:
    """Drop the settings that only some runs have, where the others tell the runs apart."""
    names = list(varying)
    for name in reversed(varying):
        others = [other for other in names if other != name]
        partial = any(name not in one for one in values)
        if partial and len(_keys(others, values)) == len(values):
            names = others
    return names
